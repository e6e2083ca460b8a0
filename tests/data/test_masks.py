"""`mim_tf.data.masks`: random mask sets are partitions, hide 1 / n of the pixels, and depend on the key alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.data.masks import random_labels, random_masks

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
