"""`mim_tf.deep` against Pillow, numpy and the resampler."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mim_export.errors import MimError
from mim_export.preprocess import resample
from mim_tf import deep, sample
from mim_tf.models.efficientnet import weights_file

PIXELS = sample.render("mpox", range(3), size=64)


def test_halved_is_the_resampler() -> None:
    found = deep.halved(tf.constant(PIXELS, tf.float32)).numpy()
    np.testing.assert_array_equal(found, np.stack([resample(image, 32) for image in PIXELS]))


def test_doubled_is_pillows_bilinear_enlargement() -> None:
    values = np.random.default_rng(0).random((1, 12, 12, 1)).astype(np.float32)
    expected = Image.fromarray(values[0, :, :, 0]).resize((24, 24), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(deep.doubled(tf.constant(values))[0, :, :, 0], np.asarray(expected), atol=1e-6)


def test_statistics_are_numpys() -> None:
    values = np.random.default_rng(1).normal(3, 2, (2, 5, 7, 4)).astype(np.float32)
    expected = np.concatenate([values.mean((1, 2)), values.std((1, 2))], axis=1)
    np.testing.assert_allclose(deep.statistics(tf.constant(values)), expected, rtol=1e-5)


def test_a_perfect_inpainting_leaves_no_difference_and_a_blur_does() -> None:
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))
    network = deep.backbone(64)
    assert network.output_shape[1:] == (4, 4, 112)
    flat = np.full((2, 64, 64, 3), 102, np.float32)
    same = deep.vectors(network, tf.constant(flat), tf.constant(flat[:, ::2, ::2] / 255)).numpy()
    assert same.shape == (2, 448)
    np.testing.assert_allclose(same[:, 224:], 0, atol=1e-3)
    np.testing.assert_allclose(same[:, :112], network(flat).numpy().mean((1, 2)), rtol=1e-4, atol=1e-4)
    spotted = PIXELS[:2].astype(np.float32)
    blurred = np.broadcast_to(spotted.mean((1, 2), keepdims=True) / 255, (2, 32, 32, 3)).astype(np.float32)
    assert np.abs(deep.vectors(network, tf.constant(spotted), tf.constant(blurred)).numpy()[:, 224:]).max() > 0.5
