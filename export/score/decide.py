"""From a similarity to a verdict: gate, conformal p-value, verdict. Numpy only.

These are the rules; `mim_tf.calibration` fits their constants and `manifest.json` carries them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import MimError

#: Verdicts by their code in the graph's output `verdict`.
VERDICTS = ("mpox-like", "not-mpox-like", "cannot-judge")
#: Reasons by their code in the graph's output `reason`; code 0 means that the image can be judged. The
#: graph itself gives the first three: `too small` and `unreadable` are seen before an image reaches it.
REASONS = (None, "blank", "blurred", "not skin", "too small", "unreadable")
#: Luma weights of ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)
#: Added to alpha where p is compared with it: float32 sums of the same weights in another order differ by
#: about 1e-7, while two different p-values differ by 1 / ((G + 1) n_g) at least.
SLACK = 1e-6


@dataclass(frozen=True)
class Gate:
    """Limits below which an image cannot be judged.

    Attributes:
        min_contrast: least standard deviation of the luma of the resampled image, in [0, 0.5].
        min_detail: least mean difference of neighbouring luma values of the resampled image, in [0, 1].
        min_side: least shorter side of the decoded photograph, in pixels.
        max_novelty: largest novelty of the measure `deep`, in standard deviations; None = no limit.
    """

    min_contrast: float
    min_detail: float
    min_side: int
    max_novelty: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The limits under the names that `manifest.json` has for them."""
        entry = asdict(self)
        entry["max_foreignness"] = entry.pop("max_novelty")
        return entry

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Gate:
        """Reads what `to_dict` wrote."""
        return cls(entry["min_contrast"], entry["min_detail"], entry["min_side"], entry["max_foreignness"])


