"""AUROC, and confidence intervals from a bootstrap over groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

#: Number of bootstrap samples R of an interval.
DRAWS = 2000


def auroc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Area under the ROC curve: the probability that positive > negative, with ties counted half.

    Args:
        positive: similarities of the normal class, float32 (P,).
        negative: similarities of the other class, float32 (N,).

    Returns:
        In [0, 1]; 0.5 is chance.

    Example:
        `auroc([3, 2], [1, 2])` is 0.875.
    """
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


def group_weights(groups: NDArray[np.str_], rng: np.random.Generator, draws: int) -> NDArray[np.float64]:
    """Bootstrap weights: the number of times that each image's group was drawn.

    Args:
        groups: group name of each image, (N,).
        rng: random generator.
        draws: number of bootstrap samples R.

    Returns:
        float64 (R, N). In each sample, as many groups are drawn with replacement as there are.
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
        positive: similarities of the normal class, float32 (P,).
        negative: similarities of the other class, float32 (N,).
        positive_weights: bootstrap weights, float64 (R, P).
        negative_weights: bootstrap weights, float64 (R, N).

    Returns:
        float64 (R,), in [0, 1]. With all weights 1 it equals `auroc`.
    """
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)  # (P, N)
    total = positive_weights.sum(1) * negative_weights.sum(1)
    area: NDArray[np.float64] = ((positive_weights @ wins) * negative_weights).sum(1) / total
    return area


def weighted_mean(values: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean of each bootstrap sample.

    Args:
        values: (N,).
        weights: float64 (R, N).

    Returns:
        float64 (R,).
    """
    mean: NDArray[np.float64] = weights @ values.astype(np.float64) / weights.sum(1)
    return mean


def interval(replicates: NDArray[np.float64]) -> dict[str, float]:
    """The 95 % percentile interval of bootstrap replicates.

    Args:
        replicates: float64 (R,).

    Returns:
        The 2.5 and 97.5 percentiles as `ci_low` and `ci_high`.

    Example:
        `interval(np.arange(201) / 200)` is {"ci_low": 0.025, "ci_high": 0.975}.
    """
    low, high = np.percentile(replicates, [2.5, 97.5])
    return {"ci_low": float(low), "ci_high": float(high)}
