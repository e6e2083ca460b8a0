"""Mask, Inpaint, Measure: the inpainting GAN (Yue and Li, arXiv 2310.06318; Cao et al., Scientific Reports 2025)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import tensorflow as tf

from mim_export.score.errors import check_whole
from mim_export.score.preprocess import mask_set
from mim_tf import replicas
from mim_tf.data.masks import training_masks
from mim_tf.measures.ssim import ssim
from mim_tf.models.descent import descend, scaling
from mim_tf.models.ema import update_average
from mim_tf.models.fill import check_side, fill
from mim_tf.models.losses import (
    LossWeights,
    discriminator_loss,
    hidden_psnr,
    hidden_share,
    matching_loss,
)
from mim_tf.models.networks import PATCH, check_shape, discriminator, generator, scaled, unscaled
from mim_tf.models.seeds import seeded_weights

#: Maps a batch of images and the masks to the images that are inpainted and the targets at hidden pixels; see
#: `mim_tf.models.distillation`.
Teach = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


#: Cells along a side of the image in the mask set of inference, and number of its masks.
CELLS, COUNT = 8, 2


@dataclass(frozen=True)
class MIMConfig:
    """Configuration of a `MIM`.

    Attributes:
        size: side S of the images in pixels: 64, 96 or 128; any multiple of 16 from 32 on works for which
            `fill.check_side` raises nothing.
        width: number of filters in the first level of the generator.
        discriminator_width: number of filters in the first layer of the discriminator.
        cell: cell size of the fixed mask set of inference, in pixels; a divisor of `size`.
        count: number of masks in that set.
        train_cells: cell sizes to draw from in training, in pixels.
        train_counts: numbers of masks to draw from in training.
        losses: weights of the losses of the generator. If those of `matching` and `adversarial` are 0, the
            discriminator is not trained.
        penalty: weight of the squared gradient of the discriminator at original images (R1; Mescheder et al., arXiv
            1801.04406), summed over pixels in [0, 1] and averaged over the judgements.
        ema_decay: decay of the moving average of the weights of the generator.
        precision: dtype policy of both networks, "float32", "mixed_bfloat16" or "mixed_float16".
        seed: seed of initial weights and masks.
    """

    size: int = 96
    width: int = 24
    discriminator_width: int = 24
    cell: int = 12
    count: int = COUNT
    train_cells: tuple[int, ...] = (4, 6, 8, 12, 16)
    train_counts: tuple[int, ...] = (2, 3, 4)
    losses: LossWeights = field(default_factory=LossWeights)
    penalty: float = 0.01
    ema_decay: float = 0.998
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.size, self.width)
        check_side(self.size)
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
    """A GAN that is trained on images of one class to predict hidden pixels.

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
        names = (*asdict(self.config.losses), "discriminator")
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
        adversarial_from: int = 0,
        teach: Teach | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets and builds the two optimizers, so that loading a file also restores their state.

        Args:
            g_optimizer: of the generator.
            d_optimizer: of the discriminator.
            adversarial_from: the step from which on the discriminator is trained and judges the generator. Before it,
                the generator is trained without a discriminator.
            teach: replaces the original by a teacher's inpainting as the target of the loss `hidden`; `train_step` then
                takes the images of the teacher. A model that is saved as a `.keras` file does not keep it.
            kwargs: of `keras.Model.compile`.
        """
        super().compile(**kwargs)
        self.adversarial_from = adversarial_from
        self.teach = teach
        self.g_optimizer = keras.optimizers.get(g_optimizer)
        self.d_optimizer = keras.optimizers.get(d_optimizer)
        precision = self.config.precision
        self.g_scaled_optimizer = scaling(self.g_optimizer, self.generator.trainable_variables, precision)
        self.d_scaled_optimizer = scaling(self.d_optimizer, self.discriminator.trainable_variables, precision)

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile` as JSON-compatible values."""
        names = ("g_optimizer", "d_optimizer")
        optimizers = {name: keras.optimizers.serialize(getattr(self, name)) for name in names}
        return {**optimizers, "adversarial_from": self.adversarial_from}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with a configuration from `get_compile_config`."""
        names = ("g_optimizer", "d_optimizer")
        optimizers = {name: keras.optimizers.deserialize(config[name]) for name in names}
        self.compile(**optimizers, adversarial_from=config["adversarial_from"])

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
            outputs += (1.0 - mask) * inpaint_hidden(self.ema_generator, images, mask[None])
        return outputs

    # ---- training ---------------------------------------------------------------------------------

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Trains the generator, and from the step `adversarial_from` of `compile` on also the discriminator.

        Args:
            images: float32 (B, S, S, 3) in [0, 1], or those that `teach` of `compile` takes.

        Returns:
            The tracked means of the unweighted losses.
        """
        config, step = self.config, self.g_optimizer.iterations
        # Masks are seeded by the step, so that a resumed run draws the same ones.
        key = tf.stack([tf.constant(config.seed, tf.int64), tf.cast(step, tf.int64)])
        count = replicas.whole_size(images)
        mask = replicas.part(training_masks(key, count, config.size, config.train_cells, config.train_counts))
        targets = images
        if self.teach is not None:
            images, targets = self.teach(images, mask)
        weights = asdict(config.losses)
        judged = weights["matching"] or weights["adversarial"]
        adversarial = step >= self.adversarial_from
        with tf.GradientTape() as tape:
            output = inpaint_hidden(self.generator, images, mask, training=True)
            composed = mask * images + (1.0 - mask) * output
            losses = {
                "hidden": -hidden_psnr(targets, output, 1.0 - mask),
                "ssim": 1.0 - tf.reduce_mean(ssim(images, composed)),
            }
            opposed = {}
            if judged:
                with tape.stop_recording():
                    d_loss = tf.cond(adversarial, lambda: self._train_discriminator(images, composed, mask), _zero)
                matching, judgement = tf.cond(
                    adversarial, lambda: self._judged(images, composed, mask), lambda: (_zero(), _zero())
                )
                opposed = {"matching": matching, "adversarial": judgement, "discriminator": d_loss}
            total = {**losses, **opposed}
            loss = tf.add_n([weight * total[name] for name, weight in weights.items() if name in total])
            loss = self.g_scaled_optimizer.scale_loss(loss)
        descend(self.g_scaled_optimizer, tape, loss, self.generator.trainable_variables)
        update_average(self.ema_generator, self.generator, self.g_optimizer.iterations, config.ema_decay)
        return self._track(losses) | self._track(opposed, adversarial)

    def _train_discriminator(self, real: tf.Tensor, composed: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Takes one step of the discriminator; returns its loss without the penalty."""
        fake = tf.clip_by_value(composed, 0.0, 1.0)
        share = hidden_share(mask, PATCH)
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(real)
                of_real = self.discriminator(real, training=True)[0]
                total = tf.reduce_sum(of_real)
            gradient = inner.gradient(total, real)
            penalty = tf.reduce_sum(tf.square(gradient)) / tf.cast(tf.size(of_real), tf.float32)
            loss = discriminator_loss(of_real, self.discriminator(fake, training=True)[0], share)
            penalized = self.d_scaled_optimizer.scale_loss(loss + self.config.penalty * penalty)
        descend(self.d_scaled_optimizer, tape, penalized, self.discriminator.trainable_variables)
        return loss

    def _judged(self, real: tf.Tensor, composed: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the matching and the adversarial loss of the generator."""
        judgement, *features = self.discriminator(composed, training=False)
        _, *expected = self.discriminator(real, training=False)
        matching = matching_loss([tf.stop_gradient(part) for part in expected], features)
        return matching, -tf.reduce_mean(hidden_share(mask, PATCH) * judgement)

    def test_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes the losses `hidden` and `ssim` of float32 (B, S, S, 3) in [0, 1] under the fixed mask set."""
        inpainted = self(images)
        everywhere = tf.ones_like(images[..., :1])
        psnr = hidden_psnr(images, inpainted, everywhere)
        return self._track({"hidden": -psnr, "ssim": 1.0 - tf.reduce_mean(ssim(images, inpainted))})

    def _track(self, values: Mapping[str, tf.Tensor], counts: tf.Tensor | bool = True) -> dict[str, tf.Tensor]:
        for name, value in zip(values, replicas.means(list(values.values())), strict=True):
            self.trackers[name].update_state(value, sample_weight=tf.cast(counts, tf.float32))
        return {name: self.trackers[name].result() for name in values}


def _zero() -> tf.Tensor:
    return tf.zeros([])


def generator_input(images: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Builds the input of the generator: the image with filled hidden pixels, and the mask.

    Args:
        images: float32 (B, S, S, 3) in [0, 1], rounded to multiples of 1 / 255 here, or (1, S, S, 3).
        mask: float32 (B, S, S, 1) or (1, S, S, 1), 1 = kept.

    Returns:
        float32 (B, S, S, 4), as of `networks.scaled`.
    """
    filled = fill(tf.floor(images * 255.0 + 0.5), mask)
    return scaled(tf.concat([filled, 255.0 * mask * tf.ones_like(filled[..., :1])], axis=-1))


def inpaint_hidden(
    network: Callable[..., tf.Tensor], images: tf.Tensor, mask: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """Inpaints the hidden pixels of images under one mask.

    Args:
        network: a generator, see `networks.generator`.
        images: float32 (B, S, S, 3) in [0, 1], or (1, S, S, 3).
        mask: float32 (B, S, S, 1) or (1, S, S, 1), 1 = kept.
        training: whether batch normalization uses the statistics of the batch, and the output is not limited to [0, 1],
            where it would have no gradient.

    Returns:
        float32 (B, S, S, 3), the output of the generator, of which the hidden pixels are used.
    """
    outputs = unscaled(network(generator_input(images, mask), training=training))
    return outputs if training else tf.clip_by_value(outputs, 0.0, 1.0)
