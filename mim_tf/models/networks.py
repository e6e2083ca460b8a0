"""The generator and the discriminator.

The generator uses only operations whose int8 results are bit-identical in TensorFlow Lite Micro and in the
reference kernels of LiteRT: convolution (stride 2 for downsampling), batch normalization (folded), ReLU, concatenation
(also for upsampling), slices, and one addition. Its stem has stride 2, because activations at full resolution need most
of the tensor arena of a microcontroller. Every layer has a name, since TFLite files keep the names.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import layers

from mim_export.score.errors import check_whole
from mim_tf import replicas


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


@keras.saving.register_keras_serializable("mim_tf")
class BatchNormalization(layers.BatchNormalization):
    """Batch normalization whose statistics are those of the whole batch, on one replica or on several.

    It has the name of its base class, because Keras derives the names in a file of weights from it.
    """

    def _moments(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        if replicas.count() == 1:
            return super()._moments(inputs, mask)
        # Relative to the moving mean: a variance would be lost in the rounding of the squares of values far from 0.
        centre = tf.convert_to_tensor(self.moving_mean)
        offsets = inputs - centre
        axes = list(range(len(inputs.shape) - 1))
        parts = tf.stack([tf.reduce_mean(offsets, axes), tf.reduce_mean(tf.square(offsets), axes)])
        offset, square = tf.unstack(replicas.mean(parts))
        return centre + offset, tf.maximum(square - tf.square(offset), 0.0)


def _conv(
    x: tf.Tensor,
    filters: int,
    name: str,
    stride: int = 1,
    dtype: str | None = None,
    kernel: int = 3,
    dilation: int = 1,
) -> tf.Tensor:
    options = {"padding": "same", "use_bias": False, "name": f"{name}_conv", "dtype": dtype}
    x = layers.Conv2D(filters, kernel, strides=stride, dilation_rate=dilation, **options)(x)
    x = BatchNormalization(momentum=0.98, name=f"{name}_norm", dtype=dtype)(x)
    return layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)


#: Pixels as the generator sees them, (value - 127) / 128: int8 quantization is then q = value - 128, and padding with
#: zeros is grey.
OFFSET, SCALE = 127.0, 128.0


def scaled(pixels: tf.Tensor) -> tf.Tensor:
    """Converts pixels to the scale of the generator.

    Args:
        pixels: float32 of any shape, in [0, 255].

    Returns:
        float32 of the same shape, in [-127 / 128, 1].

    Example:
        `scaled(255.0)` is 1, `scaled(127.0)` is 0.
    """
    return (pixels - OFFSET) * (1.0 / SCALE)


def unscaled(values: tf.Tensor) -> tf.Tensor:
    """Converts outputs of the generator to pixels.

    Args:
        values: float32 of any shape, on the scale of `scaled`.

    Returns:
        float32 of the same shape, in [0, 1]; values outside the range of pixels stay outside.

    Example:
        `unscaled(1.0)` is 1, `unscaled(0.0)` is 127 / 255.
    """
    return (values * SCALE + OFFSET) * (1.0 / 255.0)


@keras.saving.register_keras_serializable("mim_tf")
class DepthToSpace(layers.Layer):
    """Doubles height and width by distributing channels: (B, H, W, 4 C) -> (B, 2 H, 2 W, C).

    The reference kernels of LiteRT have no int8 DEPTH_TO_SPACE; slices, RESHAPE and CONCATENATION are available in all
    runtimes.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The channels of a position are those of the pixels (0, 0), (0, 1), (1, 0) and (1, 1) of its block."""
        _, height, width, channels = inputs.shape
        half = channels // 2
        rows = (tf.reshape(part, [-1, height, 1, width * half]) for part in (inputs[..., :half], inputs[..., half:]))
        return tf.reshape(tf.concat(list(rows), axis=2), [-1, 2 * height, 2 * width, half // 2])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape with doubled height and width, and a quarter of the channels."""
        batch, height, width, channels = shape
        return batch, height and 2 * height, width and 2 * width, channels and channels // 4


