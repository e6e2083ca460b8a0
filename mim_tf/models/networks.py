"""The generator and the discriminator.

The generator uses only operations whose int8 results are bit-identical in TensorFlow Lite Micro and in the
reference kernels of LiteRT: 3 x 3 convolution (stride 2 for downsampling), batch normalization (folded), ReLU,
concatenation (also for upsampling), logistic. Its stem has stride 2, because activations at full resolution
need most of the tensor arena of a microcontroller. Every layer has a name, since TFLite files keep the names.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import layers

from mim_export.score.errors import check_whole


def repeat_pixels(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Upsamples images by nearest-neighbour interpolation.

    `keras.layers.UpSampling2D` becomes TILE in TFLite, which TensorFlow Lite Micro lacks, and `tf.image.resize` becomes
    RESIZE_NEAREST_NEIGHBOR, which XNNPACK lacks. CONCATENATION and RESHAPE are available in all runtimes and copy whole
    blocks.

    Args:
        images: (B, H, W, C).
        factor: integer factor of height and width, at least 1.

    Returns:
        (B, factor H, factor W, C), of the same dtype.
    """
    _, height, width, channels = images.shape
    wide = tf.reshape(tf.concat([images] * factor, axis=3), [-1, height, 1, factor * width * channels])
    return tf.reshape(tf.concat([wide] * factor, axis=2), [-1, factor * height, factor * width, channels])


@keras.saving.register_keras_serializable("mim_tf")
class ResizeNearest(layers.Layer):
    """Doubles height and width by repeating pixels."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) -> (B, 2 H, 2 W, C)."""
        return repeat_pixels(inputs, 2)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape with doubled height and width."""
        batch, height, width, channels = shape
        return batch, height and 2 * height, width and 2 * width, channels


def _conv(x: tf.Tensor, filters: int, name: str, stride: int = 1, dtype: str | None = None) -> tf.Tensor:
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv", dtype=dtype)(x)
    x = layers.BatchNormalization(momentum=0.98, name=f"{name}_norm", dtype=dtype)(x)
    return layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)


def generator(size: int, width: int, dtype: str | None = None, channels: int = 4) -> keras.Model:
    """Builds a U-Net with a strided stem and four levels.

    Args:
        size: side S of the images in pixels, a multiple of 16.
        width: number of filters w of the first level; the deeper levels have 2 w, 4 w and 4 w.
        dtype: dtype policy, such as "mixed_bfloat16".
        channels: number of input channels: 4 for masked RGB in [0, 1] and the mask, 3 for RGB without a mask.

    Returns:
        A functional model: float (B, S, S, channels) -> float32 (B, S, S, 3) in (0, 1).

    Example:
        `generator(96, 24).count_params()` is 467 319.
    """
    inputs = keras.Input((size, size, channels), name="masked")
    *skips, x = encoder(inputs, width, dtype)
    return keras.Model(inputs, decoder(x, width, dtype, skips), name="generator")


def check_shape(size: int, width: int) -> None:
    """Validates the size and the width of encoder and decoder.

    Args:
        size: side S of the images in pixels.
        width: number of filters of the first level.

    Raises:
        MimError: the size is no multiple of 16 from 32 on, or the width is odd or below 2.
    """
    check_whole("size", size, 32, multiple_of=16)
    check_whole("width", width, 2, multiple_of=2)


def encoder(x: tf.Tensor, width: int, dtype: str | None = None, depth: int = 4) -> list[tf.Tensor]:
    """Builds the encoder: one convolution of stride 2 in each level.

    Args:
        x: symbolic tensor (B, S, S, channels), S a multiple of 2^depth.
        width: number of filters w of the first level; the deeper levels have 2 w, 4 w and 4 w.
        dtype: dtype policy.
        depth: number of levels, 1 to 4.

    Returns:
        The features of each level: (B, S / 2, S / 2, w), (B, S / 4, S / 4, 2 w), ...
    """
    levels = []
    for level, filters in enumerate((width, 2 * width, 4 * width, 4 * width)[:depth]):
        x = _conv(x, filters, f"down{level}", stride=2, dtype=dtype)  # (B, S / 2^(level + 1), ., filters)
        levels.append(x)
    return levels


def decoder(
    x: tf.Tensor, width: int, dtype: str | None = None, skips: Sequence[tf.Tensor] = (), depth: int = 4
) -> tf.Tensor:
    """Builds the decoder from the deepest features to an image.

    Args:
        x: symbolic tensor (B, S / 2^depth, S / 2^depth, C), the deepest features.
        width: number of filters w of the first level of the encoder.
        dtype: dtype policy.
        skips: the other levels of the encoder, the shallowest first; empty = no skip connections.
        depth: number of levels, 1 to 4.

    Returns:
        float32 (B, S, S, 3) in (0, 1).
    """
    x = _conv(x, 4 * width, "middle", dtype=dtype)
    for level in reversed(range(depth - 1)):
        x = ResizeNearest(name=f"up{level}_resize", dtype=dtype)(x)
        if skips:
            x = layers.Concatenate(name=f"up{level}_skip", dtype=dtype)([x, skips[level]])
        x = _conv(x, 2**level * width, f"up{level}", dtype=dtype)  # (B, S / 2^(level + 1), ., filters)
    x = _conv(x, width // 2, "last", dtype=dtype)
    x = ResizeNearest(name="out_resize", dtype=dtype)(x)  # (B, S, S, w / 2)
    x = layers.Conv2D(3, 3, padding="same", name="out_conv", dtype=dtype)(x)
    return layers.Activation("sigmoid", name="out_sigmoid", dtype="float32")(x)


def discriminator(size: int, width: int, dtype: str | None = None) -> keras.Model:
    """Builds a patch discriminator with spectral normalization (Miyato et al., ICLR 2018).

    Args:
        size: side S of the images in pixels, a multiple of 8.
        width: number of filters of the first layer; the next two have twice and four times as many.
        dtype: dtype policy.

    Returns:
        A functional model: float (B, S, S, 3) -> float32 (B, S / 8, S / 8, 1), unbounded; each value
        rates a patch of about 30 px.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = inputs
    for level, filters in enumerate((width, 2 * width, 4 * width)):
        x = layers.SpectralNormalization(
            layers.Conv2D(filters, 4, strides=2, padding="same", dtype=dtype, name=f"patch{level}_conv"),
            name=f"patch{level}",
            dtype=dtype,
        )(x)
        x = layers.LeakyReLU(0.2, name=f"patch{level}_relu", dtype=dtype)(x)
    x = layers.SpectralNormalization(
        layers.Conv2D(1, 3, padding="same", dtype=dtype, name="judge_conv"), name="judge", dtype=dtype
    )(x)
    # The wrapper returns the compute dtype; in bfloat16 the hinge loss would lose its gradient near 1.
    outputs = layers.Activation("linear", dtype="float32", name="judgement")(x)
    return keras.Model(inputs, outputs, name="discriminator")
