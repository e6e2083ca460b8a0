"""A pool of single-threaded processes for a comparison, which ends with whatever stops it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError
from mim_export.score.files import read_json

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

#: Receives row, seed, state ("waiting", "fitting", "done" or "probed") and, of a fit that is under way, its state.json.
Report = Callable[[str, int, str, dict[str, Any]], None]


@contextmanager
def exclusive_lock(out: Path) -> Iterator[int]:
    """Locks a folder, for two runs in it would overwrite each other.

    Yields:
        The lock's file descriptor; a process that inherits it keeps the lock.

    Raises:
        MimError: another process has it.
    """
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MimError("another comparison works in it", "wait for its end or stop it", out) from None
        yield lock.fileno()


class Pool:
    """Processes that each do one task for one fit.

    Args:
        out: the comparison's folder.
        lock: what `alone` gave.
        report: told what happens.
        tick: called every few seconds.
    """

    def __init__(self, out: Path, lock: int, report: Report, tick: Callable[[], object]) -> None:
        self.out = out
        self.lock = lock
        self.report = report
        self.tick = tick
        self.children: set[subprocess.Popen[bytes]] = set()

    def run(self, task: str, fits: Sequence[tuple[str, int]], jobs: int) -> None:
        """Does a task for those fits that lack its result.

        Args:
            task: "fit" or "probe".
            fits: row and seed of each.
            jobs: processes at a time.

        Raises:
            MimError: some failed; the others were brought to their end.
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
                        # Not there yet, or damaged: then the process says so itself.
                        with suppress(MimError):
                            state = read_json(job_folder(self.out, name, seed) / "final" / "state.json", "")
                            self.report(name, seed, "fitting", state)
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                for child in list(self.children):
                    child.terminate()
                raise
        if failed:
            raise failed[0]

    def _process(self, task: str, folder: Path) -> int:
        # The search path of this process, or a folder called mim_tf where it was started would be taken instead.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", "mim_tf.comparison.worker", task, str(folder)]
        with (folder / f"{task}.log").open("wb") as log:
            # The pipe is never written to: it closes when this process dies, whatever of, and then the child ends.
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
    """Where one fit of a comparison lives."""
    return out / name / f"seed{seed}"


def _error(task: str, folder: Path, status: int) -> MimError | None:
    if status == 0:
        return None
    if status < 0:
        remedy = "give it more memory or run fewer jobs, and run the same again to continue"
        return MimError(f"{task} was killed by signal {-status}", remedy, folder)
    lines = (folder / f"{task}.log").read_text(errors="replace").strip().splitlines() or ["no message"]
    return MimError(f"{task} failed ({lines[-1]})", "mend that and run the same again to continue", folder)
