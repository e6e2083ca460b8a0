"""Keras 3 against TensorFlow Addons 0.23, by golden vectors (`tests/golden/make_addons.py`).

With Keras 2, spectral normalization, instance normalization, AdamW and moving averages of weights were in
TensorFlow Addons. Keras 3 includes all four. The tests state how the two implementations relate.

Spectral normalization, `tfa.layers.SpectralNormalization` and `keras.layers.SpectralNormalization`:
    Equal in both: u has shape (1, F) for a kernel of (..., F), is not trainable and is initialized from a
    truncated normal of standard deviation 0.02. Each iteration computes v = normalize(u W^T), then
    u = normalize(v W), with W = kernel reshaped to (-1, F), and sigma = v W u^T with the new u. Only
    training=True iterates, overwrites the kernel with kernel / sigma and stores u. training=False does neither:
    it uses the last stored kernel unchanged, including optimizer steps. The gradient is that of the layer at
    the overwritten kernel: it does not pass through sigma, unlike in Miyato et al. (ICLR 2018).
    Different in Keras 3: u is `vector_u`, not `u` (`sn_u`), and the kernel is `kernel`, not `w`; training=None
    means False rather than the global learning phase; a kernel of zeros is not changed, while Addons divides
    0 by 0; lengths are at least 1e-7 (`keras.config.epsilon()`), while `tf.math.l2_normalize` has 1e-6
    (1e-12 under the root), which matters only for kernels of about this size.

Instance normalization: `GroupNormalization(groups=-1)` is `tfa.layers.InstanceNormalization`; epsilon is
    added to the variance under the root in both, 1e-3 by default.

AdamW: Addons subtracts weight_decay * w in each step, Keras 3 learning_rate * weight_decay * w, both
    before Adam's update. At a constant learning rate, Keras needs Addons' weight_decay / learning_rate;
    under a schedule no constant translates, since only Keras' decay follows the learning rate.

Moving average: `tfa.optimizers.MovingAverage` starts the average at the variable before the first step,
    Keras 3 (`use_ema=True`) at the variable after it. They differ by decay^k (w_1 - w_0) after step k.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

HERE = Path(__file__).parents[1] / "golden"
Golden = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden() -> Golden:
    with np.load(HERE / "addons.npz") as arrays:
        return dict(arrays)


def close(actual: object, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    """Asserts equal shapes and values within an absolute tolerance."""
    actual = np.asarray(actual)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def spectral_layer(golden: Golden, kernel: np.ndarray, u: np.ndarray, iterations: int) -> keras.layers.Layer:
    """Builds the Keras wrapper around the convolution of the golden vectors and sets its state."""
    layer = keras.layers.SpectralNormalization(
        keras.layers.Conv2D(kernel.shape[-1], 3, strides=2, padding="same"), power_iterations=iterations
    )
    layer.build(golden["sn_inputs"].shape)
    layer.layer.kernel.assign(kernel)
    layer.layer.bias.assign(golden["sn_bias"])
    layer.vector_u.assign(u)
    return layer


def power_step(kernel: np.ndarray, u: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Computes one iteration in float64, lengths at least `floor`: kernel (..., F), u (1, F) -> kernel / sigma, u."""
    matrix = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    v = u.astype(np.float64) @ matrix.T
    v /= max(np.linalg.norm(v), floor)
    u = v @ matrix
    u /= max(np.linalg.norm(u), floor)
    return kernel / (v @ matrix @ u.T).item(), u


# ---- provenance --------------------------------------------------------------------------------------


def test_golden_file_has_the_recorded_hash(golden: Golden) -> None:
    provenance = json.loads((HERE / "addons.json").read_text(encoding="utf-8"))
    assert hashlib.sha256((HERE / "addons.npz").read_bytes()).hexdigest() == provenance["sha256"]
    assert set(golden) == set(provenance["arrays"])
    assert {array.dtype.name for array in golden.values()} == {provenance["dtype"]}
    assert provenance["tensorflow-addons"] == "0.23.0"


# ---- spectral normalization --------------------------------------------------------------------------


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("graph", [False, True])
def test_spectral_normalization_agrees(golden: Golden, iterations: int, graph: bool) -> None:
    layer = spectral_layer(golden, golden["sn_kernel"], golden["sn_u"], iterations)
    inputs, name = tf.constant(golden["sn_inputs"]), f"sn{iterations}"

    def step() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            output = layer(inputs, training=True)
            loss = tf.reduce_mean(tf.square(output))
        return output, tape.gradient(loss, layer.layer.kernel.value)

    call = tf.function(step) if graph else step
    for index in range(len(golden[f"{name}_outputs"])):
        output, gradient = call()
        close(output, golden[f"{name}_outputs"][index])
        close(gradient, golden[f"{name}_gradients"][index])
        close(layer.vector_u, golden[f"{name}_us"][index])
        close(layer.layer.kernel, golden[f"{name}_kernels"][index])  # overwritten, in Keras as in Addons
    close(layer(inputs, training=False), golden[f"{name}_inference"])
    close(layer.layer.kernel, golden[f"{name}_kernels"][-1], 1e-6)  # inference does not change the kernel


def test_spectral_normalization_matches_numpy(golden: Golden) -> None:
    kernel, u = golden["sn_kernel"], golden["sn_u"]
    for used, vector in zip(golden["sn1_kernels"], golden["sn1_us"], strict=True):
        kernel, u = power_step(kernel, u, 1e-6)
        close(used, kernel)
        close(vector, u)


