"""Methods x seeds on one data folder: a pool of single-threaded processes that can be stopped at any time.

A fit without calibration, for AUROC needs no threshold: so the whole budget of time is one fit's. What is finished
is kept, what was stopped continues from its checkpoint, and methods or seeds can be added to a finished comparison.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mim_export.errors import MimError
from mim_export.files import read_json, write_json
from mim_tf import data, method
from mim_tf.run_folder import FORMAT, claim

_POLL = 5.0
#: What each task writes when it is done, and what is reported then.
_RESULTS = {"fit": ("scores.json", "done"), "probe": ("probe.json", "probed")}
_ONE_THREAD = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@dataclass(frozen=True)
class Entry:
    """A row of the comparison.

    Attributes:
        name: of the row and of its folder.
        method: name of the method.
        options: further arguments of its constructor.
    """

    name: str
    method: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What all rows of a comparison share.

    Attributes:
        folder: the data folder.
        size: side S of the images in pixels.
        normal_class: the class that is fitted on.
        seconds: training time of each fit; None = as `steps` say.
        steps: gradient steps of each fit; None = as many as `seconds` allow.
        seeds: one fit of each row for each.
        split: the split that is scored.
        probes: whether the shortcut probes and the latency are taken.
    """

    folder: Path
    size: int = 96
    normal_class: str = "mpox"
    seconds: float | None = 900.0
    steps: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    split: str = "test"
    probes: bool = True


#: Receives row, seed, state ("waiting", "fitting", "done" or "probed") and, of a fit that is under way, its state.json.
Report = Callable[[str, int, str, dict[str, Any]], None]


def job_folder(out: Path, name: str, seed: int) -> Path:
    """Where one fit lives."""
    return out / name / f"seed{seed}"


def run(entries: Sequence[Entry], plan: Plan, out: Path, *, jobs: int, report: Report) -> float:
    """Fits, scores and probes whatever is not done yet.

    Args:
        entries: the rows.
        plan: what they share.
        out: receives a folder for each row and seed, with checkpoints, the fitted method and `scores.json`.
        jobs: processes at a time, each of one thread.
        report: told what happens.

    Returns:
        Seconds of run time, those of earlier, stopped runs included.

    Raises:
        MimError: a wrong name, another comparison in `out`, or a fit that failed; the line names its log.
    """
    for entry in entries:
        method.make(entry.method, plan.size, **entry.options)
    settings = {"format": FORMAT, "comparison": True, **asdict(plan), "folder": str(plan.folder.resolve())}
    del settings["seeds"], settings["probes"]
    photos = data.scan(plan.folder)
    settings["data"] = data.fingerprint(photos)
    claim(out, settings)
    with _alone(out) as lock:
        began, clock = time.monotonic(), out / "run_time.json"
        before = read_json(clock, "remove it")["seconds"] if clock.exists() else 0.0
        for entry in entries:
            for seed in plan.seeds:
                write_json(
                    job_folder(out, entry.name, seed) / "job.json",
                    {**asdict(plan), "folder": str(plan.folder.resolve()), "entry": asdict(entry), "seed": seed},
                )

        def elapsed() -> float:
            seconds = before + time.monotonic() - began
            write_json(clock, {"seconds": round(seconds, 1)})
            return seconds

        pool = _Pool(out, lock, report, elapsed)
        # Seed by seed, so that a comparison that is stopped early has every row.
        pool.run("fit", [(entry.name, seed) for seed in plan.seeds for entry in entries], jobs)
        if plan.probes:
            # One at a time: a neighbour would spoil the latency.
            pool.run("probe", [(entry.name, plan.seeds[0]) for entry in entries], 1)
        return elapsed()


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    """Two runs in one folder would overwrite each other; the lock outlives a killed parent in its children."""
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MimError("another comparison works in it", "wait for its end or stop it", out) from None
        yield lock.fileno()


class _Pool:
    """Processes that each do one task for one fit; whatever stops the pool stops them."""

    def __init__(self, out: Path, lock: int, report: Report, elapsed: Callable[[], float]) -> None:
        self.out = out
        self.lock = lock
        self.report = report
        self.elapsed = elapsed
        self.children: set[subprocess.Popen[bytes]] = set()

    def run(self, task: str, fits: Sequence[tuple[str, int]], jobs: int) -> None:
        """Does a task for those fits that lack its result, `jobs` at a time."""
        running: dict[Future[int], tuple[str, int]] = {}
        result, done = _RESULTS[task]
        with ThreadPoolExecutor(jobs) as threads:
            for name, seed in fits:
                folder = job_folder(self.out, name, seed)
                if (folder / result).exists():
                    self.report(name, seed, done, {})
                else:
                    self.report(name, seed, "waiting", {})
                    running[threads.submit(self._process, task, folder)] = (name, seed)
            try:
                while running:
                    ended, _ = wait(running, timeout=_POLL, return_when="FIRST_COMPLETED")
                    self.elapsed()
                    for future in ended:
                        name, seed = running.pop(future)
                        self._check(task, job_folder(self.out, name, seed), future.result())
                        self.report(name, seed, done, {})
                    for name, seed in running.values():
                        state = job_folder(self.out, name, seed) / "final" / "state.json"
                        if task == "fit" and state.exists():
                            self.report(name, seed, "fitting", read_json(state, "remove it"))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                for child in list(self.children):
                    child.terminate()
                raise

    def _process(self, task: str, folder: Path) -> int:
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-m", "mim_tf.compare_job", task, str(folder)]
        with (folder / f"{task}.log").open("wb") as log:
            # The pipe is never written to: it closes when this process dies, whatever of, and then the child ends.
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, pass_fds=(self.lock,)
            )
        self.children.add(child)
        try:
            return child.wait()
        finally:
            self.children.discard(child)

    @staticmethod
    def _check(task: str, folder: Path, status: int) -> None:
        if status < 0:
            remedy = "give it more memory or run fewer jobs, and run the same again to continue"
            raise MimError(f"{task} was killed by signal {-status}", remedy, folder)
        if status > 0:
            lines = (folder / f"{task}.log").read_text(errors="replace").strip().splitlines() or ["no message"]
            raise MimError(f"{task} failed ({lines[-1]})", "mend that and run the same again to continue", folder)
