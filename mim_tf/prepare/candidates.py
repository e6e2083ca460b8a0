"""Proposes pairs of pictures that share local features, without comparing all pairs.

Each descriptor is put into several tables by a few of its bits. Descriptors of the same spot differ in some bits, but
seldom in those of every table, so that two pictures of one photograph meet in many places of the tables: also turned by
any angle, shifted, sheared or in another frame. `mim_tf.prepare.features` confirms the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Number of tables, and bits of a descriptor that are the key of one.
_TABLES, _BITS = 8, 22
#: A key that more descriptors have than this is that of a common pattern, and says nothing.
_COMMON = 64
#: Meetings from which on a pair is proposed. Copies of synthetic pictures turned by 20 degrees meet 60 times (median),
#: parts of 65 % of the side 14 times.
_LEAST = 5
#: For each picture, the number of pairs that are proposed: those that meet most often.
_MOST = 8
#: Number of pictures whose meetings are counted at once. With 17 000 pictures it takes 70 MB.
_BLOCK = 256


class Tables:
    """The descriptors of all pictures, by some of their bits.

    Args:
        descriptors: of each picture, uint8 (M, 32).

    Example:
        >>> tables = Tables([features.descriptors for features in found])
        >>> tables.candidates([features.descriptors for features in found])
        [(0, 5)]
    """

    def __init__(self, descriptors: Sequence[NDArray[np.uint8]]) -> None:
        self._count = len(descriptors)
        rng = np.random.default_rng(0)
        self._places = [np.sort(rng.choice(256, _BITS, replace=False)) for _ in range(_TABLES)]
        owner = _owners(descriptors)
        self._sorted = []
        for keys in self._keys(descriptors):
            order = np.argsort(keys, kind="stable")
            self._sorted.append((keys[order], owner[order]))

    def candidates(self, descriptors: Sequence[NDArray[np.uint8]]) -> list[tuple[int, int]]:
        """Proposes pairs.

        Args:
            descriptors: of each picture, in the same order: the same ones, or those of the mirror images.

        Returns:
            Pairs (i, j) in order: the picture i as it was indexed, and the picture j whose descriptors were given.
            Never a picture and itself.
        """
        pairs = []
        for start in range(0, self._count, _BLOCK):
            block = descriptors[start : start + _BLOCK]
            meetings = self._meetings(block)
            meetings[np.arange(len(block)), start + np.arange(len(block))] = 0
            most = min(_MOST, self._count)
            best = np.argpartition(-meetings, most - 1, axis=1)[:, :most]
            for row, column in zip(*np.nonzero(np.take_along_axis(meetings, best, axis=1) >= _LEAST), strict=True):
                pairs.append((int(best[row, column]), start + int(row)))
        return sorted(pairs)

    def _meetings(self, descriptors: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
        """Counts the meetings of some pictures with all indexed ones: int64 (pictures, indexed ones)."""
        owner = _owners(descriptors)
        counts = np.zeros(len(descriptors) * self._count, np.int64)
        for keys, (known, known_owner) in zip(self._keys(descriptors), self._sorted, strict=True):
            first, last = np.searchsorted(known, keys, "left"), np.searchsorted(known, keys, "right")
            sizes = np.where(last - first <= _COMMON, last - first, 0)
            # The places first, first + 1, ... of each key, one after the other.
            steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            met = known_owner[np.repeat(first, sizes) + steps]
            counts += np.bincount(np.repeat(owner.astype(np.int64), sizes) * self._count + met, minlength=len(counts))
        return counts.reshape(len(descriptors), self._count)

    def _keys(self, descriptors: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint32]]:
        """Computes the keys of all descriptors for each table, one picture after the other, to save memory."""
        weights = (1 << np.arange(_BITS)).astype(np.uint32)
        parts = [[np.zeros(0, np.uint32)] for _ in self._places]
        for packed in descriptors:
            bits = np.unpackbits(packed, axis=1)
            for part, places in zip(parts, self._places, strict=True):
                part.append(bits[:, places] @ weights)
        return [np.concatenate(part) for part in parts]


def _owners(descriptors: Sequence[NDArray[np.uint8]]) -> NDArray[np.int32]:
    """Index of the picture of each descriptor."""
    return np.repeat(np.arange(len(descriptors), dtype=np.int32), [len(packed) for packed in descriptors])
