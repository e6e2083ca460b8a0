"""Baseline `riad`: inpainting without a GAN (Zavrtanik, Kristan, Skocaj, Pattern Recognition 112, 2021).

From the paper: three disjoint masks of square cells; cell sizes 2, 4, 8 and 16 px, one drawn per training image and
all used in inference; the sum of squared error, SSIM and multi-scale gradient magnitude losses; as anomaly score the
maximum of the smoothed gradient magnitude error. Different from the paper: the U-Net of `networks.py`; the mean instead
of the sum of squares; a smoothing window that scales with the image size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from mim_export.score.errors import check_whole
from mim_export.score.preprocess import mask_set
from mim_tf import replicas
from mim_tf.data.masks import random_labels
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.measures.ssim import msgms_map, ssim
from mim_tf.models.ema import AveragedModel
from mim_tf.models.networks import check_shape, unet

#: Number of masks in a mask set; each pixel is masked by exactly one of them.
COUNT = 3


@dataclass(frozen=True)
class RIADConfig:
    """Configuration of `RIAD`.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: filters of the first level of the U-Net.
        cells: cell sizes in pixels; each divides `size`.
        precision: Keras dtype policy.
        seed: seed of the initial weights and the masks.
    """

    size: int = 96
    width: int = 16
    cells: tuple[int, ...] = (2, 4, 8, 16)
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)
        for cell in self.cells:
            mask_set(self.size, check_whole("cell size", cell, 1), COUNT)


@keras.saving.register_keras_serializable("mim_tf")
class RIAD(AveragedModel):
    """A U-Net that inpaints an image: each pixel is predicted under the mask that hides it."""

    config_class = RIADConfig

    def __init__(self, config: RIADConfig | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        config = self.read_config(config) or RIADConfig()
        build = {"network": lambda dtype: unet(config.size, config.width, dtype, channels=4)}
        super().__init__(config, build, ("squares", "ssim", "msgms"), **kwargs)

    def inpaint(self, images: tf.Tensor, cell: int) -> tf.Tensor:
        """Inpaints float32 (B, S, S, 3) in [0, 1] with cells of `cell` px, with the averaged weights; same shape."""
        hidden = 1.0 - tf.constant(mask_set(self.config.size, cell, COUNT))
        return self._assemble(self.averages["network"], images, hidden[:, None], training=False)

    def _assemble(self, network: keras.Model, images: tf.Tensor, hidden: tf.Tensor, training: bool) -> tf.Tensor:
        """One forward pass for all masks; `hidden` is float32 (n, B or 1, S, S, 1), 1 = masked, with sum 1 over n."""
        visible = tf.concat([images, tf.ones_like(images[..., :1])], axis=-1)  # hidden pixels are 0, also of the mask
        inputs = [visible * (1.0 - where) for where in tf.unstack(hidden)]
        outputs = tf.split(network(tf.concat(inputs, axis=0), training=training), COUNT)
        return tf.add_n([where * output for where, output in zip(tf.unstack(hidden), outputs, strict=True)])

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """One gradient step on float32 (B, S, S, 3) in [0, 1]."""
        count = replicas.whole_size(images)
        labels, _ = random_labels(self.step_key(), count, self.config.size, self.config.cells, (COUNT,))
        hidden = tf.transpose(tf.one_hot(replicas.part(labels), COUNT), [3, 0, 1, 2])[..., None]  # (n, B, S, S, 1)
        with tf.GradientTape() as tape:
            output = self._assemble(self.networks["network"], images, hidden, training=True)
            losses = {
                "squares": tf.reduce_mean(tf.square(images - output)),
                "ssim": 1.0 - tf.reduce_mean(ssim(images, output)),
                "msgms": 1.0 - tf.reduce_mean(msgms_map(images, output)),
            }
            loss = tf.add_n(list(losses.values()))
        return self.descend(tape, loss, losses)


class RIADModel(ReconstructionModel):
    """Similarity = 1 - maximum of the smoothed gradient magnitude error."""

    model_class = RIAD
    measure = "msgms"
    summary = "inpainting without a GAN at four cell sizes, minimum of the smoothed gradient similarity"

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The mean of the inpaintings at all cell sizes."""
        cells = model.config.cells
        return tf.add_n([model.inpaint(images, cell) for cell in cells]) / len(cells)

    def similarities(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """1 - maximum of the error map: float32 (B,)."""
        return tf.reduce_min(self._similarity_maps(model, images), axis=[1, 2, 3])

    def errors(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The error map of the paper: 1 - gradient magnitude similarity, smoothed, float32 (B, S, S, 1) in [0, 1)."""
        return 1.0 - self._similarity_maps(model, images)

    def _similarity_maps(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Gradient magnitude similarity, averaged over cell sizes and smoothed: float32 (B, S, S, 1) in (0, 1]."""
        cells = model.config.cells
        maps = tf.add_n([msgms_map(images, model.inpaint(images, cell)) for cell in cells]) / len(cells)
        window = 2 * round(21 / 256 * self.size / 2) + 1  # 21 px at 256 px, as in the paper; odd
        around = [[0, 0], [window // 2, window // 2], [window // 2, window // 2], [0, 0]]
        return tf.nn.avg_pool2d(tf.pad(maps, around, mode="SYMMETRIC"), window, 1, "VALID")
