"""`mim_export.bulk.on_ray` and `mim_export.bulk.cluster`: actors, what they refuse, and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray")

import ray

from mim_export.bulk import cluster as clusters
from mim_export.bulk import on_ray
from mim_export.bulk.block import BUNDLE_FILES, Job, bundle_file
from mim_export.bulk.on_ray import BlockActor, RayEngine, _result
from mim_export.bulk.places import Place
from mim_export.bulk.plan import write_plan
from mim_export.bulk.sources import photographs
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED
from mim_export.score.scorer import Scorer


@pytest.fixture
def job(pictures: Path, tmp_path: Path) -> Job:
    out = Place.of(tmp_path)
    for name in BUNDLE_FILES:
        bundle_file(out, name).write((RELEASED / name).read_bytes())
    return Job("m", write_plan(out, photographs([str(pictures / "0.jpg")], out, print), lambda count: None))


def call(actor: BlockActor, block: int = 0) -> Any:
    found = actor({"block": np.array([block])})
    return _result({name: values[0] for name, values in found.items()})


def test_an_actor_scores_with_the_copy_of_the_bundle(job: Job, tmp_path: Path) -> None:
    block, counts = call(BlockActor(replace(job, seen=job.plan.read(0)[0].place), clusters.signature()))
    assert block == 0 and sum(counts.values()) == 1
    assert len(pq.read_table(tmp_path / "rows")) == 1


def test_an_actor_of_another_version_says_so(job: Job) -> None:
    with pytest.raises(MimError, match=r"node .* has mim-tf .*, this machine has 0.0.1 \(abc\); install the same"):
        call(BlockActor(job, "0.0.1 (abc)"))


def test_an_actor_that_does_not_see_the_photographs_says_so(job: Job, tmp_path: Path) -> None:
    with pytest.raises(MimError, match=r"node .* cannot open /nowhere/a.jpg; put photographs and --out where"):
        call(BlockActor(replace(job, seen=Place("", "/nowhere/a.jpg")), clusters.signature()))
    (tmp_path / "bundle" / "mim.tflite").unlink()
    with pytest.raises(MimError, match=r"bundle/mim.tflite: no such file"):
        call(BlockActor(job, clusters.signature()))


def test_an_actor_that_cannot_write_says_so(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    actor = BlockActor(job, clusters.signature())
    monkeypatch.setattr(on_ray, "score_block", full)
    with pytest.raises(MimError, match="no space left on device; free some space"):
        call(actor)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Traceback\n  ...\nModuleNotFoundError: No module named 'mim_export'", "a node has no mim-tf"),
        ("ray.exceptions.OutOfDiskError: Local disk is full", "the object store of Ray is full"),
        ("Traceback\n  ...\nActorDiedError: it died\n\n", r"Ray gave up \(ActorDiedError: it died\)"),
    ],
)
def test_errors_of_ray_are_one_line(text: str, words: str) -> None:
    with pytest.raises(MimError, match=words) as caught:
        raise clusters.in_words(RuntimeError(text))
    assert "\n" not in str(caught.value)


class _Results:
    """The results of blocks, the first ones until an error."""

    def __init__(self, blocks: list[int], error: Exception | None) -> None:
        self._blocks, self._error = blocks, error

    def iter_rows(self) -> Iterator[dict[str, object]]:
        for block in self._blocks:
            yield {"block": block, "result": json.dumps({"counts": {"mpox": 1}})}
        if self._error is not None:
            raise self._error


def _unreachable() -> Exception:
    return ray.exceptions.ActorUnavailableError("RpcError: failed to connect to all addresses", None)


@contextmanager
def _stand_in(*_: object) -> Iterator[object]:
    yield SimpleNamespace(exceptions=ray.exceptions, cluster_resources=lambda: {"CPU": 3.0})


def test_blocks_of_an_actor_that_is_unreachable_are_begun_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, also if the error is the cause of another; as long as blocks are finished in between."""
    asked: list[list[int]] = []

    def results(_: object, __: Job, blocks: list[int], actors: int) -> _Results:
        asked.append(blocks)
        assert actors == min(3, len(blocks))
        error = ray.exceptions.RayError("a stage failed")
        error.__cause__ = _unreachable()
        return _Results(blocks[:1], (error if len(asked) % 2 else _unreachable()) if blocks[1:] else None)

    monkeypatch.setattr(on_ray, "cluster", _stand_in)
    monkeypatch.setattr(on_ray, "_dataset", results)
    monkeypatch.setattr(on_ray.time, "sleep", lambda seconds: None)
    with RayEngine().connected() as score:
        found = [block for block, _ in score(job, Scorer(RELEASED), range(10))]
    assert found == list(range(10))
    assert asked == [list(range(first, 10)) for first in range(10)]


