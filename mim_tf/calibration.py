"""Fits the constants of `mim_export.score.decide`: the conformal tables, their folds and the limits of the gate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mim_export.score.conformal import Calibration, Condition, Reference, check_alpha, check_level
from mim_export.score.decide import Gate, contrast, detail
from mim_export.score.errors import MimError

#: Number of folds of an out-of-fold calibration.
FOLDS = 3
#: The gate refuses an image whose contrast or detail is below this fraction of the minimum over the training images.
_MIN_FRACTION = 0.5
#: Fraction of the held-out images of the class, and of those of other skin, that may exceed the novelty limit.
_NOVEL_FRACTION = 0.02


def groups_needed(alpha: float) -> int:
    """The smallest number of calibration groups at which a p-value can reach alpha: 1 / alpha - 1, rounded up.

    Args:
        alpha: the level, in (0, 1).

    Returns:
        The number of groups.

    Raises:
        MimError: alpha is not in (0, 1).

    Example:
        `groups_needed(0.05)` is 19.
    """
    check_level(alpha)
    return math.ceil(1.0 / alpha - 1.0 - 1e-9)


def fit_calibration(
    similarities: NDArray[np.float32], groups: NDArray[np.str_], *, alpha: float, method: str
) -> Calibration:
    """Fits the conformal table on held-out images of the normal class.

    Args:
        similarities: float32 (N,), from models that were not fitted on these images.
        groups: group name of each image, (N,).
        alpha: the level, 1 - target sensitivity.
        method: "split" (one held-out set) or "cross" (out of fold).

    Returns:
        The table. An image of a group of n images has weight 1 / n, so every group has a total weight of 1.

    Raises:
        MimError: there are too few groups for alpha, in which case the message gives the smallest possible alpha; or a
            similarity is not a finite number.

    Example:
        Three images of the groups a, a, b get the weights 0.5, 0.5 and 1.
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


def fit_reference(
    similarities: NDArray[np.float32], groups: NDArray[np.str_], conditions: NDArray[np.str_], *, beta: float
) -> Reference:
    """Fits the table of other skin, in which every condition has the same total weight.

    Args:
        similarities: float32 (N,), of images that nothing was trained on; N may be 0.
        groups: group name of each image, (N,). A group of two conditions counts in each of them.
        conditions: condition of each image, (N,).
        beta: the level.

    Returns:
        The table. With C conditions and R groups, each of the n images of a group of a condition of m groups has the
        weight R / (C m n).

    Raises:
        MimError: beta is not in (0, 1), or a similarity is not a finite number.

    Example:
        Images of the groups a, b, c with the conditions acne, eczema, eczema get the weights 1.5, 0.75 and 0.75.
    """
    check_level(beta, "beta")
    found, weights = [], np.zeros(len(similarities))
    for condition in np.unique(conditions):
        of_condition = conditions == condition
        _, index, sizes = np.unique(groups[of_condition], return_inverse=True, return_counts=True)
        found.append(Condition(str(condition), int(of_condition.sum()), len(sizes)))
        weights[of_condition] = 1.0 / (len(sizes) * sizes[index])
    total = sum(condition.groups for condition in found)
    weights *= total / max(1, len(found))
    order = np.argsort(similarities, kind="stable")
    return Reference(
        similarities=tuple(float(s) for s in similarities[order]),
        weights=tuple(float(w) for w in weights[order]),
        groups=total,
        beta=beta,
        conditions=tuple(found),
    )


def fit_gate(pixels: NDArray[np.uint8], *novelties: NDArray[np.float32]) -> Gate:
    """Fits the limits of the gate.

    Args:
        pixels: training images, uint8 (N, S, S, 3).
        novelties: novelty of held-out images, float32 (M,), of the class and of other skin; none if the measure has no
            novelty.

    Returns:
        The limits: half the minimum contrast and half the minimum detail of the training images, S as the minimum
        side in pixels, and a novelty that at most 2 % of the held-out images exceed, of the class or of other skin.

    Raises:
        MimError: a novelty is not a finite number.
    """
    limits = []
    for novelty in novelties:
        if not np.isfinite(novelty).all():
            problem = "the novelty of a calibration image is not a finite number"
            raise MimError(problem, "train again into a new folder, with another seed or precision float32")
        if len(novelty):
            limits.append(float(np.sort(novelty)[::-1][int(_NOVEL_FRACTION * len(novelty))]))
    return Gate(
        min_contrast=float(_MIN_FRACTION * contrast(pixels).min()),
        min_detail=float(_MIN_FRACTION * detail(pixels).min()),
        min_side=pixels.shape[1],
        max_novelty=max(limits, default=None),
    )
