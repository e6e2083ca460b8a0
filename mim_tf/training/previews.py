"""Previews of a training as PNG files, drawn with Pillow so that training does not import a plotting library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from mim_export.score.atomic_files import new_file

#: Side of an image, height of the titles and space between images, in pixels.
_SIDE, _TITLE, _GAP = 144, 22, 6
#: Mean absolute error that is drawn in white.
_WHITE = 0.3


def write_preview(columns: Mapping[str, ArrayLike], path: Path) -> Path:
    """Draws one row per image: original, intermediate steps, reconstruction and error.

    Args:
        columns: images by column title, each float32 (B, S, S, 3) in [0, 1]; the original first, the reconstruction
            last.
        path: the PNG file to write.

    Returns:
        `path`. The last column is the absolute error averaged over channels: 0 is black, then red and yellow, and 0.3
        or more is white.
    """
    pictures = {title: np.asarray(images, np.float32) for title, images in columns.items()}
    original, *_, reconstructed = pictures.values()
    pictures["error"] = heat(np.abs(original - reconstructed).mean(-1) / _WHITE)
    rows = len(original)
    width = len(pictures) * (_SIDE + _GAP) + _GAP
    sheet = Image.new("RGB", (width, rows * (_SIDE + _GAP) + _TITLE), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, (title, images) in enumerate(pictures.items()):
        left = _GAP + column * (_SIDE + _GAP)
        pen.text((left + _SIDE // 2, _TITLE // 2), title, "black", font, "mm")
        for row, image in enumerate(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)):
            picture = Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
            sheet.paste(picture, (left, _TITLE + row * (_SIDE + _GAP)))
    with new_file(path) as temporary:
        sheet.save(temporary)
    return path


def heat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps numbers in [0, 1] to the colours black, red, yellow, white.

    Args:
        values: float32 (...); values outside [0, 1] are clipped.

    Returns:
        float32 (..., 3), RGB in [0, 1].

    Example:
        `heat(0.5)` is (1, 0.5, 0), between red and yellow.
    """
    third = 3 * np.clip(values, 0, 1)
    return np.stack([np.clip(third - start, 0, 1) for start in range(3)], axis=-1).astype(np.float32)
