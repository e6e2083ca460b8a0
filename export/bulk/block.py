"""Scores the photographs of a block, and writes their rows."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from mim_export.bulk.places import Place
from mim_export.bulk.plan import Plan
from mim_export.bulk.rows import Counts, part, write_part
from mim_export.score.batch import score_one
from mim_export.score.errors import MimError
from mim_export.score.scorer import Scorer
from mim_export.score.text import one_line

#: Files of at most so many bytes are read into memory, once; of larger ones, the digest is computed first.
IN_MEMORY = 64_000_000
#: Errors that say something of a photograph; others, such as ESTALE of a shared disk, pass.
_OF_THE_FILE = frozenset((errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG))
#: Folder of the copy of the bundle in a folder of rows, for the nodes of a cluster; and files that a scorer reads.
BUNDLE, BUNDLE_FILES = "bundle", ("manifest.json", "mim.tflite")


@dataclass(frozen=True)
class Job:
    """What all blocks of a folder of rows have in common.

    Attributes:
        model_id: of the manifest of the bundle.
        plan: the plan, whose folder is that of the rows.
        seen: of `first_seen` in the first process.
    """

    model_id: str
    plan: Plan
    seen: Place | None = None


def bundle_file(out: Place, name: str) -> Place:
    """Returns the copy of a file of the bundle in a folder of rows.

    Example:
        `rows/bundle/mim.tflite`.
    """
    return out.joined(f"{BUNDLE}/{name}")


#: Scores blocks, given what they have in common, the scorer of the bundle, and their numbers. Yields each block and the
#: counts of its rows when they are written, in any order.
ScoreBlocks = Callable[[Job, Scorer, Sequence[int]], Iterator[tuple[int, Counts]]]


class Engine(Protocol):
    """Where blocks are scored."""

    def connected(self) -> AbstractContextManager[ScoreBlocks]:
        """Connects to it for a block of code.

        Raises:
            MimError: there is no connection.
        """


def score_block(state: tuple[Scorer, Job], block: int, turn: Any) -> tuple[int, Counts]:
    """Scores the photographs of a block, and writes their rows to its file.

    The rows depend on the photographs and the bundle alone, except `seconds`. So a block may be scored again, also by
    two workers at once.

    Args:
        state: the scorer and the job.
        block: number of the block.
        turn: a lock for large photographs, see `score_one`.

    Returns:
        The block and the counts of its rows.

    Raises:
        MimError: the plan cannot be read, an object store does not answer, or the rows cannot be written.
    """
    scorer, job = state
    rows = []
    missing = False
    for image, place in job.plan.read(block):
        name = os.fsencode(image).decode("utf-8", "backslashreplace")
        content = _Content(place)
        start = time.perf_counter()
        row, error = score_one(scorer, image, turn, content.open)
        if content.failure is not None:
            raise content.failure
        missing = missing or content.missing
        rows.append(
            {
                **row,
                "image": name,
                "sha256": content.sha256,
                "model_id": job.model_id,
                "error": None if error is None else one_line(f"{error.problem}; {error.remedy}"),
                "seconds": time.perf_counter() - start,
            }
        )
    if missing:
        check_seen(job.seen)
    return block, write_part(part(job.plan.out, block), rows, job.plan.digest)


def first_seen(plan: Plan) -> Place | None:
    """Returns a photograph of the first block that this process can open; None if there is none."""
    for _, place in plan.read(0):
        with suppress(OSError, MimError), place.open():
            return place
    return None


def check_seen(place: Place | None) -> None:
    """Checks that this process still opens a photograph that the first process could open.

    Otherwise photographs would get rows as missing ones because a disk is not mounted.

    Raises:
        MimError: it cannot be opened.
    """
    if place is None:
        return
    try:
        place.open().close()
    except (OSError, MimError) as error:
        problem = f"node {platform.node()} cannot open {place.name}"
        raise MimError(problem, "put photographs and --out where all nodes see them, or name URIs") from error


class _Content:
    """Opens a photograph, and computes the digest of its bytes. A file above `IN_MEMORY` is read again to decode it.

    Attributes:
        sha256: digest in hexadecimal digits; None before the file is opened, and if it cannot be read.
        missing: whether the file was not found.
        failure: the error of a disk or an object store that did not answer, which says nothing of the photograph.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.sha256: str | None = None
        self.missing = False
        self.failure: MimError | None = None

    def open(self, path: str | os.PathLike[str]) -> BinaryIO:
        """Opens the file."""
        try:
            file = self._place.open()
            try:
                content = file.read(IN_MEMORY + 1)
                digest = hashlib.sha256(content)
                large = len(content) > IN_MEMORY
                while large and (more := file.read(IN_MEMORY)):
                    digest.update(more)
                file.seek(0)
            except BaseException:
                file.close()
                raise
        except OSError as error:
            self.missing = isinstance(error, FileNotFoundError)
            known = isinstance(error, (FileNotFoundError, PermissionError)) or "ACCESS_DENIED" in str(error)
            if not known and error.errno not in _OF_THE_FILE:
                reason = str(error).split("\n")[0][:200]
                self.failure = MimError(f"could not be read ({reason})", "run the same command again", path)
            raise
        self.sha256 = digest.hexdigest()
        if large:
            return file
        file.close()
        return io.BytesIO(content)
