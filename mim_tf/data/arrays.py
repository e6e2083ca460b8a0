"""Validates images that a caller passes as arrays, and resamples them to the size of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

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
        `check_images(np.ones((2, 96, 96, 3)))` raises "expected images as uint8 (N, height, width, 3), or a list of
        uint8 (height, width, 3), received float64 (2, 96, 96, 3); convert them by (255 * images +
        0.5).astype('uint8')".
    """
    if isinstance(images, np.ndarray) and images.dtype != object:
        if images.dtype != np.uint8 or images.ndim != 4:
            raise MimError(f"{_EXPECTED}, received {_described(images)}", _remedy(images))
    elif not isinstance(images, (list, tuple)):
        raise MimError(f"{_EXPECTED}, received {_described(images)}", _remedy(images))
    if len(images) == 0:
        raise MimError(f"{_EXPECTED}, received 0 images", "pass at least one image")
    for number, image in enumerate(images):
        is_rgb = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        if not is_rgb or min(image.shape) == 0:
            problem = f"{_EXPECTED}, received {_described(image)} at index {number}"
            raise MimError(problem, _remedy(image, single=True))
    return images


def _remedy(images: Any, single: bool = False) -> str:
    """What to do with images of another kind.

    Args:
        images: what was received.
        single: whether it is one image of a list.
    """
    if isinstance(images, (str, Path)):
        return "decode files by mim_export.score.decode.decode, or use fit_folder for a folder"
    if isinstance(images, Image.Image):
        return "convert it by np.asarray(image.convert('RGB'))"
    if not isinstance(images, np.ndarray):
        return "pass a uint8 array" if single else "pass an array or a list of arrays"
    if images.dtype == object:
        return "pass list(images)"
    if images.dtype != np.uint8:
        if images.dtype == np.bool_ or not np.issubdtype(images.dtype, np.number):
            return "convert to uint8 RGB in 0 to 255"
        # Values up to 1 are taken for the range [0, 1], as image libraries give them.
        scaled = images.size > 0 and float(np.max(images)) <= 1.0
        return "convert them by " + ("(255 * images + 0.5).astype('uint8')" if scaled else "images.astype('uint8')")
    axes = images.ndim + (1 if single else 0)
    if axes == 4 and images.shape[-1] != 3 and images.shape[-3] == 3:
        return "move the channels to the last axis"
    if not single and images.ndim == 3 and images.shape[2] == 3:
        return "add a batch axis by images[None]"
    if images.ndim in (2, 3) and images.shape[-1] != 3:
        return "convert grey to RGB by np.repeat(images[..., None], 3, axis=-1)"
    return "convert to uint8 RGB of shape (height, width, 3) each"


def check_groups(groups: ArrayLike | None, count: int, what: str = "group") -> NDArray[np.str_]:
    """Validates the group of each image.

    Args:
        groups: (N,), names or numbers, equal for images of one patient, photograph or series; None = each image is a
            group of its own.
        count: number of images N.
        what: what they are, in a message: "group", "reference group" or "condition".

    Returns:
        str (N,), the names of the groups without surrounding spaces.

    Raises:
        MimError: the number of groups differs from the number of images, or a group is empty.

    Example:
        `check_groups(["p1", "p1", "p2"], 3)` returns these names; `check_groups(None, 3)` returns "0", "1", "2".
    """
    if groups is None:
        return np.arange(count).astype(np.str_)
    remedy = f"pass a list or an array with one {what} for each image"
    try:
        names = np.asarray(groups)
    except ValueError as error:  # rows of different lengths
        raise MimError(f"expected {what}s of shape ({count},), received rows of different lengths", remedy) from error
    if names.shape != (count,):
        received = str(names.shape) if names.shape else type(groups).__name__
        raise MimError(f"expected {what}s of shape ({count},), received {received}", remedy)
    # NaN, which equals nothing, is how data frames hold a missing value.
    missing = np.array([name is None or name != name or str(name).strip() == "" for name in names.tolist()])
    if missing.any():
        raise MimError(f"image {int(np.argmax(missing))} has no {what}", f"give each image a {what}")
    return np.array([str(name).strip() for name in names], np.str_)


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
