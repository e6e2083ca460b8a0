"""`mim_tf.negatives.spots` on images with drawn spots at known places."""

from __future__ import annotations

import numpy as np
import pytest

from mim_tf.negatives.spots import Image, Spot, find_spots, heal_spots, stamp_spot
from mim_tf.synthetic import dataset

PLACES = ((60, 70, 10.0), (150, 60, 6.0), (120, 170, 14.0))


def drawn_spots(rng: np.random.Generator) -> tuple[Image, Image]:
    """Draws grainy skin without and with three soft dark discs, both float32 (224, 224, 3)."""
    y, x = np.mgrid[:224, :224]
    bare = np.array([0.8, 0.6, 0.5]) * (1 - 0.1 * x[..., None] / 224) + rng.normal(0, 0.005, (224, 224, 3))
    dark = sum(1 / (1 + np.exp((np.hypot(y - row, x - column) - radius) / 0.7)) for row, column, radius in PLACES)
    return bare.astype(np.float32), (bare - 0.25 * dark[..., None]).astype(np.float32)


def test_drawn_spots_are_found() -> None:
    bare, spotted = drawn_spots(np.random.default_rng(0))
    found = find_spots(spotted, min_response=10)
    assert len(found) == len(PLACES)
    for row, column, radius in PLACES:
        spot = min(found, key=lambda spot: np.hypot(spot.row - row, spot.column - column))
        assert np.hypot(spot.row - row, spot.column - column) <= 1.5
        assert spot.radius == pytest.approx(radius, rel=0.35)
    assert find_spots(bare, min_response=10) == []


def test_edges_are_not_spots() -> None:
    image = np.full((128, 128, 3), 0.7, np.float32)
    image[:, 64:] = 0.2
    assert find_spots(image) == []


def test_healing_restores_the_skin() -> None:
    bare, spotted = drawn_spots(np.random.default_rng(1))
    spots = find_spots(spotted, min_response=10, radius_factor=1.3)
    healed = heal_spots(spotted, spots, np.random.default_rng(2))
    y, x = np.mgrid[:224, :224]
    within = np.any([np.hypot(y - row, x - column) < radius for row, column, radius in PLACES], axis=0)
    assert np.abs(spotted - bare)[within].mean() > 0.2
    assert np.abs(healed - bare)[within].mean() < 0.02
    outside = np.all([np.hypot(y - row, x - column) > 4 * radius for row, column, radius in PLACES], axis=0)
    np.testing.assert_array_equal(healed[outside], spotted[outside])
    np.testing.assert_array_equal(heal_spots(spotted, [], np.random.default_rng(2)), spotted)


def test_stamp_copies_the_spot() -> None:
    bare, spotted = drawn_spots(np.random.default_rng(3))
    spot = Spot(60, 70, 13.0, 20.0)
    canvas = bare.copy()
    stamp_spot(canvas, spotted, bare, spot, row=60, column=70, scale=1.0)
    np.testing.assert_allclose(canvas[50:70, 60:80], spotted[50:70, 60:80], atol=0.02)
    canvas = bare.copy()
    stamp_spot(canvas, spotted, bare, spot, row=30, column=180, scale=0.5)
    assert (bare - canvas)[30, 180].min() > 0.15
    changed = np.abs(canvas - bare).max(-1) > 0.05
    assert changed.sum() == pytest.approx(np.pi * 5**2, rel=0.3), "a disc of half the radius"
    # A copy beyond the border is ignored without an error.
    stamp_spot(canvas, spotted, bare, spot, row=-200, column=300, scale=1.0)


def test_synthetic_mpox_has_more_spots_than_plain_skin() -> None:
    def mean_count(name: str) -> float:
        images = dataset.render(name, range(6)).astype(np.float32) / 255
        return float(np.mean([len(find_spots(image, min_response=8)) for image in images]))

    assert mean_count("mpox") > 2 * mean_count("plain")
