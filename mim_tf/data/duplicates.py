"""Detects near-duplicates across splits, which leak test images into the training set.

Published results on mpox are affected: one data set holds 228 photographs in 14 augmented copies each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mim_export.score.listing import named
from mim_export.score.preprocess import resample
from mim_tf.data.folder import Photos, Warn
from mim_tf.data.splits import Photo

#: Two photographs are near-duplicates if at most this many of 256 bits differ. On 500 photographs of different
#: patients and diseases, the closest pairs across splits differ in 26 bits.
_MAX_BITS = 16
#: Hashes with fewer ones than this, or fewer zeros, are not compared: all pictures of one colour, and all that become
#: darker to one side, have nearly the same hash. At quarter turns, as `mim_tf.prepare` compares pictures, one
#: photograph of 500 was otherwise a near-duplicate of three different ones.
INFORMATIVE = 32
#: Largest number of pairs that are named in warnings; further pairs are only counted.
_MAX_NAMED = 10
#: Side in pixels at which images are compared.
SIDE = 34


def warn_of_duplicates(sets: Sequence[Photos], warn: Warn) -> None:
    """Warns of near-duplicates in different splits and of groups in more than one split.

    Args:
        sets: decoded photographs with a side of at least 17 px, such as `SIDE`.
        warn: receives one line for each group and for each of the first 10 pairs.
    """
    splits_of: dict[str, set[str]] = {}
    for part in sets:
        for photo in part.photos:
            splits_of.setdefault(photo.group, set()).add(photo.split)
    for group, splits in sorted(splits_of.items()):
        if len(splits) > 1:
            warn(f"group {group} is in the splits {', '.join(sorted(splits))}: results on them are too optimistic")
    pairs = near_duplicates(sets)
    for first, second, bits in pairs[:_MAX_NAMED]:
        warn(f"{first.path} ({first.split}) and {second.path} ({second.split}) are near-duplicates: {bits} of 256 bits")
    if len(pairs) > _MAX_NAMED:
        warn(f"and {len(pairs) - _MAX_NAMED} more pairs; remove one of each, or give both one group in MANIFEST.csv")


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Computes a difference hash of 16 x 16 bits.

    Each bit says whether a cell of a 16 x 17 luma grid is darker than its right neighbour.

    Args:
        pixels: uint8 (S, S, 3) with S >= 17.

    Returns:
        bool (256,).

    Example:
        An image that becomes brighter to the right gives True 256 times; an image of one colour gives False 256 times.
    """
    luma = resample(pixels, 17).astype(np.int64) @ np.array([299, 587, 114])
    return (luma[:16, 1:] > luma[:16, :-1]).ravel()


def near_duplicates(sets: Sequence[Photos]) -> list[tuple[Photo, Photo, int]]:
    """Finds pairs of near-duplicates in different splits, including horizontally mirrored ones.

    Args:
        sets: decoded photographs with a side of at least 17 px; their `photos` give the splits.

    Returns:
        Tuples (photo, photo, number of differing bits of 256), the most similar pair first.
    """
    photos = [photo for part in sets for photo in part.photos]
    pixels = [image for part in sets for image in part.pixels]
    splits = np.array([photo.split for photo in photos])
    distance = _distances(pixels)
    first, second = np.nonzero((distance <= _MAX_BITS) & (splits[:, None] < splits[None, :]))
    pairs = [(photos[i], photos[j], int(distance[i, j])) for i, j in zip(first, second, strict=True)]
    return sorted(pairs, key=lambda pair: pair[2])


def join_near_duplicates(loaded: Photos, warn: Warn) -> NDArray[np.str_]:
    """Joins groups of one split that hold near-duplicates of each other.

    Otherwise copies of a photograph would count as several patients, and be on both sides of a fold.

    Args:
        loaded: decoded photographs of one split, with a side of at least 17 px.
        warn: receives one line that says how many groups were joined and names the first pairs.

    Returns:
        str (N,), the group of each photograph; joined groups have the first name of theirs in alphabetical order.

    Example:
        If a photograph of group b is a near-duplicate of one of group a, and another of b of one of group c, all
        photographs of a, b and c have the group "a".
    """
    names, index = np.unique(loaded.groups, return_inverse=True)
    first, second = np.nonzero(np.triu(_distances(loaded.pixels) <= _MAX_BITS, 1))
    parent = np.arange(len(names))

    def root(group: int) -> int:
        while parent[group] != group:
            group = parent[group]
        return group

    for a, b in zip(index[first], index[second], strict=True):
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    joined = names[[root(group) for group in range(len(names))]]
    different = index[first] != index[second]
    if different.any():
        paths = [photo.path for photo in loaded.photos]
        pairs = zip(first[different], second[different], strict=True)
        files = named([f"{paths[i]} and {paths[j].name}" for i, j in pairs])
        warn(
            f"near-duplicates in different groups ({files}): {len(names)} groups were joined to {len(set(joined))}; "
            "remove the copies, or give them one group in MANIFEST.csv"
        )
    return joined[index]


def _distances(pixels: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes the number of differing bits of all pairs of images, the second also mirrored: float32 (N, N).

    Images whose hash is not compared (see `INFORMATIVE`) have the distance 256 from all others.
    """
    plain = np.array([perceptual_hash(image) for image in pixels], np.float32)
    mirrored = np.array([perceptual_hash(image[:, ::-1]) for image in pixels], np.float32)
    distance = np.minimum(_hamming(plain, plain), _hamming(plain, mirrored))
    ones = plain.sum(1)
    silent = np.minimum(ones, 256 - ones) < INFORMATIVE
    distance[silent] = distance[:, silent] = 256
    return distance


def _hamming(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the number of differing bits of all pairs of rows: (N, 256), (M, 256) -> (N, M)."""
    return a.sum(1)[:, None] + b.sum(1)[None, :] - 2 * a @ b.T
