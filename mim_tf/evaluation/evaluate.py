"""AUROC by class with grouped bootstrap intervals, and the sensitivity at the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decide import Judgement
from mim_export.score.errors import MimError
from mim_tf.data.folder import Photos, Warn, load_photos
from mim_tf.data.splits import SPLITS, Photo, class_names, select, split_seed_of
from mim_tf.evaluation.metrics import DRAWS, auroc, group_weights, interval, weighted_auroc, weighted_mean
from mim_tf.evaluation.unseen import check_unseen

#: Classes that do not show skin: reported, but not part of the mean AUROC.
NOT_SKIN = ("abnormal", "no_skin")


class Judge(Protocol):
    """The interface that `evaluate` needs; `mim_tf.Detector` and a bundle's `Scorer` have it."""

    @property
    def size(self) -> int:
        """Side S of the images, in pixels."""

    @property
    def measure(self) -> str:
        """Name of the measure."""

    @property
    def normal_class(self) -> str:
        """The class on which it was fitted."""

    @property
    def threshold(self) -> float:
        """The lowest similarity of the conformal table that is accepted as the class."""

    def judge(self, images: NDArray[np.uint8]) -> Judgement:
        """Similarities, p-values, verdicts and reasons of uint8 (N, S, S, 3)."""

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Images of the steps to the reconstruction, by title; empty if nothing is reconstructed."""


@dataclass(frozen=True)
class ClassScores:
    """The photographs of one class, with their similarities and verdicts."""

    photos: Photos
    judgement: Judgement


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`.

    Attributes:
        scores: photographs and judgements by class.
        metrics: content of `metrics.json`.
    """

    scores: dict[str, ClassScores]
    metrics: dict[str, Any]


def evaluate(judge: Judge, photos: Sequence[Photo], split: str, *, seed: int, warn: Warn) -> Evaluation:
    """Scores a split of a data folder.

    Args:
        judge: a detector or a scorer.
        photos: photographs of a data folder, as `scan_folder` returns them.
        split: "train", "val" or "test".
        seed: seed of the bootstrap.
        warn: called with a message for each file that is skipped.

    Returns:
        Scores by class and the metrics. AUROCs use the similarity of every readable image, including those that the
        gate refuses. For the sensitivity, a refused image of the normal class counts as missed.

    Raises:
        MimError: the split has no images of the normal class, or of no other class; a photograph of test was fitted or
            calibrated on; or a similarity is not a finite number.
    """
    normal = judge.normal_class
    others = other_classes(photos, split, normal)
    check_unseen(judge, photos, split, warn)
    scores = {}
    for name in (normal, *others):
        loaded = load_photos(select(photos, split, name), judge.size, warn=warn, what=f"{split}/{name}")
        judgement = judge.judge(loaded.pixels)
        wrong = np.flatnonzero(~np.isfinite(judgement.similarity))
        if len(wrong):
            problem = f"no finite similarity for {len(wrong)} photographs of {split}/{name}"
            raise MimError(problem, "train or export again into a new folder", loaded.photos[wrong[0]].path)
        scores[name] = ClassScores(loaded, judgement)
    return Evaluation(scores, _metrics(judge, scores, split, seed))


def other_classes(photos: Sequence[Photo], split: str, normal: str) -> list[str]:
    """Checks that a split can be evaluated.

    Args:
        photos: photographs of a data folder.
        split: "train", "val" or "test".
        normal: the class that the detector was fitted on.

    Returns:
        The names of the other classes of the split.

    Raises:
        MimError: the split has no images of the normal class, or of no other class.
    """
    names = class_names(photos, split)
    others = [name for name in names if name != normal]
    if normal not in names or not others:
        raise _lacking(photos, split, normal)
    return others


def _lacking(photos: Sequence[Photo], split: str, normal: str) -> MimError:
    names = class_names(photos, split)
    missing = normal if normal not in names else "every other class"
    problem = f"split {split} lacks {missing}" + (f", its classes are {', '.join(names)}" if names else "")
    seed = split_seed_of(photos)
    if seed is not None and split in SPLITS:
        remedy = "add photographs, train again with another split seed, or sort them into train, val and test"
        return MimError(f"{problem} (split seed {seed})", remedy)
    return MimError(problem, "name another split or add photographs")


def by_ssim(evaluation: Evaluation) -> Evaluation:
    """Replaces the similarity by SSIM, the published measure, of the same reconstructions.

    Args:
        evaluation: result of `evaluate` of a detector that reconstructs images.

    Returns:
        The evaluation by SSIM. Sensitivity and shares are omitted, because the threshold belongs to the detector's own
        measure.

    Raises:
        ValueError: the detector does not reconstruct images.
    """
    scores = {}
    for name, part in evaluation.scores.items():
        if part.judgement.ssim is None:
            raise ValueError(
                "Expected an evaluation of a detector that reconstructs images. Received: an evaluation without SSIM."
            )
        scores[name] = replace(part, judgement=part.judgement._replace(similarity=part.judgement.ssim))
    kept = ("split", "normal_class", "bootstrap")
    settings = {key: evaluation.metrics[key] for key in kept}
    return Evaluation(scores, {"measure": "ssim", **settings, **evaluation.metrics["ssim"]})


def _metrics(judge: Judge, scores: dict[str, ClassScores], split: str, seed: int) -> dict[str, Any]:
    normal = judge.normal_class
    rng = np.random.default_rng(seed)
    draws = {name: group_weights(part.photos.groups, rng, DRAWS) for name, part in scores.items()}
    aurocs = _aurocs({name: part.judgement.similarity for name, part in scores.items()}, normal, draws)
    for name, part in scores.items():
        accepted = part.judgement.verdict == 0
        entry = {"images": len(part.photos), "groups": len(set(part.photos.groups))}
        if name == normal:
            replicates = weighted_mean(accepted, draws[name])
            sensitivity = {"value": float(accepted.mean()), **interval(replicates), **entry}
            continue
        aurocs["classes"][name] |= {
            **entry,
            "called_" + normal + "_like": float(accepted.mean()),
            "skin": name not in NOT_SKIN,
        }
    ssim = {name: part.judgement.ssim for name, part in scores.items() if part.judgement.ssim is not None}
    return {
        "measure": judge.measure,
        "split": split,
        "normal_class": normal,
        **aurocs,
        "ssim": _aurocs(ssim, normal, draws) if ssim else None,
        "sensitivity_at_threshold": sensitivity["value"],
        "sensitivity": sensitivity,
        "refused": {name: int((part.judgement.reason > 0).sum()) for name, part in scores.items()},
        "bootstrap": {"draws": DRAWS, "seed": seed, "unit": "group", "level": 0.95},
    }


def _aurocs(
    similarities: dict[str, NDArray[np.float32]], normal: str, draws: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """AUROC of the normal class against each other class, and the mean over the classes that show skin."""
    classes: dict[str, Any] = {}
    skin_replicates = []
    positive = similarities[normal]
    for name, negative in similarities.items():
        if name == normal:
            continue
        replicates = weighted_auroc(positive, negative, draws[normal], draws[name])
        classes[name] = {"auroc": auroc(positive, negative), **interval(replicates)}
        if name not in NOT_SKIN:
            skin_replicates.append(replicates)
    values = [entry["auroc"] for name, entry in classes.items() if name not in NOT_SKIN]
    bounds = interval(np.mean(skin_replicates, axis=0)) if values else {}
    return {
        "classes": classes,
        "mean_auroc": float(np.mean(values)) if values else None,
        "mean_auroc_ci": list(bounds.values()) or None,
    }
