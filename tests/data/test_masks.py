"""`mim_tf.data.masks`: partitions, shares of hidden pixels, shapes of strokes; all depend on the key alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import disk

from mim_export.score.preprocess import mask_set
from mim_tf.data import masks as made
from mim_tf.data.masks import random_labels, random_masks, regular_masks, stroke_masks, training_masks

CELLS, COUNTS = (4, 8, 12), (2, 3, 4)


def key(*words: int) -> tf.Tensor:
    return tf.constant(words, tf.int64)


def drawn(seed: int, size: int = 48, cells: tuple[int, ...] = CELLS) -> tuple[np.ndarray, np.ndarray]:
    labels, counts = random_labels(key(seed, 7), 16, size, cells, COUNTS)
    return labels.numpy(), counts.numpy()


@given(st.integers(0, 2**31), st.sampled_from([32, 48, 50]))
@settings(max_examples=25, deadline=None)
def test_masks_of_a_set_hide_each_pixel_once(seed: int, size: int) -> None:
    labels, counts = drawn(seed, size)
    assert labels.shape == (16, size, size) and set(counts) <= set(COUNTS)
    for label, count in zip(labels, counts, strict=True):
        hidden = np.stack([label == mask for mask in range(count)])
        np.testing.assert_array_equal(hidden.sum(0), 1)


@given(st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_random_masks_is_the_first_mask_of_the_set(seed: int) -> None:
    labels, _ = drawn(seed)
    masks = random_masks(key(seed, 7), 16, 48, CELLS, COUNTS)
    assert masks.dtype == tf.float32
    np.testing.assert_array_equal(masks.numpy()[..., 0], (labels != 0).astype(np.float32))


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_fraction_of_hidden_pixels(count: int) -> None:
    """Tolerance: four standard errors for 64 images of at least 12 * 12 whole, independent cells."""
    masks = random_masks(key(count, 0), 64, 48, (4,), (count,))
    share = 1 / count
    assert abs(1 - float(tf.reduce_mean(masks)) - share) < 4 * np.sqrt(share * (1 - share) / (64 * 144))


def test_labels_are_equally_frequent() -> None:
    labels, _ = random_labels(key(0, 1), 64, 48, (4,), (4,))
    shares = np.bincount(labels.numpy().ravel(), minlength=4) / labels.numpy().size
    assert np.abs(shares - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / (64 * 144))


@pytest.mark.parametrize("cell", [4, 8, 12])
def test_hidden_pixels_form_whole_cells(cell: int) -> None:
    """Borders between labels are on a grid of `cell` px, along rows and columns."""
    labels, _ = drawn(3, cells=(cell,))
    origins = set()
    for label in labels:
        for axis in (0, 1):
            other = 1 - axis
            places = np.flatnonzero((np.diff(label, axis=axis) != 0).any(axis=other)) + 1
            assert len({place % cell for place in places}) == 1
            origins.add(int(places[0]) % cell)
    assert len(origins) > 1  # images have different cell borders


def test_cell_sizes_and_counts_vary_within_a_batch() -> None:
    labels, counts = drawn(0)
    assert set(counts) == set(COUNTS)
    assert len({label.tobytes() for label in labels}) == len(labels)


def test_the_same_key_gives_the_same_masks_in_a_graph_too() -> None:
    def make(seed: tf.Tensor) -> tf.Tensor:
        return random_masks(seed, 8, 32, (4, 8), (2, 4))

    one = make(key(1, 2)).numpy()
    np.testing.assert_array_equal(one, make(key(1, 2)).numpy())
    np.testing.assert_array_equal(one, tf.function(make)(key(1, 2)).numpy())
    assert all((one != make(other).numpy()).any() for other in (key(1, 3), key(2, 2)))


@pytest.mark.parametrize(("cell", "count"), [(8, 4), (12, 2), (16, 4), (4, 3)])
def test_regular_masks_are_those_of_the_mask_set(cell: int, count: int) -> None:
    masks = regular_masks(key(1, 2), 64, 96, (cell,), (count,)).numpy()
    found = {mask.tobytes() for mask in masks}
    assert found == {mask.tobytes() for mask in mask_set(96, cell, count)}
    several = regular_masks(key(1, 3), 64, 96, (8, 12), (2, 4)).numpy()
    wanted = {m.tobytes() for c in (8, 12) for n in (2, 4) for m in mask_set(96, c, n)}
    assert {mask.tobytes() for mask in several} <= wanted and len({mask.tobytes() for mask in several}) > 6


def test_strokes_hide_a_seventh_of_the_image_and_never_nothing() -> None:
    masks = stroke_masks(key(1, 2), 512, 64).numpy()
    assert masks.shape == (512, 64, 64, 1) and masks.dtype == np.float32 and set(np.unique(masks)) == {0, 1}
    shares = 1 - masks.mean(axis=(1, 2, 3))
    assert shares.min() > 0
    # Four standard errors.
    assert abs(shares.mean() - 1 / 7) < 4 * shares.std() / np.sqrt(len(shares)) + 0.005


def _drawn(monkeypatch: pytest.MonkeyPatch, *values: object) -> np.ndarray:
    """A mask of 100 px of given start, length, radius and number of strokes, in place of random ones."""
    given_values = iter(values)
    monkeypatch.setattr(made.tf.random, "stateless_uniform", lambda *_: tf.constant(next(given_values)))
    return stroke_masks(key(0, 0), 1, 100).numpy()[0, ..., 0]


def test_a_disc_is_that_of_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of the strokes is a disc, whatever its length; the others are not drawn."""
    start, length = np.full((1, made.STROKES, 2), [0.3, 0.6], np.float32), np.ones((1, made.STROKES, 2), np.float32)
    mask = _drawn(monkeypatch, start, length, np.full((1, made.STROKES), 0.123, np.float32), [[1]])
    expected = np.ones((100, 100))
    expected[disk((29.5, 59.5), 12.3)] = 0  # pixel i has its centre at i + 1 / 2
    np.testing.assert_array_equal(mask, expected)


