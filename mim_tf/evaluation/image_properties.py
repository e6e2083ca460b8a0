"""Image properties that do not indicate a disease: smoothness, brightness, saturation, resolution, JPEG quality."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decide import LUMA
from mim_export.score.errors import MimError, explain
from mim_tf.data.folder import Photos

#: The luminance quantization table of ITU-T T.81 (JPEG), annex K.1, in natural order; libjpeg scales it by the quality.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
#: Place in natural order of each entry of a table in a file: diagonal by diagonal, up and down in turn.
_ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


def image_properties(photos: Photos) -> dict[str, NDArray[np.float64]]:
    """Computes the properties of N images.

    Args:
        photos: decoded photographs, with their files.

    Returns:
        float64 (N,) by name: `smoothness`, `brightness` (mean luma, in [0, 1]) and `saturation` of the resampled
        pixels; `resolution`, the shorter side of the photograph in pixels; `jpeg_quality`, 1 to 100, NaN if the file
        is not a JPEG.

    Example:
        A photograph of 3024 x 4032 px that a phone saved with quality 95 has resolution 3024 and JPEG quality 95. A
        sharp image of skin has a smoothness of about -0.03, one out of focus of about -0.005.
    """
    return {
        "smoothness": smoothness(photos.pixels),
        "brightness": np.array([luma(image).mean() for image in photos.pixels]),
        "saturation": saturation(photos.pixels),
        "resolution": photos.sides.astype(np.float64),
        "jpeg_quality": np.array([jpeg_quality(photo.path) for photo in photos.photos]),
    }


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Luma (ITU-R BT.601) of images.

    Args:
        pixels: uint8 (..., 3), RGB.

    Returns:
        float64 (...), in [0, 1].
    """
    return np.asarray(pixels @ np.asarray(LUMA) / 255.0)


def smoothness(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Negative mean gradient magnitude of the luma, from central differences (one-sided at the border).

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N,), luma (in [0, 1]) per pixel; 0 for a constant image, else negative.

    Example:
        A horizontal ramp of 51 grey levels per pixel has -51 / 255 = -0.2.
    """
    return np.array([-np.hypot(*np.gradient(luma(image))).mean() for image in pixels])


def saturation(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean saturation (max - min) / max of the HSV colour space, 0 for black (Smith, SIGGRAPH 1978).

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N,), in [0, 1].

    Example:
        A constant image of (200, 150, 100) has 0.5; a grey image has 0.
    """
    high, low = pixels.max(-1).astype(np.float64), pixels.min(-1)
    mean: NDArray[np.float64] = ((high - low) / np.maximum(high, 1)).mean(axis=(1, 2))
    return mean


def jpeg_quality(path: Path) -> float:
    """Estimates the libjpeg quality of a file from the quantization table in its header.

    libjpeg scales the table T of ITU-T T.81 to floor((T s + 50) / 100), clipped to 1 to 255, with s = 5000 / q for
    q < 50 and s = 200 - 2 q otherwise. The result is the q with the nearest luminance table (sum of absolute
    differences). It is exact for files written by libjpeg and an equivalent for other encoders. Only the last save is
    visible in the header. The pixels are not decoded.

    Args:
        path: an image file.

    Returns:
        1 to 100, or NaN if the file is not a JPEG.

    Raises:
        MimError: the file is missing or not readable.

    Example:
        A file that Pillow saved with `quality=75` gives 75.0.
    """
    try:
        with path.open("rb") as stream:
            table = _luminance_table(stream)
    except FileNotFoundError as error:
        raise MimError("no such file", "check the spelling of the path", path) from error
    except OSError as error:
        raise explain(error, path) or error from error
    if table is None:
        return float("nan")
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    candidates = np.clip((np.ravel(_LUMINANCE) * scale[:, None] + 50) // 100, 1, 255)  # (100, 64)
    return float(quality[np.abs(candidates - table).sum(1).argmin()])


def _luminance_table(stream: BinaryIO) -> NDArray[np.int64] | None:
    """Reads quantization table 0 from the header of a JPEG file, in natural order; None if there is none.

    Pillow reads it as well, but it also issues warnings about large or damaged files, which cannot be silenced safely
    in threads.
    """
    table = None
    marker = stream.read(2)
    if marker != b"\xff\xd8":  # start of image
        return None
    while len(marker := stream.read(2)) == 2 and marker[0] == 0xFF and marker[1] != 0xDA:  # up to the start of scan
        if marker[1] == 0xFF or 0xD0 <= marker[1] <= 0xD7 or marker[1] == 0x01:
            stream.seek(-1 if marker[1] == 0xFF else 0, 1)  # a fill byte, or a marker without content
            continue
        content = stream.read(max(0, int.from_bytes(stream.read(2), "big") - 2))
        if marker[1] != 0xDB:  # not a definition of quantization tables
            continue
        while content:
            size = 1 if content[0] >> 4 == 0 else 2
            values = np.frombuffer(content[1 : 1 + 64 * size], ">u1" if size == 1 else ">u2")
            if len(values) == 64 and content[0] & 15 == 0:
                table = np.empty(64, np.int64)
                table[_ZIGZAG] = values
            content = content[1 + 64 * size :]
    return table
