"""AUROC and bootstrap intervals by group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

#: Bootstrap samples behind an interval.
DRAWS = 2000


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
