"""Processes with one thread on this machine; they end when the process that has started them ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

#: One thread each: parallel processes with more would only wait for each other, and results would depend on the number.
_ONE_THREAD = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)

Child = subprocess.Popen[bytes]


class Processes:
    """The engine `local`: a process for each task.

    A library's pool does not replace it: the processes of joblib's loky go on with a task after their parent was
    killed, and share a process, and thus the state of TensorFlow, between fits.

    Args:
        lock: file descriptor from `mim_export.score.locks.exclusive_lock`, which the processes inherit.
        jobs: largest number of processes at a time.
    """

    def __init__(self, lock: int, jobs: int) -> None:
        self._lock = lock
        self._children: set[Child] = set()
        self._threads = ThreadPoolExecutor(jobs)

    def submit(self, task: str, folder: Path) -> Future[int]:
        """Starts a process; see `pool.Engine`."""
        return self._threads.submit(run_task, task, folder, (self._lock,), self._children)

    def stop(self) -> None:
        """Terminates the processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children):
            child.terminate()
        self._threads.shutdown()  # they hold the lock of the folder until they have ended


def run_task(task: str, folder: Path, inherited: Sequence[int] = (), children: set[Child] | None = None) -> int:
    """Runs `mim_tf.comparison.start` in a process, with its output in `<task>.log`, and waits for its end.

    Args:
        task: "fit" or "probe".
        folder: the folder of the fit.
        inherited: file descriptors that the process keeps.
        children: holds the process while it runs.

    Returns:
        The exit status; negative for the number of the signal that has killed the process.
    """
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
            pass_fds=inherited,
        )
    children = set() if children is None else children
    children.add(child)
    try:
        return child.wait()
    finally:
        children.discard(child)
