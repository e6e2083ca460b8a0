"""The options that say where work runs: `--engine` and `--address`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mim_export.score.errors import MimError

if TYPE_CHECKING:
    from mim_tf.comparison.ray_tasks import RayTasks

EngineName = Annotated[str, typer.Option("--engine", help="local: processes on this machine; ray: tasks of Ray")]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", help="cluster to join, with --engine ray: HOST:PORT or auto; default: Ray on this machine"
    ),
]


def check_engine(engine: str, **only_ray: Any) -> None:
    """Checks the options that belong together.

    Args:
        engine: value of `--engine`.
        only_ray: values of the options that have an effect with Ray only, by name; None = not given.

    Raises:
        MimError: an unknown engine, or an option without its engine.
    """
    if engine not in ("local", "ray"):
        raise MimError(f"unknown engine {engine!r}", "choose local or ray")
    for name, value in only_ray.items():
        if value is not None and engine != "ray":
            raise MimError(f"--{name} has no effect with the engine {engine}", "add --engine ray, or leave it out")


@contextmanager
def tasks_engine(engine: str, address: str | None, gpus: float = 0.0) -> Iterator[RayTasks | None]:
    """Starts or joins Ray for the tasks of a comparison.

    Args:
        engine: "local" or "ray".
        address: of the cluster; None = Ray on this machine.
        gpus: GPUs of each fit.

    Yields:
        The engine; None for "local".

    Raises:
        MimError: see `mim_export.bulk.cluster.cluster`; or the cluster has no node with so many GPUs.
    """
    if engine == "local":
        yield None
        return
    from mim_export.bulk.cluster import cluster
    from mim_tf.comparison.ray_tasks import RayTasks

    with cluster(address) as ray:
        if max(node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"]) < gpus:
            raise MimError(f"no node of the cluster has {gpus:g} GPUs", "ask for fewer, or leave --gpus out")
        yield RayTasks(ray, gpus)
