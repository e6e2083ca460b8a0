"""Preprocessing: crops the centre square, resamples it by area average, and generates masks.

The scorers in C, Kotlin, Swift and TypeScript implement the same definitions, which `export/README.md` specifies. Needs
only numpy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import MimError


def resample(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resamples the centre square of an image by exact area average.

    The centre square has side N = min(height, width) and offset floor((side - N) / 2). In units of 1/size pixel, source
    pixel i covers [i size, (i + 1) size) and target pixel j covers [j N, (j + 1) N). A weight is the length of their
    overlap, so the weights of a target pixel sum to N in each direction. The result is rounded once, at the end:
    floor((2 sum + N^2) / (2 N^2)).

    Args:
        pixels: uint8 (height, width, 3).
        size: side S of the result in pixels. A smaller image is enlarged by the same rule.

    Returns:
        uint8 (S, S, 3).

    Example:
        The 2 x 2 image [[0, 10], [20, 31]] (in each channel) becomes 15 at size 1: (61 + 2) // 4.
    """
    height, width = pixels.shape[:2]
    average = AreaAverage(height, width, size)
    average.add(pixels)
    return average.result()


class AreaAverage:
    """Resamples an image whose rows arrive in bands; see `resample`.

    It holds the sums of one target row, 24 S bytes, and the finished rows, so its memory does not depend on the
    size of the photograph.

    Args:
        height: of the image, in pixels.
        width: of the image, in pixels.
        size: side S of the result in pixels.

    Example:
        >>> average = AreaAverage(len(pixels), len(pixels[0]), 96)
        >>> average.add(pixels[:100])
        >>> average.add(pixels[100:])
        >>> np.array_equal(average.result(), resample(pixels, 96))
        True
    """

    def __init__(self, height: int, width: int, size: int) -> None:
        self._size, self._side = size, min(height, width)
        self._top, self._left = (height - self._side) // 2, (width - self._side) // 2
        self._row = -self._top  # of the centre square
        self._sums = np.zeros((size, 3), np.int64)  # of the first target row that is not finished
        self._result = np.zeros((size, size, 3), np.uint8)
        # The sum of a column over the rows of a target row is at most 255 N, for which float32 is exact below 2^24.
        self._kind = np.float32 if 255 * self._side < 1 << 24 else np.float64
        # The left edge of target pixel j lies in source pixel first[j], at the fraction rest[j] / size of it.
        self._first, self._rest = np.divmod(np.arange(size) * self._side, size)

    def add(self, rows: NDArray[np.uint8]) -> None:
        """Adds the next rows.

        Args:
            rows: uint8 (any number, width, 3).
        """
        size, side = self._size, self._side
        skipped = max(0, -self._row)
        begin, end = self._row + skipped, min(self._row + len(rows), side)
        self._row += len(rows)
        if begin >= end:
            return
        square = rows[skipped : skipped + end - begin, self._left : self._left + side]
        for j in range(begin * size // side, -(-end * size // side)):
            first, last = j * side // size, -((-(j + 1) * side) // size)
            i = np.arange(max(first, begin), min(last, end))
            weights = np.minimum((i + 1) * size, (j + 1) * side) - np.maximum(i * size, j * side)
            # Target row by target row, so that a band is never converted to floats as a whole.
            part = square[i[0] - begin : i[-1] + 1 - begin].astype(self._kind)
            # Not a matrix product: libraries start threads for it, which cost more than they save.
            self._sums += self._columns(np.einsum("k,kwc->wc", weights.astype(self._kind), part))
            if last <= end:  # a target row begins in or after the last source row of the one above it
                area = side * side
                self._result[j] = (2 * self._sums + area) // (2 * area)
                self._sums[:] = 0

    def result(self) -> NDArray[np.uint8]:
        """Returns the resampled image, uint8 (S, S, 3), after all rows were added."""
        return self._result

    def _columns(self, row: NDArray[Any]) -> NDArray[np.int64]:
        """Sums a row of the centre square, (N, 3), over the columns of each target pixel: int64 (S, 3)."""
        values = row.astype(np.int64)
        inside = np.add.reduceat(values, self._first)  # from first[j] to before first[j + 1]
        inside[:-1][self._first[:-1] == self._first[1:]] = 0  # reduceat gives the value at first[j] for no pixels
        before = self._rest[:, None] * values[self._first]  # of the edges, which are left of the target pixel
        sums = self._size * inside - before
        sums[:-1] += before[1:]
        return sums


def mask_labels(size: int, cell: int, count: int) -> NDArray[np.uint8]:
    """Returns, for each pixel, the index of the mask that hides it.

    The image is divided into cells of `cell` x `cell` px. The cell in row r and column c is hidden by mask
    (c + r step) mod count, with step = max(1, count // 2). With 2, 4 or more masks, the four neighbours of a hidden
    cell are not hidden.

    Args:
        size: side of the image in pixels.
        cell: side of a cell in pixels; divides `size`.
        count: number of masks, 2 to 255.

    Returns:
        uint8 (size, size) with values 0 to count - 1.

    Raises:
        MimError: `count` is not in [2, 255], or `cell` does not divide `size`.

    Example:
        `mask_labels(4, 1, 2)[0]` is [0, 1, 0, 1] and its next row [1, 0, 1, 0].
    """
    if count < 2 or count > 255 or cell < 1 or size % cell:
        raise MimError(
            f"no mask set of {count} masks with cells of {cell} px covers {size} px",
            "choose 2 to 255 masks and a cell size that divides the image size",
        )
    index = np.arange(size) // cell
    labels = (index[None, :] + index[:, None] * max(1, count // 2)) % count
    return labels.astype(np.uint8)


def mask_set(size: int, cell: int, count: int) -> NDArray[np.float32]:
    """Returns the fixed masks of inference. They are disjoint and together hide every pixel.

    Args:
        size: side of the image in pixels.
        cell: side of a cell in pixels; divides `size`.
        count: number of masks n.

    Returns:
        float32 (n, size, size, 1), 1 = kept, 0 = hidden; each pixel is hidden by exactly one mask.

    Example:
        `mask_set(96, 8, 4).mean()` is 0.75.
    """
    labels = mask_labels(size, cell, count)
    hidden = labels[None] == np.arange(count, dtype=np.uint8)[:, None, None]
    return 1.0 - hidden[..., None].astype(np.float32)


class Inpainted(NamedTuple):
    """Images and their inpaintings under a mask set.

    Attributes:
        images: uint8 (N, s, s, 3), the images that were inpainted; s may be smaller than the side of the model's input.
        inpainted: float32 (N, s, s, 3) in [0, 1]; each pixel was predicted under the mask that hides it.
        masks: float32 (n, s, s, 1), 1 = kept, 0 = hidden.
    """

    images: NDArray[np.uint8]
    inpainted: NDArray[np.float32]
    masks: NDArray[np.float32]
