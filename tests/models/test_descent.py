"""`mim_tf.models.descent`: the scale of the loss in float16."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_tf.detectors.autoencoder import Autoencoder, AutoencoderConfig
from mim_tf.models.descent import LossScaling, descend, scaling
from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.synthetic import dataset
from mim_tf.training.checkpoint import load_weights


def mim(precision: str, rate: float = 1e-3) -> MIM:
    model = MIM(MIMConfig(size=32, cell=4, width=4, discriminator_width=4, precision=precision))
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0), keras.optimizers.Adam(rate))
    return model


def autoencoder(precision: str) -> Autoencoder:
    model = Autoencoder(AutoencoderConfig(size=32, width=4, precision=precision))
    model.compile(keras.optimizers.Adam(2e-3))
    return model


def images(count: int = 8) -> tf.Tensor:
    return tf.constant(dataset.render("mpox", range(count), size=32) / np.float32(255))


def test_the_norm_is_limited_after_the_scale_is_removed() -> None:
    """The gradient is 10, of which the limit 1 is left; a loss that is not finite changes nothing but the scale."""
    variable = keras.Variable(0.0)
    optimizer = scaling(keras.optimizers.SGD(1.0, global_clipnorm=1.0), [variable], "mixed_float16")
    assert isinstance(optimizer, LossScaling)
    for factor, value, scale in ((10.0, -1.0, 2.0**7), (np.inf, -1.0, 2.0**6), (0.5, -1.5, 2.0**6)):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(factor * tf.convert_to_tensor(variable))
        descend(optimizer, tape, loss, [variable])
        assert float(variable) == value and float(optimizer.dynamic_scale) == scale
    assert int(optimizer.iterations) == 2
    plain = keras.optimizers.SGD(1.0)
    assert scaling(plain, [keras.Variable(0.0)], "mixed_bfloat16") is plain and plain.built


def test_a_step_in_float16_is_close_to_one_in_float32() -> None:
    """Including the penalty of the discriminator, a second derivative. SGD shows the size of the gradients."""
    moved = {}
    for precision in ("float32", "mixed_float16"):
        model = MIM(MIMConfig(size=32, cell=4, width=4, discriminator_width=4, penalty=1.0, precision=precision))
        model.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
        before = [value.numpy() for value in model.discriminator.trainable_variables]
        model.train_step(images())
        after = model.discriminator.trainable_variables
        moved[precision] = np.concatenate([(b.numpy() - a).ravel() for a, b in zip(before, after, strict=True)])
    exact, rounded = moved.values()
    assert np.linalg.norm(rounded - exact) < 0.02 * np.linalg.norm(exact) and np.abs(exact).max() > 0


@pytest.mark.slow
@pytest.mark.parametrize("make", [mim, autoencoder])
def test_losses_in_float16_are_close_to_those_in_float32(make: Callable[[str], keras.Model]) -> None:
    """Of the last of 20 steps; the loss of the autoencoder has fallen by then."""
    batch, last = images(4), {}
    for precision in ("float32", "mixed_float16"):
        model = make(precision)
        step = tf.function(model.train_step)
        first = {name: float(value) for name, value in step(batch).items()}
        for _ in range(19):
            for metric in model.metrics:
                metric.reset_state()
            values = step(batch)
        last[precision] = {name: float(value) for name, value in values.items()}
        assert all(np.isfinite(value.numpy()).all() for value in model.variables)
        assert make is mim or last[precision]["error"] < first["error"]
    assert last["mixed_float16"] == pytest.approx(last["float32"], rel=0.03, abs=0.01)


def test_a_checkpoint_is_continued_in_any_precision(tmp_path: Path) -> None:
    """In float16 with the scale that it had; the optimizers are those of both precisions."""
    path = tmp_path / "model.weights.h5"
    for begun, continued in (
        ("mixed_float16", "mixed_float16"),
        ("mixed_float16", "float32"),
        ("float32", "mixed_float16"),
    ):
        model, other = mim(begun), mim(continued, rate=1e-3)
        model.train_step(images())
        if begun == "mixed_float16":
            model.g_scaled_optimizer.dynamic_scale.assign(512.0)
            model.d_scaled_optimizer.step_counter.assign(7)
        model.save_weights(path)
        load_weights(other, path)
        for name in ("generator", "discriminator", "ema_generator", "g_optimizer", "d_optimizer"):
            pairs = zip(getattr(model, name).variables, getattr(other, name).variables, strict=True)
            assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs), name
        if begun == continued:
            assert float(other.g_scaled_optimizer.dynamic_scale) == 512
            assert int(other.d_scaled_optimizer.step_counter) == 7


def test_a_keras_file_in_float16_restores_the_optimizers(tmp_path: Path) -> None:
    model = autoencoder("mixed_float16")
    model.train_step(images())
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.scaled_optimizer, LossScaling)
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
