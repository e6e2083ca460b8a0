"""How well hidden pixels are inpainted, beside fills that have learnt nothing.

With a mask set each pixel is hidden once, so the inpainting is compared with the original everywhere. The fills get the
same masks, see `mim_tf.measures.fills`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from mim_export.score.preprocess import Inpainted
from mim_tf.evaluation.metrics import interval_text, mean_interval, ratio_interval
from mim_tf.measures.fills import FILLS, Fill, Images

#: Blocks of EfficientNet-Lite0 whose features are compared, at 1/2, 1/4, 1/8 and 1/16 of the resolution.
PERCEPTUAL_BLOCKS = (0, 2, 4, 10)
#: Range of each measure, which its interval does not leave.
RANGES = {
    "psnr": (0.0, 60.0),
    "ssim": (-1.0, 1.0),
    "perceptual_distance": (0.0, 4.0),
    "sharpness": (0.0, np.inf),
}
#: Description of the intervals in files of results.
INTERVALS = {"method": "jackknife over groups, t quantiles", "unit": "group", "level": 0.95}
#: Sides of cells, relative to the image, and numbers of masks of `mask_sets`.
_SETS = ((1 / 12, 4), (1 / 6, 4), (1 / 8, 2))
#: Photographs of a class that are inpainted at most; the biharmonic equation takes most of the time.
MAX_IMAGES = 200
#: Side of the window of the SSIM, the smallest side of an image.
_WINDOW = 11
#: Photographs that are measured at once, to limit the memory.
_CHUNK = 32


def measure(
    original: Images, inpaintings: Mapping[str, Images], masks: NDArray[np.float32]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Measures several inpaintings of the same images.

    Args:
        original: float32 (N, s, s, 3) in [0, 1].
        inpaintings: by name, the same shape and range; each pixel was predicted while it was hidden.
        masks: the mask set, float32 (n, s, s, 1), 1 = kept.

    Returns:
        For each name, float64 (N,) by measure. `psnr` in dB, at most 60, since rounding to 8 bits gives 59. `ssim`
        (Wang et al., 2004; Gaussian window). `perceptual_distance` of `perceptual_distances`. `sharpness`: the mean
        absolute difference of neighbours, divided by that of the original, which counts as at least 1 / 255. Neighbours
        that different masks hide are left out, because they were predicted apart, and a seam is not sharpness.

    Example:
        An inpainting that is off by 0.1 everywhere has a `psnr` of 20 and a `sharpness` of 1.
    """
    distances = perceptual_distances(original, inpaintings)
    gradient = np.maximum(_gradient(original, masks), 1 / 255)
    found = {}
    for name, inpainted in inpaintings.items():
        error = np.mean(np.square(original.astype(np.float64) - inpainted), axis=(1, 2, 3))
        found[name] = {
            "psnr": -10.0 * np.log10(np.maximum(error, 1e-6)),
            "ssim": np.array([_ssim(*pair) for pair in zip(original, inpainted, strict=True)]),
            "perceptual_distance": distances[name],
            "sharpness": _gradient(inpainted, masks) / gradient,
        }
    return found


def _ssim(a: Images, b: Images) -> float:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=1.0, channel_axis=2, **options))


