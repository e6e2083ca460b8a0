"""Maps a similarity to a verdict: gate, conformal p-value, verdict. Needs only numpy.

This module computes with the constants of the gate and of the conformal table. `mim_tf.calibration` fits them, and
`manifest.json` stores them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import MimError

#: Verdicts; the index is the code in the output `verdict` of the model.
VERDICTS = ("mpox-like", "not-mpox-like", "cannot-judge")
#: Reasons; the index is the code in the output `reason` of the model. Code 0: the image can be judged. The
#: model outputs codes 0 to 3; `too small` and `unreadable` are determined before inference. `unreadable` is also the
#: reason of an image whose similarity is not a finite number, which only a damaged model computes.
REASONS = (None, "blank", "blurred", "not skin", "too small", "unreadable")
#: Luma weights of ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)
#: Added to alpha when p is compared with it. Float32 sums of the same weights in another order differ by about 1e-7,
#: while two different p-values differ by at least 1 / ((G + 1) n_g).
SLACK = 1e-6


def verdict_names(normal_class: str) -> tuple[str, str, str]:
    """Returns the verdicts in words for people, by code.

    In files and in rows for programs the verdicts of every class are `VERDICTS`, since the format fixes them.

    Example:
        `verdict_names("measles")` is `("measles-like", "not-measles-like", "cannot-judge")`.
    """
    return f"{normal_class}-like", f"not-{normal_class}-like", "cannot-judge"


@dataclass(frozen=True)
class Gate:
    """Limits of the gate. An image outside of them gets the verdict `cannot-judge`.

    Attributes:
        min_contrast: minimum of `contrast` of the resampled image, in [0, 0.5].
        min_detail: minimum of `detail` of the resampled image, in [0, 1].
        min_side: minimum of the shorter side of the decoded photograph, in pixels.
        max_novelty: maximum of the novelty of the measure `deep`, in standard deviations over the class; None = no
            limit. Its name in files is `max_foreignness`.
    """

    min_contrast: float
    min_detail: float
    min_side: int
    max_novelty: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the limits under their names in `manifest.json`."""
        entry = asdict(self)
        entry["max_foreignness"] = entry.pop("max_novelty")
        return entry

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Gate:
        """Creates a gate from the result of `to_dict`."""
        return cls(entry["min_contrast"], entry["min_detail"], entry["min_side"], entry["max_foreignness"])


@dataclass(frozen=True)
class Calibration:
    """The conformal table: similarities of images of the normal class that were held out from training.

    Attributes:
        similarities: of the held-out images, ascending.
        weights: for each image, 1 / (number of images of its group).
        groups: number of groups G.
        alpha: an image is `not-mpox-like` if its p-value is at most alpha.
        method: `split` (similarities of one held-out set) or `cross` (similarities out of fold).

    Raises:
        MimError: a similarity is not a finite number.
    """

    similarities: tuple[float, ...]
    weights: tuple[float, ...]
    groups: int
    alpha: float
    method: str

    def __post_init__(self) -> None:
        wrong = sum(not math.isfinite(similarity) for similarity in self.similarities)
        if wrong:
            problem = f"{wrong} of {len(self.similarities)} similarities of the calibration are not finite numbers"
            raise MimError(problem, "train again into a new folder, with another seed or precision float32")

    @property
    def threshold(self) -> float:
        """The lowest similarity of the table that is `mpox-like`. Lower similarities are `not-mpox-like`."""
        p = p_value(np.asarray(self.similarities, np.float32), self)
        return float(self.similarities[int(np.argmax(p > np.float32(self.alpha + SLACK)))])

    def guarantee(self, normal_class: str) -> str:
        """A sentence about the share of images of the class that are not accepted as the class.

        With method `cross`, the similarities of the table are from models fitted without one fold, while new images are
        scored by a model fitted on all folds. No bound is proven for this case. For the similar method CV+ the bound is
        2 alpha (Barber et al., Annals of Statistics 2021).

        Args:
            normal_class: the class, such as "mpox".
        """
        bound = f"at most {self.alpha:g}" if self.method == "split" else f"about {self.alpha:g}"
        proof = "" if self.method == "split" else f" (out of fold: no proven bound, of CV+ it is {2 * self.alpha:g})"
        return (
            f"of {normal_class} images exchangeable with the calibration groups, {bound} are called "
            f"{verdict_names(normal_class)[1]}, on average over calibration sets{proof}"
        )

    def to_dict(self, normal_class: str) -> dict[str, Any]:
        """Returns the fields, `threshold` and the `guarantee` for a class, in types that JSON supports."""
        return {**asdict(self), "threshold": self.threshold, "guarantee": self.guarantee(normal_class)}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Calibration:
        """Creates a table from the result of `to_dict`."""
        return cls(
            similarities=tuple(entry["similarities"]),
            weights=tuple(entry["weights"]),
            groups=entry["groups"],
            alpha=entry["alpha"],
            method=entry["method"],
        )


