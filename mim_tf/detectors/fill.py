"""Base class of the methods that fill hidden pixels without having learnt anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.detectors.base import OneClassModel
from mim_tf.measures.ssim import error_map, ssim
from mim_tf.models.mim import CELLS, COUNT
from mim_tf.training.config import Progress, Training


class FillModel(OneClassModel):
    """Similarity = SSIM of the image and its fill: `mim` without the GAN, with the same masks."""

    measure = "ssim"
    #: The fill, one of `mim_tf.measures.fills`.
    fill: ClassVar[staticmethod[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.float32]]]

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.masks = mask_set(size, size // CELLS, COUNT)

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
        images = pixels.astype(np.float32) / np.float32(255)
        return ssim(tf.constant(images), tf.constant(self.inpaint(pixels).inpainted)).numpy()

    def anomaly_maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """1 - SSIM of the image and its fill at each pixel, in [0, 2]; see `OneClassModel.anomaly_maps`."""
        images = pixels.astype(np.float32) / np.float32(255)
        return error_map(tf.constant(images), tf.constant(self.inpaint(pixels).inpainted)).numpy()[..., 0]

    def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted:
        """Fills; see `OneClassModel.inpaint`."""
        masks = self.masks if masks is None else masks
        return Inpainted(pixels, type(self).fill(pixels, masks), masks)

    def save(self, folder: Path) -> None:
        """Does nothing: the model has no state."""

    def load(self, folder: Path) -> None:
        """Does nothing: the model has no state."""
