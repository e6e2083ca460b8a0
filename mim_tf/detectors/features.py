"""Statistics of features that were learned on ImageNet: does a detector need training of its own?"""

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

#: The eighth block of EfficientNet-Lite0, counted from 0: the last of 80 channels, at 1/16 of the resolution.
BLOCK = 7


class FeaturesModel(OneClassModel):
    """Negative squared Mahalanobis distance of deep features (Rippel et al., ICPR 2020).

    The features are mean and standard deviation over the positions of each channel of one block of a frozen
    EfficientNet-Lite0; the covariance is that of Ledoit and Wolf (2004).
    """

    measure = "features"
    summary = "Mahalanobis distance of mean and deviation of ImageNet features (EfficientNet-Lite0)"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        weights_file()  # says what is missing before anything else is done

    @cached_property
    def network(self) -> keras.Model:
        """(B, S, S, 3) -> (B, H, W, C); not a part of what `save` writes."""
        return feature_network(self.size, BLOCK)

    @property
    def parameters(self) -> int:
        """The network as far as its block, mean and precision matrix."""
        return int(self.network.count_params()) + self.mean.size + self.precision.size

    def statistics(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Mean, then standard deviation, of each channel: uint8 (N, S, S, 3) -> float64 (N, 2 C)."""
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
    ) -> None:
        """Estimates mean and precision; see `OneClassModel.fit`."""
        estimate = LedoitWolf().fit(self.statistics(pixels))
        self.mean, self.precision = estimate.location_, estimate.precision_

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """At most 0, where the statistics equal the mean; see `OneClassModel.score_samples`."""
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
