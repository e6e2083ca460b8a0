"""Fits what `mim_export.score.decide` applies: the conformal table, the folds behind it, the gate's limits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decide import (
    Calibration,
    Gate,
    check_alpha,
    contrast,
    detail,
)

#: Number of folds where the table is made out of fold.
FOLDS = 3
#: The gate refuses an image with less than this share of the lowest contrast, or of the lowest detail, among the
#: training images.
_SHARE = 0.5
#: It may find so many of the held-out photographs of the class too foreign.
_FOREIGN = 0.02


def groups_needed(alpha: float) -> int:
    """The least number of calibration groups at which a p-value can reach alpha: 1 / alpha - 1, rounded up.

    Example:
        `groups_needed(0.05)` is 19.
    """
    return math.ceil(1.0 / alpha - 1.0 - 1e-9)


def fold_of(groups: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.int64]:
    """Deals whole groups to folds of nearly equal numbers of groups.

    Args:
        groups: group name of each image, (N,).
        folds: number of folds.
        seed: of the shuffle.

    Returns:
        int (N,), the fold of each image, 0 to folds - 1.
    """
    names, index = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names)) % folds
    return place[index]


def fit_calibration(
    similarities: NDArray[np.float32], groups: NDArray[np.str_], *, alpha: float, method: str
) -> Calibration:
    """Makes the conformal table from held-out images of the normal class.

    Args:
        similarities: float32 (N,), by models that have not seen the images.
        groups: group name of each image, (N,).
        alpha: the level, 1 - target sensitivity.
        method: "split" or "cross".

    Returns:
        The table. Its weights give each group the same say, however many images it has.

    Raises:
        MimError: too few groups for alpha; the line names the smallest alpha that is possible.
    """
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    check_alpha(alpha, len(names))
    order = np.argsort(similarities, kind="stable")
    return Calibration(
        similarities=tuple(float(s) for s in similarities[order]),
        weights=tuple(float(w) for w in (1.0 / sizes)[index[order]]),
        groups=len(names),
        alpha=alpha,
        method=method,
    )


def fit_gate(pixels: NDArray[np.uint8], novelty: NDArray[np.float32] | None = None) -> Gate:
    """Limits of the gate from the training images.

    Args:
        pixels: uint8 (N, S, S, 3).
        novelty: float32 (M,), of held-out images of the class, where the measure has it.

    Returns:
        Limits that refuse a photograph far flatter or smoother than all of these, or too small to fill the model's
        input.
    """
    limit = None
    if novelty is not None:
        limit = float(np.sort(novelty)[::-1][int(_FOREIGN * len(novelty))])
    return Gate(
        min_contrast=float(_SHARE * contrast(pixels).min()),
        min_detail=float(_SHARE * detail(pixels).min()),
        min_side=pixels.shape[1],
        max_novelty=limit,
    )
