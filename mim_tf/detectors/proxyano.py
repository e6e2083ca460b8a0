"""The method `proxyano`: trains a `ProxyAno`, scores the SSIM of the image and its reconstruction from the proxy."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_tf.data.augment import batches
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.models.proxyano import ProxyAno
from mim_tf.negatives.proxies import proxies
from mim_tf.training.config import Training


class ProxyAnoModel(ReconstructionModel):
    """Similarity = SSIM of the image and its reconstruction from the predicted proxy."""

    model_class = ProxyAno
    summary = "SSIM of the image and its reconstruction from a predicted superpixel image"

    def batches(
        self, pixels: NDArray[np.uint8], negatives: NDArray[np.uint8] | None, training: Training, start: int
    ) -> tf.data.Dataset:
        """Batches of images and their proxies with the same augmentation, except camera effects on the image only."""
        proxied = proxies(self.config.proxy, pixels)
        views = (
            batches(
                source,
                size=self.size,
                batch_size=training.batch_size,
                seed=training.seed,
                start=start,
                steps=training.steps,
                camera=camera,
            )
            for source, camera in ((pixels, self.camera), (proxied, 0.0))
        )
        return tf.data.Dataset.zip(tuple(views))

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The image, reconstructed from its predicted proxy."""
        return model(images)

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The predicted proxy and the reconstruction."""
        extracted = model.extract(images)
        return {"proxy": extracted, "reconstructed": model.rebuild(extracted)}
