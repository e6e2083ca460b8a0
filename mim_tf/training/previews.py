"""Previews of a training as PNG sheets, drawn with Pillow: training a model imports no plotting library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from mim_export.score.files import new_file

#: Side of a picture on the sheet, height of the titles and space between pictures, in pixels.
_SIDE, _TITLE, _GAP = 144, 22, 6
#: Error that is drawn white.
_WHITE = 0.3


def write_preview(columns: Mapping[str, ArrayLike], path: Path) -> Path:
    """Draws a row for each image: the steps from the original to its reconstruction, and the error.

    Args:
        columns: by title float32 (B, S, S, 3) in [0, 1]; the original first, its reconstruction last.
        path: the PNG to write.

    Returns:
        `path`. The last column is the absolute error averaged over channels, from black (0) over red and yellow to
        white (0.3 and more).
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
    with new_file(path) as beside:
        sheet.save(beside)
    return path


def heat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours of numbers in [0, 1]: black, red, yellow, white.

    Args:
        values: float32 (...); numbers outside [0, 1] are clipped.

    Returns:
        float32 (..., 3), RGB in [0, 1].

    Example:
        `heat(0.5)` is (1, 0.5, 0), between red and yellow.
    """
    third = 3 * np.clip(values, 0, 1)
    return np.stack([np.clip(third - start, 0, 1) for start in range(3)], axis=-1).astype(np.float32)
