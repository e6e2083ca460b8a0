"""Baseline `features`: Mahalanobis distance of statistics of ImageNet features, without training a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from mim_tf.backbones.efficientnet import (
    feature_network,
    load_array,
    save_array,
    weights_file,
)
from mim_tf.detectors.base import OneClassModel
from mim_tf.training.config import Progress, Training

#: Index from 0 of the block of EfficientNet-Lite0: the last one with 80 channels, at 1/16 of the resolution.
BLOCK = 7


class FeaturesModel(OneClassModel):
    """Similarity = negative squared Mahalanobis distance of deep features (Rippel et al., ICPR 2020).

    The features are the mean and standard deviation over the positions of each channel of one block of a frozen
    EfficientNet-Lite0. The covariance is estimated with the shrinkage of Ledoit and Wolf (2004).
    """

    measure = "features"
    summary = "Mahalanobis distance of mean and standard deviation of ImageNet features (EfficientNet-Lite0)"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        weights_file()  # raises before anything is computed if the weights are missing

    @cached_property
    def network(self) -> keras.Model:
        """The frozen network, (B, S, S, 3) -> (B, H, W, C); not saved by `save`."""
        return feature_network(self.size, BLOCK)

    @property
    def parameters(self) -> int:
        """Number of values of the network up to its block, the mean and the precision matrix."""
        return int(self.network.count_params()) + self.mean.size + self.precision.size

    def statistics(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Mean, then standard deviation, of each of C channels: uint8 (N, S, S, 3) -> float64 (N, 2 C)."""
        values = self.network.predict(pixels, batch_size=32, verbose=0).astype(np.float64)  # (N, H, W, C)
        return np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)

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
        """Estimates mean and precision; see `OneClassModel.fit`."""
        estimate = LedoitWolf().fit(self.statistics(pixels))
        self.mean, self.precision = estimate.location_, estimate.precision_

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Negative squared distance, at most 0, float32 (N,); see `OneClassModel.score_samples`."""
        offset = self.statistics(pixels) - self.mean
        return -np.einsum("ni,ij,nj->n", offset, self.precision, offset).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes `mean.npy` and `precision.npy`."""
        save_array(folder / "mean.npy", self.mean)
        save_array(folder / "precision.npy", self.precision)

    def load(self, folder: Path) -> None:
        """Reads `mean.npy` and `precision.npy`."""
        length = 2 * self.network.output_shape[-1]
        self.mean = load_array(folder / "mean.npy", (length,), np.float64)
        self.precision = load_array(folder / "precision.npy", (length, length), np.float64)
