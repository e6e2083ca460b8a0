"""The engine `ray`: each fit of a comparison is a task of a Ray cluster, with its processors and GPUs."""

from __future__ import annotations

import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from mim_export.bulk.cluster import in_words, of_gpus, signature
from mim_export.score.errors import MimError
from mim_export.score.locks import exclusive_lock
from mim_tf.comparison.processes import run_task

#: How often a fit is started again after its worker or node has died. It continues from its last checkpoint.
_RETRIES = 5
#: Seconds to wait for another process to leave the folder of a fit.
_PATIENCE = 60


class RayTasks:
    """Runs each task in a process on a node of the cluster, like the engine `local` does on this machine.

    The folders of the data and of the comparison must be at the same paths on all nodes.

    Args:
        ray: the connected module, see `mim_export.bulk.cluster.cluster`.
        gpus: GPUs of each fit, which may be a fraction.
    """

    def __init__(self, ray: Any, gpus: float = 0.0) -> None:
        self._ray = ray
        self._references: list[Any] = []
        options = {"num_cpus": 1, "num_gpus": gpus, "max_retries": _RETRIES}
        self._remote = ray.remote(**options, runtime_env={"env_vars": of_gpus(gpus)})(_run_on_node)
        self._code = signature()

    def submit(self, task: str, folder: Path) -> Future[int]:
        """Starts a task; see `pool.Engine`."""
        reference = self._remote.remote(task, str(folder.resolve()), self._code)
        self._references.append(reference)
        result: Future[int] = Future()

        def finish(ended: Future[int | tuple[str, str]]) -> None:
            problem = ended.exception()
            value = ("", "") if problem else ended.result()
            if isinstance(value, int):
                result.set_result(value)
            else:
                result.set_exception(in_words(problem) if problem else MimError(*value, folder))

        reference.future().add_done_callback(finish)
        return result

    def stop(self) -> None:
        """Cancels the tasks. Their processes end with the workers of Ray that wait for them."""
        for reference in self._references:
            self._ray.cancel(reference, force=True)


def _run_on_node(task: str, folder: str, code: str) -> int | tuple[str, str]:
    """Runs a task on a node.

    Returns:
        The exit status of its process, or why it was not started, and the remedy.
    """
    node = socket.gethostname()
    if signature() != code:
        return f"node {node} has mim-tf {signature()}, this machine has {code}", "install the same version on all nodes"
    if not (Path(folder) / "job.json").exists():
        return f"node {node} does not see the folder", "use a file system that all nodes share"
    # A process that a lost worker has left behind ends within seconds.
    for _ in range(_PATIENCE):
        with suppress(MimError), exclusive_lock(Path(folder), "fit") as lock:
            return run_task(task, Path(folder), (lock,))
        time.sleep(1)
    return f"another process on node {node} or another one still writes to the folder", "stop it"
