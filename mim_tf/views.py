"""Views of photographs to fit a measure with: as they are, cropped, changed but of the class, and self-made negatives.

They are a function of the photograph and the seed alone, so that each fit of a run, whatever it leaves out, sees the
same views of the same photograph.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mim_export.preprocess import resample
from mim_tf.scenes import scene
from mim_tf.self_made import NEGATIVES, positive, take_apart

#: Side of a crop, in units of the photograph's, and the places of its corner in units of what is left.
_CROP = 2 / 3
_CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))


@dataclass(frozen=True)
class Amount:
    """How many views of each photograph are made.

    Attributes:
        positives: views that still show the class.
        rounds: how often each kind of negative is made; spots are found and healed anew in each round.
    """

    positives: int = 12
    rounds: int = 2


def make_views(photo: NDArray[np.uint8], size: int, amount: Amount, seed: int) -> dict[str, NDArray[np.uint8]]:
    """All views of one photograph.

    Args:
        photo: uint8 (R, R, 3), R above `size`, for crops.
        size: side S of the views in pixels.
        amount: how many.
        seed: with the photograph itself, of every choice.

    Returns:
        By kind, each uint8 (N, S, S, 3): "photo" (1), "crop" (5), "positive", and the names of `NEGATIVES`.
    """
    rng = np.random.default_rng([seed, zlib.crc32(photo.tobytes())])
    views: dict[str, list[NDArray[np.uint8]]] = {"photo": [resample(photo, size)], "crop": _crops(photo, size)}
    image = photo.astype(np.float32) / np.float32(255)
    cases = [take_apart(image, rng) for _ in range(amount.rounds)]
    views["positive"] = [
        scene(positive(cases[number % amount.rounds], rng), size, rng) for number in range(amount.positives)
    ]
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
