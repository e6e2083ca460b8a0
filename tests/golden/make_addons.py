"""Makes `addons.npz` and `addons.json`: what TensorFlow Addons 0.23 computes, as golden vectors.

TensorFlow Addons is no longer maintained and does not run with Keras 3, so it has an environment of its
own (Python 3.9 to 3.11), and only its results are kept:

    python3.11 -m venv ORACLE
    ORACLE/bin/pip install tensorflow==2.15.1 tensorflow-addons==0.23.0 numpy==1.26.4
    ORACLE/bin/python tests/golden/make_addons.py

Both files are written next to this script. `addons.json` says which versions made them, from which seed,
and what each array is.
"""

from __future__ import annotations

import hashlib
import json
import platform
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its announcement of the end of support
    import tensorflow_addons as tfa  # type: ignore[import-not-found, unused-ignore]

SEED = 20240229
HERE = Path(__file__).parent
SN_CALLS = 3
EMA_DECAY = 0.9
ADAMW = {"learning_rate": 0.05, "weight_decay": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6}
NORM_EPSILON = 0.05  # far above the default, or a layer that ignored it would pass
LEARNING_RATE = 0.1  # of the SGD under the moving average

Golden = dict[str, tuple[np.ndarray, str]]


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """float32 of the given shape, standard normal."""
    return rng.standard_normal(shape).astype(np.float32)


def spectral_layer(
    kernel: np.ndarray, bias: np.ndarray, u: np.ndarray, shape: tuple[int, ...], iterations: int
) -> tfa.layers.SpectralNormalization:
    """A normalised convolution, stride 2, padding "same", with the state given.

    Args:
        kernel: float32 (3, 3, C, F).
        bias: float32 (F,).
        u: float32 (1, F), the start of the power iteration.
        shape: of the inputs, (B, H, W, C).
        iterations: power iterations per training call.
    """
    layer = tfa.layers.SpectralNormalization(
        tf.keras.layers.Conv2D(kernel.shape[-1], 3, strides=2, padding="same"), power_iterations=iterations
    )
    layer.build(shape)
    layer.layer.kernel.assign(kernel)
    layer.layer.bias.assign(bias)
    layer.u.assign(u)
    return layer


def spectral_normalization(rng: np.random.Generator) -> Golden:
    """Three training calls and one of inference, for one and for three power iterations."""
    # Odd channels and an odd width: a transposed kernel or the wrong side padded cannot agree by chance.
    inputs, kernel = normal(rng, 2, 8, 7, 3), normal(rng, 3, 3, 3, 5)
    bias, u = normal(rng, 5), normal(rng, 1, 5)
    golden: Golden = {
        "sn_inputs": (inputs, "(2, 8, 7, 3) NHWC inputs, the same in every call"),
        "sn_kernel": (kernel, "(3, 3, 3, 5) kernel before the first call"),
        "sn_bias": (bias, "(5,) bias"),
        "sn_u": (u, "(1, 5) u before the first call, not of unit length"),
    }
    for iterations in (1, 3):
        layer = spectral_layer(kernel, bias, u, inputs.shape, iterations)
        kernels, vectors, outputs, gradients = [], [], [], []
        for _ in range(SN_CALLS):
            with tf.GradientTape() as tape:
                output = layer(inputs, training=True)
                loss = tf.reduce_mean(tf.square(output))
            gradients.append(tape.gradient(loss, layer.layer.kernel).numpy())
            kernels.append(layer.layer.kernel.numpy())
            vectors.append(layer.u.numpy())
            outputs.append(output.numpy())
        name = f"sn{iterations}"
        each = f"each of {SN_CALLS} calls with training=True, power_iterations={iterations}"
        golden[f"{name}_kernels"] = (
            np.stack(kernels),
            f"(3, 3, 3, 3, 5) kernel used in, and kept after, {each}",
        )
        golden[f"{name}_us"] = np.stack(vectors), f"(3, 1, 5) u after {each}"
        golden[f"{name}_outputs"] = np.stack(outputs), f"(3, 2, 4, 4, 5) output of {each}"
        golden[f"{name}_gradients"] = (
            np.stack(gradients),
            f"(3, 3, 3, 3, 5) gradient of mean(output ** 2) with respect to the kernel in {each}",
        )
        golden[f"{name}_inference"] = (
            layer(inputs, training=False).numpy(),
            f"(2, 4, 4, 5) output with training=False after those calls, power_iterations={iterations}",
        )
        assert np.array_equal(layer.layer.kernel.numpy(), kernels[-1])

    # Norms of some 3e-7 lie below the floor of tf.math.l2_normalize (1e-6) and above that of Keras 3 (1e-7).
    tiny = (kernel * np.float32(3e-7 / np.linalg.norm(kernel))).astype(np.float32)
    unit = (u / np.linalg.norm(u)).astype(np.float32)
    layer = spectral_layer(tiny, bias, unit, inputs.shape, 1)
    layer(inputs, training=True)
    golden["sn_tiny_kernel"] = tiny, "(3, 3, 3, 5) kernel of Frobenius norm 3e-7"
    golden["sn_tiny_u"] = unit, "(1, 5) u of unit length before the call with sn_tiny_kernel"
    golden["sn_tiny_kernel_after"] = layer.layer.kernel.numpy(), "(3, 3, 3, 5) sn_tiny_kernel after one call"
    golden["sn_tiny_u_after"] = layer.u.numpy(), "(1, 5) u after one call with sn_tiny_kernel"

    layer = spectral_layer(np.zeros_like(kernel), bias, unit, inputs.shape, 1)
    layer(inputs, training=True)
    zero_after = layer.layer.kernel.numpy()
    golden["sn_zero_kernel_after"] = zero_after, "(3, 3, 3, 5) a kernel of zeros after one call"
    return golden


