"""`mim_tf.calibration`: conformal tables, minimum number of groups, limits of the gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score import decide
from mim_export.score.conformal import (
    Calibration,
    Condition,
    Reference,
    check_alpha,
    p_class,
    p_other,
    smallest_alpha,
)
from mim_export.score.errors import MimError
from mim_tf.calibration import fit_calibration, fit_gate, fit_reference, groups_needed

#: Group number and similarity in units of 1/64, image by image.
IMAGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 64)), min_size=1, max_size=25)
#: Condition, group number and similarity in units of 1/64, image by image.
OTHERS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.integers(0, 64)), max_size=25)


def fitted(images: list[tuple[int, int]], alpha: float, method: str = "split") -> Calibration:
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
    np.testing.assert_allclose(p_class(s, fitted(images, 0.9)), p_class(s, fitted(again, 0.9)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("alpha", "groups"), [(0.5, 1), (0.1, 9), (0.05, 19), (1 - 0.95, 19), (0.07, 14)])
def test_alpha_needs_a_number_of_groups(alpha: float, groups: int) -> None:
    assert groups_needed(alpha) == groups
    check_alpha(alpha, groups)
    if groups > 1:
        with pytest.raises(MimError, match=f"{groups - 1} calibration groups"):
            check_alpha(alpha, groups - 1)


@given(st.integers(2, 200))
@settings(max_examples=25, deadline=None)
def test_one_in_k_needs_k_less_one(k: int) -> None:
    assert groups_needed(1 / k) == k - 1 == math.ceil(1 / Fraction(1, k) - 1)
    assert smallest_alpha(k - 1) == pytest.approx(1 / k)


def test_too_few_groups_are_refused_with_a_remedy() -> None:
    nine = [(group, 32) for group in range(9) for _ in range(3)]
    with pytest.raises(MimError, match=r"^9 calibration groups cannot support alpha 0\.05; use alpha 0\.1 "):
        fitted(nine, 0.05)
    assert fitted(nine, 0.1, "cross").method == "cross"


def reference(images: Sequence[tuple[str, int, int]], beta: float = 0.2) -> Reference:
    """The table of images of these conditions, groups and similarities in units of 1/64."""
    conditions, groups, similarities = zip(*images, strict=True) if images else ((), (), ())
    return fit_reference(
        np.array(similarities, np.float32) / np.float32(64),
        np.array([f"g{group}" for group in groups], np.str_),
        np.array(conditions, np.str_),
        beta=beta,
    )


def test_conditions_groups_and_images_have_equal_parts() -> None:
    """Acne has one group of one image, eczema two groups, one of which has two images: R = 3 and C = 2."""
    table = reference([("eczema", 2, 40), ("acne", 1, 30), ("eczema", 3, 10), ("eczema", 2, 20)])
    assert table.similarities == (10 / 64, 20 / 64, 30 / 64, 40 / 64)
    # Of 3, each condition has 1.5; of the 1.5 of eczema, each group has 0.75; of the 0.75 of group 2, each image half.
    np.testing.assert_allclose(table.weights, [0.75, 0.375, 1.5, 0.375])
    assert table.groups == 3 and table.beta == 0.2
    assert table.conditions == (Condition("acne", 1, 1), Condition("eczema", 3, 2))


def test_a_group_of_two_conditions_counts_in_each() -> None:
    table = reference([("acne", 1, 30), ("eczema", 1, 40), ("eczema", 2, 50)])
    assert table.groups == 3 and table.conditions == (Condition("acne", 1, 1), Condition("eczema", 2, 2))
    np.testing.assert_allclose(table.weights, [1.5, 0.75, 0.75])


def test_an_empty_reference_excludes_nothing() -> None:
    table = reference([])
    assert table == Reference((), (), 0, 0.2, ()) and table.threshold is None
    np.testing.assert_array_equal(p_other(np.array([-1e30, 0, 1e30], np.float32), table), [1, 1, 1])


@given(OTHERS)
@settings(max_examples=25, deadline=None)
def test_weights_of_a_reference_are_shares_of_shares(images: list[tuple[str, int, int]]) -> None:
    table = reference(images)
    groups = {(condition, group) for condition, group, _ in images}
    conditions = sorted({condition for condition, _, _ in images})
    assert table.groups == len(groups) and [one.name for one in table.conditions] == conditions
    expected = []
    for condition, group, similarity in images:
        own = sum((c, g) == (condition, group) for c, g, _ in images)
        alike = sum(c == condition for c, _ in groups)
        expected.append((Fraction(similarity, 64), Fraction(len(groups), len(conditions) * alike * own)))
    assert sum(weight for _, weight in expected) == len(groups)
    assert list(table.similarities) == sorted(table.similarities)
    found = sorted(zip(table.similarities, table.weights, strict=True))
    np.testing.assert_allclose(
        np.reshape(found, (-1, 2)), np.reshape(np.array(sorted(expected), float), (-1, 2)), rtol=0, atol=1e-12
    )
    for one in table.conditions:
        assert one.images == sum(condition == one.name for condition, _, _ in images)
        assert one.groups == sum(condition == one.name for condition, _ in groups)


@given(OTHERS, st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_order_of_a_reference_does_not_matter(images: list[tuple[str, int, int]], seed: int) -> None:
    again = [images[i] for i in np.random.default_rng(seed).permutation(len(images))]
    s = np.arange(65, dtype=np.float32) / 64
    one, other = (p_other(s, reference(part)) for part in (images, again))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.2, float("nan")])
def test_a_beta_that_is_no_level_is_refused(beta: float) -> None:
    with pytest.raises(MimError, match=f"^beta {beta:g} is not between 0 and 1; choose a number"):
        reference([("acne", 1, 30)], beta)


def test_a_similarity_that_is_no_number_is_refused() -> None:
    values, names = np.array([0.5, np.nan], np.float32), np.array(["a", "b"])
    with pytest.raises(MimError, match="1 of 2 similarities of the reference are not finite numbers; train again"):
        fit_reference(values, names, names, beta=0.2)
    with pytest.raises(MimError, match="1 of 2 similarities of the calibration are not finite numbers; train again"):
        fit_calibration(values, names, alpha=0.5, method="split")


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


def test_the_gate_finds_two_in_a_hundred_of_the_class_too_novel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 10, 10, 3)).astype(np.uint8)
    novelty = np.random.default_rng(1).normal(size=130).astype(np.float32)
    limits = fit_gate(pixels, novelty)
    assert (novelty > np.float32(limits.max_novelty)).sum() == 2
    assert fit_gate(pixels).max_novelty is None


def test_the_gate_lets_the_class_and_other_skin_pass() -> None:
    """Of 100 images two may exceed the limit, of 49 none: the limits of both are known, and the higher one is taken."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 10, 10, 3)).astype(np.uint8)
    own, other = np.arange(100, dtype=np.float32), np.arange(49, dtype=np.float32) + 60
    shuffled = np.random.default_rng(2).permutation(own)
    assert fit_gate(pixels, shuffled).max_novelty == 97
    assert fit_gate(pixels, shuffled, other).max_novelty == fit_gate(pixels, other, shuffled).max_novelty == 108
    assert fit_gate(pixels, shuffled, other - 60).max_novelty == 97
    assert fit_gate(pixels, shuffled, other[:0]).max_novelty == 97
    with pytest.raises(MimError, match="the novelty of a calibration image is not a finite number; train again"):
        fit_gate(pixels, own, np.array([1, np.nan], np.float32))
