"""A pool of single-threaded worker processes; the workers end when the parent process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError
from mim_tf.training.checkpoint import read_state

#: Seconds between two progress reports.
_POLL = 5.0
#: Result file and final state of each task.
_RESULTS = {"fit": ("scores.json", "done"), "probe": ("probe.json", "probed")}
_ONE_THREAD = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)

#: Progress callback: (row, seed, state, content of state.json). The state is "waiting", "fitting", "done" or "probed";
#: the content is empty unless the state is "fitting".
Report = Callable[[str, int, str, dict[str, Any]], None]


class Pool:
    """Runs worker processes; each does one task for one row and seed.

    Args:
        out: the folder of the comparison.
        lock: file descriptor from `mim_export.score.locks.exclusive_lock`.
        report: progress callback.
        tick: called at least every 5 seconds while processes run.
    """

    def __init__(self, out: Path, lock: int, report: Report, tick: Callable[[], object]) -> None:
        self.out = out
        self.lock = lock
        self.report = report
        self.tick = tick
        self.children: set[subprocess.Popen[bytes]] = set()

    def run(self, task: str, fits: Sequence[tuple[str, int]], jobs: int) -> None:
        """Runs a task for each fit that does not have its result yet.

        Args:
            task: "fit" or "probe".
            fits: (row, seed) of each fit.
            jobs: number of parallel processes.

        Raises:
            MimError: a process failed; the other processes have been completed.
        """
        running: dict[Future[int], tuple[str, int]] = {}
        failed: list[MimError] = []
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
                    self.tick()
                    for future in ended:
                        name, seed = running.pop(future)
                        error = _error(task, job_folder(self.out, name, seed), future.result())
                        if error is None:
                            self.report(name, seed, done, {})
                        else:
                            failed.append(error)
                    for name, seed in running.values():
                        # The file does not exist yet, or is damaged, which the process itself reports.
                        with suppress(MimError):
                            state = read_state(job_folder(self.out, name, seed) / "final" / "state.json")
                            self.report(name, seed, "fitting", asdict(state))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                for child in list(self.children):
                    child.terminate()
                raise
        if failed:
            raise failed[0]

    def _process(self, task: str, folder: Path) -> int:
        # The search path of this process: otherwise a folder mim_tf in the working directory would be imported.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", "mim_tf.comparison.start", task, str(folder)]
        with (folder / f"{task}.log").open("wb") as log:
            # The child exits when its standard input is closed: also when this process is killed by SIGKILL.
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
                pass_fds=(self.lock,),
            )
        self.children.add(child)
        try:
            return child.wait()
        finally:
            self.children.discard(child)


def job_folder(out: Path, name: str, seed: int) -> Path:
    """The folder of one fit.

    Example:
        >>> job_folder(Path("out"), "mim", 0)
        PosixPath('out/mim/seed0')
    """
    return out / name / f"seed{seed}"


def _error(task: str, folder: Path, status: int) -> MimError | None:
    """The error of a process by its exit status; None for success."""
    if status == 0:
        return None
    if status < 0:
        remedy = "use fewer processes or more memory, then run the same comparison to resume"
        return MimError(f"{task} was killed by signal {-status}", remedy, folder)
    lines = (folder / f"{task}.log").read_text(errors="replace").strip().splitlines() or ["no message"]
    return MimError(f"{task} failed ({lines[-1]})", "fix the error, then run the same comparison to resume", folder)
