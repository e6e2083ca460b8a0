"""The losses of the inpainting GAN, named and weighted."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from mim_tf.measures.ssim import ssim


@dataclass(frozen=True)
class LossWeights:
    """Weights of the generator's losses.

    Attributes:
        hidden: mean absolute error at hidden pixels.
        kept: mean absolute error at kept pixels; small, it only keeps the output continuous.
        ssim: 1 - SSIM of the composed image and the original.
        adversarial: hinge loss against the patch discriminator.
    """

    hidden: float = 6.0
    kept: float = 1.0
    ssim: float = 1.0
    adversarial: float = 0.05


def masked_error(a: tf.Tensor, b: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
    """Mean absolute error over the pixels where `where` is 1.

    Args:
        a: float (B, S, S, 3).
        b: the same shape.
        where: float (B, S, S, 1), 0 or 1.

    Returns:
        A scalar; 0 where no pixel is chosen.
    """
    chosen = tf.reduce_sum(where) * tf.cast(tf.shape(a)[-1], where.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.abs(a - b) * where), chosen)


def generator_losses(
    original: tf.Tensor, output: tf.Tensor, composed: tf.Tensor, mask: tf.Tensor, judgement: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The unweighted losses of the generator, by the names of `LossWeights`.

    Args:
        original: float32 (B, S, S, 3) in [0, 1].
        output: the generator's output, the same shape.
        composed: original at kept pixels, output at hidden ones.
        mask: float32 (B, S, S, 1), 1 = kept.
        judgement: the discriminator's values of `composed`.
    """
    return {
        "hidden": masked_error(original, output, 1.0 - mask),
        "kept": masked_error(original, output, mask),
        "ssim": 1.0 - tf.reduce_mean(ssim(original, composed)),
        "adversarial": -tf.reduce_mean(judgement),
    }


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Hinge loss (Lim and Ye, arXiv 1705.02894): mean max(0, 1 - real) + mean max(0, 1 + fake).

    Example:
        real = 2, fake = -2: 0. real = 0, fake = 0: 2.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
