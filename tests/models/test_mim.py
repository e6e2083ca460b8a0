"""`mim_tf.models`: networks, losses, training steps and saved files of the GAN."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio

from mim_export.score.errors import MimError
from mim_export.score.fill import fill
from mim_export.score.preprocess import mask_set
from mim_tf.data.augment import batches, source_size
from mim_tf.models.ema import update_average
from mim_tf.models.losses import (
    LossWeights,
    discriminator_loss,
    hidden_psnr,
    hidden_share,
    masked_error,
    matching_loss,
)
from mim_tf.models.mim import MIM, MIMConfig, generator_input
from mim_tf.models.networks import DepthToSpace, discriminator, generator, scaled, unscaled
from mim_tf.synthetic import dataset

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {"size": 32, "width": 4, "discriminator_width": 4, "cell": 8, "count": 4}


def compiled(adversarial_from: int = 0, **options: object) -> MIM:
    model = MIM(MIMConfig.from_dict({"losses": {}, **SMALL, **options}))
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3, beta_1=0.5), adversarial_from)
    return model


@pytest.mark.parametrize("size", [64, 96, 128])
def test_networks_have_the_documented_shapes(size: int) -> None:
    assert generator(size, 8).output.shape == (None, size, size, 3)
    judgement, *features = discriminator(size, 8).outputs
    assert judgement.shape == (None, size // 8, size // 8, 1)
    assert [part.shape[1:] for part in features] == [(size // f, size // f, 4 * f) for f in (2, 4, 8)]


def test_generator_has_the_documented_number_of_weights() -> None:
    # Each convolution without bias: k k C_in C_out, and 4 C_out for its batch normalization.
    w = 32
    pairs = [(w, w), (w, 2 * w), (2 * w, 2 * w), (2 * w, 4 * w), *4 * [(4 * w, 4 * w)]]
    pairs += [(6 * w, 2 * w), (2 * w, 2 * w), (3 * w, w), (w, w)]
    expected = 36 * 4 * w + 4 * w + sum(9 * a * b + 4 * b for a, b in pairs) + 9 * w * 12 + 12
    assert generator(96, w).count_params() == expected
    assert f"{expected:,}".replace(",", " ") in (generator.__doc__ or "")


def test_an_untrained_generator_returns_the_fill() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    mask = mask_set(32, 8, 2)[:1]
    filled = generator_input(tf.constant(pixels / 255), tf.constant(mask))
    found = unscaled(generator(32, 4)(filled)).numpy()
    np.testing.assert_allclose(found, unscaled(filled[..., :3]).numpy(), atol=0.02)
    np.testing.assert_allclose(unscaled(scaled(tf.constant([0.0, 255.0]))), [0, 1], atol=1e-6)


def test_depth_to_space_is_that_of_tensorflow() -> None:
    values = tf.random.stateless_normal((2, 3, 5, 12), (0, 1))
    np.testing.assert_array_equal(DepthToSpace()(values), tf.nn.depth_to_space(values, 2))


def test_losses_on_literal_numbers() -> None:
    where = tf.constant([[[[1.0]], [[0.0]]]])
    assert float(masked_error(tf.zeros((1, 2, 1, 3)), tf.ones((1, 2, 1, 3)) * 0.5, where)) == 0.5
    assert float(masked_error(tf.zeros((1, 2, 1, 3)), tf.ones((1, 2, 1, 3)), 0 * where)) == 0.0
    one = tf.ones([])
    assert float(discriminator_loss(tf.constant([2.0]), tf.constant([-2.0]), one)) == 0.0
    assert float(discriminator_loss(tf.constant([0.0]), tf.constant([0.0]), one)) == 2.0
    # Of two patches only the first is hidden, and only it is judged.
    mask = tf.constant([[[[0.0], [1.0]]]])
    share = hidden_share(tf.repeat(tf.repeat(mask, 8, 1), 8, 2), 8)
    np.testing.assert_array_equal(share[0, 0, :, 0], [2, 0])
    real = tf.constant([[[[0.5], [9.0]]]])
    assert float(discriminator_loss(real, -real, share)) == pytest.approx(1.0)
    assert float(hidden_share(tf.ones((1, 8, 8, 1)), 8)[0, 0, 0, 0]) == 0
    features = [tf.zeros((1, 2, 2, 1)), tf.ones((1, 1, 1, 4))]
    assert float(matching_loss(features, [part + 0.25 for part in features])) == 0.5


def test_psnr_at_hidden_pixels_is_that_of_scikit_image() -> None:
    random = np.random.default_rng(0)
    original = random.uniform(0, 1, (3, 16, 16, 3)).astype(np.float32)
    output = (original + random.normal(0, 0.1, original.shape)).astype(np.float32)
    hidden = (random.uniform(size=(3, 16, 16, 1)) < 0.3).astype(np.float32)
    where = hidden[..., 0] == 1
    pairs = [(a[w], b[w]) for a, b, w in zip(original, output, where, strict=True)]
    expected = np.mean([peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs])
    assert float(hidden_psnr(original, output, hidden)) == pytest.approx(expected, abs=0.01)
    assert float(hidden_psnr(original, original, hidden)) == pytest.approx(50)
    assert float(hidden_psnr(original, output, 0 * hidden)) == pytest.approx(50)


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


def test_input_of_the_generator_is_the_fill_of_the_scorer_and_the_mask() -> None:
    pixels = dataset.render("mpox", range(2), size=32)
    masks = mask_set(32, 8, 4)
    for number, mask in enumerate(masks):
        found = generator_input(tf.constant(pixels / np.float32(255)), tf.constant(mask[None])).numpy() * 128 + 127
        expected = np.stack([fill(image, masks)[number] for image in pixels])
        np.testing.assert_array_equal(found[..., :3], expected)
        np.testing.assert_array_equal(found[..., 3], np.repeat(255 * mask[None, ..., 0], 2, axis=0))


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
    assert set(history) == {"hidden", "ssim", "matching", "adversarial", "discriminator"}
    assert history["hidden"][-1] < history["hidden"][0] - 0.2  # dB
    result = model.evaluate(data.take(1), verbose=0, return_dict=True)
    assert 0 < result["ssim"] < 1 and set(result) == {"hidden", "ssim"}


def test_discriminator_learns_from_the_given_step_on() -> None:
    """The generator hardly learns here, so the discriminator soon tells its patches from the original ones."""
    weights = {"hidden": 0.0, "ssim": 0.0, "matching": 0.0, "adversarial": 1e-6}
    model = compiled(adversarial_from=2, losses=weights, discriminator_width=8)
    model.d_optimizer.learning_rate = 4e-3
    images = tf.constant(dataset.render("mpox", range(8), size=32) / np.float32(255))
    before = [np.array(weight) for weight in model.discriminator.weights]
    step = tf.function(model.train_step)
    for _ in range(2):
        step(images)
    for weight, value in zip(model.discriminator.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert float(model.trackers["discriminator"].count) == 0
    for _ in range(160):
        step(images)
    assert float(model.trackers["discriminator"].count) == 160
    model.trackers["discriminator"].reset_state()
    for _ in range(20):  # masks differ, so the loss of one step says little
        step(images)
    assert float(model.trackers["discriminator"].result()) < 1.5


def test_without_adversarial_losses_no_discriminator_is_trained() -> None:
    model = compiled(losses={"matching": 0.0, "adversarial": 0.0})
    before = [np.array(weight) for weight in model.discriminator.weights]
    losses = tf.function(model.train_step)(tf.random.stateless_uniform((2, 32, 32, 3), (0, 1)))
    assert set(losses) == {"hidden", "ssim"}
    for weight, value in zip(model.discriminator.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_penalty_is_the_squared_gradient_of_the_judgements() -> None:
    """A discriminator of one linear layer with the weights w has the gradient w at each pixel."""
    losses = {}
    for penalty in (0.0, 1.0):
        model = compiled(penalty=penalty)
        inputs = keras.Input((32, 32, 3))
        start = keras.initializers.Constant(0.1)
        judge = keras.layers.Conv2D(1, 8, strides=8, use_bias=False, kernel_initializer=start)
        model.discriminator = keras.Model(inputs, [judge(inputs)])
        model.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
        images = tf.zeros((2, 32, 32, 3))
        model._train_discriminator(images, images, tf.zeros((2, 32, 32, 1)))
        losses[penalty] = np.array(model.discriminator.weights[0])
    # d/dw of sum(w^2) is 2 w, and the hinge losses of black images have no gradient.
    np.testing.assert_allclose(losses[0.0], 0.1, atol=1e-6)
    np.testing.assert_allclose(losses[1.0], 0.1 - 0.2, atol=1e-5)


def test_keras_file_restores_weights_and_both_optimizers(tmp_path: Path) -> None:
    model = compiled()
    model.train_step(tf.random.stateless_uniform((4, 32, 32, 3), (0, 1)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config() and again.adversarial_from == model.adversarial_from
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
