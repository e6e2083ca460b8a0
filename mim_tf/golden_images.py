"""The synthetic photographs behind a bundle's golden vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mim_tf import sample

#: Class, height and width in units of the model's side. One is out of focus, one
#: too small, one of a single colour.
_GOLDEN = (
    ("mpox", 1.0, 1.0),
    ("mpox", 1.0, 1.31),
    ("mpox", 1.37, 1.07),
    ("mpox", 2.0, 2.0),
    ("macules", 1.0, 1.0),
    ("macules", 1.61, 1.29),
    ("scales", 1.21, 1.0),
    ("scales", 1.0, 1.73),
    ("wheals", 1.0, 1.0),
    ("wheals", 1.51, 1.13),
    ("plain", 1.0, 1.0),
    ("plain", 1.11, 1.43),
    ("no_skin", 1.0, 1.0),
    ("no_skin", 1.79, 1.01),
    ("blurred", 1.0, 1.0),
    ("small", 0.5, 0.75),
    ("blank", 1.0, 1.0),
)


def golden_images(size: int) -> dict[str, NDArray[np.uint8]]:
    """Synthetic photographs of all classes, square and not, uint8 (height, width, 3) by name.

    Args:
        size: side of the model's images in pixels; most photographs are larger, as those of a camera are.
    """
    images = {}
    for number, (name, *sides) in enumerate(_GOLDEN):
        height, width = (round(side * size) for side in sides)
        if name == "blank":  # one colour: the gate refuses it
            pixels = np.full((height, width, 3), 200, np.uint8)
        else:
            drawn = Image.fromarray(sample.render(name if name in sample.CLASSES else "mpox", [1000 + number])[0])
            soft = drawn.filter(ImageFilter.GaussianBlur(24)) if name == "blurred" else drawn
            pixels = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC))
        images[f"synthetic_{name}_{height}x{width}"] = pixels
    return images
