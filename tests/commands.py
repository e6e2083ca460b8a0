"""Runs a command of `mim-tf` in this process, and checks its errors; `tests/cli/conftest.py` has the fixture `run`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


#: Runs `mim-tf` with these words.
Run = Callable[..., Result]


def assert_one_line(result: Result, *words: str) -> None:
    """Asserts that a command ended with one line on stderr that has these words."""
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert result.status == 2, result.err
    assert len(lines) == 1, result.err
    assert "Traceback" not in result.err
    assert all(word in lines[0] for word in words), lines[0]
