"""`mim_export.score.output`: standard streams that are closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mim_export.score import output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Enough images for two processes."""
    for number in range(16):
        Image.new("RGB", (200, 200), (number, 90, 80)).save(tmp_path / f"{number:02d}.png")
    return tmp_path


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_neither_the_run_nor_other_rows(folder: Path, closed: str) -> None:
    words = [sys.executable, "-m", "mim_export.score", str(folder), "--jsonl", "--jobs", "2"]
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr
    assert len(done.stdout.splitlines()) == (0 if ">&- " in f" {closed} ".replace("2>&-", "") else 16)


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_program_without_a_console_prints_nothing(form: output.Form, monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeScorer:
        normal_class = "mpox"

        def score_photograph(self, photo: object) -> dict[str, object]:
            numbers = dict.fromkeys(("similarity", "p_class", "p_other"))
            return {"image": "a", **numbers, "verdict": "cannot-judge", "reason": "blank"}

    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert output.print_scores(FakeScorer(), ["missing.jpg"], form, 1) == 2  # type: ignore[arg-type]


def test_open_streams_stay_as_they_are() -> None:
    before = sys.stdin, sys.stdout, sys.stderr
    output.open_standard_streams()
    assert (sys.stdin, sys.stdout, sys.stderr) == before
