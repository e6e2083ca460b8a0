"""Baseline `patchcore`: nearest-neighbour distance of patch features, a standard method of industrial inspection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.metrics import pairwise_distances_argmin_min

from mim_tf.backbones.efficientnet import (
    feature_network,
    load_array,
    save_array,
    weights_file,
)
from mim_tf.detectors.base import OneClassModel
from mim_tf.training.config import Progress, Training

#: Index from 0 of the block of EfficientNet-Lite0: the last one with 112 channels, at 1/16 of the resolution.
BLOCK = 10
#: Maximum number of patches in the memory bank.
MEMORY = 10_000
_PROJECTED = 64
#: Standard deviation of the Gaussian that smooths an anomaly map, as a fraction of the side: 4 px at 224 px.
_SMOOTHING = 4 / 224


def coreset(vectors: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int64]:
    """Selects a coreset with the greedy k-centre algorithm.

    Each selected vector is the one that is farthest from those selected before. Distances are computed after a random
    projection to 64 dimensions, which nearly preserves them and is faster (Johnson and Lindenstrauss).

    Args:
        vectors: float32 (M, C).
        count: number of vectors to select, K.
        seed: seed of the projection and the first selection.

    Returns:
        Indices of the selected vectors, int64 (min(K, M),), in the order of selection; `arange(M)` if K >= M.

    Example:
        From the vectors 0, 1, 9, 10 on a line, two selected ones are at least 9 apart.
    """
    if count >= len(vectors):
        return np.arange(len(vectors))
    rng = np.random.default_rng(seed)
    width = min(_PROJECTED, vectors.shape[1])
    projected = vectors
    if width < vectors.shape[1]:
        projected = vectors @ (rng.normal(size=(vectors.shape[1], width)) / np.sqrt(width)).astype(np.float32)
    squares = (projected**2).sum(axis=1)
    chosen = np.empty(count, np.int64)
    chosen[0] = rng.integers(len(projected))
    distance = np.full(len(projected), np.inf, np.float32)
    for place in range(1, count):
        last = chosen[place - 1]
        distance = np.minimum(distance, squares + squares[last] - 2 * (projected @ projected[last]))
        distance[last] = -np.inf  # never select a vector twice, even among equal ones
        chosen[place] = distance.argmax()
    return chosen


class PatchCoreModel(OneClassModel):
    """Similarity = negative largest nearest-neighbour distance of the patches (Roth et al., CVPR 2022).

    Patch features are the outputs of one block of a frozen EfficientNet-Lite0, averaged over 3 x 3 positions. The
    original concatenates two blocks of a wider network and reweights the distance by the neighbourhood; this
    implementation does neither.
    """

    measure = "patchcore"
    summary = "largest nearest-neighbour distance of a patch in ImageNet features (EfficientNet-Lite0)"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        weights_file()  # raises before anything is computed if the weights are missing

    @cached_property
    def network(self) -> keras.Model:
        """The frozen network, (B, S, S, 3) -> (B, H, W, C); not saved by `save`."""
        backbone = feature_network(self.size, BLOCK)
        pooled = layers.AveragePooling2D(3, strides=1, padding="same", dtype="float32")(backbone.output)
        return keras.Model(backbone.input, pooled)

    @property
    def parameters(self) -> int:
        """Number of values of the network up to its block, and of the memory bank."""
        return int(self.network.count_params()) + self.memory.size

    def patches(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Patch features: uint8 (N, S, S, 3) -> float32 (N, H * W, C)."""
        values: NDArray[np.float32] = self.network.predict(pixels, batch_size=32, verbose=0)
        return values.reshape(len(values), -1, values.shape[-1])

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
        """Stores the patches, or a coreset of `MEMORY` of them; see `OneClassModel.fit`."""
        patches = np.concatenate(list(self.patches(pixels)))
        self.memory = patches[coreset(patches, MEMORY, training.seed)]

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Negative largest distance, at most 0, float32 (N,); see `OneClassModel.score_samples`."""
        return -self._distances(pixels).max(axis=1)

    def anomaly_maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Distances of the patches, at least 0, enlarged bilinearly and smoothed by a Gaussian as in Roth et al.

        See `OneClassModel.anomaly_maps`.
        """
        grid = self.network.output_shape[1:3]
        distances = self._distances(pixels).reshape(-1, *grid, 1)
        enlarged = tf.image.resize(distances, [self.size, self.size]).numpy()[..., 0]
        return gaussian_filter(enlarged, _SMOOTHING * self.size, axes=(1, 2))

    def _distances(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Nearest-neighbour distance of each patch, float32 (N, H * W)."""
        patches = self.patches(pixels)
        _, distance = pairwise_distances_argmin_min(patches.reshape(-1, patches.shape[-1]), self.memory)
        return distance.reshape(patches.shape[:2]).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes `memory.npy`."""
        save_array(folder / "memory.npy", self.memory)

    def load(self, folder: Path) -> None:
        """Reads `memory.npy`."""
        self.memory = load_array(folder / "memory.npy", (None, self.network.output_shape[-1]), np.float32)
