"""`mim_tf.calibration`: conformal table, minimum number of groups, folds, limits of the gate."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score import decide
from mim_export.score.errors import MimError
from mim_tf.calibration import (
    fit_calibration,
    fit_gate,
    groups_needed,
)

#: Group number and similarity in units of 1/64, image by image.
IMAGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 64)), min_size=1, max_size=25)


def fitted(images: list[tuple[int, int]], alpha: float, method: str = "split") -> decide.Calibration:
    names = np.array([f"g{group}" for group, _ in images])
    return fit_calibration(
        np.array([s for _, s in images], np.float32) / np.float32(64), names, alpha=alpha, method=method
    )


@given(IMAGES)
@settings(max_examples=25, deadline=None)
def test_each_group_has_the_same_say(images: list[tuple[int, int]]) -> None:
    table = fitted(images, 0.9)
    sizes = {group: sum(g == group for g, _ in images) for group, _ in images}
    assert table.groups == len(sizes)
    assert list(table.similarities) == sorted(s / 64 for _, s in images)
    expected = sorted((Fraction(s, 64), Fraction(1, sizes[group])) for group, s in images)
    found = sorted(zip(table.similarities, table.weights, strict=True))
    np.testing.assert_allclose(np.array(found), np.array(expected, float), rtol=0, atol=1e-12)


@given(IMAGES, st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_order_of_images_does_not_matter(images: list[tuple[int, int]], seed: int) -> None:
    again = [images[i] for i in np.random.default_rng(seed).permutation(len(images))]
    s = np.arange(65, dtype=np.float32) / 64
    np.testing.assert_allclose(
        decide.p_value(s, fitted(images, 0.9)), decide.p_value(s, fitted(again, 0.9)), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(("alpha", "groups"), [(0.5, 1), (0.1, 9), (0.05, 19), (1 - 0.95, 19), (0.07, 14)])
def test_alpha_needs_a_number_of_groups(alpha: float, groups: int) -> None:
    assert groups_needed(alpha) == groups
    decide.check_alpha(alpha, groups)
    if groups > 1:
        with pytest.raises(MimError, match=f"{groups - 1} calibration groups"):
            decide.check_alpha(alpha, groups - 1)


@given(st.integers(2, 200))
@settings(max_examples=25, deadline=None)
def test_one_in_k_needs_k_less_one(k: int) -> None:
    assert groups_needed(1 / k) == k - 1 == math.ceil(1 / Fraction(1, k) - 1)
    assert decide.smallest_alpha(k - 1) == pytest.approx(1 / k)


def test_too_few_groups_are_refused_with_a_remedy() -> None:
    nine = [(group, 32) for group in range(9) for _ in range(3)]
    with pytest.raises(MimError, match=r"^9 calibration groups cannot support alpha 0\.05; use alpha 0\.1 "):
        fitted(nine, 0.05)
    assert fitted(nine, 0.1, "cross").method == "cross"


def test_gate_refuses_half_of_the_flattest_training_contrast() -> None:
    """Half of the pixels at v, half at w: standard deviation |v - w| / 2 / 255."""
    pixels = np.zeros((2, 10, 10, 3), np.uint8)
    pixels[0, :5], pixels[1, :, :5] = 102, 204
    limits = fit_gate(pixels)
    assert limits.min_contrast == pytest.approx(0.5 * 51 / 255) and limits.min_side == 10
    flatter = np.zeros((2, 10, 10, 3), np.uint8)
    flatter[0, :5], flatter[1, :5] = 50, 52
    np.testing.assert_array_equal(decide.gate(flatter, limits), [1, 0])
    np.testing.assert_array_equal(decide.gate(pixels, limits), [0, 0])


def test_the_gate_finds_two_in_a_hundred_of_the_class_too_foreign() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 10, 10, 3)).astype(np.uint8)
    novelty = np.random.default_rng(1).normal(size=130).astype(np.float32)
    limits = fit_gate(pixels, novelty)
    assert (novelty > np.float32(limits.max_novelty)).sum() == 2
    assert fit_gate(pixels).max_novelty is None
