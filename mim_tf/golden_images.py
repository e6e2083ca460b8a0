"""The synthetic photographs behind a bundle's golden vectors, and files that a decoder may stumble over."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mim_tf import sample

#: Class, height and width in units of the model's side. One is out of focus, one
#: too small, one of a single colour.
_GOLDEN = (
    ("mpox", 1.0, 1.0),
    ("mpox", 1.0, 1.32),
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
    ("small", 0.53, 0.76),
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


#: For each EXIF orientation how a camera that held it so would have stored the upright picture.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_ORIENTATION = 0x0112


def encoded_images() -> dict[str, bytes]:
    """JPEGs of each EXIF orientation, and grey, 16-bit, palette and transparent files, by name."""
    pixels = sample.render("mpox", [1100], size=64)[0][:45, :61]  # odd sides, upright
    upright = Image.fromarray(pixels)
    files = {}
    for orientation, transpose in _STORED.items():
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        stored = upright if transpose is None else upright.transpose(transpose)
        files[f"exif_{orientation}.jpg"] = _encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif)
    grey = upright.convert("L")
    ramp = np.linspace(0, 255, 61).astype(np.uint8)
    transparent = np.dstack([pixels, np.broadcast_to(ramp, pixels.shape[:2])])
    wide = np.asarray(grey).astype(np.uint16) * 256 + np.arange(61, dtype=np.uint16) * 4
    files["grey.jpg"] = _encoded(grey, "JPEG", quality=95)
    files["grey.png"] = _encoded(grey, "PNG")
    files["grey16.png"] = _encoded(Image.fromarray(wide), "PNG")
    files["alpha.png"] = _encoded(Image.fromarray(transparent), "PNG")
    files["palette.png"] = _encoded(upright.quantize(32), "PNG")
    files["palette_alpha.png"] = _encoded(upright.quantize(32), "PNG", transparency=0)
    files["grey_alpha.png"] = _encoded(Image.fromarray(np.dstack([np.asarray(grey), transparent[..., 3]])), "PNG")
    files["lossless.webp"] = _encoded(upright, "WEBP", lossless=True)
    return files


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
