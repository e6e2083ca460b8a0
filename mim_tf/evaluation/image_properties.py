"""Properties of an image that are no sign of disease: smoothness, colour, resolution, JPEG quality."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mim_export.score.decide import LUMA
from mim_export.score.errors import explain
from mim_tf.data.folder import Photos

#: The luminance table of ITU-T T.81 (JPEG), annex K.1, in natural order: what libjpeg scales by its quality.
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


def image_properties(photos: Photos) -> dict[str, NDArray[np.float64]]:
    """The properties of each of N images.

    Args:
        photos: decoded photographs, with their files.

    Returns:
        float64 (N,) by name: `smoothness`, `brightness`, `saturation` of the resampled pixels, `resolution`
        (shorter side of the photograph in pixels) and `jpeg_quality` (1 to 100, NaN where the file is no JPEG).

    Example:
        A photograph of 3024 x 4032 px that a phone saved with quality 95 has resolution 3024 and JPEG
        quality 95; a sharp picture of skin has a smoothness of about -0.03, one out of focus -0.005.
    """
    return {
        "smoothness": smoothness(photos.pixels),
        "brightness": np.array([_luma(image).mean() for image in photos.pixels]),
        "saturation": saturation(photos.pixels),
        "resolution": photos.sides.astype(np.float64),
        "jpeg_quality": np.array([jpeg_quality(photo.path) for photo in photos.photos]),
    }


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Luma (ITU-R BT.601) of uint8 (..., 3), in [0, 1]."""
    luma: NDArray[np.float64] = pixels @ np.asarray(LUMA) / 255.0
    return luma


def smoothness(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Minus the mean gradient magnitude of the luma, by central differences (one-sided at the border).

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N,), luma in [0, 1] per pixel; 0 for one colour, negative otherwise.

    Example:
        A ramp from left to right that gains 51 grey levels each pixel: -51 / 255 = -0.2.
    """
    return np.array([-np.hypot(*np.gradient(_luma(image))).mean() for image in pixels])


def saturation(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean saturation (max - min) / max of the HSV colour space, 0 for black (Smith, SIGGRAPH 1978).

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N,), in [0, 1].

    Example:
        (200, 150, 100) throughout: 0.5. Any grey: 0.
    """
    high, low = pixels.max(-1).astype(np.float64), pixels.min(-1)
    mean: NDArray[np.float64] = ((high - low) / np.maximum(high, 1)).mean(axis=(1, 2))
    return mean


def jpeg_quality(path: Path) -> float:
    """The libjpeg quality with which a file was saved, judged by the quantization table in its header.

    libjpeg scales the table T of ITU-T T.81 to floor((T s + 50) / 100), within 1 to 255, with s = 5000 / q below
    quality 50 and 200 - 2 q from there on. The answer is the q whose luminance table is nearest (sum of absolute
    differences); it is exact for files of libjpeg and an equivalent for tables of another make. It tells of
    the last saving only. The pixels are not decoded.

    Args:
        path: an image file.

    Returns:
        1 to 100, or NaN for a file that is no JPEG.

    Raises:
        MimError: the file is missing or may not be read.

    Example:
        A file that Pillow saved with `quality=75`: 75.0.
    """
    try:
        with warnings.catch_warnings():
            # Whatever is odd about the file was passed over when it was decoded.
            warnings.filterwarnings("ignore", module="PIL")
            with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
                tables = getattr(image, "quantization", {})
    except OSError as error:
        raise explain(error, path) or error from None
    if 0 not in tables:
        return float("nan")
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    known = np.clip((np.ravel(_LUMINANCE) * scale[:, None] + 50) // 100, 1, 255)  # (100, 64)
    return float(quality[np.abs(known - np.asarray(tables[0])).sum(1).argmin()])
