"""Distillation: a small generator learns from the inpainting of a large one that sees more pixels."""

from __future__ import annotations

import keras
import tensorflow as tf

from mim_tf.models.mim import Teach, inpaint_hidden


def teaching(teacher: keras.Model, factor: int) -> Teach:
    """Creates the function that turns a batch into images and targets of a student.

    The teacher sees the same part of the skin at `factor` times the resolution. Its predictions vary less than the
    photographs, so that the student needs fewer images.

    Args:
        teacher: a trained generator, see `pretrained.pretrained_generator`.
        factor: side of the teacher's images divided by that of the student's, at least 1.

    Returns:
        A function of images, float32 (B, F S, F S, 3) in [0, 1], and masks, float32 (B, S, S, 1), 1 = kept. It returns
        the images, reduced by averaging F x F pixels, and the inpaintings of the teacher, reduced likewise, each
        float32 (B, S, S, 3) in [0, 1].

    Reference:
        Hinton, Vinyals and Dean, arXiv 1503.02531; Lopez-Paz et al., arXiv 1511.03643, for a teacher that sees more.
    """

    def teach(images: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        fine = tf.repeat(tf.repeat(mask, factor, axis=1), factor, axis=2)
        inpainted = inpaint_hidden(teacher, images, fine)
        return tf.nn.avg_pool2d(images, factor, factor, "VALID"), tf.nn.avg_pool2d(inpainted, factor, factor, "VALID")

    return teach
