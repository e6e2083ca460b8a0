"""Synthetic images for the golden vectors of a bundle, and encoded files that test an image decoder."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mim_tf.synthetic import dataset

#: Class, height and width, as multiples of the size of the model. One image is blurred, one is smaller than the size,
#: and one has a single colour.
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
    """Draws synthetic images of all classes with square and other aspect ratios.

    Args:
        size: side of the images of the model in pixels; most images are larger than this, as photographs are.

    Returns:
        17 images by name, each uint8 (height, width, 3), RGB.

    Example:
        At size 64 one name is `synthetic_mpox_64x84`, of an image of 64 x 84 px.
    """
    images = {}
    for number, (name, *sides) in enumerate(_GOLDEN):
        height, width = (round(side * size) for side in sides)
        if name == "blank":  # one colour: the quality gate rejects it
            pixels = np.full((height, width, 3), 200, np.uint8)
        else:
            drawn = Image.fromarray(dataset.render(name if name in dataset.CLASSES else "mpox", [1000 + number])[0])
            soft = drawn.filter(ImageFilter.GaussianBlur(24)) if name == "blurred" else drawn
            pixels = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC))
        images[f"synthetic_{name}_{height}x{width}"] = pixels
    return images


def spare_images(size: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Draws more images, for verdicts that none of `golden_images` gets.

    Args:
        size: side of the images of the model in pixels.

    Yields:
        40 names and images, uint8 (size, size, 3): macules and plain skin, which models find least similar to the
        class among what is not refused as novel.
    """
    for number in range(2000, 2020):
        for name in ("macules", "plain"):
            drawn = Image.fromarray(dataset.render(name, [number])[0])
            pixels = np.asarray(drawn.resize((size, size), Image.Resampling.BICUBIC))
            yield f"synthetic_{name}_{number}_{size}x{size}", pixels


#: For each EXIF orientation, the transpose that maps the upright picture to the stored picture.
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
#: EXIF tag of the orientation.
_ORIENTATION = 0x0112


#: X, Y and Z of the primaries of Display P3, adapted to D50 as in its ICC profile (ICC.1:2022, SMPTE EG 432-1).
_DISPLAY_P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
    b"wtpt": (0.96420, 1.00000, 0.82491),
}


def display_p3() -> bytes:
    """Builds an ICC profile, version 2.4, with the primaries of Display P3 and a gamma of 2.2.

    Phones attach such profiles to photographs.
    """

    def fixed_point(values: tuple[float, ...]) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    tags = {name: b"XYZ \0\0\0\0" + fixed_point(values) for name, values in _DISPLAY_P3.items()}
    # The length of each entry is a multiple of 4 bytes. A curve with one value is a gamma in units of 1/256.
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), struct.pack(">4sIIHH", b"curv", 0, 1, round(2.2 * 256), 0))
    tags[b"desc"] = struct.pack(">4sII12s79x", b"desc", 0, 11, b"Display P3") + b"\0"
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(content))
        body += content
    size = 128 + len(table) + len(body)
    kinds = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    header = kinds + date + b"acsp" + bytes(28) + fixed_point(_DISPLAY_P3[b"wtpt"]) + bytes(48)
    return header + table + body


def encoded_images() -> dict[str, bytes]:
    """Encodes one picture in different formats.

    Returns:
        Files by name: JPEGs of each EXIF orientation, and grey, 16-bit, palette, transparent and wide-gamut files.
    """
    pixels = dataset.render("mpox", [1100], size=64)[0][:45, :61]  # odd sides, upright
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
    # A decoder must return the stored values; applying the profile would change the reds.
    files["display_p3.png"] = _encoded(upright, "PNG", icc_profile=display_p3())
    files["display_p3.jpg"] = _encoded(upright, "JPEG", quality=95, subsampling=0, icc_profile=display_p3())
    files["lossless.webp"] = _encoded(upright, "WEBP", lossless=True)
    return files


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
