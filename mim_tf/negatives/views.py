"""Views of photographs on which a measure is fitted: unmodified, cropped, changed positives and pseudo-negatives.

The views depend only on the photograph and the seed. All fits of a run, such as those of a cross-validation, therefore
use the same views of the same photograph.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mim_export.score.preprocess import resample
from mim_tf.negatives.kinds import NEGATIVES, decompose, positive
from mim_tf.negatives.photometric import scene

#: Side of a crop as a fraction of the side of the photograph.
_CROP = 2 / 3
#: Kinds of views that still show the class, beside the photograph itself.
POSITIVE_KINDS = ("crop", "positive")
#: Number of positive views in each round; there are about three times as many pseudo-negatives.
_POSITIVES = 6
#: Positions of the crops: 0 = top or left border, 1 = bottom or right border.
_CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))


def make_views(photo: NDArray[np.uint8], size: int, rounds: int, seed: int) -> dict[str, NDArray[np.uint8]]:
    """Makes all views of one photograph.

    Args:
        photo: uint8 (R, R, 3), RGB; R should be larger than `size`, so that crops keep detail.
        size: side S of the views in pixels.
        rounds: number of negatives of each kind. Each round removes the spots again, with other random choices.
        seed: seed of all random choices, combined with a checksum of the photograph.

    Returns:
        Views by kind, each uint8 (N, S, S, 3): "photo" (N = 1), "crop" (5), "positive" (6 a round), and each name in
        `NEGATIVES` (1 a round).

    Example:
        With `rounds=2` there are 1 + 5 + 12 + 2 * 17 = 52 views.
    """
    rng = np.random.default_rng([seed, zlib.crc32(photo.tobytes())])
    views: dict[str, list[NDArray[np.uint8]]] = {"photo": [resample(photo, size)], "crop": _crops(photo, size)}
    image = photo.astype(np.float32) / np.float32(255)
    cases = [decompose(image, rng) for _ in range(rounds)]
    views["positive"] = [scene(positive(case, rng), size, rng) for case in cases for _ in range(_POSITIVES)]
    for name, change in NEGATIVES.items():
        views[name] = [scene(change(case, rng), size, rng) for case in cases]
    return {name: np.stack(images) for name, images in views.items()}


def _crops(photo: NDArray[np.uint8], size: int) -> list[NDArray[np.uint8]]:
    side = len(photo)
    crop = round(_CROP * side)
    method = Pillow.Resampling.BOX if crop > size else Pillow.Resampling.BILINEAR
    crops = []
    for down, right in _CORNERS:
        top, left = round(down * (side - crop)), round(right * (side - crop))
        picture = Pillow.fromarray(photo[top : top + crop, left : left + crop])
        crops.append(np.asarray(picture.resize((size, size), method)))
    return crops
