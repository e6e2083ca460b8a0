"""AUROC by class with grouped bootstrap intervals, and what the threshold does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decide import Judgement
from mim_export.score.errors import MimError
from mim_tf.data.folder import Photos, Warn, load_photos
from mim_tf.data.splits import Photo, class_names, select
from mim_tf.evaluation.metrics import DRAWS, auroc, group_weights, interval, weighted_auroc, weighted_mean

#: Classes that show no skin: reported apart, never part of the mean.
NOT_SKIN = ("abnormal", "no_skin")


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

    @property
    def threshold(self) -> float:
        """The lowest similarity of the table that is still like the class."""

    def judge(self, images: NDArray[np.uint8]) -> Judgement:
        """Judges uint8 (N, S, S, 3)."""

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Pictures from uint8 (N, S, S, 3) to the reconstructions, by title; empty where nothing is reconstructed."""


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
    names = class_names(photos, split)
    normal = judge.normal_class
    others = [name for name in names if name != normal]
    if normal not in names or not others:
        missing = normal if normal not in names else "every other class"
        raise MimError(f"split {split} lacks {missing}", "name another --split or add photographs")
    scores = {}
    for name in (normal, *others):
        loaded = load_photos(select(photos, split, name), judge.size, warn=warn, what=f"{split}/{name}")
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
