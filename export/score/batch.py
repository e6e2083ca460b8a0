"""Scores files and folders of photographs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from .decode import OpenFile, Photograph
from .errors import MimError, TooLargeError, explain
from .listing import Warn, list_images, to_nobody
from .processes import in_processes
from .scorer import Scorer

#: A result of `Scorer.score`.
Row = dict[str, Any]
#: Photographs of more pixels are decoded in one process at a time.
_LARGE = 25_000_000


def score_paths(
    scorer: Scorer, paths: Iterable[str | os.PathLike[str]], warn: Warn = to_nobody
) -> tuple[list[Row], list[MimError]]:
    """Scores photographs and folders of photographs.

    Args:
        scorer: the scorer of a bundle.
        paths: image files, or folders, which are searched as `mim_export.score.listing.list_images` does.
        warn: receives one line for each kind of content of a folder that is left out, such as broken links.

    Returns:
        Two lists: one row per image, as `Scorer.score` returns it, and the errors of the images that could not be
        read. The row of such an image has the verdict `cannot-judge` and the reason `unreadable` or `too large`.

    Raises:
        MimError: a folder contains no images or cannot be listed.
    """
    results = list(score_images(scorer, list_photographs(paths, warn)))
    return [row for row, _ in results], [error for _, error in results if error is not None]


def score_images(
    scorer: Scorer, images: Sequence[str | os.PathLike[str]], jobs: int = 1
) -> Iterator[tuple[Row, MimError | None]]:
    """Scores photographs one after another or in several processes.

    Args:
        scorer: the scorer of a bundle. Each process loads its bundle again.
        images: image files.
        jobs: largest number of processes. Fewer are started for few images; below 16 images, none.

    Yields:
        The row of each image and the error if it could not be read, as `score_paths` returns them, in the order of
        `images`. Each is available as soon as it and those before are scored. Only a few are held at a time.

    Raises:
        MimError: a process was stopped from outside, for example for lack of memory.
    """
    workers = min(jobs, len(images) // 8)
    if workers < 2:
        return (score_one(scorer, path) for path in images)
    return in_processes(score_one, scorer, images, workers)


def cores() -> int:
    """Returns the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def score_one(
    scorer: Scorer,
    path: str | os.PathLike[str],
    turn: AbstractContextManager[Any] | None = None,
    open_file: OpenFile | None = None,
) -> tuple[Row, MimError | None]:
    """Scores one photograph, also if it cannot be read.

    Args:
        scorer: the scorer of a bundle.
        path: an image file.
        turn: a lock for large photographs, so that not each of several processes holds one; None = no lock.
        open_file: opens the file, see `mim_export.score.decode.Photograph`.

    Returns:
        The row and the error, as `score_images` yields them.
    """
    try:
        with Photograph(path, open_file) as photo:
            large = photo.width * photo.height > _LARGE
            with turn if turn is not None and large else nullcontext():
                return scorer.score_photograph(photo), None
    except MimError as error:
        numbers = {"similarity": None, "p_class": None, "p_other": None}
        reason = "too large" if isinstance(error, TooLargeError) else "unreadable"
        return {"image": os.fspath(path), **numbers, "verdict": "cannot-judge", "reason": reason}, error


def list_photographs(paths: Iterable[str | os.PathLike[str]], warn: Warn = to_nobody) -> list[Path]:
    """Replaces each folder by the images in it, sorted by path.

    Args:
        paths: image files, or folders, which are searched recursively, see `listing.list_images`.
        warn: receives a line for each kind of file in a folder that is left out.

    Raises:
        MimError: a folder contains no images or cannot be listed, or a name is empty.
    """
    images = []
    for path in map(_path, paths):
        if not os.path.isdir(path):
            images.append(path)
            continue
        try:
            listing = list_images(path)
        except OSError as error:
            raise explain(error, path) or error from None
        for line in listing.warnings(path):
            warn(line)
        if not listing.images:
            raise MimError("no images in it", "name photographs or a folder of them", path)
        images += listing.images
    return images


def _path(name: str | os.PathLike[str]) -> Path:
    """Converts a name to a path. The path of an empty name would be the current folder."""
    if not os.fspath(name):
        raise MimError("an empty name", "name photographs or a folder of them")
    return Path(name)
