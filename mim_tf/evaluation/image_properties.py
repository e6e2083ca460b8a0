"""Image properties that do not indicate a disease: smoothness, brightness, saturation, resolution, JPEG quality."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mim_export.score.decide import LUMA
from mim_export.score.errors import explain
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
    """Negative mean gradient magnitude of the luma, from central differences (one-sided at the border).

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N,), luma (in [0, 1]) per pixel; 0 for a constant image, else negative.

    Example:
        A horizontal ramp of 51 grey levels per pixel has -51 / 255 = -0.2.
    """
    return np.array([-np.hypot(*np.gradient(_luma(image))).mean() for image in pixels])


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
        with warnings.catch_warnings():
            # Warnings about the file were already ignored when it was decoded.
            warnings.filterwarnings("ignore", module="PIL")
            with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
                tables = getattr(image, "quantization", {})
    except OSError as error:
        raise explain(error, path) or error from None
    if 0 not in tables:
        return float("nan")
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    candidates = np.clip((np.ravel(_LUMINANCE) * scale[:, None] + 50) // 100, 1, 255)  # (100, 64)
    return float(quality[np.abs(candidates - np.asarray(tables[0])).sum(1).argmin()])
