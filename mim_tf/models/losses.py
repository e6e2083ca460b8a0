"""Losses of the inpainting GAN.

On several replicas each loss is that of the part of the batch, and the mean of these is that of the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from mim_tf import replicas


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses of the generator.

    Attributes:
        hidden: weight of minus the PSNR at hidden pixels, in dB. The PSNR gives each photograph the same weight; a
            mean error is dominated by the few with much texture.
        ssim: weight of 1 - SSIM of the composed image and the original.
        matching: weight of the difference of the discriminator's features (Wang et al., arXiv 1711.11585).
        adversarial: weight of the adversarial loss: minus the mean output of the patch discriminator.
    """

    hidden: float = 0.23
    ssim: float = 1.0
    matching: float = 1.0
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
    count = tf.stop_gradient(replicas.mean(tf.reduce_sum(where))) * tf.cast(tf.shape(a)[-1], where.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.abs(a - b) * where), count)


def hidden_psnr(original: tf.Tensor, output: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    """Computes the PSNR at hidden pixels, in dB, and averages it over the images.

    Args:
        original: float32 (B, S, S, 3) in [0, 1].
        output: the same shape.
        hidden: float32 (B, S, S, 1), 1 = hidden.

    Returns:
        A scalar; a squared error below 1e-5 counts as 1e-5, 50 dB.

    Example:
        It is 20 for an output that is off by 0.1 at each hidden pixel, up to 0.01.
    """
    count = tf.maximum(tf.reduce_sum(hidden, axis=[1, 2, 3]) * 3.0, 1.0)
    error = tf.reduce_sum(tf.square(original - output) * hidden, axis=[1, 2, 3]) / count
    return -10.0 / math.log(10.0) * tf.reduce_mean(tf.math.log(error + 1e-5))


def hidden_share(mask: tf.Tensor, cell: int) -> tf.Tensor:
    """Computes how much of each patch is hidden, divided by its mean over the batch.

    The losses of the patch discriminator are weighted by it, since a patch without hidden pixels is equal in both
    images.

    Args:
        mask: float32 (B, S, S, 1), 1 = kept.
        cell: side of a patch in pixels, a divisor of S.

    Returns:
        float32 (B, S / cell, S / cell, 1), of mean 1; 0 if nothing is hidden.
    """
    share = tf.nn.avg_pool2d(1.0 - mask, cell, cell, "VALID")
    return tf.math.divide_no_nan(share, tf.stop_gradient(replicas.mean(tf.reduce_mean(share))))


def matching_loss(real: Sequence[tf.Tensor], fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """Computes the mean absolute difference of features, added up over the layers.

    Args:
        real: features of original images, each (B, H, W, C).
        fake: features of inpainted images, of the same shapes.

    Returns:
        A float32 scalar.
    """
    pairs = zip(real, fake, strict=True)
    return tf.add_n([tf.reduce_mean(tf.abs(tf.cast(a - b, tf.float32))) for a, b in pairs])


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Computes the hinge loss of the discriminator (Lim and Ye, arXiv 1705.02894).

    The loss is mean(weights * max(0, 1 - real)) + mean(weights * max(0, 1 + fake)).

    Args:
        real: float32, outputs of the discriminator for original images.
        fake: float32, outputs of the discriminator for inpainted images.
        weights: float32, weights of the outputs, of mean 1.

    Returns:
        A scalar, at least 0.

    Example:
        It is 0 for real = 2 and fake = -2, and 2 for real = 0 and fake = 0: undecided.
    """
    return tf.reduce_mean(weights * (tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake)))