def instance_normalization(rng: np.random.Generator) -> Golden:
    """Each channel of each image has a mean and a spread of its own."""
    inputs = normal(rng, 3, 6, 5, 7) * rng.uniform(0.2, 3, (3, 1, 1, 7)) + rng.uniform(-2, 2, (3, 1, 1, 7))
    inputs = inputs.astype(np.float32)
    gamma, beta = normal(rng, 7), normal(rng, 7)
    layer = tfa.layers.InstanceNormalization(epsilon=NORM_EPSILON)
    layer.build(inputs.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return {
        "in_inputs": (inputs, "(3, 6, 5, 7) NHWC inputs"),
        "in_gamma": (gamma, "(7,) scale"),
        "in_beta": (beta, "(7,) offset"),
        "in_epsilon": (np.float32(NORM_EPSILON), "() epsilon"),
        "in_outputs": (layer(inputs).numpy(), "(3, 6, 5, 7) outputs"),
    }


def adamw(rng: np.random.Generator) -> Golden:
    """Three steps with given gradients."""
    start, gradients = normal(rng, 3, 4), normal(rng, 3, 3, 4)
    variable = tf.Variable(start)
    optimizer = tfa.optimizers.AdamW(**ADAMW)
    values = []
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
        values.append(variable.numpy())
    golden: Golden = {
        "adamw_start": (start, "(3, 4) variable before the first step"),
        "adamw_gradients": (gradients, "(3, 3, 4) gradient of each step"),
        "adamw_values": (np.stack(values), "(3, 3, 4) variable after each step"),
    }
    for name, value in ADAMW.items():
        golden[f"adamw_{name}"] = np.float32(value), f"() {name} as Addons takes it"
    return golden


def moving_average(rng: np.random.Generator) -> Golden:
    """Five steps of plain SGD under `MovingAverage`, with a constant and with a growing decay."""
    start, gradients = normal(rng, 4), normal(rng, 5, 4)
    golden: Golden = {
        "ema_decay": (np.float32(EMA_DECAY), "() average_decay"),
        "ema_learning_rate": (np.float32(LEARNING_RATE), "() learning rate of the SGD"),
        "ema_start": (start, "(4,) variable, and its average, before the first step"),
        "ema_gradients": (gradients, "(5, 4) gradient of each step"),
    }
    for dynamic in (False, True):
        variable = tf.Variable(start)
        optimizer = tfa.optimizers.MovingAverage(
            tf.keras.optimizers.legacy.SGD(LEARNING_RATE), average_decay=EMA_DECAY, dynamic_decay=dynamic
        )
        values, averages = [], []
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
            values.append(variable.numpy())
            averages.append(optimizer.get_slot(variable, "average").numpy())
        if not dynamic:
            golden["ema_values"] = np.stack(values), "(5, 4) variable after each step"
            golden["ema_averages"] = (
                np.stack(averages),
                "(5, 4) moving average after each step, dynamic_decay=False (no start-up phase)",
            )
        else:
            golden["ema_averages_dynamic"] = (
                np.stack(averages),
                "(5, 4) the same, dynamic_decay=True: decay min(average_decay, (1 + k) / (10 + k)), "
                "k = 0 in the first step",
            )
    return golden


def main() -> None:
    """Writes the arrays and where they come from."""
    golden: Golden = {}
    for number, make in enumerate((spectral_normalization, instance_normalization, adamw, moving_average)):
        # A generator for each part: changing one leaves the others as they are.
        golden |= make(np.random.default_rng([SEED, number]))
    arrays = {name: np.asarray(array, np.float32) for name, (array, _) in golden.items()}
    path = HERE / "addons.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type, unused-ignore]
    provenance = {
        "made_by": "tests/golden/make_addons.py",
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "tensorflow-addons": tfa.__version__,
        "numpy": np.__version__,
        "seed": SEED,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "dtype": "float32",
        "arrays": {name: text for name, (_, text) in golden.items()},
    }
    (HERE / "addons.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
