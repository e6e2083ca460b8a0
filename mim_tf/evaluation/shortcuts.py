"""Shortcut probes: how much a detector's score depends on image properties other than the disease.

A score can separate classes by the sharpness, brightness or colour of their photographs, by the file encoding or by a
watermark. The probes measure this for any method, from its scores of a split, of controls and of altered images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from mim_tf.data.folder import Photos
from mim_tf.data.splits import NOT_SKIN
from mim_tf.evaluation.controls import ALTERED, CONTROLS, blurred
from mim_tf.evaluation.image_properties import image_properties
from mim_tf.evaluation.metrics import auroc

#: Maximum difference within a matched pair, in pooled standard deviations (Rosenbaum and Rubin, "Constructing a
#: control group", The American Statistician 39, 1985).
CALIPER = 0.25
#: The same for matching on several properties jointly, which fewer pairs satisfy.
JOINT_CALIPER = 0.5
#: Properties on which classes are matched, by the name of the result.
MATCHED_ON = {
    "smoothness": ("smoothness",),
    "brightness": ("brightness",),
    "saturation": ("saturation",),
    "resolution": ("resolution",),
    "jpeg_quality": ("jpeg_quality",),
    "jointly": ("brightness", "saturation", "smoothness"),
}
#: Minimum number of matched pairs, of images of each class in these pairs, and of images for a correlation. Below them
#: the result is None.
MIN_PAIRS, MIN_MATCHED, MIN_IMAGES = 30, 5, 10
#: Number of images of each generated control.
_CONTROL_IMAGES = 24

Properties = Mapping[str, NDArray[np.float64]]


def probe(
    judge_similarity: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    scores: Mapping[str, tuple[Photos, NDArray[np.float32]]],
    normal_class: str,
    seed: int,
) -> dict[str, Any]:
    """Runs the shortcut probes of a score.

    Args:
        judge_similarity: computes the similarity of uint8 (N, S, S, 3) as float32 (N,), with the model of `scores`.
        scores: photographs and their similarities, float32 (N,), by class of a split.
        normal_class: the class on which the model was fitted.
        seed: seed of the generated controls.

    Returns:
        A JSON-serializable dict; a number that is undefined is None.

        `correlation`: Spearman's rank correlation of the score with each property, in [-1, 1], for `pooled` (all
        images that show skin) and `normal` (the normal class); `kind` names it.
        `classes`: for each other class `skin`, `images`, `auroc` and `matched`, which has the matched `auroc` and the
        number of `pairs` for each entry of `MATCHED_ON`; `auroc` is None with fewer than `MIN_PAIRS` pairs.
        `mean`: mean over the skin classes of `auroc`. `matched` has the mean of the matched AUROCs, the number of
        `classes` that have one, and `raw`, the unmatched mean over the same classes.
        `made`: for each control (blank, noise, text, blurred) the number of `images` and the `auroc` of the normal
        class against them.
        `altered`: effect of a corner mark, JPEG compression and half resolution on the images of the normal class:
        `shift`, the mean change of the score in standard deviations; `auroc` of the original against the altered
        images (0.5 = no change); `rises`, the fraction of images whose score increases.

    Example:
        For a score that equals smoothness, `correlation["pooled"]["smoothness"]` is 1.0. If it separates a class from
        the normal class with an AUROC of 0.76, because that class is less smooth by 1 standard deviation, its AUROC
        matched on smoothness is about 0.53.
    """
    properties = {name: image_properties(photos) for name, (photos, _) in scores.items()}
    similarity = {name: values for name, (_, values) in scores.items()}
    skin = [name for name in scores if name not in NOT_SKIN]
    normal = similarity[normal_class]
    classes = {
        name: {
            "skin": name in skin,
            "images": len(values),
            "auroc": auroc(normal, values),
            "matched": _matched(normal, values, properties[normal_class], properties[name]),
        }
        for name, values in similarity.items()
        if name != normal_class
    }
    pixels = scores[normal_class][0].pixels
    controls = {}
    for kind, (name, generate) in enumerate(CONTROLS.items()):
        controls[name] = generate(_CONTROL_IMAGES, pixels.shape[1], np.random.default_rng([seed, kind]))
    controls["blurred"] = blurred(pixels)
    return {
        "normal_class": normal_class,
        "seed": seed,
        "correlation": {
            "kind": "Spearman's rank correlation",
            "pooled": _correlations(similarity, properties, skin),
            "normal": _correlations(similarity, properties, [normal_class]),
        },
        "classes": classes,
        "mean": _mean([entry for entry in classes.values() if entry["skin"]]),
        "made": {
            name: {"images": len(images), "auroc": auroc(normal, judge_similarity(images))}
            for name, images in controls.items()
        },
        "altered": {name: _change(normal, judge_similarity(alter(pixels))) for name, alter in ALTERED.items()},
    }


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Spearman's rank correlation: Pearson's correlation of the ranks, with the mean rank for ties.

    Args:
        first: values, (N,).
        second: values, (N,). An entry that is NaN in either is omitted.

    Returns:
        In [-1, 1], or None if either is constant or fewer than `MIN_IMAGES` entries remain.

    Example:
        0, 1, ..., 9 and their squares have a correlation of 1.0.
    """
    pairs = np.array([first, second], np.float64)
    ranks = rankdata(pairs[:, ~np.isnan(pairs).any(axis=0)], axis=1)
    if ranks.shape[1] < MIN_IMAGES or (ranks == ranks[:, :1]).all(axis=1).any():
        return None
    return float(np.clip(np.corrcoef(ranks)[0, 1], -1, 1))


