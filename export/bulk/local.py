"""Scores blocks in processes on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from mim_export.bulk.block import Job, ScoreBlocks, score_block
from mim_export.bulk.rows import Counts
from mim_export.score.batch import cores
from mim_export.score.processes import in_processes
from mim_export.score.scorer import Scorer


class LocalEngine:
    """Scores blocks in processes on this machine, each with one thread.

    Args:
        jobs: number of processes; default: all cores. With one, no process is started.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self._jobs = jobs or cores()

    def connected(self) -> AbstractContextManager[ScoreBlocks]:
        """Nothing to connect to; see `mim_export.bulk.block.Engine`."""
        return nullcontext(self._score)

    def _score(self, job: Job, scorer: Scorer, blocks: Sequence[int]) -> Iterator[tuple[int, Counts]]:
        workers = min(self._jobs, len(blocks))
        if workers < 2:
            return (score_block((scorer, job), block, None) for block in blocks)
        return in_processes(score_block, (scorer, job), blocks, workers)
