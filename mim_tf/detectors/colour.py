"""Baseline `colour`: Mahalanobis distance of colour statistics, a detector without any spatial information."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from mim_export.score.atomic_files import read_json, write_json
from mim_tf.detectors.base import OneClassModel
from mim_tf.training.config import Progress, Training


def colour_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean and standard deviation of each colour channel.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        float64 (N, 6): mean of R, G, B, then standard deviation of R, G, B, of values in [0, 1].

    Example:
        A red image (255, 0, 0) gives [1, 0, 0, 0, 0, 0].
    """
    values = pixels.astype(np.float64) / 255.0
    return np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)


class ColourModel(OneClassModel):
    """Similarity = negative squared Mahalanobis distance of the colour statistics.

    The covariance is estimated with the shrinkage of Ledoit and Wolf (2004).
    """

    measure = "colour"
    summary = "Mahalanobis distance of mean and standard deviation of the colour channels"

    @property
    def parameters(self) -> int:
        """Number of values of the mean and the precision matrix: 6 + 36 = 42."""
        return self.mean.size + self.precision.size

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
        estimate = LedoitWolf().fit(colour_statistics(pixels))
        self.mean = estimate.location_
        self.precision = estimate.precision_

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Negative squared distance, at most 0, float32 (N,); see `OneClassModel.score_samples`."""
        offset = colour_statistics(pixels) - self.mean
        return -np.einsum("ni,ij,nj->n", offset, self.precision, offset).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes `colour.json`."""
        write_json(folder / "colour.json", {"mean": self.mean.tolist(), "precision": self.precision.tolist()})

    def load(self, folder: Path) -> None:
        """Reads `colour.json`."""
        entry = read_json(folder / "colour.json", "train again into a new folder")
        self.mean, self.precision = np.array(entry["mean"]), np.array(entry["precision"])
