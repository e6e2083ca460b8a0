"""Random mask sets for training, in the graph. The fixed sets of inference come from `mim_export.score.preprocess`."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def random_labels(
    key: tf.Tensor, batch_size: int, size: int, cells: Sequence[int], counts: Sequence[int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Random partitions of images into masks: cell size and count are drawn for each image.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B.
        size: side S of an image in pixels.
        cells: cell sizes to draw from, in pixels.
        counts: numbers of masks to draw from.

    Returns:
        labels: int32 (B, S, S), the mask that hides each pixel.
        counts: int32 (B,), the number n of masks of each image; labels are below it.
    """
    keys = tf.random.split(key, 4)
    cell = tf.gather(tf.constant(cells), _choice(keys[0], batch_size, len(cells)))  # (B,)
    count = tf.gather(tf.constant(counts), _choice(keys[1], batch_size, len(counts)))  # (B,)
    # A random origin, so that the cells of different images do not share their borders.
    origin = tf.random.stateless_uniform([2, batch_size], keys[2], 0, max(cells), tf.int32)
    rows, columns = ((tf.range(size) + origin[i][:, None]) // cell[:, None] for i in range(2))  # (B, S)
    grid = (size + max(cells)) // min(cells) + 1
    draw = tf.random.stateless_uniform([batch_size, grid, grid], keys[3])
    label = tf.cast(draw * tf.cast(count, tf.float32)[:, None, None], tf.int32)  # (B, grid, grid)
    labels = tf.gather(tf.gather(label, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
    return labels, count


def random_masks(key: tf.Tensor, batch_size: int, size: int, cells: Sequence[int], counts: Sequence[int]) -> tf.Tensor:
    """The first mask of a random mask set for each image of a batch.

    Returns:
        float32 (B, S, S, 1), 1 = kept, 0 = hidden.

    Example:
        With counts (4,) a quarter of the pixels is hidden, on average.
    """
    labels, _ = random_labels(key, batch_size, size, cells, counts)
    return tf.cast(labels[..., None] > 0, tf.float32)


def _choice(key: tf.Tensor, batch_size: int, options: int) -> tf.Tensor:
    return tf.random.stateless_uniform([batch_size], key, 0, options, tf.int32)
