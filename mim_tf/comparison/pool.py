"""Runs the tasks of a comparison, each in a process of its own with one thread, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from mim_export.score.errors import MimError
from mim_tf.training.checkpoint import read_state

#: Seconds between two progress reports.
_POLL = 5.0
#: Result file and final state of each task.
_RESULTS = {"fit": ("scores.json", "done"), "probe": ("probe.json", "probed")}

#: Progress callback: (row, seed, state, content of state.json). The state is "waiting", "fitting", "done" or "probed";
#: the content is empty unless the state is "fitting".
Report = Callable[[str, int, str, dict[str, Any]], None]


class Engine(Protocol):
    """Where tasks run."""

    def submit(self, task: str, folder: Path) -> Future[int]:
        """Starts a task ("fit" or "probe") for the folder of a fit.

        Returns:
            The exit status of its process, see `processes.run_task`.
        """

    def stop(self) -> None:
        """Stops all tasks. Each fit keeps its last checkpoint."""


class Pool:
    """Runs tasks, each for one row and seed.

    Args:
        out: the folder of the comparison.
        engine: where the tasks run.
        report: progress callback.
        tick: called at least every 5 seconds while tasks run.
    """

    def __init__(self, out: Path, engine: Engine, report: Report, tick: Callable[[], object]) -> None:
        self.out = out
        self.engine = engine
        self.report = report
        self.tick = tick

    def run(self, task: str, fits: Sequence[tuple[str, int]], jobs: int | None) -> None:
        """Runs a task for each fit that does not have its result yet.

        Args:
            task: "fit" or "probe".
            fits: (row, seed) of each fit.
            jobs: largest number of tasks at a time; None = as many as the engine has room for.

        Raises:
            MimError: a process failed, in which case the others have been completed; or the engine cannot run a task,
                such as a node with another version, in which case all are stopped.
        """
        waiting: list[tuple[str, int]] = []
        running: dict[Future[int], tuple[str, int]] = {}
        failed: list[MimError] = []
        result, done = _RESULTS[task]
        for name, seed in fits:
            finished = (job_folder(self.out, name, seed) / result).exists()
            self.report(name, seed, done if finished else "waiting", {})
            waiting += [] if finished else [(name, seed)]
        try:
            while waiting or running:
                while waiting and (jobs is None or len(running) < jobs):
                    name, seed = waiting.pop(0)
                    running[self.engine.submit(task, job_folder(self.out, name, seed))] = (name, seed)
                ended, _ = wait(running, timeout=_POLL, return_when="FIRST_COMPLETED")
                self.tick()
                for future in ended:
                    name, seed = running.pop(future)
                    error = _error(task, job_folder(self.out, name, seed), future)
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
            self.engine.stop()
            raise
        if failed:
            raise failed[0]


def job_folder(out: Path, name: str, seed: int) -> Path:
    """The folder of one fit.

    Example:
        >>> job_folder(Path("out"), "mim", 0)
        PosixPath('out/mim/seed0')
    """
    return out / name / f"seed{seed}"


def _error(task: str, folder: Path, ended: Future[int]) -> MimError | None:
    """The error of a task by the exit status of its process; None for success."""
    status = ended.result()
    if status == 0:
        return None
    if status < 0:
        remedy = "use fewer processes or more memory, then run the same comparison to resume"
        return MimError(f"{task} was killed by signal {-status}", remedy, folder)
    lines = (folder / f"{task}.log").read_text(errors="replace").strip().splitlines() or ["no message"]
    return MimError(f"{task} failed ({lines[-1]})", "fix the error, then run the same comparison to resume", folder)
