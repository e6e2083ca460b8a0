"""Similarity of an inpainted image to the original, in one definition for training, evaluation and export.

`ssim` is the published measure of *Mask, Inpaint, Measure* (Cao et al., Scientific Reports 2025): the
structural similarity of Wang et al., IEEE Transactions on Image Processing 13 (2004), with the settings of
its authors: Gaussian window 11 x 11 of sigma 1.5, population covariance, K1 = 0.01, K2 = 0.03, data range
1. It equals `skimage.metrics.structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5,
use_sample_covariance=False, channel_axis=-1)`.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mim_export.score.errors import MimError

#: Side of the Gaussian window in pixels.
WINDOW = 11
#: Standard deviation of the Gaussian window in pixels.
SIGMA = 1.5
#: Stabilizing constants of SSIM, (K1 L)^2 and (K2 L)^2 for the data range L = 1.
C1 = 0.01**2
C2 = 0.03**2
#: Width in pixels of the border at which the window would extend beyond the image.
BORDER = WINDOW // 2
#: Stabilizing constant of the gradient magnitude similarity: 170 / 255^2, from Xue et al.'s 170 for values up to 255.
C_GMS = 0.0026
#: Number of scales of the multi-scale gradient magnitude similarity; each has half the side of the previous one.
SCALES = 4


def _window() -> np.ndarray:
    offsets = np.arange(WINDOW) - BORDER
    taps = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def _means(stack: tf.Tensor) -> tf.Tensor:
    """Computes Gaussian means over valid windows as two 1-D filters: (B, H, W, C) -> (B, H - 10, W - 10, C)."""
    taps = np.repeat(_window()[:, None], stack.shape[-1], axis=1)[:, :, None]  # (11, C, 1)
    rows = tf.nn.depthwise_conv2d(stack, taps[:, None], [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(rows, taps[None], [1, 1, 1, 1], "VALID")


def ssim_map(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes SSIM of each valid window and channel.

    0.5 is subtracted from both images before the variances are computed. This does not change the variances, but it
    reduces their rounding error: float32 then agrees with float64 within 1e-4 at each window. The 0.5 is added to the
    means again.

    Args:
        a: float32 (B, H, W, C) in [0, 1], H and W at least 11.
        b: the same shape.

    Returns:
        float32 (B, H - 10, W - 10, C), at most 1; 1 exactly where the windows are equal.
    """
    a, b = a - 0.5, b - 0.5
    channels = a.shape[-1]
    moments = _means(tf.concat([a, b, a * a + b * b, a * b], axis=-1))
    mean_a, mean_b, squares, ab = (moments[..., i * channels : (i + 1) * channels] for i in range(4))
    variances = squares - (mean_a * mean_a + mean_b * mean_b)
    covariance = ab - mean_a * mean_b
    mean_a, mean_b = mean_a + 0.5, mean_b + 0.5
    luminance = (2.0 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1)
    return luminance * ((2.0 * covariance + C2) / (variances + C2))


def ssim(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes mean SSIM over valid windows and channels; higher = more similar.

    Args:
        a: float32 (B, H, W, C) in [0, 1], H and W at least 11.
        b: the same shape.

    Returns:
        float32 (B,), at most 1.

    Raises:
        MimError: another shape or dtype; TensorFlow itself would end the process for an image without batch axis.

    Example:
        `ssim(x, x)` is 1. For the two constants 0 and 1 it is C1 / (1 + C1) = 0.0001.
    """
    a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
    for images in (a, b):
        side = min((n for n in images.shape[1:3] if n is not None), default=WINDOW)
        if images.dtype != tf.float32 or images.shape.rank != 4 or side < WINDOW:
            expected = f"expected float32 (B, H, W, C) in [0, 1] with H and W of {WINDOW} or more"
            received = f"{images.dtype.name} {tuple(images.shape)}"
            raise MimError(
                f"{expected}, received {received}", "convert the images, or add a batch axis by images[None]"
            )
    if not a.shape.is_compatible_with(b.shape):
        raise MimError(f"the shapes {tuple(a.shape)} and {tuple(b.shape)} differ", "pass images of the same shape")
    return tf.reduce_mean(ssim_map(a, b), axis=[1, 2, 3])


def error_map(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes 1 - SSIM at each pixel, averaged over channels; the images are mirrored at their borders.

    Args:
        a: float32 (B, H, W, C) in [0, 1].
        b: the same shape.

    Returns:
        float32 (B, H, W, 1), 0 where the windows are equal.
    """
    # tf.gather instead of tf.pad: MIRROR_PAD takes as long as the filters in TFLite.
    for axis in (1, 2):
        mirrored = np.pad(np.arange(a.shape[axis]), BORDER, mode="symmetric")
        a, b = tf.gather(a, mirrored, axis=axis), tf.gather(b, mirrored, axis=axis)
    return 1.0 - tf.reduce_mean(ssim_map(a, b), axis=-1, keepdims=True)


def ssim_of(errors: tf.Tensor) -> tf.Tensor:
    """Computes `ssim` from the `error_map` of the same images.

    The windows that lie within the image are those of the pixels that are not in the border.

    Args:
        errors: float32 (B, H, W, 1), a result of `error_map`.

    Returns:
        float32 (B,).
    """
    inside = errors[:, BORDER:-BORDER, BORDER:-BORDER]
    return 1.0 - tf.reduce_mean(inside, axis=[1, 2, 3])


def gms_map(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes gradient magnitude similarity of the grey images (Xue et al., IEEE Trans. Image Processing 23, 2014).

    Args:
        a: float32 (B, H, W, 3) in [0, 1].
        b: the same shape.

    Returns:
        float32 (B, H, W, 1) in (0, 1], 1 where the Prewitt gradients have equal magnitude; border pixels are repeated.
    """
    a, b = _gradient_magnitude(a), _gradient_magnitude(b)
    return (2.0 * a * b + C_GMS) / (a * a + b * b + C_GMS)


def _gradient_magnitude(images: tf.Tensor) -> tf.Tensor:
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    grey = tf.pad(grey, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="SYMMETRIC")
    prewitt = np.array([[1, 0, -1]] * 3, np.float32) / 3
    kernels = np.stack([prewitt, prewitt.T], axis=-1)[:, :, None]  # (3, 3, 1, 2)
    gradients = tf.nn.conv2d(grey, kernels, 1, "VALID")
    # The square root has no finite derivative at 0, the gradient magnitude of every blank region.
    return tf.sqrt(tf.reduce_sum(gradients * gradients, axis=-1, keepdims=True) + 1e-8)


def msgms_map(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Computes multi-scale gradient magnitude similarity, the average over four scales.

    Source: Zavrtanik et al., Pattern Recognition 112 (2021).

    Args:
        a: float32 (B, S, S, 3) in [0, 1], S a multiple of 8.
        b: the same shape.

    Returns:
        float32 (B, S, S, 1) in (0, 1]; the coarser maps are enlarged bilinearly.
    """
    size = a.shape[1:3]
    maps = []
    for _ in range(SCALES):
        maps.append(tf.image.resize(gms_map(a, b), size))
        a, b = (tf.nn.avg_pool2d(images, 2, 2, "VALID") for images in (a, b))
    return tf.add_n(maps) / SCALES
