"""The supervised classifier that one-class detection argues against: it alone is shown other classes."""

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
    """What a `Classifier` is built from.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: filters of the first level.
        precision: dtype policy.
        seed: of the initial weights.
    """

    size: int = 96
    width: int = 16
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)


@keras.saving.register_keras_serializable("mim_tf")
class Classifier(AveragedModel):
    """A small convolutional network, trained by cross-entropy on as many images of the class as of others."""

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
        """Logit of float32 (B, S, S, 3) in [0, 1], float32 (B,), by the averaged weights; positive = the class."""
        return self.averages["network"](images, training=False)[:, 0]

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step on images float32 (B, S, S, 3) and labels float32 (B,), 1 = the class."""
        images, labels = batch
        with tf.GradientTape() as tape:
            logits = self.networks["network"](images, training=True)[:, 0]
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        right = tf.reduce_mean(tf.cast((logits > 0) == (labels > 0.5), tf.float32))
        return self.descend(tape, loss, {"cross_entropy": loss, "accuracy": right})


class ClassifierModel(NetworkModel):
    """Logit of a classifier, the class against the other classes of `val`."""

    model_class = Classifier
    measure = "logit"
    supervised = True
    summary = "supervised: a small CNN that was shown the other classes of val"

    def batches(
        self, pixels: NDArray[np.uint8], negatives: NDArray[np.uint8] | None, training: Training, start: int
    ) -> tf.data.Dataset:
        """Images and labels, half of each batch of the class and half of the others."""
        if negatives is None:
            raise ValueError("Expected images of other classes. Received: none.")
        half = max(1, training.batch_size // 2)
        streams = (
            # Another seed, or both halves would share their crops and colours.
            batches(
                images, size=self.size, batch_size=half, seed=training.seed + shift, start=start, steps=training.steps
            )
            for images, shift in ((pixels, 0), (negatives, 1000))
        )
        labels = tf.constant([1.0] * half + [0.0] * half)
        return tf.data.Dataset.zip(tuple(streams)).map(lambda ours, others: (tf.concat([ours, others], 0), labels))

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The logit; see `OneClassModel.score_samples`."""
        starts = range(0, len(pixels), _BATCH)
        return np.concatenate([self.keras_model(pixels[i : i + _BATCH] / np.float32(255)).numpy() for i in starts])
