"""Losses of the inpainting GAN."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from mim_tf.measures.ssim import ssim


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses of the generator.

    Attributes:
        hidden: weight of the mean absolute error at hidden pixels.
        kept: weight of the mean absolute error at kept pixels; small, since it only makes the output continuous at the
            borders of the mask.
        ssim: weight of 1 - SSIM of the composed image and the original.
        adversarial: weight of the adversarial loss: minus the mean output of the patch discriminator.
    """

    hidden: float = 6.0
    kept: float = 1.0
    ssim: float = 1.0
    adversarial: float = 0.05


def masked_error(a: tf.Tensor, b: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
    """Computes the mean absolute error over the pixels where `where` is 1.

    Args:
        a: float (B, S, S, 3).
        b: the same shape.
        where: float (B, S, S, 1), 0 or 1.

    Returns:
        A scalar; 0 if `where` is 0 everywhere.
    """
    count = tf.reduce_sum(where) * tf.cast(tf.shape(a)[-1], where.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.abs(a - b) * where), count)


def generator_losses(
    original: tf.Tensor, output: tf.Tensor, composed: tf.Tensor, mask: tf.Tensor, judgement: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Computes the unweighted losses of the generator.

    Args:
        original: float32 (B, S, S, 3) in [0, 1].
        output: float32 (B, S, S, 3), the output of the generator.
        composed: float32 (B, S, S, 3), the original at kept pixels and the output at hidden pixels.
        mask: float32 (B, S, S, 1), 1 = kept.
        judgement: float32, the output of the discriminator for `composed`.

    Returns:
        Scalars by the names of the attributes of `LossWeights`.
    """
    return {
        "hidden": masked_error(original, output, 1.0 - mask),
        "kept": masked_error(original, output, mask),
        "ssim": 1.0 - tf.reduce_mean(ssim(original, composed)),
        "adversarial": -tf.reduce_mean(judgement),
    }


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Computes the hinge loss of the discriminator (Lim and Ye, arXiv 1705.02894).

    The loss is mean(max(0, 1 - real)) + mean(max(0, 1 + fake)).

    Args:
        real: float32, outputs of the discriminator for original images.
        fake: float32, outputs of the discriminator for inpainted images.

    Returns:
        A scalar, at least 0.

    Example:
        It is 0 for real = 2 and fake = -2, and 2 for real = 0 and fake = 0.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