@pytest.mark.parametrize(("error", "times"), [(_unreachable(), 6), (ray.exceptions.RayError("actor died"), 1)])
def test_a_cluster_that_stays_unreachable_is_one_line(
    error: Exception, times: int, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    waits: list[float] = []
    monkeypatch.setattr(on_ray, "cluster", _stand_in)
    monkeypatch.setattr(on_ray, "_dataset", lambda *_: asked.append(1) or _Results([], error))
    monkeypatch.setattr(on_ray.time, "sleep", waits.append)
    with RayEngine().connected() as score, pytest.raises(MimError, match=r"^Ray gave up \(.*; run the same command"):
        list(score(job, Scorer(RELEASED), range(2)))
    assert len(asked) == times and sum(waits) == (60 if times > 1 else 0)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "auto", "no address"])
def test_an_address_without_a_cluster_is_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "ANSWER_SECONDS", 5.0)
    start = time.monotonic()
    with pytest.raises(MimError, match=f"^{address}: no Ray cluster answers") as caught, clusters.cluster(address):
        pass
    assert "\n" not in str(caught.value) and time.monotonic() - start < 15


@pytest.mark.slow
def test_rows_are_those_of_processes_although_an_actor_is_killed(pictures: Path, tmp_path: Path) -> None:
    """Two processors, 200 photographs, and a worker that is killed in the middle. No process is left."""
    folder = tmp_path / "photos"
    folder.mkdir()
    names = sorted(path for path in pictures.rglob("*.jpg"))
    for number in range(200):
        os.link(names[number % len(names)], folder / f"{number:03}.jpg")
    (tmp_path / "command.py").write_text(
        "import sys\nfrom mim_export.bulk import plan\nplan.BLOCK = 5\nfrom mim_tf.cli.app import main\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    words = [sys.executable, str(tmp_path / "command.py"), "score", str(folder), "--jobs", "2", "--json"]
    environment = {**os.environ, "MIM_TEST": str(tmp_path)}  # marks the processes of this test
    ray = [*words, "--out", str(tmp_path / "ray"), "--engine", "ray"]
    with subprocess.Popen(ray, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        parts, killed = tmp_path / "ray" / "rows", []
        while process.poll() is None and not killed:
            if parts.is_dir() and len(list(parts.glob("part-*"))) >= 4:
                killed = [pid for pid in _marked(tmp_path) if "ray::MapWorker" in _command(pid)][:1]
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        output, errors = process.communicate(timeout=300)
    assert killed and process.returncode == 2 and errors == b"", errors
    local = subprocess.run([*words, "--out", str(tmp_path / "local")], capture_output=True, check=False)
    found, expected = json.loads(output), json.loads(local.stdout)
    assert found["verdicts"] == expected["verdicts"] and found["scored"] == expected["scored"] == 200
    tables = [pq.read_table(tmp_path / name / "rows").drop_columns(["seconds"]) for name in ("ray", "local")]
    assert tables[0].sort_by("image").equals(tables[1].sort_by("image"))
    assert len(set(tables[0]["image"].to_pylist())) == 200
    end = time.monotonic() + 20
    while (left := _marked(tmp_path)) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left, [_command(pid) for pid in left]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _marked(folder: Path) -> list[int]:
    """The processes that inherited the mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MIM_TEST={folder}".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it ended
            continue
    return found
