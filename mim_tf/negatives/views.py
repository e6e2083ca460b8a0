"""Views of photographs to fit a measure with: as they are, cropped, changed but of the class, and self-made negatives.

They are a function of the photograph and the seed alone, so that each fit of a run, whatever it leaves out, sees the
same views of the same photograph.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mim_export.score.preprocess import resample
from mim_tf.negatives.kinds import NEGATIVES, positive, take_apart
from mim_tf.negatives.photometric import scene

#: Side of a crop, in units of the photograph's, and the places of its corner in units of what is left.
_CROP = 2 / 3
#: Views of a round that still show the class; self-made negatives are about three times as many.
_POSITIVES = 6
_CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))


def make_views(photo: NDArray[np.uint8], size: int, rounds: int, seed: int) -> dict[str, NDArray[np.uint8]]:
    """All views of one photograph.

    Args:
        photo: uint8 (R, R, 3), R above `size`, for crops.
        size: side S of the views in pixels.
        rounds: how often each kind of negative is made; spots are found and healed anew each time.
        seed: with the photograph itself, of every choice.

    Returns:
        By kind, each uint8 (N, S, S, 3): "photo" (1), "crop" (5), "positive" (6 a round), and by the names of
        `NEGATIVES` (1 a round each).
    """
    rng = np.random.default_rng([seed, zlib.crc32(photo.tobytes())])
    views: dict[str, list[NDArray[np.uint8]]] = {"photo": [resample(photo, size)], "crop": _crops(photo, size)}
    image = photo.astype(np.float32) / np.float32(255)
    cases = [take_apart(image, rng) for _ in range(rounds)]
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
