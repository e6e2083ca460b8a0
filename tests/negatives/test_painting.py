"""`mim_tf.negatives.painting`: the documented colours, covers and radii."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.negatives.painting import Image, blotches, darken, dots, erythema, moles, plaques, rash, redden, vesicles

SKIN = np.broadcast_to(np.array([0.8, 0.6, 0.5], np.float32), (96, 96, 3))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.9), st.floats(0.01, 0.2))
def test_blotches_have_the_requested_cover(seed: int, cover: float, scale: float) -> None:
    where = blotches(96, np.random.default_rng(seed), scale=scale, cover=cover, soft=0.3)
    assert where.shape == (96, 96) and where.dtype == np.float32
    assert where.min() >= 0 and where.max() <= 1
    assert (where > 0.5).mean() == pytest.approx(cover, abs=0.01)


def test_redden_absorbs_green_and_darken_absorbs_blue() -> None:
    where = np.ones((96, 96), np.float32)
    red = redden(SKIN, where, np.random.default_rng(0), 0.3) / SKIN
    assert red[..., 1] == pytest.approx(np.exp(-0.3), rel=1e-5)
    assert (red[..., 0] > red[..., 2]).all() and (red[..., 2] >= red[..., 1]).all()
    brown = darken(SKIN, where, 1.0) / SKIN
    np.testing.assert_allclose(brown[0, 0], np.exp([-0.5, -0.8, -1.0]), rtol=1e-5)
    none = np.zeros((96, 96), np.float32)
    np.testing.assert_array_equal(redden(SKIN, none, np.random.default_rng(0), 0.3), SKIN)


def test_dots_have_the_requested_radius() -> None:
    areas = [(dots(200, np.random.default_rng(seed), 1, 0.1, 0.1 + 1e-9)[0] < 1).mean() for seed in range(40)]
    # Stretching keeps the area; dots at the border are cut.
    assert np.max(areas) == pytest.approx(np.pi * 0.1**2, rel=0.1)
    distance, index = dots(64, np.random.default_rng(0), 5, 0.02, 0.05)
    assert set(np.unique(index[distance < 1])) == set(range(5))


@pytest.mark.parametrize("painter", [rash, erythema, vesicles, moles, plaques])
def test_painters_change_skin_and_are_deterministic(painter: Callable[[Image, np.random.Generator], Image]) -> None:
    once, again, other = (painter(SKIN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert once.dtype == np.float32 and once.shape == SKIN.shape
    assert np.abs(once - SKIN).mean() > 0.002
    assert np.abs(once - other).mean() > 0.002


def test_a_rash_is_redder() -> None:
    for seed in range(5):
        for painter in (rash, erythema):
            painted = painter(SKIN, np.random.default_rng(seed))
            assert (painted[..., 0] / painted[..., 1]).mean() > 0.8 / 0.6
