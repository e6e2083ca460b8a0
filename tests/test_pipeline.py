"""`mim_tf.mask` and `mim_tf.augment`: what training sees at each step."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mim_tf import augment
from mim_tf.mask import random_labels, random_masks


def test_random_labels_partition_each_image() -> None:
    labels, counts = random_labels(tf.constant([1, 2], tf.int64), 64, 48, (4, 8, 12), (2, 3, 4))
    labels, counts = labels.numpy(), counts.numpy()
    assert labels.shape == (64, 48, 48) and set(counts) == {2, 3, 4}
    assert (labels >= 0).all() and (labels < counts[:, None, None]).all()


def test_hidden_share_is_one_in_n() -> None:
    """64 images of 144 cells: the mean of 9216 draws of probability 1 / 4, within four standard errors."""
    masks = random_masks(tf.constant([0, 0], tf.int64), 64, 48, (4,), (4,))
    assert abs(float(tf.reduce_mean(masks)) - 0.75) < 4 * np.sqrt(0.25 * 0.75 / 9216)


def test_masks_are_made_of_cells() -> None:
    labels, _ = random_labels(tf.constant([5, 5], tf.int64), 1, 48, (8,), (4,))
    changes = np.flatnonzero((np.diff(labels.numpy()[0], axis=0) != 0).any(axis=1)) + 1
    assert len(set(changes % 8)) == 1  # all borders lie on one lattice of 8 px


def test_the_same_key_gives_the_same_masks() -> None:
    arguments = (8, 32, (4, 8), (2, 4))
    one, again, other = (random_masks(tf.constant(k, tf.int64), *arguments).numpy() for k in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


PIXELS = np.random.default_rng(0).integers(0, 256, (7, 40, 40, 3)).astype(np.uint8)


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    def collect(start: int, seed: int = 0) -> list[np.ndarray]:
        data = augment.batches(PIXELS, size=32, batch_size=4, seed=seed, start=start, steps=6)
        return [batch.numpy() for batch in data]

    whole, continued = collect(0), collect(3)
    assert len(whole) == 6 and whole[0].shape == (4, 32, 32, 3) and whole[0].dtype == np.float32
    for expected, found in zip(whole[3:], continued, strict=True):
        np.testing.assert_array_equal(expected, found)
    assert (collect(0, seed=1)[0] != whole[0]).any()
    assert min(b.min() for b in whole) >= 0 and max(b.max() for b in whole) <= 1


def test_an_epoch_shows_each_photograph_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "augment", lambda image, size, key: image)
    numbered = np.repeat(np.arange(6, dtype=np.uint8), 4 * 4 * 3).reshape(6, 4, 4, 3)
    data = augment.batches(numbered, size=4, batch_size=2, seed=0, steps=9)
    seen = np.concatenate([np.round(batch.numpy()[:, 0, 0, 0] * 255) for batch in data]).reshape(3, 6)
    for epoch in seen:
        assert sorted(epoch) == list(range(6))
    assert (seen[0] != seen[1]).any()


def test_views_differ_but_keep_the_brightness() -> None:
    image = tf.constant(PIXELS[0], tf.float32) / 255
    views = [augment.augment(image, 32, tf.constant([0, i], tf.int64)).numpy() for i in range(40)]
    assert len({view.tobytes() for view in views}) == 40
    assert abs(np.mean([view.mean() for view in views]) - float(tf.reduce_mean(image))) < 0.05


def test_source_is_larger_than_the_model() -> None:
    assert augment.source_size(96) == 120
