"""Near-duplicates across splits: the quiet way in which a test set leaks into a training set.

Published mpox figures suffer from it: one collection holds 228 photographs in 14 augmented copies each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mim_export.score.preprocess import resample
from mim_tf.data.folder import Photos, Warn
from mim_tf.data.splits import Photo

#: Differing bits of 256 up to which two photographs count as near-duplicates. On 500 photographs of different
#: patients and diseases the closest pairs across splits differ in 26 bits.
_NEAR = 16
#: Pairs that are named; the rest are counted.
_NAMED = 10
#: Side in pixels of the images that are compared.
SIDE = 34


def warn_of_duplicates(sets: Sequence[Photos], warn: Warn) -> None:
    """Names photographs that are nearly the same and lie in different splits, and groups that lie in several.

    Args:
        sets: decoded photographs of at least 17 px, such as `SIDE`.
        warn: receives a line for each pair and each group.
    """
    places: dict[str, set[str]] = {}
    for part in sets:
        for photo in part.photos:
            places.setdefault(photo.group, set()).add(photo.split)
    for group, splits in sorted(places.items()):
        if len(splits) > 1:
            warn(f"group {group} lies in the splits {', '.join(sorted(splits))}: figures on them are too good")
    pairs = near_duplicates(sets)
    for first, second, bits in pairs[:_NAMED]:
        warn(f"{first.path} ({first.split}) and {second.path} ({second.split}) are near-duplicates: {bits} of 256 bits")
    if len(pairs) > _NAMED:
        warn(f"and {len(pairs) - _NAMED} more pairs; remove one of each, or give both one group in MANIFEST.csv")


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Difference hash of 16 x 16 bits: is each cell of a 16 x 17 luma grid brighter than its neighbour?

    Args:
        pixels: uint8 (S, S, 3) with S >= 17.

    Returns:
        bool (256,).

    Example:
        An image that brightens to the right gives 256 times True, one colour 256 times False.
    """
    luma = resample(pixels, 17).astype(np.int64) @ np.array([299, 587, 114])
    return (luma[:16, 1:] > luma[:16, :-1]).ravel()


def near_duplicates(sets: Sequence[Photos]) -> list[tuple[Photo, Photo, int]]:
    """Pairs of nearly identical photographs that lie in different splits, mirrored ones included.

    Args:
        sets: decoded photographs; their `photos` name the split.

    Returns:
        (photo, photo, differing bits of 256), the most alike first.
    """
    photos = [photo for part in sets for photo in part.photos]
    pixels = [image for part in sets for image in part.pixels]
    plain = np.array([perceptual_hash(image) for image in pixels], np.float32)
    mirrored = np.array([perceptual_hash(image[:, ::-1]) for image in pixels], np.float32)
    splits = np.array([photo.split for photo in photos])
    distance = np.minimum(_hamming(plain, plain), _hamming(plain, mirrored))
    first, second = np.nonzero((distance <= _NEAR) & (splits[:, None] < splits[None, :]))
    pairs = [(photos[i], photos[j], int(distance[i, j])) for i, j in zip(first, second, strict=True)]
    return sorted(pairs, key=lambda pair: pair[2])


def _hamming(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return a.sum(1)[:, None] + b.sum(1)[None, :] - 2 * a @ b.T
