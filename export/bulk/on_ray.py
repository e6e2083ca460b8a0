"""Scores blocks on a Ray cluster, by Ray Data: an actor on each processor holds a scorer."""

from __future__ import annotations

import json
import logging
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.bulk.block import BUNDLE_FILES, Job, ScoreBlocks, bundle_file, check_seen, score_block
from mim_export.bulk.cluster import cluster, in_words, signature
from mim_export.bulk.rows import Counts
from mim_export.score.atomic_files import temporary_folder
from mim_export.score.errors import MimError, explain
from mim_export.score.scorer import Scorer

#: Actors that may end one after the other before they have started, as for lack of memory, before the run fails.
_DEATHS = 8
#: How often a block is repeated whose actor has ended. A photograph that ends each actor must not be repeated for ever.
_RETRIES = 5
#: How often the remaining blocks are begun again, without one that is finished in between, while actors of a lost node
#: are unreachable; and the seconds before the first time, and by which each later wait is longer. Together they are
#: longer than the 30 s or so in which Ray notices that a node is lost.
_RESTARTS, _PAUSE = 5, 4.0


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

            def score(job: Job, scorer: Scorer, blocks: Sequence[int]) -> Iterator[tuple[int, Counts]]:
                waiting, failed = dict.fromkeys(blocks), 0
                while waiting:
                    time.sleep(failed * _PAUSE)
                    actors = self._jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
                    try:
                        for row in _dataset(ray, job, list(waiting), min(actors, len(waiting))).iter_rows():
                            block, counts = _result(row)
                            del waiting[block]
                            failed = 0
                            yield block, counts
                        return
                    except ray.exceptions.RayError as error:
                        failed += 1
                        if failed > _RESTARTS or not _is_unreachable(ray, error):
                            raise in_words(error) from error

            yield score


def _is_unreachable(ray: Any, error: BaseException) -> bool:
    """Whether an error says that an actor cannot be reached, before Ray knows that its node is lost."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ray.exceptions.ActorUnavailableError):
        cause = cause.__cause__
    return cause is not None


def _dataset(ray: Any, job: Job, blocks: Sequence[int], actors: int) -> Any:
    """The results of blocks, as they are scored. Each block is a task of its own.

    Ray Data starts actors again that ended, and repeats their tasks.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = False
    context.max_consecutive_actor_init_deaths = _DEATHS
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    items = ray.data.from_items([{"block": block} for block in blocks], override_num_blocks=len(blocks))
    with warnings.catch_warnings():
        # Up to version 2.63, a number of retries is passed in a way for which later ones have no replacement yet.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        return items.map_batches(
            BlockActor,
            batch_size=1,
            batch_format="numpy",
            fn_constructor_args=(job, signature()),
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1,
            max_task_retries=_RETRIES,
        )


class BlockActor:
    """Scores blocks on a node.

    What goes wrong in a way that a user can correct is a result, since an exception would reach the user as a traceback
    of Ray.

    Args:
        job: what all blocks have in common. The bundle is read from its folder of rows, which all nodes see.
        expected: signature of the driver, see `cluster.signature`.
    """

    def __init__(self, job: Job, expected: str) -> None:
        self._refused: MimError | None = None
        try:
            if signature() != expected:
                problem = f"node {platform.node()} has mim-tf {signature()}, this machine has {expected}"
                raise MimError(problem, "install the same version on all nodes")
            check_seen(job.seen)
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
