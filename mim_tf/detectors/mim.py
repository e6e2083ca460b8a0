"""The method `mim`: trains a `MIM` and measures the similarity of its inpainting to the image."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.preprocess import mask_set
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.models.mim import MIM, MIMConfig

#: Of both networks; a GAN does not bear the rate of a model with one optimizer.
_LEARNING_RATE = 4e-4


class InpaintingModel(ReconstructionModel):
    """Mask, inpaint, measure."""

    model_class = MIM
    summary = "SSIM of the image and the inpainting of a GAN: the published method"

    def make_config(self, precision: str, seed: int) -> MIMConfig:
        """The configuration; the weights of the losses may come as the mapping that JSON holds."""
        options = {**self.options, "size": self.size, "precision": precision, "seed": seed}
        return MIMConfig.from_dict({"losses": {}, **options})

    def make_model(self, config: MIMConfig) -> MIM:
        """A new GAN with its two optimizers."""
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
        """The averaged generator, float32."""
        return self.keras_model.ema_generator

    @property
    def parameters(self) -> int:
        """Of the generator; the discriminator is for training only."""
        return self.network.count_params()

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Each pixel as predicted while it is hidden; see `MIM.inpaint`."""
        return model.inpaint(images, self.masks)

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The image under one mask and the inpainting."""
        return {"under one mask": images * self.masks[0], "inpainted": self.reconstruct(model, images)}
