"""AUROC by class with grouped bootstrap intervals, and what the threshold does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mim_export.decide import Judgement
from mim_export.errors import MimError
from mim_tf import data
from mim_tf.data import Photo, Photos, Warn

#: Classes that show no skin: reported apart, never part of the mean.
NOT_SKIN = ("abnormal", "no_skin")
DRAWS = 2000


class Judge(Protocol):
    """What can be evaluated: a `Detector` or a bundle's `Scorer`."""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""

    @property
    def measure(self) -> str:
        """Name of the measure."""

    @property
    def normal_class(self) -> str:
        """The class that it was fitted on."""

    def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
        """Judges uint8 (N, S, S, 3)."""


@dataclass(frozen=True)
class ClassScores:
    """The photographs of one class and what was said of them."""

    photos: Photos
    judgement: Judgement


@dataclass(frozen=True)
class Evaluation:
    """Scores of a split, by class, with the summary that `metrics.json` holds."""

    scores: dict[str, ClassScores]
    metrics: dict[str, Any]


def evaluate(judge: Judge, photos: Sequence[Photo], split: str, *, seed: int, warn: Warn) -> Evaluation:
    """Scores a split of a data folder.

    Args:
        judge: a detector or a scorer.
        photos: a scanned data folder.
        split: "train", "val" or "test".
        seed: of the bootstrap.
        warn: receives a line for each file that is skipped.

    Returns:
        Scores by class and the metrics. Every readable image counts by its similarity, refused by the
        gate or not; a refused image of the normal class counts as missed.

    Raises:
        MimError: the split lacks the normal class, or any other.
    """
    names = data.labels(photos, split)
    normal = judge.normal_class
    others = [name for name in names if name != normal]
    if normal not in names or not others:
        missing = normal if normal not in names else "every other class"
        raise MimError(f"split {split} lacks {missing}", "name another --split or add photographs")
    scores = {}
    for name in (normal, *others):
        loaded = data.load(data.select(photos, split, name), judge.size, warn=warn, what=f"{split}/{name}")
        scores[name] = ClassScores(loaded, judge.judge(loaded.pixels))
    return Evaluation(scores, _metrics(judge, scores, split, seed))


def by_ssim(evaluation: Evaluation) -> Evaluation:
    """The same photographs by the published measure of the same inpaintings, where the judge inpaints.

    What depends on a threshold, sensitivity and shares, is left out: the threshold is of the judge's own measure.
    """
    scores = {}
    for name, part in evaluation.scores.items():
        if part.judgement.ssim is None:
            raise ValueError("Expected an evaluation of a judge that reconstructs images. Received: one without SSIM.")
        scores[name] = replace(part, judgement=part.judgement._replace(similarity=part.judgement.ssim))
    kept = ("split", "normal_class", "bootstrap")
    about = {key: evaluation.metrics[key] for key in kept}
    return Evaluation(scores, {"measure": "ssim", **about, **evaluation.metrics["ssim"]})


def _metrics(judge: Judge, scores: dict[str, ClassScores], split: str, seed: int) -> dict[str, Any]:
    normal = judge.normal_class
    rng = np.random.default_rng(seed)
    draws = {name: group_weights(part.photos.groups, rng, DRAWS) for name, part in scores.items()}
    found = _aurocs({name: part.judgement.similarity for name, part in scores.items()}, normal, draws)
    for name, part in scores.items():
        called = part.judgement.verdict == 0
        entry = {"images": len(part.photos), "groups": len(set(part.photos.groups))}
        if name == normal:
            spread = weighted_mean(called, draws[name])
            sensitivity = {"value": float(called.mean()), **interval(spread), **entry}
            continue
        found["classes"][name] |= {
            **entry,
            "called_" + normal + "_like": float(called.mean()),
            "skin": name not in NOT_SKIN,
        }
    beside = {name: part.judgement.ssim for name, part in scores.items() if part.judgement.ssim is not None}
    return {
        "measure": judge.measure,
        "split": split,
        "normal_class": normal,
        **found,
        "ssim": _aurocs(beside, normal, draws) if beside else None,
        "sensitivity_at_threshold": sensitivity["value"],
        "sensitivity": sensitivity,
        "refused": {name: int((part.judgement.reason > 0).sum()) for name, part in scores.items()},
        "bootstrap": {"draws": DRAWS, "seed": seed, "unit": "group", "level": 0.95},
    }


def _aurocs(
    similarities: dict[str, NDArray[np.float32]], normal: str, draws: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """AUROC of the normal class against each other one, and their mean over the classes that show skin."""
    classes: dict[str, Any] = {}
    replicates = []
    positive = similarities[normal]
    for name, negative in similarities.items():
        if name == normal:
            continue
        spread = weighted_auroc(positive, negative, draws[normal], draws[name])
        classes[name] = {"auroc": auroc(positive, negative), **interval(spread)}
        if name not in NOT_SKIN:
            replicates.append(spread)
    values = [entry["auroc"] for name, entry in classes.items() if name not in NOT_SKIN]
    bounds = interval(np.mean(replicates, axis=0)) if values else {}
    return {
        "classes": classes,
        "mean_auroc": float(np.mean(values)) if values else None,
        "mean_auroc_ci": list(bounds.values()) or None,
    }


def auroc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Area under the ROC curve of similarities, (P,) against (N,): P(positive > negative), ties half.

    Example:
        `auroc([3, 2], [1, 2])` is 0.875.
    """
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


def group_weights(groups: NDArray[np.str_], rng: np.random.Generator, draws: int) -> NDArray[np.float64]:
    """Bootstrap weights: how often each image's group was drawn.

    Args:
        groups: group name of each image, (N,).
        rng: source of the draws.
        draws: number of bootstrap samples R.

    Returns:
        float64 (R, N); groups are drawn with replacement, as many as there are.
    """
    names, index = np.unique(groups, return_inverse=True)
    counts = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=draws)
    return counts[:, index].astype(np.float64)


def weighted_auroc(
    positive: NDArray[np.float32],
    negative: NDArray[np.float32],
    positive_weights: NDArray[np.float64],
    negative_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """AUROC of each bootstrap sample.

    Args:
        positive: similarities of the normal class, (P,).
        negative: similarities of the other class, (N,).
        positive_weights: (R, P).
        negative_weights: (R, N).

    Returns:
        float64 (R,). With weights of 1 it equals `auroc`.
    """
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)  # (P, N)
    total = positive_weights.sum(1) * negative_weights.sum(1)
    area: NDArray[np.float64] = ((positive_weights @ wins) * negative_weights).sum(1) / total
    return area


def weighted_mean(values: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of (N,) under each of (R, N) weights, float64 (R,)."""
    mean: NDArray[np.float64] = weights @ values.astype(np.float64) / weights.sum(1)
    return mean


def interval(spread: NDArray[np.float64]) -> dict[str, float]:
    """The 2.5 and 97.5 percentiles of bootstrap replicates, as `ci_low` and `ci_high`."""
    low, high = np.percentile(spread, [2.5, 97.5])
    return {"ci_low": float(low), "ci_high": float(high)}
