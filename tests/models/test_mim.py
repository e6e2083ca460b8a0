"""`mim_tf.models`: networks, losses, training steps and saved files of the GAN."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_export.score.preprocess import mask_set
from mim_tf.data.augment import batches, source_size
from mim_tf.models.ema import update_average
from mim_tf.models.losses import LossWeights, discriminator_loss, masked_error
from mim_tf.models.mim import MIM, MIMConfig, masked_input
from mim_tf.models.networks import discriminator, generator
from mim_tf.synthetic import dataset

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {"size": 32, "width": 4, "discriminator_width": 4}


def compiled(**options: object) -> MIM:
    model = MIM(MIMConfig.from_dict({"losses": {}, **SMALL, **options}))
    model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))
    return model


@pytest.mark.parametrize("size", [64, 96, 128])
def test_networks_have_the_documented_shapes(size: int) -> None:
    assert generator(size, 8).output.shape == (None, size, size, 3)
    assert discriminator(size, 8).output.shape == (None, size // 8, size // 8, 1)


def test_generator_has_the_documented_number_of_weights() -> None:
    # Each 3 x 3 convolution without bias: 9 C_in C_out, and 4 C_out for its batch normalization.
    w = 24
    pairs = [(4, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 4 * w), (4 * w, 4 * w)]
    pairs += [(8 * w, 4 * w), (6 * w, 2 * w), (3 * w, w), (w, w // 2)]
    expected = sum(9 * a * b + 4 * b for a, b in pairs) + 9 * (w // 2) * 3 + 3
    assert generator(96, w).count_params() == expected
    assert f"{expected:,}".replace(",", " ") in (generator.__doc__ or "")


def test_losses_on_literal_numbers() -> None:
    where = tf.constant([[[[1.0]], [[0.0]]]])
    assert float(masked_error(tf.zeros((1, 2, 1, 3)), tf.ones((1, 2, 1, 3)) * 0.5, where)) == 0.5
    assert float(masked_error(tf.zeros((1, 2, 1, 3)), tf.ones((1, 2, 1, 3)), 0 * where)) == 0.0
    assert float(discriminator_loss(tf.constant([2.0]), tf.constant([-2.0]))) == 0.0
    assert float(discriminator_loss(tf.constant([0.0]), tf.constant([0.0]))) == 2.0


def test_inpainted_pixels_do_not_depend_on_themselves() -> None:
    model = compiled()
    masks = mask_set(32, 8, 4)
    images = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    before = model.inpaint(images, masks).numpy()
    changed = images.copy()
    changed[0, :8, :8] = 0.5  # one whole cell that mask 0 hides
    after = model.inpaint(changed, masks).numpy()
    np.testing.assert_array_equal(before[0, :8, :8], after[0, :8, :8])
    assert np.abs(before - after).max() > 0


def test_masked_input_hides_pixels_and_carries_the_mask() -> None:
    mask = mask_set(32, 8, 2)[:1]
    stacked = masked_input(tf.ones((2, 32, 32, 3)), tf.constant(mask)).numpy()
    np.testing.assert_array_equal(stacked, np.repeat(np.repeat(mask, 4, axis=-1), 2, axis=0))


def test_moving_average_follows_the_golden_formula() -> None:
    """The update is average + (1 - decay) (value - average) with constant decay, as in TensorFlow Addons."""
    golden = np.load(GOLDEN / "addons.npz")
    decay, average = float(golden["ema_decay"]), golden["ema_start"].copy()
    model = compiled()
    weight, averaged = model.generator.variables[0], model.ema_generator.variables[0]
    model.g_optimizer.iterations.assign(10_000)  # past the warm-up, where the decay is constant
    averaged.assign(np.full(averaged.shape, average[0]))
    for value, expected in zip(golden["ema_values"], golden["ema_averages"], strict=True):
        weight.assign(np.full(weight.shape, value[0]))
        update_average(model.ema_generator, model.generator, model.g_optimizer.iterations, decay)
        np.testing.assert_allclose(averaged.numpy(), expected[0], atol=1e-6)


@pytest.mark.slow
def test_fit_tracks_losses_and_lowers_the_error() -> None:
    model = compiled()
    pixels = dataset.render("mpox", range(8), size=source_size(32))
    data = batches(pixels, size=32, batch_size=8, seed=0, steps=60)
    history = model.fit(data, epochs=3, steps_per_epoch=20, verbose=0).history
    assert set(history) == {"hidden", "kept", "ssim", "adversarial", "discriminator"}
    assert history["hidden"][-1] < 0.8 * history["hidden"][0]
    result = model.evaluate(data.take(1), verbose=0, return_dict=True)
    assert 0 < result["similarity"] < 1


def test_keras_file_restores_weights_and_both_optimizers(tmp_path: Path) -> None:
    model = compiled()
    model.train_step(tf.random.stateless_uniform((4, 32, 32, 3), (0, 1)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    _assert_equal(model, again, tolerance=0.0)


def test_invalid_configurations_raise() -> None:
    for options in ({"size": 40}, {"size": 96, "cell": 7}, {"width": 5}):
        with pytest.raises(MimError, match="choose"):
            MIMConfig(**options)


def _assert_equal(a: MIM, b: MIM, tolerance: float) -> None:
    groups = [(a.g_optimizer, b.g_optimizer), (a.d_optimizer, b.d_optimizer)]
    groups += [(getattr(a, n), getattr(b, n)) for n in ("generator", "discriminator", "ema_generator")]
    for ours, theirs in groups:
        assert len(ours.variables) == len(theirs.variables) > 0
        for x, y in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=0, atol=tolerance, err_msg=x.path)


def test_loss_weights_name_every_loss() -> None:
    model = compiled()
    losses = model.train_step(tf.random.stateless_uniform((2, 32, 32, 3), (0, 1)))
    assert set(losses) == {*LossWeights.__dataclass_fields__, "discriminator"}
