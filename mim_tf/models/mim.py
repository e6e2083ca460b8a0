"""Mask, Inpaint, Measure: the inpainting GAN (Yue and Li, arXiv 2310.06318; Cao et al., Scientific Reports 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import tensorflow as tf

from mim_export.score.errors import check_whole
from mim_export.score.preprocess import mask_set
from mim_tf.data.masks import random_masks
from mim_tf.measures.ssim import ssim
from mim_tf.models.ema import batch_size, update_average
from mim_tf.models.losses import (
    LossWeights,
    discriminator_loss,
    generator_losses,
    masked_error,
)
from mim_tf.models.networks import check_shape, discriminator, generator
from mim_tf.models.seeds import seeded_weights


@dataclass(frozen=True)
class MIMConfig:
    """Configuration of a `MIM`.

    Attributes:
        size: side S of the images in pixels: 64, 96 or 128; any multiple of 16 from 32 on works.
        width: number of filters in the first level of the generator.
        discriminator_width: number of filters in the first layer of the discriminator.
        cell: cell size of the fixed mask set of inference, in pixels; a divisor of `size`.
        count: number of masks in that set.
        train_cells: cell sizes to draw from in training, in pixels.
        train_counts: numbers of masks to draw from in training.
        losses: weights of the losses of the generator.
        ema_decay: decay of the moving average of the weights of the generator.
        precision: dtype policy of both networks, "float32" or "mixed_bfloat16".
        seed: seed of initial weights and masks.
    """

    size: int = 96
    width: int = 16
    discriminator_width: int = 16
    cell: int = 8
    count: int = 4
    train_cells: tuple[int, ...] = (4, 6, 8, 12)
    train_counts: tuple[int, ...] = (2, 3, 4)
    losses: LossWeights = field(default_factory=LossWeights)
    ema_decay: float = 0.995
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)
        check_whole("discriminator_width", self.discriminator_width, 1)
        for cell in (self.cell, *self.train_cells):
            check_whole("cell size", cell, 1)
        for count in (self.count, *self.train_counts):
            check_whole("number of masks", count, 2, 255)
        mask_set(self.size, self.cell, self.count)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> MIMConfig:
        """Creates a configuration from the result of `dataclasses.asdict`; lists from JSON become tuples."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        values["losses"] = LossWeights(**entry["losses"])
        return cls(**values)


