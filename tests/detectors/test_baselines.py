"""The baselines and `mim_tf.models.ema` against scikit-learn, SciPy and TensorFlow."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.covariance import LedoitWolf

from mim_tf.detectors.autoencoder import Autoencoder, AutoencoderConfig
from mim_tf.detectors.colour import colour_statistics
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.riad import RIAD, RIADConfig
from mim_tf.models.mim import MIMConfig
from mim_tf.models.networks import generator
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training


def test_colour_is_the_mahalanobis_distance_of_scikit_learn() -> None:
    pixels = dataset.render("mpox", range(10), size=32)
    detector = create_model("colour", 32)
    detector.fit(pixels, Path(), Training(), lambda *line: None)
    expected = -LedoitWolf().fit(colour_statistics(pixels)).mahalanobis(colour_statistics(pixels))
    np.testing.assert_allclose(detector.score_samples(pixels), expected, rtol=1e-4)
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(colour_statistics(red)[0], [1, 0, 0, 0, 0, 0])


def test_the_autoencoder_has_the_budget_of_mims_generator() -> None:
    ours = Autoencoder(AutoencoderConfig()).averages["network"]
    count, budget = ours.count_params(), generator(96, MIMConfig().width).count_params()
    assert count == pytest.approx(budget, rel=0.05)
    documented = AutoencoderConfig.__doc__ or ""
    assert all(f"{number:,}".replace(",", " ") in documented for number in (count, budget))
    code = ours.get_layer("code").output.shape[1:]
    assert np.prod(code) < 0.05 * 96 * 96 * 3, "a bottleneck, or it would copy"


def test_riad_predicts_each_pixel_while_it_is_hidden() -> None:
    model = RIAD(RIADConfig(size=32, width=4))
    image = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    before = model.inpaint(tf.constant(image), 8).numpy()
    changed = image.copy()
    changed[0, 8:16, 8:16] = 0.0
    np.testing.assert_array_equal(model.inpaint(tf.constant(changed), 8).numpy()[0, 8:16, 8:16], before[0, 8:16, 8:16])
    assert (model.inpaint(tf.constant(changed), 8).numpy() != before).any()


def test_riad_judges_by_the_worst_place() -> None:
    """A spot that the inpainting does not predict lowers the score of a constant image."""
    method = create_model("riad", 32, width=4)
    images = np.full((2, 32, 32, 3), 0.5, np.float32)
    images[1, 12:18, 12:18] = 1.0
    model = RIAD(RIADConfig(size=32, width=4))
    model.inpaint = lambda pictures, cell: tf.fill(pictures.shape, 0.5)
    plain, spotted = method.similarities(model, tf.constant(images)).numpy()
    assert plain == pytest.approx(1.0) and spotted < 0.8


def test_the_classifier_sees_as_many_images_of_each_side() -> None:
    method = create_model("classifier", 32, width=4)
    ours, others = np.full((6, 40, 40, 3), 250, np.uint8), np.full((9, 40, 40, 3), 5, np.uint8)
    for images, labels in method.batches(ours, others, Training(steps=3, batch_size=6), 0):
        np.testing.assert_array_equal(labels, [1, 1, 1, 0, 0, 0])
        assert (images.numpy()[:3].mean(axis=(1, 2, 3)) > 0.6).all() and (images.numpy()[3:] < 0.2).all()
    with pytest.raises(ValueError, match="other classes"):
        method.batches(ours, None, Training(steps=3), 0)


def test_an_average_follows_its_network() -> None:
    """The formula of `tf.train.ExponentialMovingAverage(decay, num_updates)`: decay = min(d, (1 + n) / (10 + n))."""
    model = Autoencoder(AutoencoderConfig(size=32, width=4))
    model.compile(keras.optimizers.Adam(0.01))
    theirs = tf.train.ExponentialMovingAverage(0.995, num_updates=tf.Variable(0))
    weight = model.networks["network"].get_layer("code").kernel
    shadow = tf.Variable(weight.numpy())
    theirs.apply([shadow])
    for step in range(1, 6):
        model.train_step(tf.random.stateless_uniform((4, 32, 32, 3), (0, step)))
        shadow.assign(weight.numpy())
        theirs._num_updates.assign(step)
        theirs.apply([shadow])
    average = model.averages["network"].get_layer("code").kernel
    np.testing.assert_allclose(average.numpy(), theirs.average(shadow).numpy(), atol=1e-6)
    assert np.abs(average.numpy() - weight.numpy()).max() > 1e-4


def test_a_saved_model_continues_where_it_was(tmp_path: Path) -> None:
    """Weights, averaged weights, optimizer slots and the step count are restored."""
    model = RIAD(RIADConfig(size=32, width=4, seed=3))
    model.compile(keras.optimizers.Adam(0.01))
    batches = [tf.random.stateless_uniform((2, 32, 32, 3), (0, i)) for i in range(4)]
    for batch in batches[:2]:
        model.train_step(batch)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for batch in batches[2:]:
        model.train_step(batch)
        again.train_step(batch)
    assert int(again.optimizer.iterations) == 4 and again.config == model.config
    for ours, theirs in zip(model.variables, again.variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-6)


def test_fills_have_the_masks_of_the_gan() -> None:
    for name in ("blur", "biharmonic"):
        np.testing.assert_array_equal(create_model(name, 96).masks, create_model("mim", 96).masks)  # type: ignore[attr-defined]
