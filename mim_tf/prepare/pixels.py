"""Decodes pictures in small, in several threads, and writes those whose mark is cut off."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mim_export.score.decode import Photograph, decode
from mim_export.score.errors import MimError
from mim_tf.data.budget import PixelBudget
from mim_tf.prepare.records import Progress

#: Quality of the JPEG files that are written where a mark is cut off.
QUALITY = 95
#: Number of files after which the progress is reported.
_REPORTED = 250
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_threads(
    work: Callable[[_Item], _Result], items: Sequence[_Item], name: str, progress: Progress
) -> list[_Result]:
    """Applies a function to each item in as many threads as there are cores.

    Args:
        work: the function. If it raises, items that have not begun are not begun.
        items: its arguments.
        name: name of the stage for the progress.
        progress: is told after each 250 items and at the end.

    Returns:
        The results in the order of the items.
    """
    results = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for done, future in enumerate([pool.submit(work, item) for item in items], 1):
                results.append(future.result())
                if done % _REPORTED == 0 or done == len(items):
                    progress(name, done, len(items), {})
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def rows_kept(height: int, cut: float) -> int:
    """Returns how many rows remain when a share of the height is cut off at the bottom.

    Example:
        `rows_kept(300, 0.14)` is 258.
    """
    return height - math.ceil(height * cut - 1e-9)


def read_small(
    path: Path, cut: float, sizes: Sequence[int], budget: PixelBudget
) -> tuple[list[NDArray[np.uint8]], int]:
    """Decodes a picture and resamples it, without holding it as an array.

    Args:
        path: a JPEG, PNG or WebP file.
        cut: share of the height that is cut off at the bottom.
        sizes: side S of each result in pixels.
        budget: pixels that all threads may decode at once.

    Returns:
        The centre square as uint8 (S, S, 3) for each size, and the shorter side of the picture in pixels, after the
        cut.

    Raises:
        MimError: the file cannot be decoded.
    """
    opened = Photograph(path)
    with budget.take(opened.width * opened.height), opened:
        height = rows_kept(opened.height, cut)
        if height < 1:
            raise MimError("has no rows beside the mark", "leave it out", path)
        return opened.resampled(sizes, height), min(opened.width, height)


def write_cut(path: Path, cut: float, target: Path) -> None:
    """Writes a picture without the share of its height at the bottom, upright, as a JPEG file of quality 95.

    Args:
        path: a JPEG, PNG or WebP file.
        cut: share of the height that is cut off.
        target: the file to write.

    Raises:
        MimError: the file cannot be decoded.
    """
    pixels = decode(path)
    kept = np.ascontiguousarray(pixels[: rows_kept(len(pixels), cut)])
    Image.fromarray(kept).save(target, "JPEG", quality=QUALITY)
