"""`mim_export.score.decide`, and the limits of its gate by `mim_tf.calibration`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score import decide
from mim_export.score.conformal import Calibration, Condition, Reference, Tables
from mim_export.score.decide import Gate
from mim_export.score.errors import MimError
from mim_tf.calibration import fit_gate
from mim_tf.data.splits import fold_of

#: p_class is 1 / 4 below 8 / 32, so the class is excluded there; p_other is 1 / 5 above 20 / 32, so other skin is.
TABLES = Tables(
    Calibration((8 / 32, 16 / 32, 24 / 32), (1.0, 1.0, 1.0), 3, 0.25, "split"),
    Reference((2 / 32, 4 / 32, 6 / 32, 20 / 32), (1.0, 1.0, 1.0, 1.0), 4, 0.2, (Condition("acne", 4, 4),)),
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_similarity_that_is_no_number_cannot_be_judged(value: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    pixels = np.concatenate([pixels, np.full((1, 8, 8, 3), 90, np.uint8)])
    judgement = decide.judge(np.array([value, 0.9, value], np.float32), pixels, TABLES, Gate(0.01, 0.0, 8))
    np.testing.assert_array_equal(judgement.verdict, [3, 0, 3])
    assert [decide.REASONS[code] for code in judgement.reason] == ["unreadable", None, "blank"]
    for p, of_number in ((judgement.p_class, 1.0), (judgement.p_other, 0.2)):
        np.testing.assert_array_equal(p, np.array([np.nan, of_number, np.nan], np.float32))
        assert p.dtype == np.float32
    with pytest.raises(MimError, match="novelty of a calibration image is not a finite number"):
        fit_gate(pixels[:2], np.array([0.1, value], np.float32))


def test_gate_refuses_what_has_no_contrast() -> None:
    half = np.zeros((1, 8, 8, 3), np.uint8)
    half[:, :4] = 255
    assert decide.contrast(half)[0] == pytest.approx(0.5)
    blank = np.full((1, 8, 8, 3), 90, np.uint8)
    both = np.concatenate([half, blank])
    np.testing.assert_array_equal(decide.gate(both, Gate(0.02, 0.0, 8)), [0, 1])
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


def test_judgement_of_each_similarity_is_that_computed_by_hand() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    similarity = np.array([0.1, 0.3, 0.625, 0.7], np.float32)
    ssim = np.array([0.5, 0.6, 0.7, 0.8], np.float32)
    judgement = decide.judge(similarity, pixels, TABLES, Gate(0.0, 0.0, 8), ssim)
    np.testing.assert_allclose(judgement.p_class, [0.25, 0.5, 0.75, 0.75])
    np.testing.assert_allclose(judgement.p_other, [0.8, 0.4, 0.4, 0.2], rtol=1e-6)
    expected = ["not-mpox-like", "undecided", "undecided", "mpox-like"]
    assert [decide.VERDICTS[code] for code in judgement.verdict] == expected
    assert judgement.similarity is similarity and judgement.ssim is ssim
    np.testing.assert_array_equal(judgement.reason, np.zeros(4))


def test_the_gate_overrules_both_p_values() -> None:
    """Novelties beyond the limit, or blank images, at similarities of every other verdict."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    similarity, novelty = np.array([0.1, 0.3, 0.625, 0.7], np.float32), np.full(4, 9, np.float32)
    limits = Gate(0.01, 0.0, 8, 5.0)
    for pixels, reason in ((noise, "not skin"), (np.full_like(noise, 90), "blank")):
        judgement = decide.judge(similarity, pixels, TABLES, limits, novelty=novelty)
        np.testing.assert_array_equal(judgement.verdict, [3, 3, 3, 3])
        assert [decide.REASONS[code] for code in judgement.reason] == [reason] * 4
        np.testing.assert_allclose(judgement.p_class, [0.25, 0.5, 0.75, 0.75])


def test_small_photographs_are_too_small_whatever_else_holds() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    judgement = decide.judge(np.array([0.1, 0.7, 0.7], np.float32), pixels, TABLES, Gate(0.0, 0.0, 8))
    refused = decide.refuse_small(judgement, np.array([63, 64, 63]), 64)
    np.testing.assert_array_equal(refused.verdict, [3, 0, 3])
    assert [decide.REASONS[code] for code in refused.reason] == ["too small", None, "too small"]
    np.testing.assert_array_equal(refused.p_other, judgement.p_other)


@given(st.integers(3, 40), st.integers(2, 5), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_folds_keep_groups_together_and_balanced(groups: int, folds: int, seed: int) -> None:
    names = np.array([f"g{i % groups}" for i in range(3 * groups)])
    dealt = fold_of(names, folds, seed)
    by_group = {name: set(dealt[names == name]) for name in set(names)}
    assert all(len(found) == 1 for found in by_group.values())
    sizes = np.bincount([found.pop() for found in by_group.values()], minlength=folds)
    assert sizes.max() - sizes.min() <= 1


def test_codes_are_frozen_for_the_devices_repeat_them() -> None:
    assert decide.VERDICTS == ("mpox-like", "not-mpox-like", "undecided", "cannot-judge")
    assert decide.REASONS == (None, "blank", "blurred", "not skin", "too small", "unreadable", "too large")
    every = decide.verdict(np.zeros(6), np.ones(6), np.arange(6), TABLES)
    np.testing.assert_array_equal(every, [1, 3, 3, 3, 3, 3])


@given(st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=25, deadline=None)
def test_contrast_of_two_halves_is_half_their_difference(first: int, second: int) -> None:
    pixels = np.full((1, 6, 6, 3), first, np.uint8)
    pixels[:, :3] = second
    assert decide.contrast(pixels)[0] == pytest.approx(abs(first - second) / 510, abs=1e-6)