def _gradient(images: Images, masks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean absolute difference of vertical and horizontal neighbours that the same mask hides, (N,)."""
    labels, values, sums, pairs = masks[..., 0].argmin(axis=0), images.astype(np.float64), 0.0, 0
    for axis in (0, 1):
        same = np.diff(labels, axis=axis) == 0
        differences = np.abs(np.diff(values, axis=axis + 1)).mean(axis=-1)
        sums, pairs = sums + (differences * same).sum(axis=(1, 2)), pairs + int(same.sum())
    return np.asarray(sums / max(pairs, 1))


@cache
def _features(size: int) -> Any:
    # Imported here because TensorFlow takes seconds, and tables need no features.
    import keras

    from mim_tf.backbones.efficientnet import classifier

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
    blocks = _features(images.shape[1]).predict(images * np.float32(255), batch_size=_CHUNK, verbose=0)
    return [block / np.maximum(np.linalg.norm(block, axis=-1, keepdims=True), 1e-10) for block in blocks]


def can_measure(masks: NDArray[np.float32]) -> bool:
    """Returns whether inpaintings with a mask set can be measured.

    Args:
        masks: float32 (n, s, s, 1), 1 = kept.

    Returns:
        False if the image is smaller than the window of the SSIM, or a mask hides nothing or everything.
    """
    kept = masks.mean(axis=(1, 2, 3))
    return masks.shape[1] >= _WINDOW and bool(((kept > 0) & (kept < 1)).all())


def mask_sets(size: int) -> list[tuple[int, int]]:
    """Returns the mask sets with which every model is measured, whatever its own.

    Args:
        size: side of the image in pixels, 2 at least.

    Returns:
        Sides of the cells in pixels and numbers of masks, for `mask_set`. The cells are a twelfth, a sixth and an
        eighth of the side, or the divisor of the side that is closest in ratio.

    Example:
        `mask_sets(96)` is [(8, 4), (16, 4), (12, 2)].
    """
    divisors = np.array([cell for cell in range(1, size // 2 + 1) if size % cell == 0])
    return [(int(divisors[np.abs(np.log(divisors / (share * size))).argmin()]), count) for share, count in _SETS]


def text_of_set(cell: int, count: int) -> str:
    """Returns the name of a mask set, such as "8 px, 4 masks"."""
    return f"{cell} px, {count} masks"


def quality(found: Inpainted, groups: NDArray[np.str_], fills: Mapping[str, Fill] = FILLS) -> dict[str, Any]:
    """Compares the inpaintings of a model with those of fills.

    Args:
        found: images and inpaintings of the model; `can_measure` holds for its masks.
        groups: group of each image, (N,).
        fills: by name; `biharmonic` is among them.

    Returns:
        `images`: N. `rows`: for `model` and each fill the mean of each measure with its interval by group.
        `against_biharmonic`: the mean differences of the model from the biharmonic fill in `psnr` and `ssim`, paired by
        image, and the ratio of the mean `perceptual_distance`; null if that of the biharmonic fill is 0.

    Raises:
        MimError: the package of the weights of EfficientNet-Lite0 is not installed or damaged.
    """
    parts = []
    for start in range(0, len(found.images), _CHUNK):
        images = found.images[start : start + _CHUNK]
        inpaintings = {"model": found.inpainted[start : start + _CHUNK]}
        inpaintings |= {name: make(images, found.masks) for name, make in fills.items()}
        parts.append(measure(images.astype(np.float32) / np.float32(255), inpaintings, found.masks))
    measured = {name: {key: np.concatenate([part[name][key] for part in parts]) for key in RANGES} for name in parts[0]}
    model, reference = measured["model"], measured["biharmonic"]
    rows = {
        name: {key: mean_interval(values[key], groups, limits) for key, limits in RANGES.items()}
        for name, values in measured.items()
    }
    against = {key: mean_interval(model[key] - reference[key], groups) for key in ("psnr", "ssim")}
    distances = model["perceptual_distance"], reference["perceptual_distance"]
    ratio = ratio_interval(*distances, groups) if distances[1].any() else None
    return {
        "images": len(found.images),
        "rows": rows,
        "against_biharmonic": {**against, "perceptual_distance_ratio": ratio},
    }


def table(rows: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Formats `rows` of `quality` for Markdown and terminals.

    Args:
        rows: the measures of `model` and each fill.

    Returns:
        A header, then for `model` and each fill its name, PSNR in dB with its interval, SSIM, perceptual distance and
        sharpness.

    Example:
        A row is ["biharmonic", "29.3 [22.5, 36.0]", "0.791", "0.472", "0.65"].
    """
    lines = [["inpainted by", "PSNR in dB", "SSIM", "perceptual distance", "sharpness"]]
    for name, entry in rows.items():
        psnr = f"{entry['psnr']['value']:.1f} {interval_text(entry['psnr'], '.1f')}"
        others = (("ssim", ".3f"), ("perceptual_distance", ".3f"), ("sharpness", ".2f"))
        lines.append([name.replace("_", "-"), psnr, *(f"{entry[key]['value']:{form}}" for key, form in others)])
    return lines


def sets_table(sets: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Compares a model with the biharmonic fill, for Markdown and terminals.

    Args:
        sets: by name of a mask set, results of `quality`.

    Returns:
        A header, then for each mask set its name, the PSNR of the model in dB with its interval, the differences from
        the biharmonic fill in PSNR and SSIM with their intervals, the ratio of the perceptual distances with its
        interval, and the sharpness.

    Example:
        A row is ["8 px, 4 masks", "27.3 [23.9, 30.7]", "+0.96 [0.70, 1.23]", "+0.008 [0.001, 0.015]", "0.90 [0.85,
        0.95]", "0.74"].
    """
    lines = [["mask set", "PSNR in dB", "less biharmonic", "SSIM less biharmonic", "perceptual, ratio", "sharpness"]]
    for name, found in sets.items():
        model, against = found["rows"]["model"], found["against_biharmonic"]
        columns = (
            (model["psnr"], ".1f", ".1f"),
            (against["psnr"], "+.2f", ".2f"),
            (against["ssim"], "+.3f", ".3f"),
            (against["perceptual_distance_ratio"], ".2f", ".2f"),
        )
        texts = ("" if entry is None else f"{entry['value']:{a}} {interval_text(entry, b)}" for entry, a, b in columns)
        lines.append([name, *texts, f"{model['sharpness']['value']:.2f}"])
    return lines
