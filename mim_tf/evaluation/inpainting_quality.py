"""How well hidden pixels are inpainted, beside fills that have learnt nothing.

With a mask set each pixel is hidden once, so the inpainting is compared with the original everywhere. The fills get the
same masks: a Gaussian blur of the kept pixels, the pyramid that the generator starts from, the biharmonic equation
(Damelin and Hoang, 2018; scikit-image) and, if OpenCV is installed, Telea's method (2004).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic

from mim_export.score.fill import fill
from mim_tf.backbones.efficientnet import classifier
from mim_tf.detectors.blur import blur_inpaint
from mim_tf.evaluation.metrics import interval_text, mean_interval

#: Blocks of EfficientNet-Lite0 whose features are compared, at 1/2, 1/4, 1/8 and 1/16 of the resolution.
PERCEPTUAL_BLOCKS = (0, 2, 4, 10)
#: The fill with which a model is compared.
REFERENCE = "biharmonic"
_TELEA_RADIUS = 3
_BATCH = 16

Images = NDArray[np.float32]


def measure(original: Images, inpaintings: Mapping[str, Images]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Measures several inpaintings of the same images.

    Args:
        original: float32 (N, s, s, 3) in [0, 1].
        inpaintings: by name, the same shape and range; each pixel was predicted while it was hidden.

    Returns:
        For each name, float64 (N,) by measure: `psnr` in dB, `ssim` (Wang et al., 2004; Gaussian window),
        `perceptual_distance` of `perceptual_distances`, and `sharpness`: the mean absolute gradient divided by that of
        the original.

    Example:
        An inpainting that is off by 0.1 everywhere has a `psnr` of 20 and a `sharpness` of 1.
    """
    distances, gradient = perceptual_distances(original, inpaintings), np.maximum(_gradient(original), 1e-6)
    found = {}
    for name, inpainted in inpaintings.items():
        error = np.mean(np.square(original.astype(np.float64) - inpainted), axis=(1, 2, 3))
        found[name] = {
            "psnr": -10.0 * np.log10(np.maximum(error, 1e-10)),
            "ssim": np.array([_ssim(*pair) for pair in zip(original, inpainted, strict=True)]),
            "perceptual_distance": distances[name],
            "sharpness": _gradient(inpainted) / gradient,
        }
    return found


def _ssim(a: Images, b: Images) -> float:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=1.0, channel_axis=2, **options))


