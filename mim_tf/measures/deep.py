"""The measure `deep`: features of a frozen network, weighted by the inpainting error.

The inpainting error alone says how hard an image was to predict, which depends mainly on how smooth the image is. The
features describe the content that could not be predicted. The mean and the standard deviation of each channel are
weighted by the error at each position, which makes them independent of where a rash is. `mim_tf.measures.head` maps
these statistics to a score.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_tf.backbones.efficientnet import feature_network

#: Default block of EfficientNet-Lite0, counted from 0: the last one with 112 channels, at 1/16 of the resolution.
BLOCK = 10
#: All blocks at 1/16 of the resolution: 5 to 7 have 80 channels and fit a microcontroller, 8 to 10 have 112.
BLOCKS = range(5, 11)
#: Stride of these features in pixels: one position stands for 16 x 16 px.
CELL = 16
#: Side of the photograph divided by the side of the inpainted image. The features need detail; inpainting more pixels
#: needs more training steps.
SCALE = 2
#: Added to the error of each position, about half of the usual error of 0.02. Where the inpainting is nearly perfect,
#: the rounding of int8 would otherwise decide which position counts.
_MIN_ERROR = 1e-2


def backbone(size: int, block: int) -> keras.Model:
    """Builds the frozen network up to one of `BLOCKS`.

    Args:
        size: side S of the photographs in pixels.
        block: index of the block, one of `BLOCKS`.

    Returns:
        A functional model: (B, S, S, 3), RGB in [0, 255] -> float32 (B, S / 16, S / 16, C).

    Raises:
        MimError: the package of the weights is not installed or damaged.

    Example:
        `backbone(192, 10).output_shape` is (None, 12, 12, 112), `backbone(64, 5).count_params()` is 91 616.
    """
    return feature_network(size, block, enlarge=False)


def halved(images: tf.Tensor) -> tf.Tensor:
    """Halves the resolution of photographs; the result is the image that is inpainted.

    Each pixel is the area average of 2 x 2 pixels, rounded as `mim_export.score.preprocess.resample` does.

    Args:
        images: float32 (B, S, S, 3), whole numbers in [0, 255].

    Returns:
        float32 (B, S / 2, S / 2, 3), whole numbers in [0, 255].
    """
    return tf.floor(tf.nn.avg_pool2d(images, SCALE, SCALE, "VALID") + 0.5)


def band_limited(images: tf.Tensor, band: int) -> tf.Tensor:
    """Removes the details of photographs that a side of `band` pixels cannot show.

    How sharp a photograph is depends on its camera and its source, not on the disease.

    Args:
        images: float32 (B, S, S, 3), whole numbers in [0, 255].
        band: at most S, with a large common divisor: images of S / band = q / p px, in lowest terms, are computed by
            p² filters of q x q px.

    Returns:
        float32 (B, S, S, 3) in [0, 255]: the area averages of squares of S / `band` pixels, rounded as
        `mim_export.score.preprocess.resample` does, and enlarged by bilinear interpolation between their centres.

    Example:
        At S = 4 and a band of 2, a row of 0, 0, 8, 8 becomes 0, 2, 6, 8.
    """
    side = images.shape[1]
    if band == side:
        return images
    unit = math.gcd(side, band)
    q, p = side // unit, band // unit
    sums = tf.nn.conv2d(images, _area_filters(q, p), q, "VALID")
    means = tf.floor((sums if p == 1 else tf.nn.depth_to_space(sums, p)) / q**2 + 0.5)
    return tf.image.resize(means, (side, side))


def _area_filters(q: int, p: int) -> NDArray[np.float32]:
    """Filters that sum q x q pixels to p x p squares; whole numbers, with which float32 sums are exact.

    Args:
        q: pixels in a row; each is p units wide.
        p: squares in a row; each is q units wide.

    Returns:
        float32 (q, q, 3, 3 p²), for `tf.nn.depth_to_space`.
    """
    pixels, squares = p * np.arange(q), q * np.arange(p)
    ends = np.minimum(pixels[:, None] + p, squares + q)
    overlap = np.maximum(ends - np.maximum(pixels[:, None], squares), 0)  # (q, p)
    filters = np.einsum("iy,jx,cd->ijcyxd", overlap, overlap, np.eye(3))
    return filters.reshape(q, q, 3, 3 * p**2).astype(np.float32)


def error_weights(original: tf.Tensor, inpainted: tf.Tensor) -> tf.Tensor:
    """Computes the share of each feature position in the mean absolute inpainting error.

    Args:
        original: float32 (B, s, s, 3) in [0, 1], the images before inpainting.
        inpainted: float32 (B, s, s, 3) in [0, 1], the inpainted images.

    Returns:
        float32 (B, s / 8, s / 8, 1), above 0, of sum 1 for each image.

    Example:
        At s = 32 a perfect inpainting gives 16 weights of 1 / 16.
    """
    cell = CELL // SCALE
    error = tf.reduce_mean(tf.abs(original - inpainted), axis=-1, keepdims=True)
    weights = tf.nn.avg_pool2d(error, cell, cell, "VALID") + _MIN_ERROR
    return weights / tf.reduce_sum(weights, axis=[1, 2], keepdims=True)


def statistics(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Computes the weighted mean and standard deviation of each channel.

    Args:
        features: float32 (B, H, W, C).
        weights: float32 (B, H, W, 1), of sum 1 for each image.

    Returns:
        float32 (B, 2 C): the C means, then the C population standard deviations.
    """
    mean = tf.reduce_sum(weights * features, axis=[1, 2])
    variance = tf.reduce_sum(weights * tf.math.squared_difference(features, mean[:, None, None]), axis=[1, 2])
    return tf.concat([mean, tf.sqrt(variance)], axis=1)


def vectors(network: keras.Model, images: tf.Tensor, original: tf.Tensor, inpainted: tf.Tensor, band: int) -> tf.Tensor:
    """Computes the feature vectors that the head scores.

    Args:
        network: the model that `backbone` returns, or its int8 version.
        images: float32 (B, S, S, 3) in [0, 255], the photographs.
        original: float32 (B, S / 2, S / 2, 3) in [0, 1], the images before inpainting.
        inpainted: float32 (B, S / 2, S / 2, 3) in [0, 1], the inpainted images.
        band: side in pixels to which the image of the network is limited, see `band_limited`; S = it is not.

    Returns:
        float32 (B, 2 C), where C is the number of channels of the network; 2 C = 224 for block 10.
    """
    return statistics(network(band_limited(images, band)), error_weights(original, inpainted))
