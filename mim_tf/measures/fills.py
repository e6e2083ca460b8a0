"""Fills of hidden pixels that have learnt nothing: what an inpainting network must do better than."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.restoration import inpaint_biharmonic

from mim_export.score.fill import fill

Images = NDArray[np.float32]
#: Fills uint8 (N, s, s, 3) with a mask set, float32 (n, s, s, 1), 1 = kept: float32 (N, s, s, 3) in [0, 1], at each
#: pixel the fill under the mask that hides it.
Fill = Callable[[NDArray[np.uint8], NDArray[np.float32]], Images]

#: Standard deviation of the blur, in pixels.
_SIGMA = 4.0


def blur(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Images:
    """The Gaussian-weighted mean of the kept pixels (sigma 4 px); see `Fill`.

    Example:
        A constant image of value 102 gives 0.4 everywhere, up to 1e-5.
    """
    pixels = images.astype(np.float32) / np.float32(255)
    filled = np.zeros_like(pixels)
    for mask in masks:
        kept = gaussian_filter(mask, _SIGMA, axes=(0, 1))
        filled += (1.0 - mask) * gaussian_filter(pixels * mask, _SIGMA, axes=(1, 2)) / np.maximum(kept, 1e-6)
    return filled


def push_pull(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Images:
    """The pyramid of `mim_export.score.fill`; see `Fill`.

    Example:
        A constant image of value 102 gives 0.4 everywhere.
    """
    filled = np.stack([(fill(image, masks) * (1.0 - masks)).sum(axis=0) for image in images])
    return filled.astype(np.float32) / np.float32(255)


def biharmonic(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Images:
    """The solution of the biharmonic equation (Damelin and Hoang, 2018), by scikit-image; see `Fill`.

    Example:
        A constant image of value 102 gives 0.4 everywhere, up to 1e-6.
    """
    # The images are channels of one, since the equations depend on the mask alone and are then solved once.
    count, side, _, _ = images.shape
    channels = images.transpose(1, 2, 0, 3).reshape(side, side, -1) / 255.0
    filled = np.zeros_like(channels)
    for mask in masks:
        hidden = mask[..., 0] == 0
        filled[hidden] = inpaint_biharmonic(channels, hidden, channel_axis=2)[hidden]
    return filled.reshape(side, side, count, 3).transpose(2, 0, 1, 3).clip(0.0, 1.0).astype(np.float32)


#: The fills beside which a model is shown.
FILLS: Mapping[str, Fill] = {"blur": blur, "push_pull": push_pull, "biharmonic": biharmonic}
