"""A fill of hidden pixels that has learnt nothing: averages of kept pixels, from coarse to fine.

It is a push-pull pyramid (Gortler et al., "The Lumigraph", SIGGRAPH 1996) in whole numbers, so that every target can
compute the same bytes. Needs only numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Times that the empty pixels of a level are smoothed, and those of the finest one, where it costs most.
SWEEPS, FINEST_SWEEPS = 8, 2
#: Levels end at this side, or at an odd one.
COARSEST = 4


def sides(size: int) -> list[int]:
    """Returns the sides of the levels of the pyramid, the finest first.

    Args:
        size: side S of the image in pixels.

    Example:
        `sides(96)` is [96, 48, 24, 12, 6, 3], `sides(64)` is [64, 32, 16, 8, 4].
    """
    found = [size]
    while found[-1] > COARSEST and found[-1] % 2 == 0:
        found.append(found[-1] // 2)
    return found


def fill(pixels: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Replaces the hidden pixels of an image by averages of the kept ones.

    A pixel of level k covers 2^k x 2^k pixels of the image. If at least one of them is kept, its value is the mean of
    those, rounded half up; else it is empty. An empty pixel of the coarsest level starts from the rounded mean of the
    others there (0 if there is none), one of a finer level from the pixel above it. The empty pixels of each level are
    then smoothed eight times, those of the finest level twice: each becomes the rounded mean of its four neighbours,
    where one outside the image is replaced by the pixel itself.

    Args:
        pixels: uint8 (S, S, 3).
        masks: float32 (n, S, S, 1), 1 = kept, 0 = hidden.

    Returns:
        uint8 (n, S, S, 3), the image under each mask; kept pixels are unchanged.

    Example:
        A constant image is returned unchanged. The row 10, hidden, hidden, 20 of an image with equal rows of 4 px
        becomes 10, 14, 17, 20.
    """
    kept = masks.astype(np.int64)
    levels = [(pixels * kept, kept)]
    for side in sides(len(pixels))[1:]:
        shape = (len(masks), side, 2, side, 2, -1)
        sums, counts = (part.reshape(shape).sum(axis=(2, 4)) for part in levels[-1])
        levels.append((sums, counts))
    filled: NDArray[np.int64] | None = None
    for sums, counts in reversed(levels):
        known, average = counts > 0, _rounded(sums, counts)
        if filled is None:
            number = known.sum(axis=(1, 2), keepdims=True)
            filled = _rounded((average * known).sum(axis=(1, 2), keepdims=True), number) + np.zeros_like(sums)
        else:
            filled = filled.repeat(2, axis=1).repeat(2, axis=2)
        filled = np.where(known, average, filled)
        for _ in range(SWEEPS if filled.shape[1] < len(pixels) else FINEST_SWEEPS):
            filled = np.where(known, average, _neighbours(filled))
    assert filled is not None
    return filled.astype(np.uint8)


def _rounded(sums: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The mean, rounded half up; 0 where nothing is counted."""
    return (2 * sums + counts) // np.maximum(2 * counts, 1)


def _neighbours(values: NDArray[np.int64]) -> NDArray[np.int64]:
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    middle = slice(1, -1)
    total = padded[:, :-2, middle] + padded[:, 2:, middle] + padded[:, middle, :-2] + padded[:, middle, 2:]
    return (total + 2) // 4
