"""AUROC, shares, their means and differences, with 95 % confidence intervals for photographs in groups.

Photographs of one group, such as those of one patient, are not independent, so every interval is computed by group:

* The standard error is that of the jackknife over groups: the change of the figure when one group is left out. For an
  AUROC it agrees with the variance of DeLong et al. for clustered data (Obuchowski, Biometrics 53, 1997) up to terms of
  order 1 / G, and it also applies to means over classes and to differences.
* The interval is symmetric on the logit scale, with a quantile of the t distribution. Its degrees of freedom follow
  Satterthwaite (Biometrics Bulletin 2, 1946) from the numbers of groups of the classes.
* Means that are not shares, such as that of a PSNR, have intervals on their original scale (`mean_interval`).
* An interval is never narrower than the interval for as many independent photographs, because groups can only add
  uncertainty.
  For an AUROC that is the interval of Newcombe (Statistics in Medicine 25, 2006, method 5), for a share that of Clopper
  and Pearson. These also hold where two classes are fully separated, and the jackknife has nothing to measure.

`benchmarks/coverage.py` simulates how often these intervals contain the true value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

Values = NDArray[np.floating]
Bounds = tuple[float, float]

_LEVEL = 0.95
#: Description of the intervals in files of results.
INTERVALS = {"method": "jackknife over groups, logit scale, t quantiles", "unit": "group", "level": _LEVEL}
#: Values at which the interval of Newcombe is evaluated; its ends are exact to half a step.
_GRID = np.linspace(0.0, 1.0, 4001)[1:-1]


def auroc(positive: Values, negative: Values) -> float:
    """Area under the ROC curve: the probability that positive > negative, with ties counted half.

    Args:
        positive: similarities of the normal class, float (P,).
        negative: similarities of the other class, float (N,).

    Returns:
        In [0, 1]; 0.5 is chance.

    Example:
        `auroc([3, 2], [1, 2])` is 0.875.
    """
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


@dataclass(frozen=True)
class Estimate:
    """A figure, and its values without each of the groups.

    Attributes:
        value: the figure, such as an AUROC.
        without: the figure without one group, by group.
        strata: for each group, the name of its class and the number of groups of that class. A group in several classes
            belongs to the smallest of them.
        independent: the interval of the figure for independent photographs; None for a difference.
        steps: number of steps between 0 and 1 that the figure can take by group; it keeps logits finite.
    """

    value: float
    without: dict[str, float]
    strata: dict[str, tuple[str, int]]
    independent: Bounds | None
    steps: float

    def interval(self) -> Bounds | None:
        """Returns the 95 % interval; None if a class has one group only.

        Returns:
            The bounds: within [0, 1], or within [-1, 1] for a difference.
        """
        sizes = dict(self.strata.values())
        if min(sizes.values()) < 2:
            return None
        scale = self._scale if self.independent is not None else np.asarray
        center = float(scale(self.value))
        changes = scale(np.array([self.without[name] for name in self.strata])) - center
        variances = dict.fromkeys(sizes, 0.0)
        for change, (stratum, groups) in zip(changes, self.strata.values(), strict=True):
            variances[stratum] += (groups - 1) / groups * float(change) ** 2
        variance = sum(variances.values())
        reach = 0.0
        if variance > 0:
            freedom = variance**2 / sum(part**2 / (sizes[name] - 1) for name, part in variances.items())
            reach = float(stats.t.ppf(0.5 + _LEVEL / 2, freedom)) * variance**0.5
        if self.independent is None:
            return max(center - reach, -1.0), min(center + reach, 1.0)
        low, high = float(expit(center - reach)), float(expit(center + reach))
        return min(low, self.independent[0], self.value), max(high, self.independent[1], self.value)

    def _scale(self, values: float | Values) -> Values:
        """Logit of values that are moved away from 0 and 1 by half a step."""
        return np.asarray(logit((np.asarray(values) * self.steps + 0.5) / (self.steps + 1.0)))


def bounds(estimate: Estimate) -> dict[str, float | None]:
    """Returns the interval as `ci_low` and `ci_high`; both are None if a class has one group only."""
    low, high = estimate.interval() or (None, None)
    return {"ci_low": low, "ci_high": high}


def interval_text(entry: Mapping[str, Any], form: str = ".2f") -> str:
    """Formats `ci_low` and `ci_high` of an entry.

    Args:
        entry: holds the result of `bounds`.
        form: format of the numbers.

    Example:
        "[0.77, 0.93]", or "(one group: no interval)" if a class has one group only.
    """
    if entry["ci_low"] is None:
        return "(one group: no interval)"
    return f"[{entry['ci_low']:{form}}, {entry['ci_high']:{form}}]"


def weights_of(groups: NDArray[np.str_], by_group: bool) -> Values:
    """Weights of photographs: 1 for each, or 1 / n for each of the n photographs of a group.

    Args:
        groups: group of each photograph, (N,).
        by_group: whether each group counts once.

    Returns:
        float64 (N,).
    """
    if not by_group:
        return np.ones(len(groups))
    _, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[index])


def auroc_estimate(
    positive: Values,
    negative: Values,
    positive_groups: NDArray[np.str_],
    negative_groups: NDArray[np.str_],
    *,
    labels: tuple[str, str] = ("positive", "negative"),
    by_group: bool = False,
) -> Estimate:
    """Estimates the AUROC of photographs in groups.

    Args:
        positive: similarities of the normal class, float (P,).
        negative: similarities of the other class, float (N,).
        positive_groups: group of each photograph of the normal class, (P,).
        negative_groups: group of each photograph of the other class, (N,). A group may be in both classes.
        labels: names of the two classes, which tell the classes of a mean of several AUROCs apart.
        by_group: whether each group counts once; otherwise each photograph does.

    Returns:
        The estimate. Its interval is computed in O((P + N) log(P + N)).

    Example:
        The similarities [3, 2] of two groups against [1, 2] of two groups have the AUROC 0.875.
    """
    classes = [np.asarray(positive, np.float64), np.asarray(negative, np.float64)]
    names = [np.asarray(positive_groups, np.str_), np.asarray(negative_groups, np.str_)]
    weights = [weights_of(part, by_group) for part in names]
    # Weighted number of pairs that each photograph wins (of the normal class) or loses (of the other class).
    pairs = [
        weights[0] * _weight_below(classes[0], classes[1], weights[1]),
        weights[1] * _weight_below(-classes[1], -classes[0], weights[0]),
    ]
    totals = [float(part.sum()) for part in weights]
    won = float(pairs[0].sum())
    sums = [_by_group(part, values) for part, values in zip(names, pairs, strict=True)]
    shares = [_by_group(part, values) for part, values in zip(names, weights, strict=True)]
    without: dict[str, float] = {}
    strata: dict[str, tuple[str, int]] = {}
    for name in dict.fromkeys([*sums[0], *sums[1]]):
        both = 0.0
        if name in sums[0] and name in sums[1]:  # its pairs with itself are in both sums
            first, second = (part == name for part in names)
            own = _weight_below(classes[0][first], classes[1][second], weights[1][second])
            both = float((weights[0][first] * own).sum())
        left = won - sums[0].get(name, 0.0) - sums[1].get(name, 0.0) + both
        sides = [total - share.get(name, 0.0) for total, share in zip(totals, shares, strict=True)]
        enough = min(sides) > 1e-9
        without[name] = min(max(left / (sides[0] * sides[1]), 0.0), 1.0) if enough else won / (totals[0] * totals[1])
        strata[name] = min((len(sums[k]), labels[k]) for k in (0, 1) if name in sums[k])[::-1]
    value = min(max(won / (totals[0] * totals[1]), 0.0), 1.0)
    independent = _newcombe(value, *totals)
    return Estimate(value, without, strata, independent, float(len(sums[0]) * len(sums[1])))


def _weight_below(values: Values, others: Values, weights: Values) -> Values:
    """For each value, the weight of the others below it, and half the weight of those equal to it."""
    order = np.argsort(others, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(weights[order])])
    ends = (np.searchsorted(others[order], values, side) for side in ("left", "right"))
    below, up_to = (cumulative[end] for end in ends)
    return np.asarray((below + up_to) / 2.0)


def _by_group(groups: NDArray[np.str_], values: Values) -> dict[str, float]:
    """Sum of the values of each group."""
    names, index = np.unique(groups, return_inverse=True)
    return dict(zip(names.tolist(), np.bincount(index, values).tolist(), strict=True))


def _newcombe(value: float, positives: float, negatives: float) -> Bounds:
    """Interval of an AUROC for independent photographs: all values that a test of this level does not reject."""
    variance = _GRID * (1.0 - _GRID) / (positives * negatives)
    variance *= 1.0 + ((positives + negatives) / 2.0 - 1.0) * ((1.0 - _GRID) / (2.0 - _GRID) + _GRID / (1.0 + _GRID))
    reach = float(stats.norm.ppf(0.5 + _LEVEL / 2)) * np.sqrt(variance)
    kept = np.append(_GRID[np.abs(_GRID - value) <= reach], value)
    return float(kept.min()), float(kept.max())


def clopper_pearson(found: float, total: float) -> Bounds:
    """Exact 95 % interval of a share of independent trials (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        found: number of successes; also a sum of shares of groups, whose variance is at most that of 0 and 1.
        total: number of trials, or of groups.

    Returns:
        The bounds, in [0, 1].

    Example:
        `clopper_pearson(11, 12)` is (0.615, 0.998).
    """
    low = float(stats.beta.ppf(0.5 - _LEVEL / 2, found, total - found + 1)) if found > 0 else 0.0
    high = float(stats.beta.ppf(0.5 + _LEVEL / 2, found + 1, total - found)) if found < total else 1.0
    return low, high


def share_estimate(chosen: NDArray[np.bool_], groups: NDArray[np.str_]) -> Estimate:
    """Estimates the share of chosen photographs.

    Args:
        chosen: bool (N,), such as whether a photograph is accepted.
        groups: group of each photograph, (N,).

    Returns:
        The estimate.

    Example:
        With [True, True, False] of the groups a, a, b the share is 2 / 3.
    """
    names = np.asarray(groups, np.str_)
    found, total = float(np.sum(chosen)), float(len(names))
    sums, sizes = _by_group(names, chosen.astype(np.float64)), _by_group(names, np.ones(len(names)))
    several = len(sums) > 1
    without = {name: (found - sums[name]) / (total - sizes[name]) if several else found / total for name in sums}
    strata = {name: ("share", len(sums)) for name in sums}
    return Estimate(found / total, without, strata, clopper_pearson(found, total), float(len(sums)))


def mean_interval(
    values: Values, groups: NDArray[np.str_], limits: Bounds = (-np.inf, np.inf)
) -> dict[str, float | None]:
    """Mean of a figure of photographs that is not a share, such as a PSNR in dB, on its original scale.

    Args:
        values: float (N,).
        groups: group of each photograph, (N,).
        limits: least and greatest possible value.

    Returns:
        `value`, `ci_low` and `ci_high`: the mean over photographs, and its interval by the jackknife over groups, which
        is never narrower than the t interval of independent photographs; the ends are None if there is one group only.

    Example:
        The values [1, 3] of two groups have the mean 2 and the interval [-10.7, 14.7].
    """
    value, reach = _ratio(values, np.ones(len(values)), groups)
    if reach is None:
        return {"value": value, "ci_low": None, "ci_high": None}
    independent = float(stats.t.ppf(0.5 + _LEVEL / 2, len(values) - 1) * stats.sem(values))
    reach = max(reach, independent)
    return {"value": value, "ci_low": max(value - reach, limits[0]), "ci_high": min(value + reach, limits[1])}


def ratio_interval(first: Values, second: Values, groups: NDArray[np.str_]) -> dict[str, float | None]:
    """Ratio of the means of two figures of the same photographs.

    Args:
        first: float (N,).
        second: float (N,); its mean without any group is not 0.
        groups: group of each photograph, (N,).

    Returns:
        `value`, `ci_low` and `ci_high`: the ratio, and its interval by the jackknife over groups with t quantiles; the
        ends are None if there is one group only.

    Example:
        [1, 3] and [2, 2] of two groups have the ratio 1 and the interval [-5.4, 7.4].
    """
    value, reach = _ratio(first, second, groups)
    if reach is None:
        return {"value": value, "ci_low": None, "ci_high": None}
    return {"value": value, "ci_low": value - reach, "ci_high": value + reach}


def _ratio(first: Values, second: Values, groups: NDArray[np.str_]) -> tuple[float, float | None]:
    """Ratio of two means, and half the length of its interval; None if there is one group only."""
    value = float(np.sum(first) / np.sum(second))
    sums = [_by_group(groups, np.asarray(values, np.float64)) for values in (first, second)]
    count = len(sums[0])
    if count < 2:
        return value, None
    without = [(np.sum(first) - sums[0][name]) / (np.sum(second) - sums[1][name]) for name in sums[0]]
    deviation = float(np.sqrt((count - 1) / count * np.square(np.array(without) - value).sum()))
    return value, float(stats.t.ppf(0.5 + _LEVEL / 2, count - 1)) * deviation


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """Mean of several figures on photographs of the same groups or of other ones.

    Args:
        estimates: AUROCs of several classes or models, or shares. A figure does not change without a group that it does
            not use.

    Returns:
        The estimate of the mean.
    """
    strata: dict[str, tuple[str, int]] = {}
    for one in estimates:
        for name, (stratum, groups) in one.strata.items():
            strata[name] = min((strata.get(name, (stratum, groups)), (stratum, groups)), key=lambda entry: entry[1])
    without = {name: float(np.mean([one.without.get(name, one.value) for one in estimates])) for name in strata}
    ends = [one.independent for one in estimates if one.independent is not None]
    independent = (float(np.mean([low for low, _ in ends])), float(np.mean([high for _, high in ends])))
    steps = min(one.steps for one in estimates)
    return Estimate(float(np.mean([one.value for one in estimates])), without, strata, independent, steps)


def difference_estimate(first: Estimate, second: Estimate) -> Estimate:
    """Paired difference of two figures on the same photographs.

    Args:
        first: the figure of a model.
        second: the same figure of another model.

    Returns:
        The estimate of first - second. Its interval is on the original scale.

    Raises:
        ValueError: the figures are of different groups.
    """
    if first.strata != second.strata:
        raise ValueError("Expected two figures on the same photographs. Received: figures of different groups.")
    without = {name: value - second.without[name] for name, value in first.without.items()}
    return Estimate(first.value - second.value, without, first.strata, None, first.steps)