@dataclass(frozen=True)
class Calibration:
    """The conformal table.

    Attributes:
        similarities: similarities of the held-out images of the normal class, ascending.
        weights: for each of them 1 / (number of images of its group).
        groups: number of groups G.
        alpha: an image is `not-mpox-like` if its p-value is at most alpha.
        method: `split` (one held-out set) or `cross` (out of fold).
    """

    similarities: tuple[float, ...]
    weights: tuple[float, ...]
    groups: int
    alpha: float
    method: str

    @property
    def threshold(self) -> float:
        """The least tabled similarity that is still `mpox-like`; a lower one is `not-mpox-like`."""
        p = p_value(np.asarray(self.similarities, np.float32), self)
        return float(self.similarities[int(np.argmax(p > np.float32(self.alpha + SLACK)))])

    @property
    def guarantee(self) -> str:
        """What holds for the share of refused mpox images, in words.

        Out of fold the table comes from fits without a fold and the verdict from a fit on all, so that no bound is
        proven; for CV+, which is alike, it is twice alpha (Barber et al., Annals of Statistics 2021).
        """
        bound = f"at most {self.alpha:g}" if self.method == "split" else f"about {self.alpha:g}"
        proof = "" if self.method == "split" else f" (out of fold: no proven bound, of CV+ it is {2 * self.alpha:g})"
        return (
            f"of mpox images exchangeable with the calibration groups, {bound} are called not-mpox-like, on average "
            f"over calibration sets{proof}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them, with what follows from them."""
        return {**asdict(self), "threshold": self.threshold, "guarantee": self.guarantee}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Calibration:
        """Reads what `to_dict` wrote."""
        return cls(
            similarities=tuple(entry["similarities"]),
            weights=tuple(entry["weights"]),
            groups=entry["groups"],
            alpha=entry["alpha"],
            method=entry["method"],
        )


def smallest_alpha(groups: int) -> float:
    """The smallest level that `groups` calibration groups can reach: 1 / (G + 1)."""
    return 1.0 / (groups + 1)


def check_alpha(alpha: float, groups: int) -> None:
    """Raises `MimError` where a verdict `not-mpox-like` could never be reached.

    Example:
        19 groups allow alpha 0.05; 9 groups allow 0.1 at best.
    """
    if not 0.0 < alpha < 1.0:
        raise MimError(f"alpha {alpha:g} is not between 0 and 1", "choose a sensitivity between 0 and 1")
    least = smallest_alpha(groups)
    if alpha + SLACK < least:
        raise MimError(
            f"{groups} calibration groups cannot support alpha {alpha:g}",
            f"use alpha {least:.4g} (sensitivity {1 - least:.4g}) or more groups",
        )


def p_value(similarity: ArrayLike, calibration: Calibration) -> NDArray[np.float32]:
    """The conformal p-value among groups.

    p = (1 + sum over groups g of the share of g's images with similarity <= s) / (G + 1), computed in
    float32 as the graph does (Vovk et al., Algorithmic Learning in a Random World, 2005; the group is
    the exchangeable unit).

    Args:
        similarity: float, any shape.
        calibration: the table.

    Returns:
        float32 of the same shape, in [1 / (G + 1), 1].

    Example:
        With the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
    """
    s = np.asarray(similarity, np.float32)
    table = np.asarray(calibration.similarities, np.float32)
    weights = np.asarray(calibration.weights, np.float32)
    below = (table <= s[..., None]).astype(np.float32)
    return (np.float32(1) + (below * weights).sum(-1, dtype=np.float32)) / np.float32(calibration.groups + 1)


def contrast(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Standard deviation of the luma.

    Args:
        pixels: uint8 (..., S, S, 3), resampled.

    Returns:
        float32 (...), in [0, 0.5]: half black, half white gives 0.5, one colour 0.
    """
    return _luma(pixels).std(axis=(-2, -1), dtype=np.float32)


def detail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean absolute difference of the luma of neighbours, down and to the right alike.

    Args:
        pixels: uint8 (..., S, S, 3), resampled.

    Returns:
        float32 (...), in [0, 1].

    Example:
        Stripes one pixel wide, black and white: 0.5, for they differ along one axis only.
    """
    luma = _luma(pixels)
    down = np.abs(np.diff(luma, axis=-2)).mean(axis=(-2, -1), dtype=np.float32)
    right = np.abs(np.diff(luma, axis=-1)).mean(axis=(-2, -1), dtype=np.float32)
    return np.asarray((down + right) * np.float32(0.5), np.float32)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of uint8 (..., 3), float32 (...) in [0, 1]."""
    return np.asarray(pixels.astype(np.float32) @ np.asarray(LUMA, np.float32) / np.float32(255), np.float32)


def gate(pixels: NDArray[np.uint8], limits: Gate, novelty: NDArray[np.float32] | None = None) -> NDArray[np.int32]:
    """Reason codes (indices of `REASONS`), int32 (B,), 0 where an image can be judged.

    Args:
        pixels: uint8 (B, S, S, 3), resampled.
        limits: the limits.
        novelty: float32 (B,), where the measure has it.
    """
    asked = novelty is not None and limits.max_novelty is not None
    novel = np.where(novelty > np.float32(limits.max_novelty), 3, 0) if asked else 0
    blurred = np.where(detail(pixels) < np.float32(limits.min_detail), 2, novel)
    return np.where(contrast(pixels) < np.float32(limits.min_contrast), 1, blurred).astype(np.int32)


def verdict(p: ArrayLike, reason: ArrayLike, alpha: float) -> NDArray[np.int32]:
    """Verdict codes (indices of `VERDICTS`).

    Args:
        p: p-values, float (B,).
        reason: reason codes, int (B,); any but 0 gives `cannot-judge`.
        alpha: the level.

    Returns:
        int32 (B,).

    Example:
        `verdict([0.03, 0.4, 0.03], [0, 0, 1], 0.05)` is [1, 0, 2].
    """
    judged = np.where(np.asarray(p, np.float32) <= np.float32(alpha + SLACK), 1, 0)
    return np.where(np.asarray(reason) == 0, judged, 2).astype(np.int32)


class Judgement(NamedTuple):
    """What is said of N images: arrays of length N.

    Attributes:
        similarity: float32, higher = more like the class.
        p_value: float32.
        verdict: int32, indices of `VERDICTS`.
        reason: int32, indices of `REASONS`.
        ssim: float32, the published measure of the same inpainting; None where nothing is reconstructed.
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
    """Gate, p-value and verdict of images of known similarity.

    Args:
        similarity: float32 (B,).
        pixels: uint8 (B, S, S, 3), resampled.
        calibration: the conformal table.
        limits: of the gate.
        ssim: float32 (B,), passed on.
        novelty: float32 (B,), for the gate.
    """
    p, reason = p_value(similarity, calibration), gate(pixels, limits, novelty)
    return Judgement(similarity, p, verdict(p, reason, calibration.alpha), reason, ssim)
