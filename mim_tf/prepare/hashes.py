"""Finds near-duplicates by perceptual hashes, also at quarter turns and mirrored, at the cost of matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mim_export.score.preprocess import resample
from mim_tf.data.duplicates import INFORMATIVE, perceptual_hash

#: Side in pixels of the pictures that are hashed.
SIDE = 34
#: Pairs with at most this many differing bits of 256 are near-duplicates; as in `mim_tf.data.duplicates`. Of 150
#: synthetic pictures the closest pair differs in 88 bits, whichever quarter turns and mirror images are compared; JPEG
#: copies of quality 75 at any of these differ in at most 16.
NEAR = 16
#: Number of hashes of a picture: four quarter turns, and those of its mirror image.
VARIANTS = 8
#: Rows of a block of the matrix product. With 17 000 pictures it takes 35 MB.
_BLOCK = 512


class Pair(NamedTuple):
    """Two pictures with similar hashes.

    Attributes:
        first: index of a picture.
        second: index of another one, greater than `first`.
        bits: number of differing bits of 256.
    """

    first: int
    second: int
    bits: int


def variant_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Computes the hashes of a picture at the four quarter turns, and of its mirror image.

    Args:
        pixels: uint8 (34, 34, 3).

    Returns:
        uint8 (8, 32): 8 hashes of 256 bits. The first is that of the picture as it is.
    """
    small = resample(pixels, 17)
    variants = [np.rot90(image, turn) for image in (small, small[:, ::-1]) for turn in range(4)]
    return np.packbits(np.array([perceptual_hash(variant) for variant in variants]), axis=1)


def near_pairs(hashes: NDArray[np.uint8], progress: Callable[[int], object] = lambda done: None) -> list[Pair]:
    """Finds the pairs of pictures whose hashes differ in at most `NEAR` bits.

    Each picture is compared with all variants of each other one, unless its hash has fewer than `INFORMATIVE` ones or
    zeros.

    Args:
        hashes: uint8 (N, 8, 32), see `variant_hashes`.
        progress: receives the number of pictures that have been compared with all others.

    Returns:
        The pairs in order. Of pictures with the same hash, each is paired with the first of them alone.

    Example:
        Three pictures, of which the second is the first one mirrored, give `[Pair(0, 1, 0)]`.
    """
    ones = np.unpackbits(hashes[:, 0], axis=1).sum(axis=1)
    telling = np.minimum(ones, 256 - ones) >= INFORMATIVE
    _, kept, index = np.unique(hashes[:, 0], axis=0, return_index=True, return_inverse=True)
    first_of = kept[index.ravel()]
    found = {(int(first_of[i]), i): 0 for i in np.flatnonzero(telling).tolist() if first_of[i] != i}
    places = np.sort(kept)  # one of each hash: blank pictures could be in millions of pairs
    bank = hashes[places]
    plain = _signs(bank[:, 0])
    for start in range(0, len(places), _BLOCK):
        rows = plain[start : start + _BLOCK]
        closest = np.full((len(rows), len(places)), 256.0, np.float32)
        for variant in range(VARIANTS):
            # The product of signs is 256 less twice the number of differing bits.
            np.minimum(closest, (256 - rows @ _signs(bank[:, variant]).T) / 2, out=closest)
        closest[np.arange(len(rows)), start + np.arange(len(rows))] = 256
        closest[~telling[places[start : start + _BLOCK]]] = 256
        for i, j in zip(*np.nonzero(closest <= NEAR), strict=True):
            low, high = sorted((int(places[start + i]), int(places[j])))
            found[low, high] = min(int(closest[i, j]), found.get((low, high), NEAR))
        progress(min(start + _BLOCK, len(places)))
    return [Pair(first, second, bits) for (first, second), bits in sorted(found.items())]


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns bits as -1 and 1, float32 (N, 256)."""
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