@keras.saving.register_keras_serializable("mim_tf")
class MIM(keras.Model):
    """A one-class inpainting GAN: it inpaints images of the training class better than other images.

    Args:
        config: the configuration, or the mapping `config` from `get_config`; None = the defaults.

    Example:
        >>> model = MIM(MIMConfig(size=96, width=24))
        >>> model.compile(g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        ...               d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5))
        >>> model.fit(batches, steps_per_epoch=100)       # batches of float32 (B, 96, 96, 3) in [0, 1]
        >>> model.inpaint(images, mask_set(96, 8, 4))     # float32 (B, 96, 96, 3)

    Reference:
        Yue and Li, "Mask, Inpaint and Measure", arXiv 2310.06318. The paper does not give the sizes of
        the networks; they are choices of this implementation (see `networks.py`).
    """

    config_class = MIMConfig

    def __init__(self, config: MIMConfig | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        if config is not None and not isinstance(config, MIMConfig):
            config = MIMConfig.from_dict(config)
        self.config = config or MIMConfig()
        super().__init__(**kwargs)
        dtype = self.config.precision
        with seeded_weights(self.config.seed):
            self.generator = generator(self.config.size, self.config.width, dtype)
            self.discriminator = discriminator(self.config.size, self.config.discriminator_width, dtype)
            self.ema_generator = generator(self.config.size, self.config.width, "float32")
        self.ema_generator.set_weights(self.generator.get_weights())
        self.ema_generator.trainable = False
        names = (*asdict(self.config.losses), "discriminator", "similarity")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    # ---- configuration ----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as JSON-compatible values."""
        return {"name": self.name, "config": asdict(self.config)}

    def compile(
        self,
        g_optimizer: keras.optimizers.Optimizer | dict[str, Any],
        d_optimizer: keras.optimizers.Optimizer | dict[str, Any],
        **kwargs: Any,
    ) -> None:
        """Sets and builds the two optimizers, so that loading a file also restores their state."""
        super().compile(**kwargs)
        self.g_optimizer = keras.optimizers.get(g_optimizer)
        self.d_optimizer = keras.optimizers.get(d_optimizer)
        for optimizer, network in (
            (self.g_optimizer, self.generator),
            (self.d_optimizer, self.discriminator),
        ):
            if not optimizer.built:
                optimizer.build(network.trainable_variables)

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the configurations of the two optimizers."""
        names = ("g_optimizer", "d_optimizer")
        return {name: keras.optimizers.serialize(getattr(self, name)) for name in names}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with a configuration from `get_compile_config`."""
        self.compile(**{name: keras.optimizers.deserialize(entry) for name, entry in config.items()})

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked means; `fit` resets them at the start of each epoch."""
        return list(self.trackers.values())

    @property
    def averages(self) -> dict[str, keras.Model]:
        """The networks for inference: the moving average of the generator."""
        return {"generator": self.ema_generator}

    # ---- inference --------------------------------------------------------------------------------

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Inpaints with the fixed mask set of the configuration: (B, S, S, 3) -> (B, S, S, 3)."""
        return self.inpaint(images, mask_set(self.config.size, self.config.cell, self.config.count))

    def inpaint(self, images: tf.Tensor, mask_set: tf.Tensor) -> tf.Tensor:
        """Predicts every pixel from an image in which it is hidden.

        Args:
            images: float32 (B, S, S, 3) in [0, 1].
            mask_set: float32 (n, S, S, 1), 1 = kept; each pixel is hidden by exactly one mask.

        Returns:
            float32 (B, S, S, 3) in [0, 1]: at each pixel, the output of the generator under the mask that hides the
            pixel. The moving average of the weights is used.
        """
        outputs = tf.zeros_like(images)
        for mask in tf.unstack(tf.convert_to_tensor(mask_set, tf.float32)):
            outputs += (1.0 - mask) * self.ema_generator(masked_input(images, mask[None]), training=False)
        return outputs

    # ---- training ---------------------------------------------------------------------------------

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Trains both networks for one step, first the discriminator, then the generator.

        Args:
            images: float32 (B, S, S, 3) in [0, 1].

        Returns:
            The tracked means of the unweighted losses.
        """
        # Masks are seeded by the step, so that a resumed run draws the same ones.
        key = tf.stack([tf.constant(self.config.seed, tf.int64), tf.cast(self.g_optimizer.iterations, tf.int64)])
        cells, counts = self.config.train_cells, self.config.train_counts
        mask = random_masks(key, batch_size(images), self.config.size, cells, counts)
        with tf.GradientTape() as g_tape:
            output = self.generator(masked_input(images, mask), training=True)
            composed = mask * images + (1.0 - mask) * output
            with g_tape.stop_recording():
                d_loss = self._train_discriminator(images, composed)
            judgement = self.discriminator(composed, training=False)
            losses = generator_losses(images, output, composed, mask, judgement)
            weights = asdict(self.config.losses)
            g_loss = tf.add_n([weights[name] * value for name, value in losses.items()])
        gradients = g_tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables, strict=True))
        update_average(self.ema_generator, self.generator, self.g_optimizer.iterations, self.config.ema_decay)
        return self._track({**losses, "discriminator": d_loss})

    def _train_discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            judgements = self.discriminator(tf.concat([real, fake], axis=0), training=True)
            loss = discriminator_loss(*tf.split(judgements, 2))
        gradients = tape.gradient(loss, self.discriminator.trainable_variables)
        self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables, strict=True))
        return loss

    def test_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes similarity and error of float32 (B, S, S, 3) in [0, 1] under the fixed mask set."""
        inpainted = self(images)
        everywhere = tf.ones_like(images[..., :1])
        return self._track(
            {"hidden": masked_error(images, inpainted, everywhere), "similarity": ssim(images, inpainted)}
        )

    def _track(self, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in values}


def masked_input(images: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Builds the input of the generator: hidden pixels are 0, and the fourth channel is the mask.

    Args:
        images: float32 (B, S, S, 3) in [0, 1], or (1, S, S, 3).
        mask: float32 (B, S, S, 1) or (1, S, S, 1), 1 = kept.

    Returns:
        float32 (B, S, S, 4).
    """
    return tf.concat([images, tf.ones_like(images[..., :1])], axis=-1) * mask
