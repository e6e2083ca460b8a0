"""`mim_export.bulk.run`: each photograph exactly once, however often a command is stopped; what is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from small_bundle import write_small_bundle

from mim_export.bulk import plan as plans
from mim_export.bulk.block import Job, ScoreBlocks
from mim_export.bulk.local import LocalEngine
from mim_export.bulk.rows import Counts
from mim_export.bulk.run import Summary, score_in_bulk
from mim_export.score.errors import MimError
from mim_export.score.locks import exclusive_lock
from mim_export.score.manifest import RELEASED
from mim_export.score.scorer import Scorer


def run(out: object, *sources: object, bundle: Path = RELEASED, engine: Any = None) -> Summary:
    return score_in_bulk(
        list(map(str, sources)), str(out), bundle, engine or LocalEngine(1), print, lambda state, done, total: None
    )


def rows(out: Path) -> list[dict[str, Any]]:
    """The rows without their times, sorted."""
    found = pq.read_table(out / "rows").drop_columns(["seconds"]).to_pylist()
    return sorted(found, key=lambda row: str(row["image"]))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BLOCK", 4)


@dataclass
class Stopping:
    """An engine that is stopped after some blocks; counts those that it gets."""

    after: int
    asked: list[list[int]] = field(default_factory=list)

    def connected(self) -> AbstractContextManager[ScoreBlocks]:
        return nullcontext(self._score)

    def _score(self, job: Job, scorer: Scorer, blocks: Sequence[int]) -> Iterator[tuple[int, Counts]]:
        self.asked.append(list(blocks))
        with LocalEngine(1).connected() as score:
            for number, result in enumerate(score(job, scorer, blocks)):
                if number == self.after:
                    raise KeyboardInterrupt
                yield result


def test_a_stopped_command_is_continued(pictures: Path, tmp_path: Path) -> None:
    out, engine = tmp_path / "rows", Stopping(1)
    for _ in range(2):  # two blocks are written, of which the second is not reported
        with pytest.raises(KeyboardInterrupt):
            run(out, pictures, engine=engine)
        if len(engine.asked) == 1:
            assert json.loads((out / "rows.json").read_text())["status"] == "scoring"
            (out / "rows" / "part-000001.parquet").unlink()
            engine.after = 0
    summary = run(out, pictures)
    assert engine.asked == [[0, 1, 2], [1, 2]]
    assert (summary.photographs, summary.unread) == (10, 1)
    assert sum(summary.verdicts.values()) == 10
    again = run(out, pictures)
    assert again.scored == 0 and again.verdicts == summary.verdicts and "(complete before)" in again.line
    whole = run(tmp_path / "whole", pictures)
    assert whole.scored == 10 and rows(out) == rows(tmp_path / "whole")
    assert json.loads((out / "rows.json").read_text())["status"] == "complete"


def test_the_plan_is_taken_as_it_is(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(pictures, folder)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "rows", folder, engine=Stopping(1))
    shutil.copyfile(folder / "0.jpg", folder / "new.jpg")
    (folder / "sub" / "7.jpg").unlink()
    assert run(tmp_path / "rows", folder).photographs == 10
    found = {Path(row["image"]).name: row for row in rows(tmp_path / "rows")}
    assert "new.jpg" not in found and found["7.jpg"]["error"] == "no such file; check the spelling of the path"


def test_a_photograph_that_is_named_twice_counts_once(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"image\n{pictures}/0.jpg\n{pictures}/sub/../0.jpg\n")
    sources = (pictures, f"{pictures}/**/*.jpg", pictures / "0.jpg", f"file://{pictures}", tmp_path / "list.csv")
    assert run(tmp_path / "rows", *sources).photographs == 10


def test_a_uri_is_a_folder_of_rows(pictures: Path, tmp_path: Path) -> None:
    for number, out in enumerate((f"file://{tmp_path}/0", f"fsspec+file://{tmp_path}/1")):
        with pytest.raises(KeyboardInterrupt):
            run(out, pictures, engine=Stopping(2))
        assert run(out, pictures).photographs == 10
        assert run(out, pictures).scored == 0
        with pytest.raises(MimError, match="is of other sources"):
            run(out, pictures / "sub")
        assert len(rows(tmp_path / str(number))) == 10
    assert rows(tmp_path / "0") == rows(tmp_path / "1")


def test_a_killed_listing_starts_again(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "rows"
    with pytest.raises(MimError, match="absent: no such file or folder"):
        run(out, pictures, "absent")
    assert not out.exists()
    (tmp_path / "list.csv").write_text("image\n")
    with pytest.raises(MimError, match="lists no photographs"):
        run(out, pictures, tmp_path / "list.csv")
    assert json.loads((out / "rows.json").read_text())["status"] == "planning"
    (out / "plan").mkdir()
    (out / "plan" / "plan-000000.parquet").write_text("half")
    assert run(out, pictures).photographs == 10


def test_a_summary_is_a_line_and_json() -> None:
    names = ("measles-like", "not-measles-like", "undecided", "cannot-judge")
    verdicts = {"mpox-like": 812, "not-mpox-like": 4000, "undecided": 0, "cannot-judge": 188}
    summary = Summary("rows", 5000, verdicts, 3, 5000, 41.0, names)
    assert summary.line == (
        "5,000 photographs: 812 measles-like, 4,000 not-measles-like, 188 cannot-judge; 3 could not be read; rows "
        "(41 s, 122 photographs a second)"
    )
    assert json.loads(json.dumps(summary.to_dict()))["photographs_per_second"] == pytest.approx(5000 / 41)


@pytest.fixture(scope="module")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "rows"
    run(out, pictures / "0.jpg")
    return out


def _change(**entries: Any) -> Callable[[Path], object]:
    def change(out: Path) -> None:
        entry = json.loads((out / "rows.json").read_text()) | entries
        (out / "rows.json").write_text(json.dumps({key: value for key, value in entry.items() if value != "none"}))

    return change


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_change(mim_tf="0.1.0"), "rows.json: is of mim_tf 0.1.0, this is mim_tf 0.2"),
        (_change(schema=0), "rows.json: is of schema 0, this is schema 1; name another folder"),
        (_change(model_id="abc"), "rows.json: is of model_id abc, this is model_id "),
        (_change(manifest_sha256="0"), "rows.json: is of manifest_sha256 0, this is manifest_sha256 "),
        (_change(what="other"), "rows.json: does not describe scores"),
        (_change(photographs=1.5), "rows.json: does not describe scores"),
        (_change(block=0), "rows.json: does not describe scores"),
        (_change(status="none"), "rows.json: does not describe scores"),
        (_change(photographs=2), "part-000000.parquet: has 1 rows, expected 2"),
        (lambda out: (out / "rows.json").write_text("[1"), "rows.json: does not describe scores"),
        (lambda out: (out / "rows.json").write_text("[1]"), "rows.json: does not describe scores"),
        (lambda out: (out / "rows.json").unlink(), "rows: exists and is not a folder of scores"),
        (lambda out: (out / "rows" / "part-000000.parquet").write_text("half"), "part-000000.parquet: is damaged"),
        (lambda out: [shutil.rmtree(out), out.write_text("")], "rows: is not a folder"),
    ],
)
def test_other_folders_are_refused(
    pictures: Path, finished: Path, tmp_path: Path, harm: Callable[[Path], object], words: str
) -> None:
    out = tmp_path / "rows"
    shutil.copytree(finished, out)
    harm(out)
    before = sorted(out.rglob("*"))
    with pytest.raises(MimError, match=words) as caught:
        run(out, pictures / "0.jpg")
    assert "\n" not in str(caught.value) and sorted(out.rglob("*")) == before


def test_another_bundle_and_other_sources_are_refused(pictures: Path, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(MimError, match=r"rows.json: is of model_id .*, this is model_id .*; name another folder"):
        run(finished, pictures / "0.jpg", bundle=write_small_bundle(tmp_path / "bundle"))
    with pytest.raises(MimError, match=r"is of other sources \(.*0.jpg\); repeat them, or name another folder"):
        run(finished, pictures)


def test_a_damaged_plan_is_one_line(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows"
    with pytest.raises(KeyboardInterrupt):
        run(out, pictures, engine=Stopping(0))
    (out / "plan" / "plan-000000.parquet").write_text("half")
    (out / "rows" / "part-000000.parquet").unlink()
    with pytest.raises(MimError, match=r"plan-000000.parquet: is damaged"):
        run(out, pictures)


def test_an_output_inside_a_folder_and_a_locked_one_are_refused(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(pictures, folder)
    with pytest.raises(MimError, match="is inside the data folder"):
        run(folder / "rows", folder)
    assert not (folder / "rows").exists()
    with exclusive_lock(tmp_path / "rows", "scoring"), pytest.raises(MimError, match="in use by another scoring"):
        run(tmp_path / "rows", folder)


def test_a_full_disk_is_one_line(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "rows", pictures, engine=Stopping(0))
    (tmp_path / "rows" / "rows" / "part-000000.parquet").unlink()
    monkeypatch.setattr("mim_export.score.atomic_files.os.replace", full)
    with pytest.raises(MimError, match=r"part-000000.parquet: no space left on device"):
        run(tmp_path / "rows", pictures)


_COMMAND = """
import sys
from mim_export.bulk import plan
plan.BLOCK = 2
from mim_tf.cli.app import main
if __name__ == "__main__":
    sys.argv[0] = "mim-tf"
    main()
