"""Reads masks of lesions, the ground truth of anomaly detection in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decode import Photograph, decode
from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.data.splits import Photo

#: Grey level from which a pixel of a mask belongs to a lesion.
_WHITE = 128


def load_lesions(photos: Sequence[Photo], size: int) -> NDArray[np.bool_]:
    """Reads the masks of photographs and gives them the geometry of the photographs.

    A pixel of a mask belongs to a lesion if its grey level is at least 128. The centre square is averaged by area, like
    that of the photograph, and thresholded at 0.5.

    Args:
        photos: readable photographs.
        size: side S of the result in pixels.

    Returns:
        bool (N, S, S), True within lesions; all False for a photograph without mask.

    Raises:
        MimError: a mask cannot be read, has another size than its photograph, or has grey levels but no white.

    Example:
        A mask of 4 x 2 px is cropped to its middle rows; [[255, 0], [255, 0]] is [[True]] at size 1.
    """
    masks = np.zeros((len(photos), size, size), np.bool_)
    for place, photo in enumerate(photos):
        if photo.mask is not None:
            masks[place] = _lesions(photo, size)
    return masks


def _lesions(photo: Photo, size: int) -> NDArray[np.bool_]:
    assert photo.mask is not None
    sides = []
    for path in (photo.mask, photo.path):
        with Photograph(path) as opened:
            sides.append((opened.width, opened.height))
    if sides[0] != sides[1]:
        (width, height), (wanted_width, wanted_height) = sides
        problem = f"a mask of {width} x {height} px for a photograph of {wanted_width} x {wanted_height} px"
        raise MimError(problem, "make both of the same size", photo.mask)
    grey = decode(photo.mask).max(axis=2)
    if 0 < grey.max() < _WHITE:
        raise MimError(f"a mask of values up to {grey.max()}", "write lesions as 255 and skin as 0", photo.mask)
    levels = np.where(grey >= _WHITE, np.uint8(255), np.uint8(0))
    # A mean of 127.5, half of the area, is rounded up to 128.
    return resample(np.repeat(levels[..., None], 3, axis=2), size)[..., 0] >= _WHITE
