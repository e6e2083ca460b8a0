"""Proxies: simplified versions of an image without texture (Zhou et al., arXiv 2110.01761).

Proxies are computed once for each training photograph, before the first step. In training, a photograph and its proxy
are augmented with the same crop, flips and colours. The sizes and strengths are choices of this implementation; the
abstract of the paper gives none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.filters import sobel
from skimage.segmentation import slic

#: Approximate number of superpixels of an image; the width of each is then about 1/12 of the side.
SEGMENTS = 150
#: Weight of spatial distance relative to colour distance in SLIC.
COMPACTNESS = 10.0
#: Number of cells along each side of the low-resolution proxy.
CELLS = 12


def superpixel(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replaces each pixel by the mean of its superpixel (SLIC, Achanta et al., IEEE TPAMI 34, 2012).

    Args:
        image: uint8 (R, R, 3).

    Returns:
        uint8 (R, R, 3) of about `SEGMENTS` colours. An image of one colour is returned unchanged.
    """
    labels = slic(image, n_segments=SEGMENTS, compactness=COMPACTNESS, start_label=0, channel_axis=-1).ravel()
    values = image.reshape(-1, 3).astype(np.float64)
    counts = np.maximum(np.bincount(labels), 1)
    means = np.stack([np.bincount(labels, values[:, c]) / counts for c in range(3)], axis=-1)  # (segments, 3)
    return np.floor(means + 0.5).astype(np.uint8)[labels].reshape(image.shape)


def blur(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blurs an image by a Gaussian of sigma R / 32 pixels: uint8 (R, R, 3) -> uint8 (R, R, 3)."""
    sigma = len(image) / 32
    return np.floor(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)) + 0.5).astype(np.uint8)


def edges(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Computes the magnitude of the Sobel gradient of the grey image.

    Args:
        image: uint8 (R, R, 3).

    Returns:
        uint8 (R, R, 3), three equal channels. The magnitude is multiplied by 4 and clipped: 255 is a magnitude of 1/4
        of the range of grey values or more.
    """
    strength = sobel(image.astype(np.float64).mean(-1) / 255.0)
    return np.repeat(np.clip(4 * 255 * strength + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def low_resolution(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replaces each of `CELLS` x `CELLS` cells by its mean.

    Args:
        image: uint8 (R, R, 3).

    Returns:
        uint8 (R, R, 3), constant within each cell.
    """
    cell = np.arange(len(image)) * CELLS // len(image)
    averaging = (cell == np.arange(CELLS)[:, None]).astype(np.float64)  # (cells, R)
    averaging /= averaging.sum(1, keepdims=True)
    means = np.einsum("ar,bc,rcx->abx", averaging, averaging, image.astype(np.float64), optimize=True)
    return np.floor(means + 0.5).astype(np.uint8)[cell][:, cell]


PROXIES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "superpixel": superpixel,
    "blur": blur,
    "edges": edges,
    "low_resolution": low_resolution,
    # The image itself, for an ablation.
    "none": lambda image: image,
}


def proxies(kind: str, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Computes the proxy of each image.

    Args:
        kind: name of the proxy, one of `PROXIES`.
        pixels: uint8 (N, R, R, 3).

    Returns:
        uint8 (N, R, R, 3).

    Example:
        `proxies("superpixel", pixels)` takes about 20 ms for an image of 120 px.
    """
    return np.stack([PROXIES[kind](image) for image in pixels])