def _gradient(images: Images) -> NDArray[np.float64]:
    values = images.astype(np.float64)
    steps = (np.abs(np.diff(values, axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2))
    return np.asarray(sum(steps) / 2.0)


@cache
def _features(size: int) -> keras.Model:
    network = classifier(size, enlarge=False)
    return keras.Model(network.input, [network.get_layer(f"block{block}").output for block in PERCEPTUAL_BLOCKS])


def perceptual_distances(original: Images, inpaintings: Mapping[str, Images]) -> dict[str, NDArray[np.float64]]:
    """Distances of images in features of EfficientNet-Lite0.

    The definition is that of LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features", CVPR 2018) without
    learned weights: the features of each position are divided by their Euclidean norm; the squared differences are
    summed over the channels and averaged over positions and `PERCEPTUAL_BLOCKS`.

    Args:
        original: float32 (N, s, s, 3) in [0, 1].
        inpaintings: by name, the same shape and range.

    Returns:
        By name, float64 (N,), from 0 (equal features) to 4.

    Raises:
        MimError: the package of the weights is not installed or damaged.
    """
    wanted = _normalized_features(original)
    distances = {}
    for name, inpainted in inpaintings.items():
        pairs = zip(wanted, _normalized_features(inpainted), strict=True)
        differences = [np.square(a - b).sum(axis=-1).mean(axis=(1, 2)) for a, b in pairs]
        distances[name] = np.mean(differences, axis=0).astype(np.float64)
    return distances


def _normalized_features(images: Images) -> list[NDArray[np.float32]]:
    """Features of each of `PERCEPTUAL_BLOCKS`, divided by their norm at each position."""
    blocks = _features(images.shape[1]).predict(images * np.float32(255), batch_size=_BATCH, verbose=0)
    return [block / np.maximum(np.linalg.norm(block, axis=-1, keepdims=True), 1e-10) for block in blocks]


def fills(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> dict[str, Images]:
    """Inpaints images with methods that have learnt nothing.

    Args:
        images: uint8 (N, s, s, 3).
        masks: a mask set, float32 (n, s, s, 1), 1 = kept.

    Returns:
        float32 (N, s, s, 3) in [0, 1] by name: `blur`, `push_pull`, `biharmonic` and, if OpenCV is installed, `telea`.
    """
    values = images.astype(np.float32) / np.float32(255)
    pyramids = np.stack([(fill(image, masks) * (1.0 - masks)).sum(axis=0) for image in images]).astype(np.float32) / 255
    found: dict[str, Images] = {
        "blur": blur_inpaint(values, masks),
        "push_pull": pyramids,
        "biharmonic": _biharmonic(values, masks),
    }
    opencv = _opencv()
    if opencv is not None:
        found["telea"] = _telea(opencv, images, masks)
    return found


def _biharmonic(images: Images, masks: NDArray[np.float32]) -> Images:
    # The images are channels of one, since the equations depend on the mask alone and are then solved once.
    channels = images.transpose(1, 2, 0, 3).reshape(*images.shape[1:3], -1).astype(np.float64)
    filled = np.zeros_like(channels)
    for mask in masks:
        hidden = mask[..., 0] == 0
        filled[hidden] = inpaint_biharmonic(channels, hidden, channel_axis=2)[hidden]
    count, side, _, _ = images.shape
    return filled.reshape(side, side, count, 3).transpose(2, 0, 1, 3).clip(0.0, 1.0).astype(np.float32)


def _opencv() -> ModuleType | None:
    try:
        return importlib.import_module("cv2")
    except ImportError:
        return None


def _telea(opencv: ModuleType, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Images:
    filled = np.zeros_like(images)
    for mask in masks:
        hidden = mask[..., 0] == 0
        for image, target in zip(images, filled, strict=True):
            painted = opencv.inpaint(image, hidden.astype(np.uint8), _TELEA_RADIUS, opencv.INPAINT_TELEA)
            target[hidden] = painted[hidden]
    return filled.astype(np.float32) / np.float32(255)


def quality(
    images: NDArray[np.uint8], inpainted: Images, masks: NDArray[np.float32], groups: NDArray[np.str_]
) -> dict[str, Any]:
    """Compares the inpaintings of a model with those of the fills.

    Args:
        images: uint8 (N, s, s, 3).
        inpainted: float32 (N, s, s, 3) in [0, 1], by the model.
        masks: its mask set, float32 (n, s, s, 1), 1 = kept.
        groups: group of each image, (N,).

    Returns:
        For `model` and each fill: the mean of each measure with its interval by group. `against_biharmonic`: the mean
        differences of the model from the biharmonic fill in `psnr` and `ssim`, paired by image, and the ratio of the
        mean `perceptual_distance`.
    """
    original = images.astype(np.float32) / np.float32(255)
    measured = measure(original, {"model": inpainted, **fills(images, masks)})
    return {**{name: _means(values, groups) for name, values in measured.items()}, **_against(measured, groups)}


def _means(values: Mapping[str, NDArray[np.float64]], groups: NDArray[np.str_]) -> dict[str, Any]:
    return {name: mean_interval(numbers, groups) for name, numbers in values.items()}


def _against(measured: Mapping[str, Mapping[str, NDArray[np.float64]]], groups: NDArray[np.str_]) -> dict[str, Any]:
    model, reference = measured["model"], measured[REFERENCE]
    differences = {name: mean_interval(model[name] - reference[name], groups) for name in ("psnr", "ssim")}
    ratio = float(model["perceptual_distance"].mean() / reference["perceptual_distance"].mean())
    return {f"against_{REFERENCE}": {**differences, "perceptual_distance_ratio": ratio}}


def table(rows: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Formats the result of `quality` for Markdown and terminals.

    Args:
        rows: the result of `quality`.

    Returns:
        A header, then for `model` and each fill its name, PSNR in dB with its interval, SSIM, perceptual distance and
        sharpness.

    Example:
        A row is ["biharmonic", "29.3 [28.1, 30.5]", "0.791", "0.472", "0.65"].
    """
    lines = [["inpainted by", "PSNR in dB", "SSIM", "perceptual distance", "sharpness"]]
    for name, entry in rows.items():
        if "sharpness" in entry:
            psnr = f"{entry['psnr']['value']:.1f} {interval_text(entry['psnr'], '.1f')}"
            others = (("ssim", ".3f"), ("perceptual_distance", ".3f"), ("sharpness", ".2f"))
            lines.append([name.replace("_", "-"), psnr, *(f"{entry[key]['value']:{form}}" for key, form in others)])
    return lines