def smallest_alpha(groups: int) -> float:
    """Returns the smallest alpha that G calibration groups support: 1 / (G + 1). For 19 groups it is 0.05."""
    return 1.0 / (groups + 1)


def check_level(alpha: float) -> None:
    """Checks that alpha is a level of a test.

    Args:
        alpha: level of the test, 1 - target sensitivity.

    Raises:
        MimError: alpha is not in (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise MimError(f"alpha {alpha:g} is not between 0 and 1", "choose a sensitivity between 0 and 1, such as 0.95")


def check_alpha(alpha: float, groups: int) -> None:
    """Checks that the verdict `not-mpox-like` is possible at this alpha.

    Args:
        alpha: level of the test, in (0, 1).
        groups: number of calibration groups.

    Raises:
        MimError: alpha is not in (0, 1), or is less than `smallest_alpha(groups)`. The message gives a possible alpha
            and sensitivity, rounded to the safe side.

    Example:
        19 groups support alpha 0.05. 9 groups support alpha 0.1 or more.
    """
    check_level(alpha)
    least = smallest_alpha(groups)
    if alpha + SLACK < least:
        # Rounded to the nearest number, the sensitivity of 2 groups, 0.6667, would be refused in turn.
        sensitivity = math.floor((1.0 - least) * 10_000 + SLACK) / 10_000
        possible = f"use alpha {round(1.0 - sensitivity, 4):g} (sensitivity {sensitivity:g}) or more groups"
        raise MimError(
            f"{groups} calibration groups cannot support alpha {alpha:g}", possible if groups else "add photographs"
        )


def p_value(similarity: ArrayLike, calibration: Calibration) -> NDArray[np.float32]:
    """Computes the conformal p-value with groups as the exchangeable units.

    p = (1 + sum over groups g of the share of g's images with similarity <= s) / (G + 1), in float32 like the model
    (Vovk et al., Algorithmic Learning in a Random World, 2005).

    Args:
        similarity: float, any shape.
        calibration: the conformal table.

    Returns:
        float32 of the same shape, in [1 / (G + 1), 1]; NaN where the similarity is NaN.

    Example:
        With the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
    """
    s = np.asarray(similarity, np.float32)
    table = np.asarray(calibration.similarities, np.float32)
    weights = np.asarray(calibration.weights, np.float32)
    below = (table <= s[..., None]).astype(np.float32)
    p = (np.float32(1) + (below * weights).sum(-1, dtype=np.float32)) / np.float32(calibration.groups + 1)
    # NaN compares as lower than the whole table, which would be the smallest p-value.
    return np.where(np.isnan(s), np.float32(np.nan), p)[()]


def contrast(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes the standard deviation of the luma (ITU-R BT.601, scaled to [0, 1]).

    Args:
        pixels: uint8 (..., S, S, 3), resampled.

    Returns:
        float32 (...), in [0, 0.5].

    Example:
        0.5 for an image that is half black and half white, 0 for an image of one colour.
    """
    return _luma(pixels).std(axis=(-2, -1), dtype=np.float32)


def detail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes the mean absolute difference of the luma of neighbouring pixels.

    It is the average of the mean over vertical neighbours and the mean over horizontal neighbours.

    Args:
        pixels: uint8 (..., S, S, 3), resampled.

    Returns:
        float32 (...), in [0, 1].

    Example:
        0.5 for black and white stripes one pixel wide, since they differ along one axis only.
    """
    luma = _luma(pixels)
    down = np.abs(np.diff(luma, axis=-2)).mean(axis=(-2, -1), dtype=np.float32)
    right = np.abs(np.diff(luma, axis=-1)).mean(axis=(-2, -1), dtype=np.float32)
    return np.asarray((down + right) * np.float32(0.5), np.float32)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (..., 3) -> float32 (...) in [0, 1]."""
    return np.asarray(pixels.astype(np.float32) @ np.asarray(LUMA, np.float32) / np.float32(255), np.float32)


def gate(pixels: NDArray[np.uint8], limits: Gate, novelty: NDArray[np.float32] | None = None) -> NDArray[np.int32]:
    """Applies the gate. Contrast is checked first, then detail, then novelty.

    Args:
        pixels: uint8 (B, S, S, 3), resampled.
        limits: the limits. `min_side` is not checked here.
        novelty: float32 (B,), or None for a measure without novelty.

    Returns:
        int32 (B,), reason codes (indices of `REASONS`); 0 = can be judged.
    """
    has_limit = novelty is not None and limits.max_novelty is not None
    novel = np.where(novelty > np.float32(limits.max_novelty), 3, 0) if has_limit else 0
    blurred = np.where(detail(pixels) < np.float32(limits.min_detail), 2, novel)
    return np.where(contrast(pixels) < np.float32(limits.min_contrast), 1, blurred).astype(np.int32)


def verdict(p: ArrayLike, reason: ArrayLike, alpha: float) -> NDArray[np.int32]:
    """Maps p-values and reasons to verdicts.

    Args:
        p: p-values, float (B,); NaN gives `cannot-judge`.
        reason: reason codes, int (B,); every code except 0 gives `cannot-judge`.
        alpha: an image is `not-mpox-like` if its p-value is at most alpha.

    Returns:
        int32 (B,), verdict codes (indices of `VERDICTS`).

    Example:
        `verdict([0.03, 0.4, 0.03], [0, 0, 1], 0.05)` is [1, 0, 2].
    """
    p = np.asarray(p, np.float32)
    judged = np.where(p <= np.float32(alpha + SLACK), 1, 0)
    return np.where((np.asarray(reason) == 0) & ~np.isnan(p), judged, 2).astype(np.int32)


class Judgement(NamedTuple):
    """Results for N images, as arrays of length N.

    Attributes:
        similarity: float32; higher = more like the normal class.
        p_value: float32, in [1 / (G + 1), 1]; NaN if the similarity is not a finite number.
        verdict: int32, indices of `VERDICTS`.
        reason: int32, indices of `REASONS`.
        ssim: float32, SSIM of image and reconstruction, the published measure; None for methods without one.
    """

    similarity: NDArray[np.float32]
    p_value: NDArray[np.float32]
    verdict: NDArray[np.int32]
    reason: NDArray[np.int32]
    ssim: NDArray[np.float32] | None = None


def judge(
    similarity: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    calibration: Calibration,
    limits: Gate,
    ssim: NDArray[np.float32] | None = None,
    novelty: NDArray[np.float32] | None = None,
) -> Judgement:
    """Computes p-value, reason and verdict of images whose similarity is known.

    Args:
        similarity: float32 (B,).
        pixels: uint8 (B, S, S, 3), resampled.
        calibration: the conformal table.
        limits: limits of the gate.
        ssim: float32 (B,), copied to the result.
        novelty: float32 (B,), for the gate.

    Returns:
        Arrays of length B. An image whose similarity is not a finite number is `cannot-judge`, `unreadable`, unless the
        gate gives another reason.
    """
    wrong = ~np.isfinite(similarity)
    p = p_value(np.where(wrong, np.float32(np.nan), similarity), calibration)
    reason = gate(pixels, limits, novelty)
    reason = np.where(wrong & (reason == 0), REASONS.index("unreadable"), reason).astype(np.int32)
    return Judgement(similarity, p, verdict(p, reason, calibration.alpha), reason, ssim)


def refuse_small(judgement: Judgement, sides: NDArray[np.int64], min_side: int) -> Judgement:
    """Applies the gate's minimum side, which needs the size of the photographs before they were resampled.

    Args:
        judgement: of N images.
        sides: int (N,), shorter side of each photograph in pixels.
        min_side: photographs with a shorter side below it are `cannot-judge`, `too small`.

    Returns:
        The judgement with the verdicts and reasons of small photographs replaced.
    """
    small = np.asarray(sides) < min_side
    return judgement._replace(
        verdict=np.where(small, VERDICTS.index("cannot-judge"), judgement.verdict).astype(np.int32),
        reason=np.where(small, REASONS.index("too small"), judgement.reason).astype(np.int32),
    )
