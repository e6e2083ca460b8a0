"""`mim-tf score --out`: options, output and exit status; without it, nothing of it is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import Run, assert_one_line
from PIL import Image

from mim_tf.synthetic import dataset

pytest.importorskip("pyarrow")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, pixels in enumerate(dataset.render("mpox", range(3))):
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return folder


def test_a_summary_is_printed_and_the_rows_are_those_of_score(run: Run, photos: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    result = run("score", photos, "--out", tmp_path / "rows", "--jobs", 1)
    assert result.status == 0 and result.err == ""
    assert result.out.startswith("3 photographs: ") and len(result.out.splitlines()) == 1
    expected = json.loads(run("score", photos, "--json").out)
    rows = pq.read_table(tmp_path / "rows" / "rows").to_pylist()
    assert [{key: row[key] for key in expected[0]} for row in rows] == expected
    (photos / "broken.jpg").write_text("no image")
    assert run("score", photos, "--out", tmp_path / "rows").status == 0  # complete before
    result = run("score", photos, "--out", tmp_path / "more", "--jobs", 1, "--json")
    summary = json.loads(result.out)
    assert result.status == 2 and (summary["photographs"], summary["unread"], summary["scored"]) == (4, 1, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--engine", "ray"], "--engine has no effect without --out"),
        (["--address", "auto"], "--address has no effect without --out"),
        (["--out", "rows", "--jsonl"], "--jsonl has no effect with --out"),
        (["--out", "rows", "--engine", "spark"], "unknown engine 'spark'; choose local or ray"),
        (["--out", "rows", "--address", "auto"], "--address has no effect with the engine local"),
        (["--out", "rows", "--bundle", "absent"], "absent"),
        (["--out", "nope://rows"], "nope://rows: "),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_line(run("score", photos, *options), words)
    assert not (tmp_path / "rows").exists()


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("pyarrow", [], "scoring into a folder needs pyarrow: pip install 'mim-tf[bulk]'"),
        ("ray", ["--engine", "ray"], "the engine ray needs Ray: pip install 'mim-tf[ray]'"),
    ],
)
def test_without_the_packages_the_extra_is_named(
    photos: Path, tmp_path: Path, module: str, options: list[str], words: str
) -> None:
    blocked = f"import sys; sys.modules['{module}'] = None; from mim_tf.cli.app import main; main()"
    command = [sys.executable, "-c", blocked, "score", str(photos), "--out", str(tmp_path / "rows"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.strip() == words
    done = subprocess.run([*command[:5], "--jobs", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3


def test_an_interruption_says_how_to_continue(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mim_export.bulk.local.score_block", interrupted)
    result = run("score", photos, "--out", tmp_path / "rows", "--jobs", 1)
    assert result.status == 130 and result.err == "the same command continues\n"
