"""The measure `deep`: what a frozen network sees of a photograph where its inpainting errs.

The error says how hard an image was to predict, hence how smooth it is; features say what could not be predicted. The
error weighs the positions at which mean and standard deviation of each channel are taken, for a rash may be anywhere.
What they mean is left to `mim_tf.measures.head`.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from mim_tf.backbones.efficientnet import feature_network

#: The eleventh block of EfficientNet-Lite0, counted from 0: the last of 112 channels, at 1/16 of the resolution.
BLOCK = 10
#: Those at 1/16 of the resolution: 5 to 7 have 80 channels and fit a microcontroller, 8 to 10 have 112.
BLOCKS = range(5, 11)
#: Side in pixels of what a position of their features stands for.
CELL = 16
#: The photograph has this multiple of the side of the image that is inpainted: features need detail, pixels cost steps.
SCALE = 2
#: Weight of a position without any error, so that a perfect inpainting weighs all alike.
_LEAST = 1e-4


def backbone(size: int, block: int) -> keras.Model:
    """The frozen network up to one of `BLOCKS`: (B, S, S, 3), RGB in [0, 255] -> float32 (B, S / 16, S / 16, C).

    Raises:
        MimError: the package of the weights is not installed or damaged.

    Example:
        `backbone(192, 10).output_shape` is (None, 12, 12, 112), `backbone(64, 5).count_params()` is 91 616.
    """
    return feature_network(size, block, enlarge=False)


def halved(images: tf.Tensor) -> tf.Tensor:
    """What is inpainted: the area average of each 2 x 2 pixels, rounded as `mim_export.score.preprocess.resample` does.

    Args:
        images: float32 (B, S, S, 3), whole numbers in [0, 255].

    Returns:
        float32 (B, S / 2, S / 2, 3), whole numbers in [0, 255].
    """
    return tf.floor(tf.nn.avg_pool2d(images, SCALE, SCALE, "VALID") + 0.5)


def error_weights(original: tf.Tensor, inpainted: tf.Tensor) -> tf.Tensor:
    """Share of each position of the features in the mean absolute error.

    Args:
        original: float32 (B, s, s, 3) in [0, 1], what was inpainted.
        inpainted: the same of its inpainting.

    Returns:
        float32 (B, s / 8, s / 8, 1), of sum 1 for each image.
    """
    cell = CELL // SCALE
    error = tf.reduce_mean(tf.abs(original - inpainted), axis=-1, keepdims=True)
    weights = tf.nn.avg_pool2d(error, cell, cell, "VALID") + _LEAST
    return weights / tf.reduce_sum(weights, axis=[1, 2], keepdims=True)


def statistics(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted mean, then standard deviation, of each channel: (B, H, W, C) by (B, H, W, 1) of sum 1 -> (B, 2 C)."""
    mean = tf.reduce_sum(weights * features, axis=[1, 2])
    spread = tf.reduce_sum(weights * tf.math.squared_difference(features, mean[:, None, None]), axis=[1, 2])
    return tf.concat([mean, tf.sqrt(spread)], axis=1)


def vectors(network: keras.Model, images: tf.Tensor, original: tf.Tensor, inpainted: tf.Tensor) -> tf.Tensor:
    """What the head reads.

    Args:
        network: what `backbone` gives, or its int8 twin.
        images: float32 (B, S, S, 3) in [0, 255].
        original: float32 (B, S / 2, S / 2, 3) in [0, 1], what was inpainted.
        inpainted: the same of its inpainting.

    Returns:
        float32 (B, 2 C), C the channels of the network: 224 up to block 10.
    """
    return statistics(network(images), error_weights(original, inpainted))