def test_the_gradient_does_not_pass_through_sigma(golden: Golden) -> None:
    """The gradient equals that of a plain convolution with the normalized kernel."""
    layer = keras.layers.Conv2D(golden["sn_kernel"].shape[-1], 3, strides=2, padding="same")
    layer.build(golden["sn_inputs"].shape)
    layer.set_weights([golden["sn1_kernels"][0], golden["sn_bias"]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(layer(golden["sn_inputs"])))
    close(tape.gradient(loss, layer.kernel.value), golden["sn1_gradients"][0])


def test_spectral_normalization_does_nothing_by_default(golden: Golden) -> None:
    layer = spectral_layer(golden, golden["sn_kernel"], golden["sn_u"], 1)
    layer(golden["sn_inputs"])  # training not given
    close(layer.layer.kernel, golden["sn_kernel"], 0)
    close(layer.vector_u, golden["sn_u"], 0)


def test_spectral_normalization_floors_lengths_differently(golden: Golden) -> None:
    kernel, u = golden["sn_tiny_kernel"], golden["sn_tiny_u"]
    layer = spectral_layer(golden, kernel, u, 1)
    layer(golden["sn_inputs"], training=True)

    by_keras, u_by_keras = power_step(kernel, u, 1e-7)
    np.testing.assert_allclose(layer.layer.kernel.numpy(), by_keras, rtol=1e-5)
    close(layer.vector_u, u_by_keras)
    by_addons, u_by_addons = power_step(kernel, u, 1e-6)
    np.testing.assert_allclose(golden["sn_tiny_kernel_after"], by_addons, rtol=1e-5)
    close(golden["sn_tiny_u_after"], u_by_addons)
    # One iteration underestimates sigma, so that the spectral norm remains slightly above 1.
    assert np.linalg.norm(by_keras.reshape(-1, 5), 2) < 3 < 30 < np.linalg.norm(by_addons.reshape(-1, 5), 2)


def test_spectral_normalization_of_zeros(golden: Golden) -> None:
    layer = spectral_layer(golden, np.zeros_like(golden["sn_kernel"]), golden["sn_tiny_u"], 1)
    layer(golden["sn_inputs"], training=True)
    assert not layer.layer.kernel.numpy().any()
    close(layer.vector_u, golden["sn_tiny_u"], 0)
    assert np.isnan(golden["sn_zero_kernel_after"]).all()


# ---- instance normalization --------------------------------------------------------------------------


def test_instance_normalization_agrees(golden: Golden) -> None:
    layer = keras.layers.GroupNormalization(groups=-1, epsilon=float(golden["in_epsilon"]))
    layer.build(golden["in_inputs"].shape)
    layer.gamma.assign(golden["in_gamma"])
    layer.beta.assign(golden["in_beta"])
    close(layer(golden["in_inputs"]), golden["in_outputs"])


# ---- AdamW -------------------------------------------------------------------------------------------


def adamw_values(golden: Golden, weight_decay: float) -> np.ndarray:
    """Computes the variable after each of the golden steps with Keras, float32 (3, 3, 4)."""
    variable = keras.Variable(golden["adamw_start"])
    names = ("learning_rate", "beta_1", "beta_2", "epsilon")
    options = {name: float(golden[f"adamw_{name}"]) for name in names}
    optimizer = keras.optimizers.AdamW(weight_decay=weight_decay, **options)
    values = []
    for gradient in golden["adamw_gradients"]:
        optimizer.apply([tf.constant(gradient)], [variable])
        values.append(variable.numpy())
    return np.stack(values)


def test_adamw_agrees_with_the_decay_converted(golden: Golden) -> None:
    converted = float(golden["adamw_weight_decay"] / golden["adamw_learning_rate"])
    close(adamw_values(golden, converted), golden["adamw_values"])


def test_adamw_differs_with_the_same_decay(golden: Golden) -> None:
    values = adamw_values(golden, float(golden["adamw_weight_decay"]))
    assert np.abs(values - golden["adamw_values"]).max() > 1e-2


# ---- moving average ----------------------------------------------------------------------------------


def moving_averages(golden: Golden, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the variable and its Keras average after each of N steps, float32 (N, 4) each."""
    variable = keras.Variable(golden["ema_start"])
    optimizer = keras.optimizers.SGD(
        float(golden["ema_learning_rate"]), use_ema=True, ema_momentum=float(golden["ema_decay"])
    )
    optimizer.build([variable])
    values, averages = [], []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)])
        values.append(variable.numpy())
        (average,) = (entry for entry in optimizer.variables if entry.path.endswith("_average"))
        averages.append(average.numpy())
    return np.stack(values), np.stack(averages)


def test_moving_average_matches_numpy(golden: Golden) -> None:
    average = dynamic = golden["ema_start"]
    decay = float(golden["ema_decay"])
    for step, value in enumerate(golden["ema_values"]):
        average = decay * average + (1 - decay) * value
        close(golden["ema_averages"][step], average, 1e-6)
        growing = min(decay, (1 + step) / (10 + step))  # `step` counts from 0
        dynamic = growing * dynamic + (1 - growing) * value
        close(golden["ema_averages_dynamic"][step], dynamic, 1e-6)


def test_moving_average_agrees_after_a_zero_step(golden: Golden) -> None:
    """Keras starts the average at the variable after the first step, so the first gradient is zero here."""
    idle = np.zeros_like(golden["ema_gradients"][:1])
    values, averages = moving_averages(golden, np.concatenate([idle, golden["ema_gradients"]]))
    close(values[1:], golden["ema_values"])
    close(averages[1:], golden["ema_averages"])


def test_moving_average_differs_by_its_start(golden: Golden) -> None:
    values, averages = moving_averages(golden, golden["ema_gradients"])
    close(values, golden["ema_values"])
    close(averages[0], golden["ema_values"][0])
    powers = golden["ema_decay"] ** np.arange(1, len(values) + 1)[:, None]
    close(averages - golden["ema_averages"], powers * (golden["ema_values"][0] - golden["ema_start"]))
