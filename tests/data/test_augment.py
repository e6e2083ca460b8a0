"""`data.augment`: a batch is a function of (seed, step), an epoch shows each photograph once, views stay sane."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.data import augment

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 20, 20, 3)).astype(np.uint8)


def collect(*, start: int = 0, steps: int = 6, seed: int = 0, batch_size: int = 3) -> list[np.ndarray]:
    data = augment.batches(PIXELS, size=16, batch_size=batch_size, seed=seed, start=start, steps=steps)
    return [batch.numpy() for batch in data]


def test_a_run_that_starts_at_step_3_sees_what_an_unbroken_one_sees() -> None:
    whole, continued = collect(), collect(start=3)
    assert len(whole) == 6 and len(continued) == 3
    for expected, found in zip(whole[3:], continued, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_batches_differ_from_step_to_step_and_seed_to_seed() -> None:
    seen = {batch.tobytes() for seed in (0, 1, 2) for batch in collect(seed=seed)}
    assert len(seen) == 18


def test_the_size_of_a_batch_does_not_change_the_order_of_views() -> None:
    large, small = collect(steps=2, batch_size=6), collect(steps=4)
    np.testing.assert_array_equal(np.concatenate(large), np.concatenate(small))


def test_batches_are_float_images_in_the_unit_range() -> None:
    for batch in collect(steps=10):
        assert batch.shape == (3, 16, 16, 3) and batch.dtype == np.float32
        assert np.isfinite(batch).all() and batch.min() >= 0 and batch.max() <= 1


def test_nothing_is_left_after_the_last_step() -> None:
    assert collect(start=6) == []


@pytest.mark.parametrize(("count", "batch_size", "epochs"), [(6, 2, 3), (5, 2, 4), (3, 7, 7)])
def test_an_epoch_shows_each_photograph_once(
    monkeypatch: pytest.MonkeyPatch, count: int, batch_size: int, epochs: int
) -> None:
    monkeypatch.setattr(augment, "augment", lambda image, size, key, camera: image)
    numbered = np.repeat(np.arange(count, dtype=np.uint8), 4 * 4 * 3).reshape(count, 4, 4, 3)
    steps = count * epochs // batch_size
    data = augment.batches(numbered, size=4, batch_size=batch_size, seed=0, steps=steps)
    seen = np.concatenate([np.rint(batch.numpy()[:, 0, 0, 0] * 255).astype(int) for batch in data])
    rounds = [seen[i : i + count] for i in range(0, len(seen), count)]
    for shown in rounds:
        assert Counter(shown.tolist()) == Counter(range(count))
    assert len({shown.tobytes() for shown in rounds}) > 1  # each epoch has an order of its own


@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=25, deadline=None)
def test_a_view_of_one_grey_is_nearly_one_colour_near_it(seed: int, level: float) -> None:
    """Geometry and blur keep a constant; exposure and balance are within 15 % and 5 %, JPEG within 8 levels."""
    view = augment.augment(tf.fill((20, 20, 3), level), 16, tf.constant([seed, 0], tf.int64)).numpy()
    low, high = level * 0.85 * 0.95, min(1.0, level * 1.15 * 1.05)
    assert view.min() >= max(0.0, low - 8 / 255) and view.max() <= min(1.0, high + 8 / 255)
    assert np.ptp(view, axis=(0, 1)).max() < 4 / 255


def test_the_same_key_gives_the_same_view() -> None:
    image = tf.constant(PIXELS[0], tf.float32) / 255
    views = [augment.augment(image, 16, tf.constant([0, i], tf.int64)).numpy() for i in (1, 1, 2)]
    np.testing.assert_array_equal(views[0], views[1])
    assert (views[0] != views[2]).any()


def test_views_keep_the_mean_of_their_photograph() -> None:
    image = tf.constant(PIXELS[0], tf.float32) / 255
    views = np.stack([augment.augment(image, 16, tf.constant([0, i], tf.int64)).numpy() for i in range(60)])
    assert abs(views.mean() - PIXELS[0].mean() / 255) < 0.05
    assert views.mean(axis=(1, 2, 3)).std() > 0.01  # the exposure does vary


@pytest.mark.parametrize(("size", "kept"), [(32, 40), (96, 120), (97, 121)])
def test_photographs_are_kept_a_quarter_larger(size: int, kept: int) -> None:
    assert augment.source_size(size) == kept


def test_without_a_camera_only_the_scene_changes() -> None:
    """Photograph and proxy share crop, flips and colours: a proxy that is the photograph stays its near twin."""
    image = tf.constant(PIXELS[0], tf.float32) / 255
    flat = tf.fill((20, 20, 3), 0.4)
    for i in range(20):
        key = tf.constant([0, i], tf.int64)
        with_camera, without = (augment.augment(image, 16, key, camera).numpy() for camera in (True, False))
        assert abs(with_camera.mean() - without.mean()) < 0.02
        # Neither blur nor compression: one colour stays exactly one colour.
        assert np.ptp(augment.augment(flat, 16, key, False).numpy(), axis=(0, 1)).max() < 1e-6
    zipped = [
        augment.batches(PIXELS, size=16, batch_size=3, seed=0, steps=2, camera=camera) for camera in (True, False)
    ]
    for seen, proxy in tf.data.Dataset.zip(tuple(zipped)):
        alike = np.corrcoef(seen.numpy().reshape(3, -1), proxy.numpy().reshape(3, -1))[:3, 3:]  # (seen, proxy)
        np.testing.assert_array_equal(alike.argmax(1), np.arange(3))


def test_no_number_of_steps_means_no_end() -> None:
    data = augment.batches(PIXELS, size=16, batch_size=3, seed=0, steps=None)
    first = [batch.numpy() for batch in data.take(3)]
    for endless, ended in zip(first, collect(steps=3), strict=True):
        np.testing.assert_array_equal(endless, ended)
