"""Random mask sets for training, computed in the graph.

The fixed mask sets of inference are in `mim_export.score.preprocess`.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def random_labels(
    key: tf.Tensor, batch_size: int | tf.Tensor, size: int, cells: Sequence[int], counts: Sequence[int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a random partition of each image into masks.

    The cell size and the number of masks are drawn for each image.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B, a number or a scalar int32 tensor.
        size: side S of an image in pixels.
        cells: cell sizes to draw from, in pixels.
        counts: numbers of masks to draw from.

    Returns:
        labels: int32 (B, S, S), the index of the mask that hides each pixel, from 0 to n - 1.
        counts: int32 (B,), the number n of masks of each image.
    """
    keys = tf.random.split(key, 4)
    cell = tf.gather(tf.constant(cells), _choice(keys[0], batch_size, len(cells)))  # (B,)
    count = tf.gather(tf.constant(counts), _choice(keys[1], batch_size, len(counts)))  # (B,)
    # A random origin, so that cell borders are at different places in different images.
    origin = tf.random.stateless_uniform([2, batch_size], keys[2], 0, max(cells), tf.int32)
    rows, columns = ((tf.range(size) + origin[i][:, None]) // cell[:, None] for i in range(2))  # (B, S)
    grid = (size + max(cells)) // min(cells) + 1
    draw = tf.random.stateless_uniform([batch_size, grid, grid], keys[3])
    label = tf.cast(draw * tf.cast(count, tf.float32)[:, None, None], tf.int32)  # (B, grid, grid)
    labels = tf.gather(tf.gather(label, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
    return labels, count


def random_masks(
    key: tf.Tensor, batch_size: int | tf.Tensor, size: int, cells: Sequence[int], counts: Sequence[int]
) -> tf.Tensor:
    """Draws a random mask for each image of a batch: the first mask of a random mask set.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B, a number or a scalar int32 tensor.
        size: side S of an image in pixels.
        cells: cell sizes to draw from, in pixels.
        counts: numbers of masks to draw from.

    Returns:
        float32 (B, S, S, 1), 1 = kept, 0 = hidden.

    Example:
        With `counts=(4,)`, 25 % of the pixels are hidden on average.
    """
    labels, _ = random_labels(key, batch_size, size, cells, counts)
    return tf.cast(labels[..., None] > 0, tf.float32)


def _choice(key: tf.Tensor, batch_size: int | tf.Tensor, options: int) -> tf.Tensor:
    return tf.random.stateless_uniform([batch_size], key, 0, options, tf.int32)
