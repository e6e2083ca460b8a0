"""Maps a similarity to a verdict: gate, p-values of the two hypotheses, verdict. Needs only numpy.

This module computes with the limits of the gate and the conformal tables. `mim_tf.calibration` fits them, and
`manifest.json` stores them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .conformal import SLACK, Tables, p_class, p_other

#: Verdicts; the index is the code in the output `verdict` of the model.
VERDICTS = ("mpox-like", "not-mpox-like", "undecided", "cannot-judge")
#: Reasons; the index is the code in the output `reason` of the model. Code 0: the image can be judged. The
#: model outputs codes 0 to 3; the others are determined before inference. `unreadable` is also the reason of an image
#: whose similarity is not a finite number, which only a damaged model computes.
REASONS = (None, "blank", "blurred", "not skin", "too small", "unreadable", "too large")
#: Luma weights of ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Gate:
    """Limits of the gate. An image outside of them gets the verdict `cannot-judge`.

    Attributes:
        min_contrast: minimum of `contrast` of the resampled image, in [0, 0.5].
        min_detail: minimum of `detail` of the resampled image, in [0, 1].
        min_side: minimum of the shorter side of the decoded photograph, in pixels.
        max_novelty: maximum of the novelty of the measure `deep`, in standard deviations over the class; None = no
            limit.
    """

    min_contrast: float
    min_detail: float
    min_side: int
    max_novelty: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the limits under their names in `manifest.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Gate:
        """Creates a gate from the result of `to_dict`."""
        return cls(entry["min_contrast"], entry["min_detail"], entry["min_side"], entry["max_novelty"])


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


def verdict(p_of_class: ArrayLike, p_of_other: ArrayLike, reason: ArrayLike, tables: Tables) -> NDArray[np.int32]:
    """Maps p-values and reasons to verdicts.

    The class is excluded where its p-value is at most alpha, other skin where its p-value is at most beta. If other
    skin alone is excluded, the image is `mpox-like`; if the class alone is, `not-mpox-like`; if both or neither,
    `undecided`.

    Args:
        p_of_class: p-values of the class, float (B,); NaN gives `cannot-judge`.
        p_of_other: p-values of other skin, float (B,).
        reason: reason codes, int (B,); every code except 0 gives `cannot-judge`.
        tables: for alpha and beta.

    Returns:
        int32 (B,), verdict codes (indices of `VERDICTS`).

    Example:
        With alpha 0.05 and beta 0.2, `verdict([0.4, 0.03, 0.4, 0.03], [0.1, 0.9, 0.5, 0.1], [0, 0, 0, 0], tables)` is
        [0, 1, 2, 2].
    """
    own, other = np.asarray(p_of_class, np.float32), np.asarray(p_of_other, np.float32)
    no_class = own <= np.float32(tables.calibration.alpha + SLACK)
    no_other = other <= np.float32(tables.reference.beta + SLACK)
    judged = np.where(no_class == no_other, 2, np.where(no_class, 1, 0))
    return np.where((np.asarray(reason) == 0) & ~np.isnan(own), judged, 3).astype(np.int32)


class Judgement(NamedTuple):
    """Results for N images, as arrays of length N.

    Attributes:
        similarity: float32; higher = more like the normal class.
        p_class: float32, p-value of the class, in [1 / (G + 1), 1]; NaN if the similarity is not a finite number.
        p_other: float32, p-value of other skin, in [1 / (R + 1), 1]; NaN if the similarity is not a finite number.
        verdict: int32, indices of `VERDICTS`.
        reason: int32, indices of `REASONS`.
        ssim: float32, SSIM of image and reconstruction, the published measure; None for methods without one.
    """

    similarity: NDArray[np.float32]
    p_class: NDArray[np.float32]
    p_other: NDArray[np.float32]
    verdict: NDArray[np.int32]
    reason: NDArray[np.int32]
    ssim: NDArray[np.float32] | None = None


def judge(
    similarity: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    tables: Tables,
    limits: Gate,
    ssim: NDArray[np.float32] | None = None,
    novelty: NDArray[np.float32] | None = None,
) -> Judgement:
    """Computes p-values, reason and verdict of images whose similarity is known.

    Args:
        similarity: float32 (B,).
        pixels: uint8 (B, S, S, 3), resampled.
        tables: the conformal tables.
        limits: limits of the gate.
        ssim: float32 (B,), copied to the result.
        novelty: float32 (B,), for the gate.

    Returns:
        Arrays of length B. An image whose similarity is not a finite number is `cannot-judge`, `unreadable`, unless the
        gate gives another reason.
    """
    wrong = ~np.isfinite(similarity)
    known = np.where(wrong, np.float32(np.nan), similarity)
    own, other = p_class(known, tables.calibration), p_other(known, tables.reference)
    reason = gate(pixels, limits, novelty)
    reason = np.where(wrong & (reason == 0), REASONS.index("unreadable"), reason).astype(np.int32)
    return Judgement(similarity, own, other, verdict(own, other, reason, tables), reason, ssim)


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
