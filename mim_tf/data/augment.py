"""Training batches: a tf.data pipeline in which each example depends only on the seed and its position.

An interrupted run therefore resumes with the same batch that it would have used without the interruption.
Photographs are decoded once, before the first step. The augmentation runs in the graph and is prefetched.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: Side of the stored photographs divided by the size of the model, so that crops of 80 % need not be enlarged.
MARGIN = 1.25


def source_size(size: int) -> int:
    """Computes the side in pixels of training photographs in memory for a model of `size` px.

    Example:
        `source_size(96)` is 120.
    """
    return round(size * MARGIN)


def batches(
    pixels: NDArray[np.uint8],
    *,
    size: int,
    batch_size: int,
    seed: int,
    start: int = 0,
    steps: int | None,
    smallest: float = 0.8,
    camera: float = 0.3,
) -> tf.data.Dataset:
    """Builds the dataset of augmented batches for the steps `start` to `steps - 1`.

    Each epoch visits each photograph once, in a new order.

    Args:
        pixels: uint8 (N, R, R, 3), photographs of any side R >= S.
        size: side S of the images of the model in pixels.
        batch_size: number of images B in a batch.
        seed: seed of order and augmentation.
        start: first step.
        steps: the step after the last one; None = the dataset is infinite.
        smallest: smallest side of a crop, see `augment`.
        camera: fraction of views with each artefact, see `augment`.

    Returns:
        A dataset of float32 (B, S, S, 3) in [0, 1].
    """
    count = len(pixels)
    source = tf.constant(pixels)

    def example(position: tf.Tensor) -> tf.Tensor:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count, dtype=tf.int64), seed=tf.stack([tf.constant(seed, tf.int64), position // count])
        )
        image = tf.gather(source, order[position % count])
        key = tf.stack([tf.constant(seed, tf.int64) + 1, position])
        return augment(tf.image.convert_image_dtype(image, tf.float32), size, key, smallest, camera)

    end = np.iinfo(np.int64).max if steps is None else steps * batch_size
    positions = tf.data.Dataset.range(start * batch_size, end)
    data = positions.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return data.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def augment(image: tf.Tensor, size: int, key: tf.Tensor, smallest: float = 0.8, camera: float = 0.3) -> tf.Tensor:
    """Computes one random view of a photograph: crop, flips, rotation, colour, blur, noise and JPEG artefacts.

    Args:
        image: float32 (R, R, 3) in [0, 1], R >= size.
        size: side S of the view in pixels.
        key: int64 (2,), the seed of this view; the same key gives the same view.
        smallest: smallest side of the crop divided by R, in (0, 1]. The side is drawn between it and 1, uniformly in
            the logarithm.
        camera: fraction of views with blur, with noise and with JPEG artefacts, each drawn by itself; 0 changes
            geometry and colour only.

    Returns:
        float32 (S, S, 3) in [0, 1].
    """
    keys = tf.random.split(key, 9)
    view = _warp(image, size, keys[0], smallest)
    view = tf.image.stateless_random_flip_up_down(tf.image.stateless_random_flip_left_right(view, keys[1]), keys[2])
    view = tf.cond(tf.random.stateless_uniform([], keys[7]) < 0.5, lambda: tf.transpose(view, [1, 0, 2]), lambda: view)
    view = _colour(view, keys[3])
    if not camera:
        return tf.ensure_shape(tf.clip_by_value(view, 0.0, 1.0), (size, size, 3))
    view = tf.clip_by_value(_noise(_blur(view, keys[4], camera), keys[8], camera), 0.0, 1.0)
    chance = tf.random.stateless_uniform([], keys[5])
    view = tf.cond(chance < camera, lambda: tf.image.stateless_random_jpeg_quality(view, 50, 95, keys[6]), lambda: view)
    return tf.ensure_shape(view, (size, size, 3))


def _warp(image: tf.Tensor, size: int, key: tf.Tensor, smallest: float) -> tf.Tensor:
    """Crops, scales and rotates by a single bilinear interpolation, so that the image is blurred only once.

    A photograph that is much larger than the view is sampled several times for each pixel, to avoid aliasing.
    """
    samples = max(1, round(image.shape[0] / source_size(size)))
    sampled = samples * size
    side = float(image.shape[0])
    draw = tf.random.stateless_uniform([4], key, -1.0, 1.0)
    crop = side * tf.pow(smallest, 0.5 + 0.5 * draw[0])
    scale = crop / sampled
    angle = draw[1] * math.pi / 12
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    slack = 0.5 * (side - crop)
    centre, middle = 0.5 * (side - 1), 0.5 * (sampled - 1)
    x = centre + draw[2] * slack - cos * middle + sin * middle
    y = centre + draw[3] * slack - sin * middle - cos * middle
    zero = tf.zeros([])
    transform = tf.stack([cos, -sin, x, sin, cos, y, zero, zero])
    view = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform[None],
        output_shape=[sampled, sampled],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )
    return tf.nn.avg_pool2d(view, samples, samples, "VALID")[0]


def _colour(view: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Changes saturation, contrast, exposure and white balance, each by a factor near 1."""
    draw = tf.random.stateless_uniform([6], key, -1.0, 1.0)
    grey = tf.reduce_mean(view, axis=-1, keepdims=True)
    view = grey + (view - grey) * (1.0 + 0.2 * draw[0])
    mean = tf.reduce_mean(view)
    view = mean + (view - mean) * (1.0 + 0.2 * draw[1])
    return view * (1.0 + 0.15 * draw[2]) * (1.0 + 0.05 * draw[3:6])


def _blur(view: tf.Tensor, key: tf.Tensor, share: float) -> tf.Tensor:
    """Blurs a share of the views by a 5-tap Gaussian of sigma up to 1 px, as a camera out of focus does."""
    draw = tf.random.stateless_uniform([2], key)
    sigma = tf.where(draw[0] < share, 0.05 + 0.95 * draw[1], 0.05)
    taps = tf.exp(-0.5 * (tf.range(-2.0, 3.0) / sigma) ** 2)
    taps /= tf.reduce_sum(taps)
    rows = tf.tile(taps[:, None, None, None], [1, 1, 3, 1])
    padded = tf.pad(view[None], [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    once = tf.nn.depthwise_conv2d(padded, rows, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(once, tf.transpose(rows, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")[0]


def _noise(view: tf.Tensor, key: tf.Tensor, share: float) -> tf.Tensor:
    """Adds Gaussian noise to a share of the views, as a camera does in little light."""
    draw = tf.random.stateless_uniform([2], key)
    sigma = tf.where(draw[0] < share, 0.02 * draw[1], 0.0)
    return view + sigma * tf.random.stateless_normal(view.shape, key + 1)
