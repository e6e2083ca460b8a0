"""Scores blocks on a Ray cluster, by Ray Data: an actor on each processor holds a scorer."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.bulk.block import BUNDLE_FILES, Job, ScoreBlocks, bundle_file, score_block
from mim_export.bulk.cluster import cluster, signature
from mim_export.bulk.places import Place
from mim_export.bulk.rows import Counts
from mim_export.score.atomic_files import temporary_folder
from mim_export.score.errors import MimError, explain
from mim_export.score.scorer import Scorer

#: Actors that may end one after the other before they have started, as for lack of memory, before the run fails.
_DEATHS = 8
_CONTINUE = "run the same command again, which continues"


class RayEngine:
    """Scores blocks by actors of Ray Data, each with one processor and one thread.

    Ray starts actors again that ended, and gives their blocks to others, also if a whole node is lost.

    Args:
        address: of the cluster, see `mim_export.bulk.cluster.cluster`; None = Ray on this machine.
        jobs: number of actors; default: all processors of the cluster.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None) -> None:
        self._address = address
        self._jobs = jobs

    @contextmanager
    def connected(self) -> Iterator[ScoreBlocks]:
        """Starts or joins Ray; see `mim_export.bulk.block.Engine`."""
        with cluster(self._address, self._jobs) as ray:
            actors = self._jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))

            def score(job: Job, scorer: Scorer, blocks: Sequence[int]) -> Iterator[tuple[int, Counts]]:
                try:
                    for row in _dataset(ray, job, blocks, min(actors, len(blocks))).iter_rows():
                        yield _result(row)
                except ray.exceptions.RayError as error:
                    raise _in_words(error) from error

            yield score


def _dataset(ray: Any, job: Job, blocks: Sequence[int], actors: int) -> Any:
    """The results of blocks, as they are scored. Each block is a task of its own.

    Ray Data starts actors again without limit, and repeats the tasks of actors that ended.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = False
    context.max_consecutive_actor_init_deaths = _DEATHS
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    items = ray.data.from_items([{"block": block} for block in blocks], override_num_blocks=len(blocks))
    return items.map_batches(
        BlockActor,
        batch_size=1,
        batch_format="numpy",
        fn_constructor_args=(job, signature(), _seen(job)),
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=1,
    )


class BlockActor:
    """Scores blocks on a node.

    What goes wrong in a way that a user can correct is a result, since an exception would reach the user as a traceback
    of Ray.

    Args:
        job: what all blocks have in common. The bundle is read from its folder of rows, which all nodes see.
        expected: signature of the driver, see `cluster.signature`.
        seen: a photograph that the driver can open; None if there is none among the first.
    """

    def __init__(self, job: Job, expected: str, seen: Place | None) -> None:
        self._refused: MimError | None = None
        try:
            if signature() != expected:
                problem = f"node {platform.node()} has mim-tf {signature()}, this machine has {expected}"
                raise MimError(problem, "install the same version on all nodes")
            _check_seen(seen)
            with temporary_folder() as folder:
                for name in BUNDLE_FILES:
                    (folder / name).write_bytes(bundle_file(job.plan.out, name).read())
                self._state = Scorer(folder), job
        except MimError as error:
            self._refused = error

    def __call__(self, batch: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Scores one block; returns it and, as JSON, the counts of its rows or the error."""
        block = int(batch["block"][0])
        try:
            if self._refused is not None:
                raise self._refused
            found: dict[str, Any] = {"counts": score_block(self._state, block, None)[1]}
        except (MimError, OSError) as error:
            told = explain(error)
            assert told is not None
            path = None if told.path is None else str(told.path)
            found = {"problem": told.problem, "remedy": told.remedy, "path": path}
        return {"block": np.array([block]), "result": np.array([json.dumps(found)])}


def _result(row: dict[str, Any]) -> tuple[int, Counts]:
    found = json.loads(row["result"])
    if "problem" in found:
        raise MimError(found["problem"], found["remedy"], found["path"])
    return int(row["block"]), found["counts"]


def _seen(job: Job) -> Place | None:
    """A photograph of the first block that this machine can open."""
    for _, place in job.plan.read(0):
        with suppress(OSError, MimError), place.open():
            return place
    return None


def _check_seen(place: Place | None) -> None:
    """Checks that this node sees the photographs. Otherwise all would be rows of what could not be read."""
    if place is None:
        return
    try:
        place.open().close()
    except (OSError, MimError) as error:
        problem = f"node {platform.node()} cannot open {place.name}"
        raise MimError(problem, "put photographs and --out where all nodes see them, or name URIs") from error


def _in_words(error: Exception) -> MimError:
    """What Ray says, in one line."""
    text = str(error)
    if "No module named 'mim_" in text:
        return MimError("a node has no mim-tf, or one of another version", "install this version on all nodes")
    if "ObjectStoreFull" in text or "OutOfDisk" in text:
        return MimError("the object store of Ray is full and cannot be written to disk", "free some space in /tmp")
    line = next((line for line in reversed(text.splitlines()) if line.strip()), type(error).__name__)
    return MimError(f"Ray gave up ({line.strip()[:200]})", _CONTINUE)
