"""The measure `deep`: how a photograph and its inpainting differ in the features of a frozen network.

Pixels say how well an image was predicted, hence how smooth it is; features say what was not predicted. The
idea of comparing images so is that of LPIPS (Zhang et al., CVPR 2018); the statistics are mean and standard deviation
over the positions of each channel, for a rash may be anywhere. What they mean is left to `mim_tf.head`.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from mim_tf.models.efficientnet import feature_network

#: The eleventh block of EfficientNet-Lite0, counted from 0: the last of 112 channels, at 1/16 of the resolution.
BLOCK = 10
#: The photograph has this multiple of the side of the image that is inpainted: features need detail, pixels cost steps.
SCALE = 2


def backbone(size: int) -> keras.Model:
    """The frozen network: (B, S, S, 3), RGB in [0, 255] -> float32 (B, S / 16, S / 16, 112).

    Raises:
        MimError: the package of the weights is not installed or damaged.
    """
    return feature_network(size, BLOCK, enlarge=False)


def halved(images: tf.Tensor) -> tf.Tensor:
    """What is inpainted: the area average of each 2 x 2 pixels, rounded as `mim_export.preprocess.resample` does.

    Args:
        images: float32 (B, S, S, 3), whole numbers in [0, 255].

    Returns:
        float32 (B, S / 2, S / 2, 3), whole numbers in [0, 255].
    """
    return tf.floor(tf.nn.avg_pool2d(images, SCALE, SCALE, "VALID") + 0.5)


def doubled(images: tf.Tensor) -> tf.Tensor:
    """Bilinear enlargement of float32 (B, s, s, C) to (B, 2 s, 2 s, C), pixel centres at halves."""
    return tf.image.resize(images, [SCALE * images.shape[1], SCALE * images.shape[2]], method="bilinear")


def statistics(features: tf.Tensor) -> tf.Tensor:
    """Mean, then standard deviation, over the positions of each channel: (B, H, W, C) -> (B, 2 C)."""
    mean = tf.reduce_mean(features, axis=[1, 2])
    spread = tf.reduce_mean(tf.math.squared_difference(features, mean[:, None, None]), axis=[1, 2])
    return tf.concat([mean, tf.sqrt(spread)], axis=1)


def vectors(network: keras.Model, images: tf.Tensor, inpainted: tf.Tensor) -> tf.Tensor:
    """What the head reads.

    Args:
        network: what `backbone` gives, or its int8 twin.
        images: float32 (B, S, S, 3) in [0, 255].
        inpainted: float32 (B, S / 2, S / 2, 3) in [0, 1].

    Returns:
        float32 (B, 448): the statistics of the image, then how much they exceed those of its inpainting.
    """
    # One batch, so that the graph holds the network once.
    both = network(tf.concat([images, 255.0 * doubled(inpainted)], axis=0))
    own, predicted = tf.split(statistics(both), 2)
    return tf.concat([own, own - predicted], axis=1)
