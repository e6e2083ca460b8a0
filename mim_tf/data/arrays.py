"""Validates images that a caller passes as arrays, and resamples them to the size of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample

_EXPECTED = "expected images as uint8 (N, height, width, 3), or a list of uint8 (height, width, 3)"


def check_images(images: Any) -> Sequence[NDArray[np.uint8]]:
    """Validates the images passed to a public function.

    Args:
        images: uint8 (N, height, width, 3), or a list of photographs of any size, each uint8 (height, width, 3).

    Returns:
        The images, each uint8 (height, width, 3).

    Raises:
        MimError: the images have another type, dtype or shape, or there are none. The message states what was expected
            and what was received.

    Example:
        `check_images(np.zeros((2, 96, 96, 3)))` raises "expected images as uint8 (N, height, width, 3), or a list of
        uint8 (height, width, 3), received float64 (2, 96, 96, 3); convert them, such as by (255 * images +
        0.5).astype('uint8')".
    """
    if isinstance(images, np.ndarray):
        if images.dtype != np.uint8:
            remedy = "convert them, such as by (255 * images + 0.5).astype('uint8')"
            raise MimError(f"{_EXPECTED}, received {_described(images)}", remedy)
        if images.ndim != 4:
            remedy = "add a batch axis, such as by images[None]" if images.ndim == 3 else "stack images on axis 0"
            raise MimError(f"{_EXPECTED}, received {_described(images)}", remedy)
    elif not isinstance(images, (list, tuple)):
        raise MimError(f"{_EXPECTED}, received {type(images).__name__}", "pass an array or a list of arrays")
    if len(images) == 0:
        raise MimError(f"{_EXPECTED}, received 0 images", "pass at least one image")
    for number, image in enumerate(images):
        is_rgb = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        if not is_rgb or min(image.shape) == 0:
            raise MimError(f"{_EXPECTED}, received {_described(image)} at index {number}", "convert it to uint8 RGB")
    return images


def check_groups(groups: ArrayLike | None, count: int) -> NDArray[np.str_]:
    """Validates the group of each image.

    Args:
        groups: (N,), names or numbers, equal for images of one patient, photograph or series; None = each image is a
            group of its own.
        count: number of images N.

    Returns:
        str (N,), the names of the groups without surrounding spaces.

    Raises:
        MimError: the number of groups differs from the number of images, or a group is empty.

    Example:
        `check_groups(["p1", "p1", "p2"], 3)` returns these names; `check_groups(None, 3)` returns "0", "1", "2".
    """
    if groups is None:
        return np.arange(count).astype(np.str_)
    names = np.asarray(groups)
    if names.shape != (count,):
        raise MimError(f"expected groups of shape ({count},), received {names.shape}", "give each image one group")
    text = np.array([str(name).strip() for name in names], np.str_)
    if (text == "").any():
        raise MimError(f"image {int(np.argmax(text == ''))} has an empty group", "give each image a group")
    return text


def resample_all(images: Sequence[NDArray[np.uint8]], size: int) -> NDArray[np.uint8]:
    """Crops each image to its centre square and resamples it by area averaging.

    Args:
        images: N images, each uint8 (height, width, 3).
        size: side S of the result in pixels.

    Returns:
        uint8 (N, S, S, 3); an array that already has this size is returned unchanged.
    """
    if isinstance(images, np.ndarray) and images.shape[1:3] == (size, size):
        return images
    return np.stack([resample(image, size) for image in images])


def array_fingerprint(arrays: Iterable[NDArray[Any]]) -> str:
    """Computes the SHA-256 of the dtype, shape and values of arrays, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(_described(array).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _described(image: Any) -> str:
    return f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
