"""`mim_tf.comparison.ray_tasks`: the numbers of the local engine to the bit, also after a worker was killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mim_export.score.errors import MimError
from mim_export.score.locks import exclusive_lock
from mim_tf.comparison import ray_tasks
from mim_tf.comparison.plan import Entry, Plan, run_plan
from mim_tf.comparison.pool import job_folder
from mim_tf.comparison.ray_tasks import RayTasks
from mim_tf.synthetic import dataset

COUNTS = {"train": {"mpox": 12}, "val": {"mpox": 4, "plain": 4}, "test": {"mpox": 8, "plain": 6}}
ENTRIES = [Entry("narrow", "classifier", {"width": 4})]


def quiet(*_: Any) -> None: ...


def test_a_node_says_why_it_cannot_run_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "this machine has 0.1', 'install the same version" in str(
        ray_tasks._run_on_node("fit", str(tmp_path), "0.1")
    )
    assert "does not see the folder" in str(ray_tasks._run_on_node("fit", str(tmp_path), ray_tasks.signature()))
    # A process that the worker of an earlier try has left behind.
    (tmp_path / "job.json").touch()
    monkeypatch.setattr(ray_tasks, "_PATIENCE", 1)
    with exclusive_lock(tmp_path, "fit"):
        assert "still writes to the folder" in str(ray_tasks._run_on_node("fit", str(tmp_path), ray_tasks.signature()))


def kill_a_worker(state: Path) -> None:
    """Kills the worker of Ray that waits for a fit, once the fit has a checkpoint."""
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and b"ray::_run_on_node" in (process / "cmdline").read_bytes():
            os.kill(int(process.name), signal.SIGKILL)


@pytest.mark.slow
def test_a_fit_on_ray_equals_that_of_this_machine(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from mim_export.bulk.cluster import cluster

    folder = dataset.write_sample(tmp_path / "data", counts=COUNTS)
    plan = Plan(folder, size=32, seconds=None, steps=200, seeds=(0,), probes=False)
    here, there = tmp_path / "here", tmp_path / "there"
    run_plan(ENTRIES, plan, here, jobs=1, report=quiet)
    state = job_folder(there, "narrow", 0) / "final" / "state.json"
    with cluster(cpus=2) as ray:
        killer = threading.Thread(target=kill_a_worker, args=(state,))
        killer.start()
        run_plan(ENTRIES, plan, there, jobs=None, report=quiet, engine=RayTasks(ray))
        killer.join()
        expected, found = (
            json.loads((job_folder(out, "narrow", 0) / "scores.json").read_text()) for out in (here, there)
        )
        assert found["images"] == expected["images"]
        # A fit that fails is named, in one line.
        (job_folder(there, "narrow", 0) / "scores.json").unlink()
        state.write_text("damaged")
        with pytest.raises(MimError, match=r"narrow/seed0: fit failed \(.*state.json") as failed:
            run_plan(ENTRIES, plan, there, jobs=None, report=quiet, engine=RayTasks(ray))
        assert "\n" not in str(failed.value)
