"""The nearest neighbours of patches: what detects defects best in factories, on skin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin_min

from mim_tf.backbones.efficientnet import (
    feature_network,
    load_array,
    save_array,
    weights_file,
)
from mim_tf.detectors.base import OneClassModel
from mim_tf.training.config import Progress, Training

#: The eleventh block of EfficientNet-Lite0, counted from 0: the last of 112 channels, at 1/16 of the resolution.
BLOCK = 10
#: Patches that are remembered at most.
MEMORY = 10_000
_PROJECTED = 64


def coreset(vectors: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int64]:
    """Chooses vectors that leave none far from all chosen ones (greedy k-centre).

    Distances are measured after a random projection to 64 dimensions, which changes them little and
    costs less (Johnson and Lindenstrauss).

    Args:
        vectors: float32 (M, C).
        count: how many to choose, K.
        seed: of the projection and the first choice.

    Returns:
        Their indices, int64 (min(K, M),), in the order of choice; all of them, in order, where K >= M.

    Example:
        Of the vectors 0, 1, 9, 10 on a line, two chosen ones are at least 9 apart.
    """
    if count >= len(vectors):
        return np.arange(len(vectors))
    rng = np.random.default_rng(seed)
    width = min(_PROJECTED, vectors.shape[1])
    near = vectors
    if width < vectors.shape[1]:
        near = vectors @ (rng.normal(size=(vectors.shape[1], width)) / np.sqrt(width)).astype(np.float32)
    squares = (near**2).sum(axis=1)
    chosen = np.empty(count, np.int64)
    chosen[0] = rng.integers(len(near))
    distance = np.full(len(near), np.inf, np.float32)
    for place in range(1, count):
        last = chosen[place - 1]
        distance = np.minimum(distance, squares + squares[last] - 2 * (near @ near[last]))
        distance[last] = -np.inf  # so that equal vectors do not make it choose one twice
        chosen[place] = distance.argmax()
    return chosen


class PatchCoreModel(OneClassModel):
    """Negative distance of the oddest patch to its nearest neighbour (Roth et al., CVPR 2022).

    Patches are the positions of one block of a frozen EfficientNet-Lite0, averaged over 3 x 3. The original
    joins two blocks of a wider network and weights the distance by its neighbours'; neither is done here.
    """

    measure = "patchcore"
    summary = "distance of the oddest patch to the nearest known one in ImageNet features (EfficientNet-Lite0)"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        weights_file()  # says what is missing before anything else is done

    @cached_property
    def network(self) -> keras.Model:
        """(B, S, S, 3) -> (B, H, W, C); not a part of what `save` writes."""
        backbone = feature_network(self.size, BLOCK)
        pooled = layers.AveragePooling2D(3, strides=1, padding="same", dtype="float32")(backbone.output)
        return keras.Model(backbone.input, pooled)

    @property
    def parameters(self) -> int:
        """The network as far as its block, and the remembered patches."""
        return int(self.network.count_params()) + self.memory.size

    def patches(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of each position: uint8 (N, S, S, 3) -> float32 (N, H W, C)."""
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
    ) -> None:
        """Remembers the patches, or of many the ones that stand for all; see `OneClassModel.fit`."""
        patches = np.concatenate(list(self.patches(pixels)))
        self.memory = patches[coreset(patches, MEMORY, training.seed)]

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """At most 0, where every patch is a remembered one; see `OneClassModel.score_samples`."""
        patches = self.patches(pixels)
        _, distance = pairwise_distances_argmin_min(patches.reshape(-1, patches.shape[-1]), self.memory)
        return -distance.reshape(patches.shape[:2]).max(axis=1).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes `memory.npy`."""
        save_array(folder / "memory.npy", self.memory)

    def load(self, folder: Path) -> None:
        """Reads `memory.npy`."""
        self.memory = load_array(folder / "memory.npy", (None, self.network.output_shape[-1]), np.float32)
