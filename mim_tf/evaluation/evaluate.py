"""AUROC by class and the verdicts on the class, by photograph and by group, with intervals by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decide import Judgement, refuse_small
from mim_export.score.errors import MimError
from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.data.folder import Photos, Warn, load_photos
from mim_tf.data.splits import NOT_SKIN, SPLITS, Photo, class_names, select, split_seed_of
from mim_tf.evaluation import inpainting_quality
from mim_tf.evaluation.metrics import (
    INTERVALS,
    Estimate,
    auroc_estimate,
    bounds,
    clopper_pearson,
    mean_estimate,
    share_estimate,
)
from mim_tf.evaluation.unseen import check_unseen
from mim_tf.evaluation.verdicts import check_column, verdicts


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
        """The lowest similarity at which the class is not excluded."""

    @property
    def other_threshold(self) -> float | None:
        """The highest similarity at which other skin is not excluded; None if it is excluded at no similarity."""

    @property
    def min_side(self) -> int:
        """The smallest shorter side of a photograph that is judged, in pixels."""

    def judge(self, images: NDArray[np.uint8]) -> Judgement:
        """Similarities, p-values, verdicts and reasons of uint8 (N, S, S, 3)."""

    def inpaint(self, images: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted | None:
        """Inpaintings of uint8 (N, S, S, 3) with a fixed mask set, by default its own; None if it has none."""

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


def evaluate(judge: Judge, photos: Sequence[Photo], split: str, *, by: Sequence[str] = (), warn: Warn) -> Evaluation:
    """Scores a split of a data folder.

    Args:
        judge: a detector or a scorer.
        photos: photographs of a data folder, as `scan_folder` returns them.
        split: "train", "val" or "test".
        by: columns of MANIFEST.csv, such as `skin_type`, by whose values the verdicts on other skin are divided.
        warn: called with a message for each file that is skipped.

    Returns:
        Scores by class and the metrics. AUROCs use the similarity of every readable image, including those that the
        gate refuses. `sensitivity` is the share of the class that is called the class: an image that is undecided or
        refused counts as missed. `excluded` is the share of the class that is called another one, which alpha limits.

    Raises:
        MimError: the split has no images of the normal class, or of no other class; no photograph has a column of
            `by`; a photograph of test was fitted or calibrated on; a similarity is not a finite number; or images are
            inpainted, and the weights of EfficientNet-Lite0 are missing.
    """
    normal = judge.normal_class
    others = other_classes(photos, split, normal)
    for column in by:
        check_column([photo for photo in photos if photo.split == split], column)
    check_unseen(judge, photos, split, warn)
    scores = {}
    for name in (normal, *others):
        loaded = load_photos(select(photos, split, name), judge.size, warn=warn, what=f"{split}/{name}")
        judgement = refuse_small(judge.judge(loaded.pixels), loaded.sides, judge.min_side)
        wrong = np.flatnonzero(~np.isfinite(judgement.similarity))
        if len(wrong):
            problem = f"no finite similarity for {len(wrong)} photographs of {split}/{name}"
            raise MimError(problem, "train or export again into a new folder", loaded.photos[wrong[0]].path)
        scores[name] = ClassScores(loaded, judgement)
    return Evaluation(scores, _metrics(judge, scores, split, by))


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
        The evaluation by SSIM. Shares of verdicts are omitted, because the tables belong to the detector's own measure.

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
    kept = ("split", "normal_class", "intervals")
    settings = {key: evaluation.metrics[key] for key in kept}
    return Evaluation(scores, {"measure": "ssim", **settings, **evaluation.metrics["ssim"]})


def _metrics(judge: Judge, scores: dict[str, ClassScores], split: str, by: Sequence[str]) -> dict[str, Any]:
    normal = judge.normal_class
    groups = {name: part.photos.groups for name, part in scores.items()}
    aurocs = _aurocs({name: part.judgement.similarity for name, part in scores.items()}, groups, normal)
    counts = {name: {"images": len(part.photos), "groups": len(set(groups[name]))} for name, part in scores.items()}
    called = {name: part.judgement.verdict == 0 for name, part in scores.items()}
    for name, entry in aurocs["classes"].items():
        entry |= {
            **counts[name],
            "called_" + normal + "_like": float(called[name].mean()),
            "skin": name not in NOT_SKIN,
        }
    whole = {"groups_without_miss": _groups_without_miss(called[normal], groups[normal])}
    ssim = {name: part.judgement.ssim for name, part in scores.items() if part.judgement.ssim is not None}
    return {
        "measure": judge.measure,
        "split": split,
        "normal_class": normal,
        **aurocs,
        "ssim": _aurocs(ssim, groups, normal) if ssim else None,
        "sensitivity": _share(called[normal], groups[normal]) | whole | counts[normal],
        "excluded": _share(scores[normal].judgement.verdict == 1, groups[normal]) | counts[normal],
        "verdicts": verdicts(scores, normal, by),
        "inpainting": _inpainting(judge, scores),
        "refused": {name: int((part.judgement.reason > 0).sum()) for name, part in scores.items()},
        "intervals": INTERVALS,
    }


def _inpainting(judge: Judge, scores: dict[str, ClassScores]) -> dict[str, Any] | None:
    """Quality of the inpaintings, see `inpainting_quality.quality`; None if they cannot be measured.

    Of each class with the masks of the judge, and of the normal class with those of `inpainting_quality.mask_sets`.
    """
    classes, sets, masks = {}, {}, None
    for name, part in scores.items():
        count = len(part.photos)
        chosen = np.unique(np.linspace(0, count - 1, min(count, inpainting_quality.MAX_IMAGES)).astype(int))
        found = judge.inpaint(part.photos.pixels[chosen])
        if found is None or not inpainting_quality.can_measure(found.masks):
            return None
        groups, masks = part.photos.groups[chosen], found.masks
        classes[name] = inpainting_quality.quality(found, groups)
        if name == judge.normal_class:
            for other in inpainting_quality.mask_sets(masks.shape[1]):
                found = judge.inpaint(part.photos.pixels[chosen], mask_set(masks.shape[1], *other))
                assert found is not None
                sets[inpainting_quality.text_of_set(*other)] = inpainting_quality.quality(found, groups)
    assert masks is not None  # a split has two classes at least
    settings = {"size": masks.shape[1], "masks": len(masks), "intervals": inpainting_quality.INTERVALS}
    return {**settings, "classes": classes, "mask_sets": sets}


def _share(chosen: NDArray[np.bool_], groups: NDArray[np.str_]) -> dict[str, Any]:
    """Share of the photographs that are chosen, and under `by_group` that of a photograph of the average group.

    The guarantee of the table of the class concerns the second one: a photograph of a new group.
    """
    by_photograph, shares = share_estimate(chosen, groups), _shares_of_groups(chosen, groups)
    low, high = clopper_pearson(sum(shares), len(shares))
    by_group = {"value": sum(shares) / len(shares), "ci_low": low, "ci_high": high}
    return {"value": by_photograph.value, **bounds(by_photograph), "by_group": by_group}


def _groups_without_miss(called: NDArray[np.bool_], groups: NDArray[np.str_]) -> dict[str, Any]:
    """Number of groups of which every photograph is called the class, with the interval of their share."""
    shares = _shares_of_groups(called, groups)
    count = shares.count(1.0)
    low, high = clopper_pearson(float(count), len(shares))
    return {"count": count, "ci_low": low, "ci_high": high}


def _shares_of_groups(chosen: NDArray[np.bool_], groups: NDArray[np.str_]) -> list[float]:
    """Share of the photographs of each group that are chosen."""
    return [float(chosen[groups == name].mean()) for name in sorted(set(groups))]


def _aurocs(
    similarities: dict[str, NDArray[np.float32]], groups: dict[str, NDArray[np.str_]], normal: str
) -> dict[str, Any]:
    """AUROC of the normal class against each other class, and the mean over the classes that show skin.

    Each by photograph, and under `by_group` with each group counted once.
    """
    parts = []
    for by_group in (False, True):
        estimates = {
            name: auroc_estimate(
                similarities[normal], negative, groups[normal], groups[name], labels=(normal, name), by_group=by_group
            )
            for name, negative in similarities.items()
            if name != normal
        }
        skin = [estimate for name, estimate in estimates.items() if name not in NOT_SKIN]
        parts.append((estimates, mean_estimate(skin) if skin else None))
    (by_photograph, mean), (by_group_estimates, mean_by_group) = parts
    limits = None if mean is None else mean.interval()
    return {
        "classes": {
            name: {**_auroc(estimate), "by_group": _auroc(by_group_estimates[name])}
            for name, estimate in by_photograph.items()
        },
        "mean_auroc": None if mean is None else mean.value,
        "mean_auroc_ci": None if limits is None else list(limits),
        "mean_auroc_by_group": None if mean_by_group is None else _auroc(mean_by_group),
    }


def _auroc(estimate: Estimate) -> dict[str, float | None]:
    return {"auroc": estimate.value, **bounds(estimate)}
