"""Baseline `autoencoder`: SSIM of the image and an autoencoder's reconstruction, in place of the GAN's inpainting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from mim_export.score.errors import check_whole
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.measures.ssim import ssim
from mim_tf.models.ema import AveragedModel
from mim_tf.models.networks import check_shape, decoder, encoder


@dataclass(frozen=True)
class AutoencoderConfig:
    """Configuration of `Autoencoder`.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: filters of the first level. 32 gives 508 515 parameters; MIM's generator of width 24 has 522 348.
        code: channels of the bottleneck, which has S / 16 x S / 16 positions.
        precision: Keras dtype policy.
        seed: seed of the initial weights.
    """

    size: int = 96
    width: int = 32
    code: int = 16
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)
        check_whole("number of channels of the code", self.code, 1)


@keras.saving.register_keras_serializable("mim_tf")
class Autoencoder(AveragedModel):
    """Encoder and decoder without skip connections, trained with 6 x mean absolute error + (1 - SSIM)."""

    config_class = AutoencoderConfig

    def __init__(self, config: AutoencoderConfig | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        config = self.read_config(config) or AutoencoderConfig()
        super().__init__(config, {"network": self._network(config)}, ("error", "ssim"), **kwargs)

    @staticmethod
    def _network(config: AutoencoderConfig) -> Any:
        def build(dtype: str) -> keras.Model:
            inputs = keras.Input((config.size, config.size, 3), name="image")
            x = encoder(inputs, config.width, dtype)[-1]
            code = layers.Conv2D(config.code, 1, name="code", dtype=dtype)(x)  # (B, S / 16, S / 16, code)
            return keras.Model(inputs, decoder(code, config.width, dtype), name="autoencoder")

        return build

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Reconstructs float32 (B, S, S, 3) in [0, 1] with the averaged weights; same shape and range."""
        return self.averages["network"](images, training=False)

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """One gradient step on float32 (B, S, S, 3) in [0, 1]."""
        with tf.GradientTape() as tape:
            output = self.networks["network"](images, training=True)
            error = tf.reduce_mean(tf.abs(images - output))
            dissimilar = 1.0 - tf.reduce_mean(ssim(images, output))
            loss = 6.0 * error + dissimilar
        return self.descend(tape, loss, {"error": error, "ssim": dissimilar})


class AutoencoderModel(ReconstructionModel):
    """Similarity = SSIM of the image and its reconstruction."""

    model_class = Autoencoder
    summary = "SSIM of the image and an autoencoder's reconstruction, as many parameters as MIM's generator"

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Output of the network with averaged weights."""
        return model(images)
