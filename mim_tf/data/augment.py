"""Training batches: a tf.data pipeline whose every example is a function of (seed, position) alone.

So a run that was stopped continues with the very batch that it would have seen. Decoding happens once,
before the first step; what is left is augmentation in the graph, which runs ahead of the model.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: Photographs are kept at this multiple of the model's size, so that crops need no enlargement.
MARGIN = 1.25


def source_size(size: int) -> int:
    """Side in pixels at which training photographs are kept in memory for a model of `size` px."""
    return round(size * MARGIN)


def batches(
    pixels: NDArray[np.uint8],
    *,
    size: int,
    batch_size: int,
    seed: int,
    start: int = 0,
    steps: int | None,
    camera: bool = True,
) -> tf.data.Dataset:
    """Augmented batches of the steps `start` to `steps - 1`.

    Args:
        pixels: uint8 (N, R, R, 3), kept photographs with R = `source_size(size)`.
        size: side S of the model's images, in pixels.
        batch_size: images a batch, B.
        seed: of order and augmentation.
        start: first step.
        steps: the step after the last one; None = no end.
        camera: see `augment`.

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
        return augment(tf.image.convert_image_dtype(image, tf.float32), size, key, camera)

    end = np.iinfo(np.int64).max if steps is None else steps * batch_size
    positions = tf.data.Dataset.range(start * batch_size, end)
    data = positions.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return data.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def augment(image: tf.Tensor, size: int, key: tf.Tensor, camera: bool = True) -> tf.Tensor:
    """One random view of a photograph: crop, flip, rotation, colour, blur, JPEG noise.

    Args:
        image: float32 (R, R, 3) in [0, 1], R >= size.
        size: side S of the view.
        key: int64 (2,), the seed of this view; the same key gives the same view.
        camera: with what a camera adds, blur and JPEG noise; without, only what happens to the scene.

    Returns:
        float32 (S, S, 3) in [0, 1].
    """
    keys = tf.random.split(key, 7)
    view = _warp(image, size, keys[0])
    view = tf.image.stateless_random_flip_up_down(tf.image.stateless_random_flip_left_right(view, keys[1]), keys[2])
    view = _colour(view, keys[3])
    if not camera:
        return tf.ensure_shape(tf.clip_by_value(view, 0.0, 1.0), (size, size, 3))
    view = tf.clip_by_value(_blur(view, keys[4]), 0.0, 1.0)
    chance = tf.random.stateless_uniform([], keys[5])
    view = tf.cond(chance < 0.3, lambda: tf.image.stateless_random_jpeg_quality(view, 50, 95, keys[6]), lambda: view)
    return tf.ensure_shape(view, (size, size, 3))


def _warp(image: tf.Tensor, size: int, key: tf.Tensor) -> tf.Tensor:
    """Crop, scale and rotation as one bilinear look-up, so that the pixels are blurred once."""
    side = tf.cast(tf.shape(image)[0], tf.float32)
    draw = tf.random.stateless_uniform([4], key, -1.0, 1.0)
    scale = side / size * (0.9 + 0.1 * draw[0])  # the crop shows 80 to 100 % of the side
    angle = draw[1] * math.pi / 12
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    slack = 0.5 * (side - scale * size)
    centre, middle = 0.5 * (side - 1), 0.5 * (size - 1)
    x = centre + draw[2] * slack - cos * middle + sin * middle
    y = centre + draw[3] * slack - sin * middle - cos * middle
    zero = tf.zeros([])
    transform = tf.stack([cos, -sin, x, sin, cos, y, zero, zero])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform[None],
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )[0]


def _colour(view: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Exposure, contrast, saturation and white balance, each by a factor near 1."""
    draw = tf.random.stateless_uniform([6], key, -1.0, 1.0)
    grey = tf.reduce_mean(view, axis=-1, keepdims=True)
    view = grey + (view - grey) * (1.0 + 0.2 * draw[0])
    mean = tf.reduce_mean(view)
    view = mean + (view - mean) * (1.0 + 0.2 * draw[1])
    return view * (1.0 + 0.15 * draw[2]) * (1.0 + 0.05 * draw[3:6])


def _blur(view: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """In a quarter of the views a 5-tap Gaussian of sigma up to 1 px: cameras miss their focus."""
    draw = tf.random.stateless_uniform([2], key)
    sigma = tf.where(draw[0] < 0.25, 0.05 + 0.95 * draw[1], 0.05)
    taps = tf.exp(-0.5 * (tf.range(-2.0, 3.0) / sigma) ** 2)
    taps /= tf.reduce_sum(taps)
    rows = tf.tile(taps[:, None, None, None], [1, 1, 3, 1])
    padded = tf.pad(view[None], [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    once = tf.nn.depthwise_conv2d(padded, rows, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(once, tf.transpose(rows, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")[0]