"""


@pytest.mark.slow
def test_a_command_that_is_killed_again_and_again_gives_each_row_once(pictures: Path, tmp_path: Path) -> None:
    """The whole process group, as when a machine is switched off, at random moments."""
    folder, out = tmp_path / "photos", tmp_path / "rows"
    folder.mkdir()
    for number in range(60):
        source = pictures / ("0.jpg" if number % 9 else "broken.jpg")
        os.link(source, folder / f"{number:02}.jpg")
    (tmp_path / "command.py").write_text(_COMMAND)
    words = [sys.executable, str(tmp_path / "command.py"), "score", str(folder), "--out", str(out), "--jobs", "2"]
    draw, killed = random.Random(0), 0
    for _ in range(4):
        with subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as one:
            parts = out / "rows"
            start = len(os.listdir(parts)) if parts.is_dir() else 0
            target, end = start + draw.randint(0, 4), time.monotonic() + 60
            while one.poll() is None and time.monotonic() < end:  # some parts later
                if parts.is_dir() and len(os.listdir(parts)) >= target:
                    time.sleep(draw.uniform(0, 0.2))
                    break
                time.sleep(0.01)
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
                killed += 1
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and killed >= 2, done.stderr
    assert json.loads(done.stdout)["photographs"] == 60 and json.loads(done.stdout)["unread"] == 7
    images = [row["image"] for row in rows(out)]
    assert sorted(images) == sorted(os.fspath(path) for path in folder.iterdir())
    assert run(tmp_path / "whole", folder).photographs == 60
    assert rows(out) == rows(tmp_path / "whole")
    left = [path.name for path in (out / "rows").iterdir() if not path.name.startswith("part-")]
    assert all(name.startswith(".mim-tf-") for name in left)
