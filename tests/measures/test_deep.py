"""`mim_tf.measures.deep` against NumPy and the resampler."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from skimage.transform import resize

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.evaluation.controls import softened
from mim_tf.measures import deep
from mim_tf.synthetic import dataset

PIXELS = dataset.render("mpox", range(3), size=64)


def test_halved_matches_the_resampler() -> None:
    found = deep.halved(tf.constant(PIXELS, tf.float32)).numpy()
    np.testing.assert_array_equal(found, np.stack([resample(image, 32) for image in PIXELS]))


@pytest.mark.parametrize("band", [16, 24, 32, 40, 48])
def test_a_band_limit_matches_the_resampler_and_scikit_image(band: int) -> None:
    found = deep.band_limited(tf.constant(PIXELS, tf.float32), band).numpy()
    for image, limited in zip(PIXELS, found, strict=True):
        small = resample(image, band).astype(np.float64)
        expected = resize(small, (64, 64), order=1, mode="edge", anti_aliasing=False)
        np.testing.assert_allclose(limited, expected, atol=1e-3)


def test_a_band_limit_makes_features_less_dependent_on_sharpness() -> None:
    """Relative to how much the features differ between images."""
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))
    network, images = deep.backbone(96, deep.BLOCK), dataset.render("mpox", range(10), size=96)
    change = {}
    for band in (96, 64):
        sharp, soft = (
            network(deep.band_limited(tf.constant(pixels, tf.float32), band)).numpy().mean((1, 2))
            for pixels in (images, softened(images, 0.8))
        )
        spread = np.linalg.norm(sharp - sharp.mean(0), axis=1).mean()
        change[band] = np.linalg.norm(sharp - soft, axis=1).mean() / spread
    assert change[64] < 0.9 * change[96]


def test_a_band_of_the_side_changes_nothing() -> None:
    images = tf.constant(PIXELS, tf.float32)
    np.testing.assert_array_equal(deep.band_limited(images, 64), images)


def test_error_weights_match_numpy() -> None:
    rng = np.random.default_rng(0)
    original, inpainted = rng.random((2, 2, 32, 48, 3)).astype(np.float32)
    inpainted[:, :16] = original[:, :16]  # inpainted without error
    cells = np.abs(original - inpainted).mean(-1).reshape(2, 4, 8, 6, 8).mean((2, 4)) + 1e-2
    expected = cells / cells.sum((1, 2), keepdims=True)
    found = deep.error_weights(tf.constant(original), tf.constant(inpainted)).numpy()
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-5)
    assert found[:, :2].max() < 0.2 * found[:, 2:].min()
    perfect = deep.error_weights(tf.constant(original), tf.constant(original)).numpy()
    np.testing.assert_allclose(perfect, 1 / 24, rtol=1e-6)


def test_statistics_match_numpy() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 2, (2, 5, 7, 4)).astype(np.float32)
    weights = rng.random((2, 5, 7, 1)).astype(np.float32)
    weights /= weights.sum((1, 2), keepdims=True)
    found = deep.statistics(tf.constant(values), tf.constant(weights))
    for image, weight, row in zip(values.reshape(2, 35, 4), weights.reshape(2, 35), found.numpy(), strict=True):
        np.testing.assert_allclose(row[:4], np.average(image, axis=0, weights=weight), rtol=1e-5)
        np.testing.assert_allclose(row[4:], np.sqrt(np.cov(image.T, aweights=weight, ddof=0).diagonal()), rtol=1e-5)


def test_vectors_weight_features_by_inpainting_error() -> None:
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))
    network = deep.backbone(64, deep.BLOCK)
    assert network.output_shape[1:] == (4, 4, 112)
    images = tf.constant(PIXELS, tf.float32)
    halves = deep.halved(images) / 255.0
    features = network(images).numpy()
    same = deep.vectors(network, images, halves, halves, 64).numpy()
    assert same.shape == (3, 224)
    np.testing.assert_allclose(same[:, :112], features.mean((1, 2)), rtol=1e-4, atol=1e-4)
    wrong = halves.numpy()
    wrong[:, 8:16, 24:] = 1 - wrong[:, 8:16, 24:].round()  # one position, second row, last column
    there = deep.vectors(network, images, halves, tf.constant(wrong), 64).numpy()
    error = np.abs(wrong - halves.numpy())[:, 8:16, 24:].mean((1, 2, 3))[:, None]
    expected = (error * features[:, 1, 3] + 0.01 * features.sum((1, 2))) / (error + 16 * 0.01)
    np.testing.assert_allclose(there[:, :112], expected, rtol=1e-4, atol=1e-3)
    limited = deep.vectors(network, images, halves, halves, 32).numpy()
    features = network(deep.band_limited(images, 32)).numpy()
    np.testing.assert_allclose(limited[:, :112], features.mean((1, 2)), rtol=1e-4, atol=1e-4)
