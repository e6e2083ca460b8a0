"""Shortcut probes: what does a detector's score rest on, besides the disease?

A score can tell classes apart by how sharp, bright or colourful their photographs are, by the make of the files,
or by a watermark. The probes measure that for any method, from its scores and its answers to altered images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from mim_tf.data.folder import Photos
from mim_tf.evaluation.controls import ALTERED, CONTROLS, blurred
from mim_tf.evaluation.evaluate import NOT_SKIN
from mim_tf.evaluation.image_properties import image_properties
from mim_tf.evaluation.metrics import auroc

#: Largest difference within a matched pair, in pooled standard deviations (Rosenbaum and Rubin, "Constructing a
#: control group", The American Statistician 39, 1985).
CALIPER = 0.25
#: The same where classes are matched on several properties at once, which few pairs satisfy.
JOINT_CALIPER = 0.5
#: What classes are matched on, by the name of the result.
MATCHED_ON = {
    "smoothness": ("smoothness",),
    "brightness": ("brightness",),
    "saturation": ("saturation",),
    "resolution": ("resolution",),
    "jpeg_quality": ("jpeg_quality",),
    "jointly": ("brightness", "saturation", "smoothness"),
}
#: Fewer matched pairs, fewer images of either class in them, or fewer images with the property than this say nothing.
LEAST_PAIRS, LEAST_MATCHED, LEAST_IMAGES = 30, 5, 10
#: Images of each made kind.
_MADE_IMAGES = 24

Properties = Mapping[str, NDArray[np.float64]]


def probe(
    judge_similarity: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    scores: Mapping[str, tuple[Photos, NDArray[np.float32]]],
    normal_class: str,
    seed: int,
) -> dict[str, Any]:
    """Measures how far a score goes along with properties that are no sign of disease.

    Args:
        judge_similarity: the similarity of uint8 (N, S, S, 3), float32 (N,); the one behind `scores`.
        scores: of a split, by class: the photographs and their similarities, float32 (N,).
        normal_class: the class that the score was fitted on.
        seed: of the made images.

    Returns:
        What JSON can hold, None where a number has no meaning:

        `correlation`: `kind`, and for `pooled` (all skin images) and `normal` (that class alone) Spearman's rank
        correlation of the score with each property, -1 to 1.
        `classes`: for each other class `skin`, `images`, `auroc` and `matched`: for each entry of `MATCHED_ON` the
        `auroc` among the matched `pairs`, None with fewer than `LEAST_PAIRS`.
        `mean`: the mean over skin classes of `auroc`; in `matched` the mean over the `classes` (a number) that have
        a matched AUROC, with `raw`, the unmatched mean of these same classes.
        `made`: for blank, noise, text and blurred images their number and the `auroc` of the normal class against
        them.
        `altered`: what a small mark in the corner, JPEG compression and half the resolution do to the normal
        class's images: `shift`, the mean change of their scores in standard deviations; `auroc` of the images as
        they were against altered (0.5 = does not move); `rises`, the share of images that gain.

    Example:
        A score that is smoothness itself has `correlation["pooled"]["smoothness"]` 1.0. If it tells a class from
        the normal one with an AUROC of 0.76 because that class is 1 standard deviation less smooth, its AUROC
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
    made = {}
    for kind, (name, make) in enumerate(CONTROLS.items()):
        made[name] = make(_MADE_IMAGES, pixels.shape[1], np.random.default_rng([seed, kind]))
    made["blurred"] = blurred(pixels)
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
            for name, images in made.items()
        },
        "altered": {name: _movement(normal, judge_similarity(alter(pixels))) for name, alter in ALTERED.items()},
    }


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Spearman's rank correlation: Pearson's, of ranks, equal values sharing their mean rank.

    Args:
        first: numbers, (N,).
        second: numbers, (N,); an image that has NaN in either is left out.

    Returns:
        -1 to 1, or None where either is constant or fewer than `LEAST_IMAGES` are left.

    Example:
        Of 0, 1, ..., 9 and their squares: 1.0.
    """
    pairs = np.array([first, second], np.float64)
    ranks = rankdata(pairs[:, ~np.isnan(pairs).any(axis=0)], axis=1)
    if ranks.shape[1] < LEAST_IMAGES or (ranks == ranks[:, :1]).all(axis=1).any():
        return None
    return float(np.clip(np.corrcoef(ranks)[0, 1], -1, 1))


def matched_auroc(
    positive: NDArray[np.float32], negative: NDArray[np.float32], properties: list[tuple[ArrayLike, ArrayLike]]
) -> dict[str, Any]:
    """AUROC among pairs of images that are alike in some properties.

    A pair is alike where each property differs by at most `CALIPER` (`JOINT_CALIPER` where there are several) times
    sqrt((v + w) / 2), with v and w the variances in the two classes; pairs that lack a property (NaN) are not.

    Args:
        positive: similarities of the normal class, (P,).
        negative: similarities of the other class, (N,).
        properties: for each property its values in the normal class, (P,), and in the other, (N,).

    Returns:
        `auroc`, the share of the pairs that the positive wins, ties half, and `pairs`, their number; None with fewer
        than `LEAST_PAIRS`, or with fewer than `LEAST_MATCHED` images of either class in them.

    Example:
        Of 6 + 6 images in which all have the same resolution, all 36 pairs count, and `auroc` is the usual one.
    """
    caliper = CALIPER if len(properties) == 1 else JOINT_CALIPER
    alike = np.ones((len(positive), len(negative)), np.bool_)
    for ours, theirs in properties:
        p, n = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        pooled = np.sqrt((_variance(p) + _variance(n)) / 2)
        alike &= np.abs(p[:, None] - n) <= caliper * pooled
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    pairs = int(alike.sum())
    enough = pairs >= LEAST_PAIRS and min(alike.any(axis).sum() for axis in (0, 1)) >= LEAST_MATCHED
    return {"auroc": float(wins[alike].mean()) if enough else None, "pairs": pairs}


def _variance(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.var()) if known.size else 0.0


def _matched(
    positive: NDArray[np.float32], negative: NDArray[np.float32], ours: Properties, theirs: Properties
) -> dict[str, dict[str, Any]]:
    return {
        name: matched_auroc(positive, negative, [(ours[key], theirs[key]) for key in keys])
        for name, keys in MATCHED_ON.items()
    }


def _correlations(
    similarity: Mapping[str, NDArray[np.float32]], properties: Mapping[str, Properties], names: list[str]
) -> dict[str, float | None]:
    pooled = np.concatenate([similarity[name] for name in names])
    return {
        key: spearman(pooled, np.concatenate([properties[name][key] for name in names])) for key in properties[names[0]]
    }


def _mean(classes: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not classes:
        return None
    matched = {}
    for key in MATCHED_ON:
        # Beside the matched mean stands the raw one of the same classes: a class without matched pairs would
        # make them incomparable.
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


def _movement(unmarked: NDArray[np.float32], marked: NDArray[np.float32]) -> dict[str, float | None]:
    gain = marked.astype(np.float64) - unmarked
    # Equal numbers can have a deviation of 1e-8, for their mean is rounded.
    spread = float(np.std(unmarked, dtype=np.float64)) if np.ptp(unmarked) > 0 else None
    return {
        "shift": float(gain.mean()) / spread if spread else None,
        "auroc": auroc(unmarked, marked),
        "rises": float((gain > 0).mean()),
    }
