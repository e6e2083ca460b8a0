"""The options that say where work runs: `--engine`, `--address` and `--gpus`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mim_export.bulk.cluster import cluster
from mim_export.score.errors import MimError

if TYPE_CHECKING:
    from mim_tf.comparison.ray_tasks import RayTasks
    from mim_tf.out_of_fold import RunFolds

EngineName = Annotated[
    str | None, typer.Option("--engine", help="local: processes on this machine (default); ray: a cluster of Ray")
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", help="cluster to join, with --engine ray: HOST:PORT or auto; default: Ray on this machine"
    ),
]

Gpus = Annotated[float, typer.Option("--gpus", min=0, help="GPUs of each fit, with --engine ray; may be a fraction")]


def check_engine(engine: str | None, **only_ray: Any) -> None:
    """Checks the options that belong together.

    Args:
        engine: value of `--engine`.
        only_ray: values of the options that have an effect with Ray only, by name; None = not given.

    Raises:
        MimError: an unknown engine, or an option without its engine.
    """
    if engine not in (None, "local", "ray"):
        raise MimError(f"unknown engine {engine!r}", "choose local or ray")
    for name, value in only_ray.items():
        if value is not None and engine != "ray":
            raise MimError(f"--{name} has no effect with the engine local", "add --engine ray, or leave it out")


@contextmanager
def tasks_engine(engine: str | None, address: str | None, gpus: float) -> Iterator[RayTasks | None]:
    """Starts or joins Ray for the tasks of a comparison.

    Args:
        engine: value of `--engine`.
        address: of the cluster; None = Ray on this machine.
        gpus: GPUs of each fit.

    Yields:
        The engine; None for processes on this machine.

    Raises:
        MimError: see `mim_export.bulk.cluster.cluster`; or the cluster has no node with so many GPUs.
    """
    if engine != "ray":
        yield None
        return
    from mim_tf.comparison.ray_tasks import RayTasks

    with _cluster(address, gpus) as ray:
        yield RayTasks(ray, gpus)


@contextmanager
def folds_engine(engine: str | None, address: str | None, gpus: float) -> Iterator[RunFolds]:
    """Starts or joins Ray for the fits of an out-of-fold calibration.

    Args:
        engine: value of `--engine`.
        address: of the cluster; None = Ray on this machine.
        gpus: GPUs of each fit.

    Yields:
        The function that runs the fits.

    Raises:
        MimError: as for `tasks_engine`.
    """
    from mim_tf.out_of_fold import RayFolds, in_turn

    if engine != "ray":
        yield in_turn
        return
    with _cluster(address, gpus) as ray:
        yield RayFolds(ray, gpus)


@contextmanager
def _cluster(address: str | None, gpus: float) -> Iterator[Any]:
    with cluster(address) as ray:
        if gpus > 1 and gpus != int(gpus):
            raise MimError(f"{gpus:g} GPUs for each fit are not possible", "choose a whole number, or one below 1")
        if max(node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"]) < gpus:
            raise MimError(f"no node of the cluster has {gpus:g} GPUs", "ask for fewer, or leave --gpus out")
        yield ray
