"""The method `mim` with the measure `ssim`: trains a `MIM`, scores the SSIM of the image and its inpainting."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.detectors.reconstruction import BATCH, ReconstructionModel
from mim_tf.models.mim import MIM, MIMConfig

#: Learning rate of both optimizers; a GAN is unstable at `reconstruction.LEARNING_RATE`.
_LEARNING_RATE = 4e-4


class InpaintingModel(ReconstructionModel):
    """Similarity = SSIM of the image and its inpainting by a GAN."""

    model_class = MIM
    summary = "SSIM of the image and the inpainting of a GAN: the published method"

    def make_config(self, precision: str, seed: int) -> MIMConfig:
        """The configuration; the option `losses` may be a dict, as JSON stores it."""
        options = {**self.options, "size": self.size, "precision": precision, "seed": seed}
        return MIMConfig.from_dict({"losses": {}, **options})

    def make_model(self, config: MIMConfig) -> MIM:
        """Creates a GAN and compiles it with two optimizers."""
        model = MIM(config)
        model.compile(
            g_optimizer=keras.optimizers.Adam(_LEARNING_RATE, beta_1=0.5),
            d_optimizer=keras.optimizers.Adam(_LEARNING_RATE, beta_1=0.5),
        )
        return model

    @property
    def masks(self) -> NDArray[np.float32]:
        """The fixed mask set, float32 (n, S, S, 1)."""
        return mask_set(self.size, self.config.cell, self.config.count)

    @property
    def network(self) -> keras.Model:
        """The generator with averaged weights, float32."""
        return self.keras_model.ema_generator

    @property
    def parameters(self) -> int:
        """Number of parameters of the generator; the discriminator is used in training only."""
        return self.network.count_params()

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The inpainting: each pixel is predicted while it is masked; see `MIM.inpaint`."""
        return model.inpaint(images, self.masks)

    def inpaint(self, pixels: NDArray[np.uint8]) -> Inpainted:
        """Inpaintings by the generator; see `OneClassModel.inpaint`."""
        starts = range(0, len(pixels), BATCH)
        batches = (tf.constant(pixels[start : start + BATCH], tf.float32) / 255.0 for start in starts)
        parts = [np.asarray(self.reconstruct(self.keras_model, images)) for images in batches]
        return Inpainted(pixels, np.concatenate(parts), self.masks)

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The image under the first mask, and the inpainting."""
        return {"under one mask": images * self.masks[0], "inpainted": self.reconstruct(model, images)}
