"""The fits of an out-of-fold calibration, one after the other in this process or as tasks of a Ray cluster."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.bulk.cluster import in_words, of_gpus, signature
from mim_export.score.batch import cores
from mim_export.score.errors import MimError
from mim_tf.detectors.base import Measures
from mim_tf.detectors.factory import create_model
from mim_tf.samples import Sample
from mim_tf.training.checkpoint import read_state
from mim_tf.training.config import Progress, Training

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
#: How often a fit is started again after its worker or node has died. It continues from its last checkpoint.
_RETRIES = 5
#: Seconds between two progress reports.
_POLL = 5.0


@dataclass(frozen=True)
class Folds:
    """The fits of an out-of-fold calibration.

    Attributes:
        model: arguments of `create_model`: method, size and measure.
        options: its keyword arguments.
        train: the images of the class.
        negatives: images of other classes that are fitted on, uint8 (N, R, R, 3); None if there are none.
        training: length and seed of each fit.
        left_out: for each fit, bool (N,), the images that it does not see.
        folders: for each fit, its folder.
    """

    model: tuple[str, int, str]
    options: dict[str, Any]
    train: Sample
    negatives: NDArray[np.uint8] | None
    training: Training
    left_out: Sequence[NDArray[np.bool_]]
    folders: Sequence[Path]

    def measure(self, fold: int, progress: Progress) -> Measures:
        """Fits without the images of a fold, and measures these; a stopped fit is continued.

        Args:
            fold: the number of the fold.
            progress: receives the training metrics.

        Returns:
            The measures of the images that are left out.
        """
        name, size, measure = self.model
        fresh, train = create_model(name, size, measure, **self.options), self.train
        left_out, folder = self.left_out[fold], self.folders[fold]
        return fresh.measure_left_out(
            train.large, train.small, train.groups, left_out, folder, self.training, progress, self.negatives
        )


#: Runs the fits, and returns the measures of each.
RunFolds = Callable[[Folds, Progress], list[Measures]]


def in_turn(folds: Folds, progress: Progress) -> list[Measures]:
    """Runs the fits in this process.

    Args:
        folds: the fits.
        progress: receives the training metrics.

    Returns:
        The measures of each fold.
    """
    return [folds.measure(number, progress) for number in range(len(folds.folders))]


class RayFolds:
    """Runs the fits as tasks of a Ray cluster, with as many threads as this process has.

    The results depend on the number of threads. A task therefore asks for as many processors as this machine has, or as
    the largest node of the cluster if that has fewer. The run folder must be at the same path on all nodes.

    Args:
        ray: the connected module, see `mim_export.bulk.cluster.cluster`.
        gpus: GPUs of each fit, which may be a fraction.
    """

    def __init__(self, ray: Any, gpus: float = 0.0) -> None:
        self._ray = ray
        largest = max(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
        threads = max(1, min(int(os.environ.get("TF_NUM_INTRAOP_THREADS") or cores()), largest))
        here = {name: os.environ[name] for name in _THREADS if os.environ.get(name)}
        variables = {**dict.fromkeys(_THREADS, str(threads)), **here, **of_gpus(gpus), "TF_CPP_MIN_LOG_LEVEL": "3"}
        options = {"num_cpus": threads, "num_gpus": gpus, "max_retries": _RETRIES}
        self._remote = ray.remote(**options, runtime_env={"env_vars": variables})(_measure_on_node)

    def __call__(self, folds: Folds, progress: Progress) -> list[Measures]:
        """Runs the fits; see `in_turn`.

        Raises:
            MimError: a node has another version of mim-tf or does not see the run folder, or a fit failed; the others
                are stopped.
        """
        # Each fit is a task of one node, also if the final fit uses several devices.
        folds = replace(folds, training=replace(folds.training, strategy="one"))
        shared, code = self._ray.put(folds), signature()
        tasks = [self._remote.remote(shared, number, code) for number in range(len(folds.folders))]
        waiting, shown = tasks, dict.fromkeys(folds.folders, -1)
        try:
            while waiting:
                done, waiting = self._ray.wait(waiting, num_returns=len(waiting), timeout=_POLL)
                self._ray.get(done)  # raises the error of a fit at once
                for folder in folds.folders:
                    with suppress(MimError):  # not begun yet, or a model that has no such file
                        step = read_state(folder / "state.json").step
                        if step > shown[folder]:
                            shown[folder] = step
                            progress(folder.name, step, folds.training.steps, {})
            return list(self._ray.get(tasks))
        except self._ray.exceptions.RayError as error:
            raise in_words(error) from error
        finally:
            for task in waiting:
                self._ray.cancel(task, force=True)


def _measure_on_node(folds: Folds, number: int, code: str) -> Measures:
    """Runs a fit on a node of the cluster."""
    node, folder = socket.gethostname(), folds.folders[number]
    if signature() != code:
        problem = f"node {node} has mim-tf {signature()}, this machine has {code}"
        raise MimError(problem, "install the same version on all nodes")
    if not folder.parent.is_dir():
        raise MimError(f"node {node} does not see the folder", "use a file system that all nodes share", folder.parent)
    return folds.measure(number, lambda *_: None)
