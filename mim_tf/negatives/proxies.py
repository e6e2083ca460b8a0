"""Proxies: simplified versions of an image that keep its layout and drop its texture (Zhou et al., arXiv 2110.01761).

Computed once for each training photograph, before the first step; what the training sees is a view of photograph
and proxy by the same crop, flip and colours. The sizes and strengths are ours; the paper's abstract names none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.filters import sobel
from skimage.segmentation import slic

#: Superpixels of an image, about; each is then about a twelfth of the side wide.
SEGMENTS = 150
#: Weight of distance against colour in SLIC.
COMPACTNESS = 10.0
#: Cells along a side of the low-resolution proxy.
CELLS = 12


def superpixel(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every pixel of a superpixel gets the superpixel's mean (SLIC, Achanta et al., IEEE TPAMI 34, 2012).

    Args:
        image: uint8 (R, R, 3).

    Returns:
        uint8 (R, R, 3) of about `SEGMENTS` colours. An image of one colour comes back as it was.
    """
    labels = slic(image, n_segments=SEGMENTS, compactness=COMPACTNESS, start_label=0, channel_axis=-1).ravel()
    values = image.reshape(-1, 3).astype(np.float64)
    counts = np.maximum(np.bincount(labels), 1)
    means = np.stack([np.bincount(labels, values[:, c]) / counts for c in range(3)], axis=-1)  # (segments, 3)
    return np.floor(means + 0.5).astype(np.uint8)[labels].reshape(image.shape)


def blur(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gaussian blur of sigma R / 32; uint8 (R, R, 3) to the same."""
    sigma = len(image) / 32
    return np.floor(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)) + 0.5).astype(np.uint8)


def edges(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Strength of the Sobel gradient of the grey image, a quarter of the range = 255; uint8 (R, R, 3) to the same."""
    strength = sobel(image.astype(np.float64).mean(-1) / 255.0)
    return np.repeat(np.clip(4 * 255 * strength + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def low_resolution(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of `CELLS` x `CELLS` cells, enlarged to blocks; uint8 (R, R, 3) to the same."""
    place = np.arange(len(image)) * CELLS // len(image)
    share = (place == np.arange(CELLS)[:, None]).astype(np.float64)  # (cells, R)
    share /= share.sum(1, keepdims=True)
    means = np.einsum("ar,bc,rcx->abx", share, share, image.astype(np.float64), optimize=True)
    return np.floor(means + 0.5).astype(np.uint8)[place][:, place]


PROXIES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "superpixel": superpixel,
    "blur": blur,
    "edges": edges,
    "low_resolution": low_resolution,
}


def proxies(kind: str, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The proxy of each image.

    Args:
        kind: one of `PROXIES`.
        pixels: uint8 (N, R, R, 3).

    Returns:
        uint8 (N, R, R, 3).

    Example:
        `proxies("superpixel", pixels)` takes about 20 ms for an image of 120 px.
    """
    return np.stack([PROXIES[kind](image) for image in pixels])
