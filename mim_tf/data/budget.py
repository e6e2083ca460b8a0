"""Limits how many photographs are decoded at once, by their pixels."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Pixels of the photographs that are decoded at once in a command, on any number of cores: 400 MB in Pillow.
AT_ONCE = 100_000_000
#: Pixels up to which released memory may stay with its thread.
_SMALL = 2_000_000


def _find_trim() -> Callable[[int], object]:
    """Returns `malloc_trim` of glibc, which would otherwise keep the memory of a photograph for each thread."""
    try:
        return ctypes.CDLL(None).malloc_trim if sys.platform == "linux" else bool
    except (OSError, AttributeError):  # another C library
        return bool


_trim = _find_trim()


class PixelBudget:
    """Lets threads decode photographs at the same time as long as these have few enough pixels together.

    Args:
        limit: largest sum of pixels. A photograph with more pixels is decoded alone.

    Example:
        >>> budget = PixelBudget(100_000_000)
        >>> with budget.take(12_000_000):
        ...     pixels = decode("photo.jpg")
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._free = limit, limit
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Waits until a photograph fits, and counts it within the block.

        Args:
            pixels: width times height of the photograph.
        """
        share = min(pixels, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            if pixels > _SMALL:
                _trim(0)
            with self._changed:
                self._free += share
                self._changed.notify_all()
