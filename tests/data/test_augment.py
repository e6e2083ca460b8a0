"""`mim_tf.data.augment`: determinism by seed and step, order of an epoch, and range of views."""

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


def test_run_resumed_at_step_3_has_the_same_batches() -> None:
    whole, continued = collect(), collect(start=3)
    assert len(whole) == 6 and len(continued) == 3
    for expected, found in zip(whole[3:], continued, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_batches_differ_from_step_to_step_and_seed_to_seed() -> None:
    distinct = {batch.tobytes() for seed in (0, 1, 2) for batch in collect(seed=seed)}
    assert len(distinct) == 18


def test_batch_size_does_not_change_the_order_of_views() -> None:
    large, small = collect(steps=2, batch_size=6), collect(steps=4)
    np.testing.assert_array_equal(np.concatenate(large), np.concatenate(small))


def test_batches_are_float_images_in_the_unit_range() -> None:
    for batch in collect(steps=10):
        assert batch.shape == (3, 16, 16, 3) and batch.dtype == np.float32
        assert np.isfinite(batch).all() and batch.min() >= 0 and batch.max() <= 1


def test_no_batch_after_the_last_step() -> None:
    assert collect(start=6) == []


@pytest.mark.parametrize(("count", "batch_size", "epochs"), [(6, 2, 3), (5, 2, 4), (3, 7, 7)])
def test_each_epoch_visits_each_photograph_once(
    monkeypatch: pytest.MonkeyPatch, count: int, batch_size: int, epochs: int
) -> None:
    monkeypatch.setattr(augment, "augment", lambda image, *rest: image)
    numbered = np.repeat(np.arange(count, dtype=np.uint8), 4 * 4 * 3).reshape(count, 4, 4, 3)
    steps = count * epochs // batch_size
    data = augment.batches(numbered, size=4, batch_size=batch_size, seed=0, steps=steps)
    order = np.concatenate([np.rint(batch.numpy()[:, 0, 0, 0] * 255).astype(int) for batch in data])
    by_epoch = [order[i : i + count] for i in range(0, len(order), count)]
    for epoch in by_epoch:
        assert Counter(epoch.tolist()) == Counter(range(count))
    assert len({epoch.tobytes() for epoch in by_epoch}) > 1  # epochs have different orders


@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=25, deadline=None)
def test_view_of_a_grey_image_is_nearly_constant(seed: int, level: float) -> None:
    """Geometry and blur keep a constant; exposure and balance are within 15 % and 5 %, JPEG within 8 levels.

    The noise has a standard deviation of at most 0.02; its mean over 256 pixels is within 0.006.
    """
    view = augment.augment(tf.fill((20, 20, 3), level), 16, tf.constant([seed, 0], tf.int64)).numpy()
    low, high = level * 0.85 * 0.95, min(1.0, level * 1.15 * 1.05)
    mean = view.mean(axis=(0, 1))
    assert mean.min() >= max(0.0, low - 8 / 255) and mean.max() <= min(1.0, high + 8 / 255)
    assert view.std(axis=(0, 1)).max() < 0.025


def test_crops_of_a_large_photograph_have_several_scales_without_aliasing() -> None:
    """A grating of 8 px becomes one of 3 to 8.6 px; one of 2 px is beyond the resolution of most views."""
    wave = np.sin(2 * np.pi * np.arange(256) / 8)[None, :, None] * np.ones((256, 1, 3))
    fine = np.tile([0.0, 1.0], 128)[None, :, None] * np.ones((256, 1, 3))
    periods, contrasts = [], []
    for i in range(40):
        key = tf.constant([0, i], tf.int64)
        coarse, faded = (
            augment.augment(tf.constant(image, tf.float32), 96, key, 0.35, camera=0.0).numpy()[..., 1]
            for image in (0.5 + 0.3 * wave, fine)
        )
        spectrum = np.abs(np.fft.fft2((coarse - coarse.mean()) * np.outer(np.hanning(96), np.hanning(96))))
        place = np.array(np.unravel_index(spectrum.argmax(), spectrum.shape))
        periods.append(96 / np.hypot(*np.minimum(place, 96 - place)))
        contrasts.append(faded.std())
    assert min(periods) < 3.4 and max(periods) > 7.5 and min(periods) > 2.7 and max(periods) < 9.2
    assert np.median(contrasts) < 0.2  # 0.5 without averaging


def test_the_same_key_gives_the_same_view() -> None:
    image = tf.constant(PIXELS[0], tf.float32) / 255
    views = [augment.augment(image, 16, tf.constant([0, i], tf.int64)).numpy() for i in (1, 1, 2)]
    np.testing.assert_array_equal(views[0], views[1])
    assert (views[0] != views[2]).any()


def test_views_keep_the_mean_of_their_photograph() -> None:
    image = tf.constant(PIXELS[0], tf.float32) / 255
    views = np.stack([augment.augment(image, 16, tf.constant([0, i], tf.int64)).numpy() for i in range(60)])
    assert abs(views.mean() - PIXELS[0].mean() / 255) < 0.05
    assert views.mean(axis=(1, 2, 3)).std() > 0.01  # the exposure varies


@pytest.mark.parametrize(("size", "kept"), [(32, 40), (96, 120), (97, 121)])
def test_source_size_is_a_quarter_larger(size: int, kept: int) -> None:
    assert augment.source_size(size) == kept


def test_without_camera_neither_blur_nor_jpeg() -> None:
    """Photograph and proxy get the same crop, flips and colours, with and without camera."""
    image = tf.constant(PIXELS[0], tf.float32) / 255
    flat = tf.fill((20, 20, 3), 0.4)
    for i in range(20):
        key = tf.constant([0, i], tf.int64)
        with_camera, without = (augment.augment(image, 16, key, camera=camera).numpy() for camera in (1.0, 0.0))
        assert abs(with_camera.mean() - without.mean()) < 0.02
        # Neither blur nor compression: one colour stays exactly one colour.
        assert np.ptp(augment.augment(flat, 16, key, camera=0.0).numpy(), axis=(0, 1)).max() < 1e-6
    zipped = [augment.batches(PIXELS, size=16, batch_size=3, seed=0, steps=2, camera=camera) for camera in (1.0, 0.0)]
    for view, proxy in tf.data.Dataset.zip(tuple(zipped)):
        correlation = np.corrcoef(view.numpy().reshape(3, -1), proxy.numpy().reshape(3, -1))[:3, 3:]  # (view, proxy)
        np.testing.assert_array_equal(correlation.argmax(1), np.arange(3))


def test_dataset_without_steps_is_infinite() -> None:
    data = augment.batches(PIXELS, size=16, batch_size=3, seed=0, steps=None)
    first = [batch.numpy() for batch in data.take(3)]
    for endless, ended in zip(first, collect(steps=3), strict=True):
        np.testing.assert_array_equal(endless, ended)
