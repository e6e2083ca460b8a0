"""Baseline `blur`: SSIM of the image and a Gaussian-blur inpainting, in place of the GAN's; it has no parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.detectors.base import OneClassModel
from mim_tf.measures.ssim import ssim
from mim_tf.training.config import Progress, Training

_CELL, _COUNT, _SIGMA = 8, 4, 4.0
_BATCH = 32


def blur_inpaint(images: NDArray[np.float32], masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fills masked pixels with the Gaussian-weighted mean of the visible ones (sigma 4 px).

    Args:
        images: float32 (B, S, S, 3) in [0, 1].
        masks: a mask set, float32 (n, S, S, 1), 1 = visible; each pixel is masked by exactly one mask.

    Returns:
        float32 (B, S, S, 3) in [0, 1].

    Example:
        A constant image of value 0.4 is returned unchanged, up to 1e-5.
    """
    filled = np.zeros_like(images)
    for mask in masks:
        visible = gaussian_filter(mask, _SIGMA, axes=(0, 1))
        blurred = gaussian_filter(images * mask, _SIGMA, axes=(1, 2)) / np.maximum(visible, 1e-6)
        filled += (1.0 - mask) * blurred
    return filled


class BlurModel(OneClassModel):
    """Similarity = SSIM of the image and its blur inpainting: `mim` without the GAN."""

    measure = "ssim"
    summary = "SSIM of the image and a Gaussian-blur inpainting; no trained parameters"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.masks = mask_set(size, _CELL, _COUNT)

    @property
    def parameters(self) -> int:
        """0: there is nothing to fit."""
        return 0

    def fit(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        groups: NDArray[np.str_] | None = None,
    ) -> None:
        """Does nothing; see `OneClassModel.fit`."""

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """SSIM, float32 (N,); see `OneClassModel.score_samples`."""
        scores = []
        for start in range(0, len(pixels), _BATCH):
            images = pixels[start : start + _BATCH].astype(np.float32) / np.float32(255)
            scores.append(ssim(tf.constant(images), tf.constant(blur_inpaint(images, self.masks))).numpy())
        return np.concatenate(scores)

    def inpaint(self, pixels: NDArray[np.uint8]) -> Inpainted:
        """Blur inpaintings; see `OneClassModel.inpaint`."""
        images = pixels.astype(np.float32) / np.float32(255)
        return Inpainted(pixels, blur_inpaint(images, self.masks), self.masks)

    def save(self, folder: Path) -> None:
        """Does nothing: the model has no state."""

    def load(self, folder: Path) -> None:
        """Does nothing: the model has no state."""
