"""Random mask sets for training, computed in the graph.

The fixed mask sets of inference are in `mim_export.score.preprocess`.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

#: Share of training masks that belong to a fixed mask set, as those of inference do.
REGULAR = 0.7
#: Maximum number of strokes and discs in a mask.
STROKES = 6


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


def regular_masks(
    key: tf.Tensor, batch_size: int | tf.Tensor, size: int, cells: Sequence[int], counts: Sequence[int]
) -> tf.Tensor:
    """Draws a mask of a fixed mask set for each image of a batch.

    Cell size, number of masks and the mask are drawn for each image. Inference hides pixels in these patterns, so the
    neighbours of hidden cells are kept; those of `random_masks` may be hidden too.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B, a number or a scalar int32 tensor.
        size: side S of an image in pixels.
        cells: cell sizes to draw from, in pixels; the last cells of a row may be cut off.
        counts: numbers of masks to draw from.

    Returns:
        float32 (B, S, S, 1), 1 = kept, 0 = hidden.

    Example:
        With `cells=(12,)` and `counts=(2,)`, one of the two masks of `mask_set(size, 12, 2)`.
    """
    keys = tf.random.split(key, 3)
    cell = tf.gather(tf.constant(cells), _choice(keys[0], batch_size, len(cells)))[:, None]  # (B, 1)
    count = tf.gather(tf.constant(counts), _choice(keys[1], batch_size, len(counts)))[:, None, None]  # (B, 1, 1)
    index = tf.range(size) // cell  # (B, S)
    labels = (index[:, None, :] + index[:, :, None] * tf.maximum(count // 2, 1)) % count  # as in `mask_labels`
    chosen = tf.random.stateless_uniform([batch_size, 1, 1], keys[2])
    hidden = labels == tf.cast(chosen * tf.cast(count, tf.float32), tf.int32)
    return 1.0 - tf.cast(hidden[..., None], tf.float32)


def stroke_masks(key: tf.Tensor, batch_size: int | tf.Tensor, size: int) -> tf.Tensor:
    """Draws a mask of thick strokes and discs for each image of a batch.

    Each of `STROKES` strokes joins two random points; every second one is a disc, as large as a lesion or larger. The
    number of those that hide pixels is drawn for each image.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B, a number or a scalar int32 tensor.
        size: side S of an image in pixels.

    Returns:
        float32 (B, S, S, 1), 1 = kept, 0 = hidden. At least one stroke hides pixels, and on average a seventh of the
        image is hidden.
    """
    keys = tf.random.split(key, 4)
    start = tf.random.stateless_uniform([batch_size, STROKES, 2], keys[0])
    length = tf.random.stateless_uniform([batch_size, STROKES, 2], keys[1], -0.5, 0.5)
    length *= tf.cast(tf.range(STROKES) % 2, tf.float32)[:, None]  # 0 for discs
    radius = tf.random.stateless_uniform([batch_size, STROKES], keys[2], 0.03, 0.14)
    drawn = tf.random.stateless_uniform([batch_size, 1], keys[3], 1, STROKES + 1, tf.int32) > tf.range(STROKES)
    radius = tf.where(drawn, radius, -1.0)
    centres = (tf.range(size, dtype=tf.float32) + 0.5) / size
    points = tf.stack(tf.meshgrid(centres, centres, indexing="ij"), axis=-1)  # (S, S, 2)
    offset = points[None, None] - start[:, :, None, None]  # (B, strokes, S, S, 2)
    direction = length[:, :, None, None]
    along = tf.math.divide_no_nan(
        tf.reduce_sum(offset * direction, axis=-1), tf.reduce_sum(tf.square(direction), axis=-1)
    )
    nearest = offset - tf.clip_by_value(along, 0.0, 1.0)[..., None] * direction
    hidden = tf.norm(nearest, axis=-1) < radius[:, :, None, None]
    return 1.0 - tf.cast(tf.reduce_any(hidden, axis=1)[..., None], tf.float32)


def training_masks(
    key: tf.Tensor, batch_size: int | tf.Tensor, size: int, cells: Sequence[int], counts: Sequence[int]
) -> tf.Tensor:
    """Draws a mask for each image of a batch: of a fixed mask set, of random cells, or of strokes.

    Args:
        key: int (2,), the seed; the same key gives the same masks.
        batch_size: number of images B, a number or a scalar int32 tensor.
        size: side S of an image in pixels.
        cells: cell sizes to draw from, in pixels.
        counts: numbers of masks to draw from.

    Returns:
        float32 (B, S, S, 1), 1 = kept, 0 = hidden: of `regular_masks` for 70 % of the images on average, of
        `random_masks` for 15 %, and of `stroke_masks` for 15 %.
    """
    keys = tf.random.split(key, 4)
    draw = tf.random.stateless_uniform([batch_size, 1, 1, 1], keys[0])
    cellular = tf.where(
        draw < REGULAR,
        regular_masks(keys[1], batch_size, size, cells, counts),
        random_masks(keys[2], batch_size, size, cells, counts),
    )
    return tf.where(draw < 0.5 * (1.0 + REGULAR), cellular, stroke_masks(keys[3], batch_size, size))


def _choice(key: tf.Tensor, batch_size: int | tf.Tensor, options: int) -> tf.Tensor:
    return tf.random.stateless_uniform([batch_size], key, 0, options, tf.int32)
