"""`mim_export.score.decide` and `mim_tf.calibration` against the specification in fractions."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score import decide
from mim_export.score.decide import Calibration, Gate
from mim_export.score.errors import MimError
from mim_tf.calibration import fit_calibration, fit_gate, groups_needed
from mim_tf.data.splits import fold_of

GROUPS = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), min_size=1, max_size=12)


def table(groups: list[list[int]], alpha: float) -> Calibration:
    values = np.array([v for group in groups for v in group], np.float32) / np.float32(32)
    names = np.array([f"g{i}" for i, group in enumerate(groups) for _ in group])
    return fit_calibration(values, names, alpha=alpha, method="split")


@given(GROUPS, st.integers(-1, 32))
@settings(max_examples=60, deadline=None)
def test_p_value_is_the_contract(groups: list[list[int]], tested: int) -> None:
    shares = [Fraction(sum(v <= tested for v in group), len(group)) for group in groups]
    expected = (1 + sum(shares)) / (len(groups) + 1)
    p = decide.p_value(np.float32(tested) / np.float32(32), table(groups, 1 / (len(groups) + 1)))
    assert abs(float(p) - float(expected)) < 1e-6


@given(GROUPS, st.floats(0.01, 0.9))
@settings(max_examples=60, deadline=None)
def test_threshold_and_p_value_give_the_same_verdict(groups: list[list[int]], alpha: float) -> None:
    alpha = max(alpha, 1 / (len(groups) + 1))
    calibration = table(groups, alpha)
    s = np.arange(-1, 33, dtype=np.float32) / np.float32(32)
    p = decide.p_value(s, calibration)
    assert (np.diff(p) >= 0).all() and p.min() >= 1 / (len(groups) + 1) - 1e-6 and p.max() <= 1 + 1e-6
    verdicts = decide.verdict(p, np.zeros(len(s), int), alpha)
    np.testing.assert_array_equal(verdicts == 1, s < np.float32(calibration.threshold))


def test_p_values_are_valid_under_exchangeability() -> None:
    """P(p <= alpha) <= alpha, within three standard errors of 4000 draws."""
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(4000):
        values = rng.normal(size=20).astype(np.float32)
        names = np.array([str(i) for i in range(19)])
        calibration = fit_calibration(values[:19], names, alpha=0.05, method="split")
        refused.append(float(decide.p_value(values[19], calibration)) <= 0.05 + decide.SLACK)
    assert abs(np.mean(refused) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_too_few_groups_name_the_smallest_alpha() -> None:
    with pytest.raises(MimError, match=r"9 calibration groups .* use alpha 0\.1 "):
        decide.check_alpha(0.05, 9)
    decide.check_alpha(1 - 0.95, 19)
    assert groups_needed(0.05) == groups_needed(1 - 0.95) == 19
    with pytest.raises(MimError, match="between 0 and 1"):
        decide.check_alpha(1.5, 100)


@pytest.mark.parametrize("given", [1e-9, 1e-4])
def test_the_advised_alpha_and_sensitivity_are_accepted(given: float) -> None:
    for groups in range(1, 501):
        if given + decide.SLACK >= 1 / (groups + 1):
            continue
        with pytest.raises(MimError) as refused:
            decide.check_alpha(given, groups)
        advice = re.search(r"use alpha (\S+) \(sensitivity (\S+)\)", str(refused.value))
        assert advice is not None
        for alpha in (float(advice[1]), 1 - float(advice[2])):
            decide.check_alpha(alpha, groups)
            assert groups_needed(alpha) <= groups
            assert alpha - 1 / (groups + 1) < 2e-4, "no more than rounding"


@pytest.mark.parametrize("alpha", [float("nan"), 0.0, 1.0, -0.5, 1.5, float("inf")])
def test_levels_that_are_not_possible_are_refused(alpha: float) -> None:
    for check in (decide.check_level, groups_needed):
        with pytest.raises(MimError, match="is not between 0 and 1; choose a sensitivity"):
            check(alpha)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_similarity_that_is_no_number_cannot_be_judged(value: float) -> None:
    calibration = table([[8], [16], [24]], 0.25)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    pixels = np.concatenate([pixels, np.full((1, 8, 8, 3), 90, np.uint8)])
    limits = Gate(0.01, 0.0, 8)
    judgement = decide.judge(np.array([value, 0.9, value], np.float32), pixels, calibration, limits)
    np.testing.assert_array_equal(judgement.verdict, [2, 0, 2])
    assert [decide.REASONS[code] for code in judgement.reason] == ["unreadable", None, "blank"]
    assert np.isnan(judgement.p_value[0]) and judgement.p_value.dtype == np.float32
    assert np.isnan(decide.p_value(np.nan, calibration))
    np.testing.assert_array_equal(decide.verdict([np.nan, 0.1], [0, 0], 0.25), [2, 1])
    names = np.array(["a", "b", "c"])
    with pytest.raises(MimError, match="1 of 3 similarities of the calibration are not finite numbers; train again"):
        fit_calibration(np.array([0.1, value, 0.2], np.float32), names, alpha=0.25, method="split")
    with pytest.raises(MimError, match="novelty of a calibration image is not a finite number"):
        fit_gate(pixels[:2], np.array([0.1, value], np.float32))


def test_calibration_survives_json() -> None:
    calibration = table([[3, 5], [7], [9, 9, 1]], 0.5)
    assert Calibration.from_dict(calibration.to_dict("mpox")) == calibration
    assert sum(calibration.weights) == pytest.approx(3)
    assert list(calibration.similarities) == sorted(calibration.similarities)


def test_guarantee_is_the_one_of_the_method() -> None:
    calibration = table([[1], [2]], 0.4)
    assert "at most 0.4 are called not-mpox-like" in calibration.guarantee("mpox")
    assert calibration.guarantee("measles").startswith("of measles images")
    assert "called not-measles-like" in calibration.guarantee("measles")
    crossed = Calibration.from_dict({**calibration.to_dict("mpox"), "method": "cross"})
    assert "about 0.4 " in crossed.guarantee("mpox") and "of CV+ it is 0.8)" in crossed.guarantee("mpox")


def test_gate_refuses_what_has_no_contrast() -> None:
    half = np.zeros((1, 8, 8, 3), np.uint8)
    half[:, :4] = 255
    assert decide.contrast(half)[0] == pytest.approx(0.5)
    blank = np.full((1, 8, 8, 3), 90, np.uint8)
    both = np.concatenate([half, blank])
    np.testing.assert_array_equal(decide.gate(both, Gate(0.02, 0.0, 8)), [0, 1])
    np.testing.assert_array_equal(decide.verdict([0.03, 0.4, 0.03], [0, 0, 1], 0.05), [1, 0, 2])
    limits = fit_gate(half)
    assert limits.min_contrast == pytest.approx(0.25) and limits.min_side == 8
    # One of seven vertical differences is 1, the others and all horizontal ones are 0.
    assert limits.min_detail == pytest.approx(0.5 * 0.5 / 7)


def test_gate_refuses_what_is_blurred_and_says_blank_first() -> None:
    stripes = np.zeros((1, 8, 8, 3), np.uint8)
    stripes[:, ::2] = 255
    assert decide.detail(stripes)[0] == pytest.approx(0.5)
    ramp = np.repeat(np.arange(0, 256, 32, dtype=np.uint8)[:, None], 8, axis=1)[None, :, :, None].repeat(3, axis=3)
    assert decide.detail(ramp)[0] == pytest.approx(0.5 * 32 / 255)
    blank = np.full((1, 8, 8, 3), 90, np.uint8)
    images = np.concatenate([stripes, ramp, blank, stripes])
    np.testing.assert_array_equal(decide.gate(images, Gate(0.1, 0.1, 8)), [0, 2, 1, 0])
    novelty = np.array([3, 9, 9, 9], np.float32)
    np.testing.assert_array_equal(decide.gate(images, Gate(0.1, 0.1, 8, 5.0), novelty), [0, 2, 1, 3])
    np.testing.assert_array_equal(decide.gate(images, Gate(0.1, 0.1, 8), novelty), [0, 2, 1, 0])


def test_judgement_holds_all_of_it() -> None:
    calibration = table([[8], [16], [24]], 0.25)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    judgement = decide.judge(np.array([0.1, 0.9], np.float32), pixels, calibration, Gate(0.0, 0.0, 8))
    np.testing.assert_allclose(judgement.p_value, [0.25, 1.0])
    np.testing.assert_array_equal(judgement.verdict, [1, 0])


@given(st.integers(3, 40), st.integers(2, 5), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_folds_keep_groups_together_and_balanced(groups: int, folds: int, seed: int) -> None:
    names = np.array([f"g{i % groups}" for i in range(3 * groups)])
    dealt = fold_of(names, folds, seed)
    by_group = {name: set(dealt[names == name]) for name in set(names)}
    assert all(len(found) == 1 for found in by_group.values())
    sizes = np.bincount([found.pop() for found in by_group.values()], minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=12), st.floats(0.25, 0.9))
@settings(max_examples=25, deadline=None)
def test_the_threshold_law_holds_next_to_each_tabled_value(values: list[float], alpha: float) -> None:
    names = np.array([f"g{i // 2 if len(values) > 6 else i}" for i in range(len(values))])
    tabled = np.array(values, np.float32)
    calibration = fit_calibration(tabled, names, alpha=alpha, method="split")
    s = np.concatenate([np.nextafter(tabled, np.float32(-1)), tabled, np.nextafter(tabled, np.float32(2))])
    called = decide.verdict(decide.p_value(s, calibration), np.zeros(len(s), int), alpha) == 1
    np.testing.assert_array_equal(called, s < np.float32(calibration.threshold))


def test_codes_are_frozen_for_the_devices_repeat_them() -> None:
    assert decide.VERDICTS == ("mpox-like", "not-mpox-like", "cannot-judge")
    assert decide.REASONS == (None, "blank", "blurred", "not skin", "too small", "unreadable")
    every = decide.verdict(np.zeros(6), np.arange(6), 0.05)
    np.testing.assert_array_equal(every, [1, 2, 2, 2, 2, 2])


@given(st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=25, deadline=None)
def test_contrast_of_two_halves_is_half_their_difference(first: int, second: int) -> None:
    pixels = np.full((1, 6, 6, 3), first, np.uint8)
    pixels[:, :3] = second
    assert decide.contrast(pixels)[0] == pytest.approx(abs(first - second) / 510, abs=1e-6)


def test_groups_are_the_exchangeable_unit() -> None:
    """Ten copies of an image in a group count as much as one: the p-value does not change."""
    one = table([[3], [9], [20]], 0.5)
    many = table([[3] * 10, [9], [20] * 5], 0.5)
    s = np.arange(33, dtype=np.float32) / np.float32(32)
    np.testing.assert_allclose(decide.p_value(s, one), decide.p_value(s, many), rtol=0, atol=1e-6)