def matched_auroc(
    positive: NDArray[np.float32], negative: NDArray[np.float32], properties: list[tuple[ArrayLike, ArrayLike]]
) -> dict[str, Any]:
    """AUROC over the pairs of images that match in some properties.

    A pair matches if each property differs by at most `CALIPER` (`JOINT_CALIPER` for several properties) times
    sqrt((v + w) / 2), where v and w are the variances in the two classes. A pair with a NaN does not match.

    Args:
        positive: similarities of the normal class, float32 (P,).
        negative: similarities of the other class, float32 (N,).
        properties: for each property, its values in the normal class, (P,), and in the other class, (N,).

    Returns:
        `auroc`, the fraction of matched pairs with positive > negative, ties counted half, and `pairs`, their number.
        `auroc` is None with fewer than `MIN_PAIRS` pairs, or fewer than `MIN_MATCHED` images of either class in them.

    Example:
        If 6 + 6 images all have the same resolution, all 36 pairs match and `auroc` is the unmatched AUROC.
    """
    caliper = CALIPER if len(properties) == 1 else JOINT_CALIPER
    matched = np.ones((len(positive), len(negative)), np.bool_)
    for of_positive, of_negative in properties:
        p, n = np.asarray(of_positive, np.float64), np.asarray(of_negative, np.float64)
        pooled = np.sqrt((_variance(p) + _variance(n)) / 2)
        matched &= np.abs(p[:, None] - n) <= caliper * pooled
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    pairs = int(matched.sum())
    enough = pairs >= MIN_PAIRS and min(matched.any(axis).sum() for axis in (0, 1)) >= MIN_MATCHED
    return {"auroc": float(wins[matched].mean()) if enough else None, "pairs": pairs}


def _variance(values: NDArray[np.float64]) -> float:
    """Variance without NaN; 0.0 if there are no values."""
    known = values[~np.isnan(values)]
    return float(known.var()) if known.size else 0.0


def _matched(
    positive: NDArray[np.float32], negative: NDArray[np.float32], of_positive: Properties, of_negative: Properties
) -> dict[str, dict[str, Any]]:
    """Matched AUROC for each entry of `MATCHED_ON`."""
    return {
        name: matched_auroc(positive, negative, [(of_positive[key], of_negative[key]) for key in keys])
        for name, keys in MATCHED_ON.items()
    }


def _correlations(
    similarity: Mapping[str, NDArray[np.float32]], properties: Mapping[str, Properties], names: list[str]
) -> dict[str, float | None]:
    """Rank correlation of the score with each property, over the images of some classes."""
    pooled = np.concatenate([similarity[name] for name in names])
    return {
        key: spearman(pooled, np.concatenate([properties[name][key] for name in names])) for key in properties[names[0]]
    }


def _mean(classes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Means of the raw and matched AUROCs over classes; None without classes."""
    if not classes:
        return None
    matched = {}
    for key in MATCHED_ON:
        # The raw mean covers the classes of the matched mean only: otherwise a class without matched pairs would make
        # the two incomparable.
        kept = [entry for entry in classes if entry["matched"][key]["auroc"] is not None]
        matched[key] = {
            "auroc": float(np.mean([entry["matched"][key]["auroc"] for entry in kept])) if kept else None,
            "raw": float(np.mean([entry["auroc"] for entry in kept])) if kept else None,
            "classes": len(kept),
        }
    return {
        "auroc": float(np.mean([entry["auroc"] for entry in classes])),
        "classes": len(classes),
        "matched": matched,
    }


def _change(original: NDArray[np.float32], altered: NDArray[np.float32]) -> dict[str, float | None]:
    """Change of the scores of the same images by an alteration."""
    gain = altered.astype(np.float64) - original
    # Equal numbers can have a standard deviation of 1e-8, because their mean is rounded.
    deviation = float(np.std(original, dtype=np.float64)) if np.ptp(original) > 0 else None
    return {
        "shift": float(gain.mean()) / deviation if deviation else None,
        "auroc": auroc(original, altered),
        "rises": float((gain > 0).mean()),
    }