def test_a_stroke_is_all_that_is_near_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.full((1, made.STROKES, 2), [0.3, 0.2], np.float32)
    length = np.full((1, made.STROKES, 2), [0.4, 0.3], np.float32)
    radius = np.full((1, made.STROKES), 0.0823, np.float32)
    mask = _drawn(monkeypatch, start, length, radius, [[2]])
    # The union of discs along the segment from (0.3, 0.2) to (0.7, 0.5).
    y, x = np.mgrid[:100, :100] + 0.5
    along = np.linspace(0, 1, 2001)[:, None, None]
    distance = np.hypot(y - 30 - 40 * along, x - 20 - 30 * along).min(axis=0)
    np.testing.assert_array_equal(mask, distance >= 8.23)


def test_training_masks_mix_three_kinds() -> None:
    masks = training_masks(key(1, 2), 1024, 48, (12,), (2,)).numpy()
    assert masks.shape == (1024, 48, 48, 1) and masks.dtype == np.float32
    fixed = {mask.tobytes() for mask in mask_set(48, 12, 2)}
    regular = np.array([mask.tobytes() in fixed for mask in masks])
    # Cells of 12 px at a random origin: their borders are on a grid, those of strokes are not.
    rows = np.abs(np.diff(masks[..., 0], axis=1)).max(axis=2) > 0
    grid = np.array([len({place % 12 for place in np.flatnonzero(row)}) <= 1 for row in rows])
    shares = {"regular": regular.mean(), "random": (grid & ~regular).mean(), "strokes": (~grid).mean()}
    for kind, share in {"regular": 0.7, "random": 0.15, "strokes": 0.15}.items():
        assert abs(shares[kind] - share) < 4 * np.sqrt(share * (1 - share) / len(masks)), kind


def _mixed(seed: tf.Tensor, count: int | tf.Tensor, size: int) -> tf.Tensor:
    return training_masks(seed, count, size, (8,), (2,))


@pytest.mark.parametrize("make", [stroke_masks, _mixed])
def test_strokes_and_mixtures_depend_on_the_key_alone(make: Callable[..., tf.Tensor]) -> None:
    one = make(key(1, 2), 8, 32).numpy()
    np.testing.assert_array_equal(one, make(key(1, 2), 8, 32).numpy())
    np.testing.assert_array_equal(one, tf.function(make)(key(1, 2), tf.constant(8), 32).numpy())
    assert all((one != make(other, 8, 32).numpy()).any() for other in (key(1, 3), key(2, 2)))
