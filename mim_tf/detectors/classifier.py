"""Baseline `classifier`: a supervised CNN, the only method that is trained on images of other classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from mim_tf.data.augment import batches
from mim_tf.detectors.reconstruction import NetworkModel
from mim_tf.models.ema import AveragedModel
from mim_tf.models.networks import check_shape, encoder
from mim_tf.training.config import Training

_BATCH = 64


@dataclass(frozen=True)
class ClassifierConfig:
    """Configuration of `Classifier`.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: filters of the first level.
        precision: Keras dtype policy.
        seed: seed of the initial weights.
    """

    size: int = 96
    width: int = 16
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)


@keras.saving.register_keras_serializable("mim_tf")
class Classifier(AveragedModel):
    """A small CNN with one logit, trained with cross-entropy on batches that are half of the class, half of others."""

    config_class = ClassifierConfig

    def __init__(self, config: ClassifierConfig | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        config = self.read_config(config) or ClassifierConfig()
        super().__init__(config, {"network": self._network(config)}, ("cross_entropy", "accuracy"), **kwargs)

    @staticmethod
    def _network(config: ClassifierConfig) -> Any:
        def build(dtype: str) -> keras.Model:
            inputs = keras.Input((config.size, config.size, 3), name="image")
            x = encoder(inputs, config.width, dtype)[-1]  # (B, S / 16, S / 16, 4 w)
            x = layers.GlobalAveragePooling2D(name="pool", dtype=dtype)(x)
            return keras.Model(inputs, layers.Dense(1, name="logit", dtype="float32")(x), name="classifier")

        return build

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Logit of float32 (B, S, S, 3) in [0, 1] with the averaged weights: float32 (B,), positive = the class."""
        return self.averages["network"](images, training=False)[:, 0]

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One gradient step on images float32 (B, S, S, 3) in [0, 1] and labels float32 (B,), 1 = the class."""
        images, labels = batch
        with tf.GradientTape() as tape:
            logits = self.networks["network"](images, training=True)[:, 0]
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        accuracy = tf.reduce_mean(tf.cast((logits > 0) == (labels > 0.5), tf.float32))
        return self.descend(tape, loss, {"cross_entropy": loss, "accuracy": accuracy})


class ClassifierModel(NetworkModel):
    """Similarity = logit of a classifier of the class against the other classes of `val`."""

    model_class = Classifier
    measure = "logit"
    supervised = True
    summary = "supervised: a small CNN, trained on the other classes of val as well"

    def batches(
        self, pixels: NDArray[np.uint8], negatives: NDArray[np.uint8] | None, training: Training, start: int
    ) -> tf.data.Dataset:
        """Batches of images and labels: the first half of each is of the class (1), the second of other classes (0)."""
        if negatives is None:
            raise ValueError("Expected images of other classes. Received: none.")
        half = max(1, training.batch_size // 2)
        streams = (
            # Different seeds: with one seed, both halves would have the same crops and colour changes.
            batches(
                images, size=self.size, batch_size=half, seed=training.seed + offset, start=start, steps=training.steps
            )
            for images, offset in ((pixels, 0), (negatives, 1000))
        )
        labels = tf.constant([1.0] * half + [0.0] * half)
        return tf.data.Dataset.zip(tuple(streams)).map(lambda ours, others: (tf.concat([ours, others], 0), labels))

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logit, float32 (N,); see `OneClassModel.score_samples`."""
        starts = range(0, len(pixels), _BATCH)
        return np.concatenate([self.keras_model(pixels[i : i + _BATCH] / np.float32(255)).numpy() for i in starts])
