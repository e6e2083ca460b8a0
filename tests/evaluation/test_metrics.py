"""`mim_tf.evaluation.metrics` against scikit-learn, SciPy and explicit loops over left-out groups."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from mim_tf.evaluation.metrics import (
    Estimate,
    auroc,
    auroc_estimate,
    bounds,
    clopper_pearson,
    difference_estimate,
    interval_text,
    mean_estimate,
    mean_interval,
    ratio_interval,
    share_estimate,
)

#: Few levels, so that ties are common.
LEVELS = st.lists(st.integers(0, 5), min_size=1, max_size=12)
RNG = np.random.default_rng(0)
POSITIVE, NEGATIVE = RNG.normal(1.0, 1.0, 30).round(1), RNG.normal(0.0, 1.0, 40).round(1)
POSITIVE_GROUPS = np.array([f"p{i}" for i in RNG.integers(0, 9, 30)])
NEGATIVE_GROUPS = np.array([f"n{i}" for i in RNG.integers(0, 12, 40)])
PARTS = (POSITIVE, NEGATIVE, POSITIVE_GROUPS, NEGATIVE_GROUPS)


@given(LEVELS, LEVELS)
@settings(max_examples=25, deadline=None)
def test_auroc_is_the_share_of_won_pairs_with_ties_half(positive: list[int], negative: list[int]) -> None:
    wins = sum(Fraction(2 * (p > n) + (p == n), 2) for p in positive for n in negative)
    expected = float(wins / (len(positive) * len(negative)))
    first, second = np.array(positive, np.float32), np.array(negative, np.float32)
    assert auroc(first, second) == pytest.approx(expected, abs=1e-12)
    groups = [np.arange(len(values)).astype(str) for values in (first, second)]
    assert auroc_estimate(first, second, *groups).value == pytest.approx(expected, abs=1e-12)


@given(LEVELS, LEVELS, st.integers(0, 999), st.booleans())
@settings(max_examples=50, deadline=None)
def test_values_without_a_group_are_those_of_scikit_learn(
    positive: list[int], negative: list[int], seed: int, by_group: bool
) -> None:
    """Groups may be in both classes."""
    rng = np.random.default_rng(seed)
    first, second = (np.array([f"g{i}" for i in rng.integers(0, 5, len(part))]) for part in (positive, negative))
    found = auroc_estimate(np.array(positive), np.array(negative), first, second, by_group=by_group)
    scores, truth = np.array(positive + negative), np.repeat([1, 0], [len(positive), len(negative)])
    groups = np.concatenate([first, second])
    weights = np.array([1 / np.sum((groups == g) & (truth == t)) for g, t in zip(groups, truth, strict=True)])
    weights = weights if by_group else np.ones(len(scores))
    assert found.value == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights), abs=1e-12)
    assert set(found.without) == set(groups)
    for name, area in found.without.items():
        kept = groups != name
        # Without the only group of a class there is no AUROC; the interval is then None.
        left = kept if len(set(truth[kept])) == 2 else slice(None)
        expected = roc_auc_score(truth[left], scores[left], sample_weight=weights[left])
        assert area == pytest.approx(expected, abs=1e-12)


def jackknifed(shift: float) -> tuple[float, float, float]:
    """Value, and variance and degrees of freedom of its shrunk logit, by loops over groups."""
    scores, truth = np.concatenate([POSITIVE + shift, NEGATIVE]), np.repeat([1, 0], [30, 40])
    groups = np.concatenate([POSITIVE_GROUPS, NEGATIVE_GROUPS])
    pairs = len(set(POSITIVE_GROUPS)) * len(set(NEGATIVE_GROUPS))

    def scaled(area: float) -> float:
        return float(logit((area * pairs + 0.5) / (pairs + 1)))

    whole = roc_auc_score(truth, scores)
    variances, freedom = [], 0.0
    for names in (set(POSITIVE_GROUPS), set(NEGATIVE_GROUPS)):
        left = [roc_auc_score(truth[groups != name], scores[groups != name]) for name in names]
        variances.append((len(names) - 1) / len(names) * sum((scaled(area) - scaled(whole)) ** 2 for area in left))
        freedom += variances[-1] ** 2 / (len(names) - 1)
    return scaled(whole), sum(variances), sum(variances) ** 2 / freedom


def test_interval_is_a_jackknife_on_the_logit_scale_with_t_quantiles() -> None:
    center, variance, freedom = jackknifed(0.0)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert auroc_estimate(*PARTS).interval() == pytest.approx((expit(center - reach), expit(center + reach)), abs=1e-9)


def test_variance_agrees_with_obuchowskis() -> None:
    """DeLong et al. for clustered data (Obuchowski 1997), without shrinkage: equal up to terms of order 1 / G."""
    rng = np.random.default_rng(1)
    groups = [np.repeat([f"{letter}{i}" for i in range(60)], 3) for letter in "pn"]
    first, second = rng.normal(1, 1, 180), rng.normal(0, 1, 180)
    wins = (first[:, None] > second).astype(float)
    variance = 0.0
    for names, part in zip(groups, (wins.mean(1), wins.mean(0)), strict=True):
        sums = [np.sum(part[names == name] - wins.mean()) for name in set(names)]
        variance += 60 / 59 * np.sum(np.square(sums)) / 180**2
    found = auroc_estimate(first, second, *groups)
    changes = [(59 / 60) * (area - found.value) ** 2 for area in found.without.values()]
    assert sum(changes) == pytest.approx(variance, rel=0.05)


def test_separated_classes_have_the_interval_of_newcombe() -> None:
    """All values whose distance from the AUROC is at most z standard errors; its end is a root of that equation."""

    def excess(area: float) -> float:
        shape = (1 - area) / (2 - area) + area / (1 + area)
        variance = area * (1 - area) * (1 + ((30 + 40) / 2 - 1) * shape) / (30 * 40)
        return float(1.0 - area - stats.norm.ppf(0.975) * np.sqrt(variance))

    low, high = auroc_estimate(POSITIVE + 50, NEGATIVE, POSITIVE_GROUPS, NEGATIVE_GROUPS).interval() or (0, 0)
    assert high == 1.0
    assert low == pytest.approx(optimize.brentq(excess, 0.5, 0.9999), abs=2.5e-4)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_classes_exchanged_mirror_the_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=20), rng.normal(0.5, 1, 15)
    groups = [rng.integers(0, 6, 20).astype(str), (rng.integers(10, 15, 15)).astype(str)]
    low, high = auroc_estimate(first, second, *groups).interval() or (0, 0)
    mirrored = auroc_estimate(second, first, *groups[::-1]).interval()
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert low <= auroc(first, second) <= high


def test_a_class_of_one_group_has_no_interval() -> None:
    one = auroc_estimate(POSITIVE, NEGATIVE, POSITIVE_GROUPS, np.full(40, "n0"))
    assert one.value == auroc(POSITIVE, NEGATIVE)
    assert bounds(one) == {"ci_low": None, "ci_high": None}
    assert interval_text(bounds(one)) == "(one group: no interval)"
    assert interval_text({"ci_low": 0.768, "ci_high": 0.934}) == "[0.77, 0.93]"
    assert mean_estimate([one, auroc_estimate(*PARTS, labels=("positive", "other"))]).interval() is None
    assert share_estimate(np.array([True, False]), np.array(["a", "a"])).interval() is None


@pytest.mark.parametrize(("chosen", "total"), [(0, 12), (12, 12), (9, 12)])
def test_share_of_independent_photographs_is_at_least_as_wide_as_scipys(chosen: int, total: int) -> None:
    accepted, groups = np.arange(total) < chosen, np.arange(total).astype(str)
    found = share_estimate(accepted, groups)
    exact = stats.binomtest(chosen, total).proportion_ci(method="exact")
    assert found.independent == pytest.approx((exact.low, exact.high))
    low, high = found.interval() or (0.5, 0.5)
    assert low <= exact.low + 1e-12 and high >= exact.high - 1e-12
    assert found.value == chosen / total


def test_clopper_pearson_takes_sums_of_shares() -> None:
    assert clopper_pearson(11, 12) == pytest.approx((0.6152038, 0.9978924), abs=1e-6)
    whole, half = clopper_pearson(9, 12), clopper_pearson(8.5, 12)
    assert half[0] < whole[0] and half[1] < whole[1]
    assert clopper_pearson(0, 5)[0] == 0.0 and clopper_pearson(5, 5)[1] == 1.0


def test_mean_leaves_a_group_out_of_all_figures() -> None:
    others = [(NEGATIVE - 1, NEGATIVE_GROUPS, "a"), (NEGATIVE, np.char.add("z", NEGATIVE_GROUPS), "b")]
    both = [
        auroc_estimate(POSITIVE, values, POSITIVE_GROUPS, groups, labels=("own", label))
        for values, groups, label in others
    ]
    mean = mean_estimate(both)
    assert mean.value == pytest.approx((both[0].value + both[1].value) / 2)
    assert mean.without["p3"] == pytest.approx((both[0].without["p3"] + both[1].without["p3"]) / 2)
    assert mean.without["n3"] == pytest.approx((both[0].without["n3"] + both[1].value) / 2)
    low, high = mean.interval() or (0, 0)
    assert low < mean.value < high


def test_difference_is_paired() -> None:
    first = auroc_estimate(*PARTS)
    noisy = auroc_estimate(POSITIVE + RNG.normal(size=30), *PARTS[1:])
    difference = difference_estimate(first, noisy)
    assert difference.value == pytest.approx(first.value - noisy.value)
    low, high = difference.interval() or (0, 0)
    (a, b), (c, d) = first.interval() or (0, 0), noisy.interval() or (0, 0)
    assert high - low < np.hypot(b - a, d - c)
    assert difference_estimate(first, first).interval() == (0.0, 0.0)
    other = auroc_estimate(POSITIVE, NEGATIVE, np.char.add("x", POSITIVE_GROUPS), NEGATIVE_GROUPS)
    with pytest.raises(ValueError, match="figures of different groups"):
        difference_estimate(first, other)


def test_a_group_in_two_classes_counts_in_the_smaller_one() -> None:
    found: Estimate = auroc_estimate(
        np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.5]), np.array(["a", "b", "c"]), np.array(["a", "d"])
    )
    assert found.strata == {
        "a": ("negative", 2),
        "b": ("positive", 3),
        "c": ("positive", 3),
        "d": ("negative", 2),
    }


def test_mean_of_a_figure_without_bounds() -> None:
    found = mean_interval(np.array([1.0, 3.0]), np.array(["a", "b"]))
    low, high = stats.t.interval(0.95, 1, loc=2, scale=stats.sem([1, 3]))
    assert found == {"value": 2, "ci_low": pytest.approx(low), "ci_high": pytest.approx(high)}
    assert mean_interval(np.array([1.0, 3.0]), np.array(["a", "a"])) == {"value": 2, "ci_low": None, "ci_high": None}
    # Photographs of one group count as one: doubling each leaves the interval as it is.
    twice = mean_interval(np.array([1.0, 1.0, 3.0, 3.0]), np.array(list("aabb")))
    assert twice == pytest.approx(found)
    assert mean_interval(np.array([1.0, 3.0]), np.array(["a", "b"]), (0.0, 4.0)) == {
        "value": 2,
        "ci_low": 0,
        "ci_high": 4,
    }
    # Groups that happen to have equal means are not narrower than independent photographs.
    equal = mean_interval(np.array([20.0, 30.0, 20.0, 30.0]), np.array(list("aabb")))
    low, high = stats.t.interval(0.95, 3, loc=25, scale=stats.sem([20, 30, 20, 30]))
    assert equal == {"value": 25, "ci_low": pytest.approx(low), "ci_high": pytest.approx(high)}


def test_ratio_of_means() -> None:
    found = ratio_interval(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array(["a", "b"]))
    mean = mean_interval(np.array([0.5, 1.5]), np.array(["a", "b"]))
    assert found == {key: pytest.approx(value) for key, value in mean.items()}  # with a constant second figure
    assert ratio_interval(np.array([1.0]), np.array([2.0]), np.array(["a"]))["ci_low"] is None
