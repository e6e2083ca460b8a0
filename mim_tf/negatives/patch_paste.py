"""Pseudo-anomalies for training: patches of photographs of the class, pasted at another place."""

from __future__ import annotations

import tensorflow as tf

from mim_tf import replicas

#: Smallest and largest side of a pasted patch as a fraction of the side of the image.
PATCH = (1 / 8, 1 / 3)


def paste_patch(key: tf.Tensor, images: tf.Tensor, onto: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Copies a random square of each image and pastes it at a random place onto another version of the image.

    Args:
        key: int (2,), the seed; the same key gives the same patches.
        images: float32 (B, S, S, 3), the source of the patches.
        onto: float32 (B, S, S, 3), the images that the patches are pasted onto, such as the proxies of the images.

    Returns:
        pasted: float32 (B, S, S, 3), `onto` with one patch in each image.
        where: float32 (B, S, S, 1), 1 inside the patch, 0 outside.

    Example:
        At S = 96 the side of a patch is 12 to 32 px.
    """
    count, size = replicas.whole_size(images), images.shape[1]
    keys = tf.random.split(key, 2)
    low, high = (round(share * size) for share in PATCH)
    side = replicas.part(tf.random.stateless_uniform([count, 1], keys[0], low, high + 1, tf.int32))
    draw = tf.random.stateless_uniform([4, count, 1], keys[1])
    draw = tf.stack([replicas.part(row) for row in tf.unstack(draw)])
    # Scaled by `size - side + 1`, so that both the source and the target square lie within the image.
    top, left, row, column = tf.unstack(tf.cast(draw * tf.cast(size - side + 1, tf.float32), tf.int32))
    index = tf.range(size)[None]  # (1, S)
    inside = tf.cast((index >= top) & (index < top + side), tf.float32)[:, :, None]  # (B, S, 1)
    inside *= tf.cast((index >= left) & (index < left + side), tf.float32)[:, None, :]  # (B, S, S)
    rows = tf.clip_by_value(index + row - top, 0, size - 1)
    columns = tf.clip_by_value(index + column - left, 0, size - 1)
    moved = tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
    where = inside[..., None]
    return where * moved + (1.0 - where) * onto, where
