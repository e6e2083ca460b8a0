"""The fixture `run` of the tests of commands."""

from __future__ import annotations

import sys

import pytest
from commands import Result, Run

from mim_tf.cli import app as cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, and returns its exit status and output."""

    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["mim-tf", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capfd.readouterr()
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return call
