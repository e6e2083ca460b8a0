"""Compares the time of a training step of `MIM` in float32 and mixed_bfloat16, at 96 px and batch size 16.

    python benchmarks/precision.py

`benchmarks/README.md` has the results for 2 cores of an AMD EPYC with AVX2 only.
"""

from __future__ import annotations

import platform
import time

import keras
import tensorflow as tf

from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.training.loop import fast_precision

BATCH, STEPS, ROUNDS = 16, 5, 3


def seconds_a_step(precision: str) -> list[float]:
    """Returns the mean seconds per step of each round. A first step, which compiles the function, is not timed."""
    model = MIM(MIMConfig(precision=precision))
    model.compile(keras.optimizers.Adam(4e-4, beta_1=0.5), keras.optimizers.Adam(4e-4, beta_1=0.5))
    step = tf.function(model.train_step)
    images = tf.random.stateless_uniform((BATCH, 96, 96, 3), (0, 1))
    step(images)
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        for _ in range(STEPS):
            step(images)
        times.append((time.monotonic() - began) / STEPS)
    return times


def main() -> None:
    """Prints a row for each precision, and the choice of `fast_precision`."""
    print(f"{platform.processor() or platform.machine()}, TensorFlow {tf.__version__}, batch {BATCH}, 96 px")
    for precision in ("float32", "mixed_bfloat16"):
        times = ", ".join(f"{seconds:.3f}" for seconds in seconds_a_step(precision))
        print(f"{precision}: seconds a step in {ROUNDS} rounds of {STEPS}: {times}")
    print(f"chosen here: {fast_precision()}")


if __name__ == "__main__":
    main()
