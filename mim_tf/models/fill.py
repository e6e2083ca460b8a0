"""The fill of `mim_export.score.fill` in TensorFlow, with operations that every TFLite runtime has.

All values are whole numbers below 2^23, for which float32 is exact in any order of summation. Quotients are rounded
down after a half is added to the numerator, so that none is near a whole number: a converter may replace the division
by a multiplication with a rounded reciprocal. This is enough for blocks of up to `LARGEST` px, as a test checks.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_export.score.fill import FINEST_SWEEPS, SWEEPS, sides
from mim_tf.models.networks import repeat_pixels

#: Side in pixels of the blocks that the coarsest level may average.
LARGEST = 64
#: Mean of the four neighbours of a pixel in each channel.
_CROSS = np.array([[0.0, 0.25, 0.0], [0.25, 0.0, 0.25], [0.0, 0.25, 0.0]], np.float32)


def check_side(size: int) -> None:
    """Checks the side of an image to fill.

    Args:
        size: side of the image in pixels.

    Raises:
        MimError: the coarsest level would average blocks that are too large for float32.

    Example:
        256 and 448 px are possible, 384 px are not: the coarsest level has 3 x 3 px, each of 128 x 128 px of the image.
    """
    block = size // sides(size)[-1]
    if block > LARGEST:
        raise MimError(f"size {size} is not possible, because blocks of {block} px cannot be averaged", "choose 256")


def fill(pixels: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Replaces the hidden pixels of images by averages of the kept ones; see `mim_export.score.fill.fill`.

    Args:
        pixels: float32 (B, S, S, 3), whole numbers in [0, 255], or (1, S, S, 3).
        mask: float32 (B, S, S, 1) or (1, S, S, 1), 1 = kept, 0 = hidden.

    Returns:
        float32 (B, S, S, 3), whole numbers in [0, 255]; kept pixels are unchanged.
    """
    levels = [(pixels * mask, mask)]
    for _ in sides(pixels.shape[1])[1:]:
        sums, counts = (4.0 * tf.nn.avg_pool2d(part, 2, 2, "VALID") for part in levels[-1])
        levels.append((sums, counts))
    filled = None
    for sums, counts in reversed(levels):
        # A block of one pixel is known as it is. The quotient would cost time and, in a TFLite file, constants.
        known, base = (counts, sums) if sums is levels[0][0] else (tf.minimum(counts, 1.0), _rounded(sums, counts))
        empty = 1.0 - known
        if filled is None:
            number = tf.reduce_sum(known, axis=[1, 2], keepdims=True)
            filled = _rounded(tf.reduce_sum(base, axis=[1, 2], keepdims=True), number)
        else:
            filled = repeat_pixels(filled, 2)
        filled = base + empty * filled
        for _ in range(FINEST_SWEEPS if sums is levels[0][0] else SWEEPS):
            filled = base + empty * _neighbours(filled)
    return filled


def _rounded(sums: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """The mean, rounded half up; 0 where nothing is counted."""
    return tf.floor((2.0 * sums + (counts + 0.5)) / tf.maximum(2.0 * counts, 1.0))


def _neighbours(values: tf.Tensor) -> tf.Tensor:
    """The rounded mean of the four neighbours, with the pixel itself in place of one outside the image."""
    side = values.shape[1]
    outside = np.zeros((1, side, side, 1), np.float32)  # the weight of those
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        outside[edge] += 0.25
    kernel = np.repeat(_CROSS[:, :, None, None], 3, axis=2)
    inside = tf.nn.depthwise_conv2d(values, kernel, [1, 1, 1, 1], "SAME")
    inside = tf.nn.bias_add(inside, np.full(3, 0.5, np.float32))  # for rounding; part of the convolution in TFLite
    return tf.floor(inside + outside * values)
