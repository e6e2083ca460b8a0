"""`mim_export.score.conformal` against crepes and against the definitions in fractions."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

import crepes
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mim_export.score.conformal import (
    SLACK,
    Calibration,
    Condition,
    Reference,
    Tables,
    check_alpha,
    check_level,
    p_class,
    p_other,
    smallest_alpha,
    verdict_names,
)
from mim_export.score.decide import verdict
from mim_export.score.errors import MimError

#: Similarities in units of 1 / 32, which float32 stores exactly.
UNIT = 32
VALUES = st.integers(0, 30)
#: Images of a group, groups of a class.
GROUPS = st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=12)
#: Groups of each condition.
CONDITIONS = st.lists(
    st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=5), min_size=1, max_size=4
)
#: All values of `VALUES`, and one below and one above them.
EVERY = np.arange(-1, 32, dtype=np.float32) / np.float32(UNIT)
#: 6 groups: {2, 4}, {9} of acne and {4}, {4}, {20}, {30} of eczema. The weights are 6 / (2 * 2 * 2), 6 / (2 * 2) and
#: 6 / (2 * 4).
ACNE_AND_ECZEMA = [[[2, 4], [9]], [[4], [4], [20], [30]]]


def weighed(groups: list[list[int]]) -> list[tuple[int, Fraction]]:
    """Similarity and weight of each image of the class: 1 / (images of its group)."""
    return [(value, Fraction(1, len(group))) for group in groups for value in group]


def weighed_conditions(conditions: list[list[list[int]]]) -> list[tuple[int, Fraction]]:
    """Similarity and weight of each image of other skin: R / (conditions x groups of its condition x its group)."""
    total = sum(len(groups) for groups in conditions)
    return [
        (value, Fraction(total, len(conditions) * len(groups) * len(group)))
        for groups in conditions
        for group in groups
        for value in group
    ]


def calibration_of(groups: list[list[int]], alpha: float, method: str = "split") -> Calibration:
    images = sorted(weighed(groups))
    similarities = tuple(value / UNIT for value, _ in images)
    return Calibration(similarities, tuple(float(weight) for _, weight in images), len(groups), alpha, method)


def reference_of(conditions: list[list[list[int]]], beta: float) -> Reference:
    images = sorted(weighed_conditions(conditions))
    similarities = tuple(value / UNIT for value, _ in images)
    sizes = tuple(
        Condition(f"c{number}", sum(map(len, groups)), len(groups)) for number, groups in enumerate(conditions)
    )
    groups = sum(len(groups) for groups in conditions)
    return Reference(similarities, tuple(float(weight) for _, weight in images), groups, beta, sizes)


def by_crepes(nonconformity: list[int], tested: list[int]) -> Any:
    """The p-values of crepes without smoothing: it counts the nonconformities that are as large or larger."""
    classifier = crepes.ConformalClassifier()
    classifier.fit(np.array(nonconformity))
    return classifier.predict_p(np.array(tested)[:, None], smoothing=False)[:, 0]


@given(st.lists(VALUES, min_size=1, max_size=25), st.lists(st.integers(-1, 31), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_with_one_image_in_each_group_p_values_are_those_of_crepes(table: list[int], tested: list[int]) -> None:
    s = np.array(tested, np.float32) / np.float32(UNIT)
    alone = [[value] for value in table]
    own = p_class(s, calibration_of(alone, 0.5))
    np.testing.assert_allclose(own, by_crepes([-v for v in table], [-v for v in tested]), rtol=0, atol=1e-6)
    other = p_other(s, reference_of([alone], 0.5))
    np.testing.assert_allclose(other, by_crepes(table, tested), rtol=0, atol=1e-6)
    # Conditions with equally many groups have equal weights.
    other = p_other(s, reference_of([alone, alone], 0.5))
    np.testing.assert_allclose(other, by_crepes(table + table, tested), rtol=0, atol=1e-6)


@given(GROUPS, st.integers(-1, 32))
@settings(max_examples=60, deadline=None)
def test_p_class_is_the_share_of_the_groups_that_are_as_unlike_the_class(groups: list[list[int]], tested: int) -> None:
    shares = [Fraction(sum(value <= tested for value in group), len(group)) for group in groups]
    expected = (1 + sum(shares)) / (len(groups) + 1)
    found = p_class(np.float32(tested) / np.float32(UNIT), calibration_of(groups, 0.5))
    assert abs(float(found) - float(expected)) < 1e-6


@given(CONDITIONS, st.integers(-1, 32))
@settings(max_examples=60, deadline=None)
def test_p_other_is_the_mean_share_over_conditions(conditions: list[list[list[int]]], tested: int) -> None:
    """It is (1 + R m) / (R + 1), m the mean over conditions of the mean over groups of the share of images >= s."""
    shares = [
        sum(Fraction(sum(value >= tested for value in group), len(group)) for group in groups) / len(groups)
        for groups in conditions
    ]
    total = sum(len(groups) for groups in conditions)
    expected = (1 + total * sum(shares) / len(conditions)) / (total + 1)
    found = p_other(np.float32(tested) / np.float32(UNIT), reference_of(conditions, 0.5))
    assert abs(float(found) - float(expected)) < 2e-6


def test_p_values_computed_by_hand() -> None:
    calibration = Calibration((0.5, 0.7, 0.9), (1.0, 0.5, 0.5), 2, 0.4, "split")
    s = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    np.testing.assert_allclose(p_class(s, calibration), np.array([1, 2, 2, 2.5, 2.5, 3]) / 3, rtol=1e-6)
    # The weights are 0.75 (twice, a group of two images), 1.5 and 0.75 (four groups of one).
    reference = reference_of(ACNE_AND_ECZEMA, 0.2)
    assert reference.weights == (0.75, 0.75, 0.75, 0.75, 1.5, 0.75, 0.75)
    s = np.array([1, 2, 3, 4, 5, 9, 10, 20, 21, 30, 31]) / UNIT
    sums = np.array([6, 6, 5.25, 5.25, 3, 3, 1.5, 1.5, 0.75, 0.75, 0])
    np.testing.assert_allclose(p_other(s, reference), (1 + sums) / 7, rtol=1e-6)


def test_p_values_keep_the_shape_and_are_float32() -> None:
    calibration, reference = calibration_of([[3], [9]], 0.4), reference_of([[[3], [9]]], 0.4)
    for shape in ((), (0,), (3,), (2, 3)):
        for p in (p_class(np.zeros(shape), calibration), p_other(np.zeros(shape), reference)):
            assert p.shape == shape and p.dtype == np.float32


@given(GROUPS, CONDITIONS, st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=9))
@settings(max_examples=60, deadline=None)
def test_with_the_similarity_p_class_rises_and_p_other_falls_within_their_ranges(
    groups: list[list[int]], conditions: list[list[list[int]]], more: list[float]
) -> None:
    calibration, reference = calibration_of(groups, 0.5), reference_of(conditions, 0.5)
    s = np.sort(np.concatenate([EVERY, np.array(more, np.float32)]))
    own, other = p_class(s, calibration), p_other(s, reference)
    assert (np.diff(own) >= 0).all() and (np.diff(other) <= 0).all()
    for p, count in ((own, calibration.groups), (other, reference.groups)):
        assert p.min() >= 1 / (count + 1) - 1e-6 and p.max() <= 1
    ends = np.array([-np.inf, np.inf], np.float32)
    np.testing.assert_allclose(p_class(ends, calibration), [1 / (calibration.groups + 1), 1], rtol=1e-6)
    np.testing.assert_allclose(p_other(ends, reference), [1, 1 / (reference.groups + 1)], rtol=1e-6)


def test_p_values_are_at_most_1_where_the_float32_weights_sum_to_more_than_the_groups() -> None:
    groups, conditions = [[4, 9, 20]] * 20, [[[4]] * 8, [[9]] * 7, [[20]] * 4]
    for table in (calibration_of(groups, 0.5), reference_of(conditions, 0.5)):
        assert np.array(table.weights, np.float32).sum(dtype=np.float64) > table.groups
        p = p_class(EVERY, table) if isinstance(table, Calibration) else p_other(EVERY, table)
        assert p.max() == 1


def beside(table: Calibration | Reference) -> Any:
    """The similarities of a table, and the float32 numbers next to them."""
    at = np.asarray(table.similarities, np.float32)
    return np.concatenate([EVERY, at, *(np.nextafter(at, np.float32(side)) for side in (-9, 9))])


def levels(table: list[tuple[int, Fraction]], groups: int, level: float) -> list[float]:
    """A level in (0, 0.9), and the p-values of a table, at which a comparison without slack depends on rounding."""
    sums = {sum((weight for value, weight in table if value <= limit), Fraction(0)) for limit in range(31)}
    return [level, *(float((1 + total) / (groups + 1)) for total in sums if total < groups)]


@given(GROUPS, st.floats(0.01, 0.9))
@settings(max_examples=60, deadline=None)
def test_p_class_is_at_most_alpha_exactly_below_the_threshold(groups: list[list[int]], level: float) -> None:
    for alpha in levels(weighed(groups), len(groups), max(level, smallest_alpha(len(groups)))):
        calibration = calibration_of(groups, alpha)
        assert calibration.threshold in calibration.similarities
        s = beside(calibration)
        excluded = p_class(s, calibration) <= np.float32(alpha + SLACK)
        np.testing.assert_array_equal(excluded, s < np.float32(calibration.threshold))


@given(CONDITIONS, st.floats(0.01, 0.9))
@example([[[3], [9]]], 1 / 3)
@example([[[3], [9]]], 1 / 3 - SLACK - 1e-9)  # less than 1 / 3 with the slack, but not in float32
@example([[[3]], [[9]], [[4], [4], [4], [4], [4]]], 1 / 8)
@settings(max_examples=60, deadline=None)
def test_p_other_is_at_most_beta_exactly_above_the_threshold(conditions: list[list[list[int]]], level: float) -> None:
    count = sum(len(groups) for groups in conditions)
    from_above = [(-value + 30, weight) for value, weight in weighed_conditions(conditions)]
    for beta in levels(from_above, count, level):
        reference = reference_of(conditions, beta)
        s = beside(reference)
        excluded = p_other(s, reference) <= np.float32(beta + SLACK)
        if reference.threshold is None:
            assert 1 / (count + 1) > beta and not excluded.any()
        else:
            assert reference.threshold in reference.similarities
            np.testing.assert_array_equal(excluded, s > np.float32(reference.threshold))


@given(st.integers(1, 60), st.floats(1e-4, 0.99))
@settings(max_examples=60, deadline=None)
def test_other_skin_can_be_excluded_if_and_only_if_one_in_all_groups_and_the_image_is_at_most_beta(
    groups: int, beta: float
) -> None:
    assume(abs(Fraction(1, groups + 1) - Fraction(beta)) > 2 * Fraction(SLACK))
    reference = reference_of([[[number] for number in range(groups)]], beta)
    assert (reference.threshold is None) == (Fraction(1, groups + 1) > Fraction(beta))


def test_thresholds_computed_by_hand() -> None:
    """Sums of the test above: 1 + 0.75 of 7 is a quarter, 1 + 1.5 of 7 is 0.357, 1 + 3 of 7 is 0.571."""
    for beta, expected in ((0.1, None), (0.15, 30), (0.24, 30), (0.25, 20), (0.35, 20), (0.36, 9), (0.58, 4)):
        threshold = reference_of(ACNE_AND_ECZEMA, beta).threshold
        assert threshold == (None if expected is None else expected / UNIT), beta
    # p-values of the class: 1 / 4 below 8, 2 / 4 from 8, 2.5 / 4 from 10, 3 / 4 from 12, 1 from 20.
    for alpha, threshold in ((0.25, 8), (0.49, 8), (0.5, 10), (0.7, 12), (0.75, 20), (0.9, 20)):
        assert calibration_of([[8], [10, 12], [20]], alpha).threshold == threshold / UNIT, alpha


#: alpha 0.05 and beta 0.2.
TABLES = Tables(calibration_of([[number] for number in range(19)], 0.05), reference_of([[[1], [2], [3], [4]]], 0.2))


@pytest.mark.parametrize(
    ("of_class", "of_other", "expected"),
    [
        (0.40, 0.10, "mpox-like"),
        (0.40, 0.20, "mpox-like"),  # at most beta
        (0.40, 0.2001, "undecided"),
        (0.40, 0.90, "undecided"),
        (0.0501, 0.90, "undecided"),
        (0.05, 0.90, "not-mpox-like"),  # at most alpha
        (0.01, 0.2001, "not-mpox-like"),
        (0.01, 0.20, "undecided"),
        (0.05, 0.20, "undecided"),
        (0.0501, 0.20, "mpox-like"),
        (0.05 + 5e-6, 1.0, "not-mpox-like"),  # within the slack
        (1.0, 0.2 + 5e-6, "mpox-like"),
    ],
)
def test_the_verdict_names_the_hypothesis_that_alone_is_not_excluded(
    of_class: float, of_other: float, expected: str
) -> None:
    names = verdict_names("mpox")
    assert [names[code] for code in verdict([of_class], [of_other], [0], TABLES)] == [expected]
    np.testing.assert_array_equal(verdict([of_class] * 5, [of_other] * 5, np.arange(1, 6), TABLES), [3] * 5)


def test_every_verdict_is_reached_from_similarities() -> None:
    """The class is excluded below 10 / 32, and other skin above 4 / 32 (so both are at 5 / 32) or above 25 / 32."""
    calibration = calibration_of([[10], [20], [30]], 0.25)
    apart = Tables(calibration, reference_of([[[1], [2], [3], [4]]], 0.2))
    mixed = Tables(calibration, reference_of([[[1], [2], [3], [25]]], 0.2))
    s = np.array([1, 4, 5, 9, 10, 25, 26], np.float32) / np.float32(UNIT)
    for tables, expected in ((apart, [1, 1, 2, 2, 0, 0, 0]), (mixed, [1, 1, 1, 1, 2, 2, 0])):
        codes = verdict(p_class(s, tables.calibration), p_other(s, tables.reference), np.zeros(7), tables)
        np.testing.assert_array_equal(codes, expected)


@given(GROUPS, CONDITIONS, st.floats(0.01, 0.9), st.floats(0.01, 0.9))
@settings(max_examples=60, deadline=None)
def test_the_verdict_follows_from_both_thresholds(
    groups: list[list[int]], conditions: list[list[list[int]]], alpha: float, beta: float
) -> None:
    calibration = calibration_of(groups, max(alpha, smallest_alpha(len(groups))))
    reference = reference_of(conditions, beta)
    s = EVERY
    codes = verdict(p_class(s, calibration), p_other(s, reference), np.zeros(33), Tables(calibration, reference))
    low = s < np.float32(calibration.threshold)
    high = np.zeros(33, bool) if reference.threshold is None else s > np.float32(reference.threshold)
    expected = [{(False, True): 0, (True, False): 1}.get(pair, 2) for pair in zip(low, high, strict=True)]
    np.testing.assert_array_equal(codes, expected)


def test_nan_has_no_p_values_and_cannot_be_judged() -> None:
    empty = Reference((), (), 0, 0.2, ())
    for reference in (TABLES.reference, empty):
        tables = Tables(TABLES.calibration, reference)
        own, other = p_class([np.nan, 9.0], tables.calibration), p_other([np.nan, 9.0], reference)
        np.testing.assert_array_equal(np.isnan(own), [True, False])
        np.testing.assert_array_equal(np.isnan(other), [True, False])
        assert verdict(own, other, [0, 0], tables)[0] == 3
    assert np.isnan(p_class(np.nan, TABLES.calibration)) and np.isnan(p_other(np.nan, TABLES.reference))


@given(GROUPS, st.floats(0.01, 0.9), st.floats(0.01, 0.9))
@settings(max_examples=30, deadline=None)
def test_without_a_reference_p_other_is_1_and_no_image_is_mpox_like(
    groups: list[list[int]], alpha: float, beta: float
) -> None:
    calibration, empty = calibration_of(groups, max(alpha, smallest_alpha(len(groups)))), Reference((), (), 0, beta, ())
    s = EVERY
    other = p_other(s, empty)
    np.testing.assert_array_equal(other, np.ones(33, np.float32))
    assert empty.threshold is None
    codes = verdict(p_class(s, calibration), other, np.zeros(33), Tables(calibration, empty))
    np.testing.assert_array_equal(codes, np.where(s < np.float32(calibration.threshold), 1, 2))


def test_p_class_is_at_most_alpha_for_a_share_of_alpha_of_the_class() -> None:
    """Within three standard errors of 4000 draws of 19 groups and an image."""
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(4000):
        *table, new = rng.normal(size=20).astype(np.float32).tolist()
        calibration = Calibration(tuple(sorted(table)), (1.0,) * 19, 19, 0.05, "split")
        refused.append(float(p_class(new, calibration)) <= 0.05 + SLACK)
    assert abs(np.mean(refused) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_p_other_is_at_most_beta_for_a_share_of_beta_of_equally_frequent_conditions() -> None:
    """Two conditions of 20 and 79 groups, the first more like the class; within three standard errors of 4000 draws."""
    rng = np.random.default_rng(0)
    weights = np.repeat([99 / (2 * 20), 99 / (2 * 79)], [20, 79])
    called = []
    for number in range(4000):
        table = rng.normal(size=99) + np.repeat([1.0, 0.0], [20, 79])
        order = np.argsort(table)
        conditions = (Condition("a", 20, 20), Condition("b", 79, 79))
        reference = Reference(tuple(table[order].tolist()), tuple(weights[order].tolist()), 99, 0.2, conditions)
        new = rng.normal() + number % 2
        called.append(float(p_other(new, reference)) <= 0.2 + SLACK)
    assert abs(np.mean(called) - 0.2) < 3 * np.sqrt(0.2 * 0.8 / 4000)


def test_copies_of_an_image_in_its_group_change_no_p_value() -> None:
    one, many = calibration_of([[3], [9], [20]], 0.5), calibration_of([[3] * 10, [9], [20] * 5], 0.5)
    np.testing.assert_allclose(p_class(EVERY, one), p_class(EVERY, many), rtol=0, atol=1e-6)
    few, more = reference_of([[[3], [9]], [[20]]], 0.5), reference_of([[[3] * 10, [9]], [[20] * 5]], 0.5)
    np.testing.assert_allclose(p_other(EVERY, few), p_other(EVERY, more), rtol=0, atol=1e-6)


def test_more_groups_of_a_condition_change_its_share_little() -> None:
    """Three groups or thirty of the condition: it stays half of the reference, up to the image itself."""
    few, more = (reference_of([[[3]] * 3, [[20]] * count], 0.5) for count in (3, 30))
    assert p_other(10 / UNIT, few) == pytest.approx((1 + 3) / 7)
    assert p_other(10 / UNIT, more) == pytest.approx((1 + 16.5) / 34)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_table_with_a_similarity_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(MimError, match="1 of 3 similarities of the calibration are not finite numbers; train again"):
        Calibration((0.1, value, 0.2), (1.0, 1.0, 1.0), 3, 0.25, "split")
    with pytest.raises(MimError, match="2 of 3 similarities of the reference are not finite numbers; train again"):
        Reference((0.1, value, value), (1.0, 1.0, 1.0), 3, 0.25, (Condition("acne", 3, 3),))


def test_too_few_groups_for_alpha_are_refused_with_the_smallest_alpha() -> None:
    with pytest.raises(MimError, match=r"9 calibration groups cannot support alpha 0\.05; use alpha 0\.1 or more"):
        check_alpha(0.05, 9)
    with pytest.raises(MimError, match=r"0 calibration groups cannot support alpha 0\.05; add photographs"):
        check_alpha(0.05, 0)
    check_alpha(1 - 0.95, 19)
    assert smallest_alpha(19) == 0.05


@pytest.mark.parametrize("given", [1e-9, 1e-4])
def test_the_advised_alpha_is_accepted_and_no_more_than_rounded(given: float) -> None:
    for groups in range(1, 501):
        if given + SLACK >= 1 / (groups + 1):
            continue
        with pytest.raises(MimError) as refused:
            check_alpha(given, groups)
        advice = re.search(r"use alpha (\S+) or more groups", str(refused.value))
        assert advice is not None
        check_alpha(float(advice[1]), groups)
        assert float(advice[1]) - 1 / (groups + 1) < 1e-4


@pytest.mark.parametrize("level", [float("nan"), 0.0, 1.0, -0.5, 1.5, float("inf")])
def test_a_level_outside_of_0_and_1_is_refused_by_its_name(level: float) -> None:
    with pytest.raises(MimError, match=r"^alpha \S+ is not between 0 and 1; choose a number such as 0\.05"):
        check_level(level)
    with pytest.raises(MimError, match=r"^beta \S+ is not between 0 and 1"):
        check_level(level, "beta")
    with pytest.raises(MimError, match="is not between 0 and 1"):
        check_alpha(level, 100)


def test_guarantee_of_the_class_is_the_one_of_the_method() -> None:
    split = calibration_of([[1], [2]], 0.4)
    assert split.guarantee("mpox") == (
        "of mpox images exchangeable with the calibration groups, at most 0.4 are called not-mpox-like, on average "
        "over calibration sets"
    )
    assert calibration_of([[1], [2]], 0.4, "cross").guarantee("measles") == (
        "of measles images exchangeable with the calibration groups, about 0.4 are called not-measles-like, on average "
        "over calibration sets (out of fold: no proven bound, of CV+ it is 0.8)"
    )


def test_guarantee_of_the_reference_names_groups_conditions_and_beta() -> None:
    assert reference_of(ACNE_AND_ECZEMA, 0.2).guarantee("measles") == (
        "of images of other skin like the 6 groups of the reference, with its 2 conditions equally frequent, about 0.2 "
        "at most are called measles-like"
    )
    assert reference_of(ACNE_AND_ECZEMA, 0.1).guarantee("mpox") == (
        "no image is called mpox-like: there are 6 groups of other skin, too few for 0.1"
    )
    assert Reference((), (), 0, 0.2, ()).guarantee("mpox") == (
        "no image is called mpox-like: there are 0 groups of other skin, too few for 0.2"
    )


@given(GROUPS, CONDITIONS, st.floats(0.01, 0.9), st.sampled_from(["split", "cross"]))
@settings(max_examples=30, deadline=None)
def test_tables_survive_json(
    groups: list[list[int]], conditions: list[list[list[int]]], level: float, method: str
) -> None:
    calibration, reference = calibration_of(groups, level, method), reference_of(conditions, level)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict("mpox")))) == calibration
    for table in (reference, Reference((), (), 0, level, ())):
        assert Reference.from_dict(json.loads(json.dumps(table.to_dict("mpox")))) == table


def test_entries_of_tables_are_those_of_the_manifest() -> None:
    calibration = calibration_of([[8], [10, 12]], 0.4)
    assert calibration.to_dict("mpox") == {
        "similarities": (0.25, 0.3125, 0.375),
        "weights": (1.0, 0.5, 0.5),
        "groups": 2,
        "alpha": 0.4,
        "method": "split",
        "threshold": 0.25,
        "guarantee": calibration.guarantee("mpox"),
    }
    reference = reference_of([[[8], [16]], [[4, 4]]], 0.3)
    assert reference.to_dict("mpox") == {
        "similarities": (0.125, 0.125, 0.25, 0.5),
        "weights": (0.75, 0.75, 0.75, 0.75),
        "groups": 3,
        "beta": 0.3,
        "conditions": (
            {"name": "c0", "images": 2, "groups": 2},
            {"name": "c1", "images": 2, "groups": 1},
        ),
        "threshold": 0.5,
        "guarantee": reference.guarantee("mpox"),
    }
    assert Reference((), (), 0, 0.3, ()).to_dict("mpox")["threshold"] is None


def test_verdicts_in_words_name_the_class() -> None:
    assert verdict_names("measles") == ("measles-like", "not-measles-like", "undecided", "cannot-judge")


@pytest.mark.parametrize("level", [1 - 2**-40, 1 - SLACK, 1 - 2 * SLACK])
@pytest.mark.parametrize("groups", [1, 30])
def test_a_level_at_which_every_image_is_excluded_is_refused(level: float, groups: int) -> None:
    """With the slack, a p-value of 1 would be at most such a level, and the tables would have no threshold."""
    with pytest.raises(MimError, match=r"^beta \S+ is too near to 1; choose a number such as 0\.05"):
        check_level(level, "beta")
    with pytest.raises(MimError, match=r"^alpha \S+ is too near to 1"):
        check_alpha(level, groups)
    check_level(0.9999)
    assert reference_of([[[1]] * groups], 0.9999).threshold == calibration_of([[1]] * groups, 0.9999).threshold