@keras.saving.register_keras_serializable("mim_tf")
class Colours(layers.Layer):
    """Returns the first three of four channels: the image without its mask."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, 4) -> (B, H, W, 3)."""
        return inputs[..., :3]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape with 3 channels."""
        return (*shape[:-1], 3)


def generator(size: int, width: int, dtype: str | None = None) -> keras.Model:
    """Builds a U-Net that corrects the fill of hidden pixels.

    Its first convolution takes 6 x 6 pixels at every second one, and its last one computes blocks of 2 x 2 pixels, so
    that every pixel is seen and corrected at full resolution, while the activations have half of it. The deepest level
    alternates convolutions of dilation 1 and 2, which see the whole image.

    Args:
        size: side S of the images in pixels, a multiple of 16.
        width: number of filters w at 1/2 of the resolution; there are 2 w at 1/4 and 4 w at 1/8.
        dtype: dtype policy, such as "mixed_bfloat16".

    Returns:
        A functional model: float (B, S, S, 4) -> float32 (B, S, S, 3), both as of `scaled`. The input is the image with
        filled hidden pixels, and the mask, 255 = kept and 0 = hidden. The output is the image plus a correction, which
        is small at first; it may exceed the range of pixels.

    Example:
        `generator(96, 32).count_params()` is 924 556.
    """
    inputs = keras.Input((size, size, 4), name="filled")
    x = _conv(inputs, width, "stem", stride=2, kernel=6, dtype=dtype)  # (B, S / 2, S / 2, w)
    x = first = _conv(x, width, "in0", dtype=dtype)
    x = _conv(x, 2 * width, "down1", stride=2, dtype=dtype)
    x = second = _conv(x, 2 * width, "in1", dtype=dtype)
    x = _conv(x, 4 * width, "down2", stride=2, dtype=dtype)  # (B, S / 8, S / 8, 4 w)
    for number, dilation in enumerate((1, 1, 2, 1)):
        x = _conv(x, 4 * width, f"middle{number}", dilation=dilation, dtype=dtype)
    for level, (filters, skip) in zip((1, 0), ((2 * width, second), (width, first)), strict=True):
        x = ResizeNearest(name=f"up{level}_resize", dtype=dtype)(x)
        x = layers.Concatenate(name=f"up{level}_skip", dtype=dtype)([x, skip])
        x = _conv(x, filters, f"up{level}", dtype=dtype)
        x = _conv(x, filters, f"out{level}", dtype=dtype)
    start = keras.initializers.RandomNormal(stddev=1e-3)
    x = layers.Conv2D(12, 3, padding="same", kernel_initializer=start, name="correction_conv", dtype="float32")(x)
    x = DepthToSpace(name="correction", dtype="float32")(x)
    outputs = layers.Add(name="output", dtype="float32")([Colours(name="colours", dtype="float32")(inputs), x])
    return keras.Model(inputs, outputs, name="generator")


def unet(size: int, width: int, dtype: str | None = None, channels: int = 3) -> keras.Model:
    """Builds a U-Net with a strided stem and four levels, which computes an image from its input.

    Args:
        size: side S of the images in pixels, a multiple of 16.
        width: number of filters w of the first level; the deeper levels have 2 w, 4 w and 4 w.
        dtype: dtype policy, such as "mixed_bfloat16".
        channels: number of input channels.

    Returns:
        A functional model: float (B, S, S, channels) -> float32 (B, S, S, 3) in (0, 1).

    Example:
        `unet(96, 24, channels=4).count_params()` is 467 319.
    """
    inputs = keras.Input((size, size, channels), name="image")
    *skips, x = encoder(inputs, width, dtype)
    return keras.Model(inputs, decoder(x, width, dtype, skips), name="unet")


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


#: Side in pixels of the patch for each output of the discriminator.
PATCH = 8


def discriminator(size: int, width: int, dtype: str | None = None) -> keras.Model:
    """Builds a patch discriminator without normalization, for training with a gradient penalty.

    Args:
        size: side S of the images in pixels, a multiple of `PATCH`.
        width: number of filters of the first layer; the next two have twice and four times as many.
        dtype: dtype policy.

    Returns:
        A functional model: float (B, S, S, 3) in [0, 1] -> a list of the judgement, float32 (B, S / 8, S / 8, 1),
        unbounded, in which each value rates a patch of about 40 px, and the features of the three layers before it.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(4.0, offset=-2.0, name="contrast", dtype=dtype)(inputs)
    features = []
    for level, filters in enumerate((width, 2 * width, 4 * width)):
        options = {"strides": 2, "padding": "same", "kernel_initializer": "he_normal", "dtype": dtype}
        x = layers.Conv2D(filters, 4, **options, name=f"patch{level}_conv")(x)
        x = layers.LeakyReLU(0.2, name=f"patch{level}_relu", dtype=dtype)(x)
        features.append(x)
    # float32: in bfloat16 the hinge loss would lose its gradient near 1.
    judgement = layers.Conv2D(1, 3, padding="same", dtype="float32", name="judgement")(x)
    return keras.Model(inputs, [judgement, *features], name="discriminator")
