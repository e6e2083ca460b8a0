"""Gradient steps: the gradient of the whole batch on several replicas, and the scale of the loss in float16."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import keras
import tensorflow as tf

from mim_tf import replicas

#: First scale of the loss. With that of Keras, 2^15, the first gradients overflow, and their steps are left out.
FIRST_SCALE = 2.0**7


@keras.saving.register_keras_serializable("mim_tf")
class LossScaling(keras.optimizers.LossScaleOptimizer):
    """Multiplies the loss before the gradient is computed, which float16 would otherwise round to 0.

    A file holds the scale only. The inner optimizer is saved by the model, as it is without a scale, so that a training
    in float16 can be continued in another precision, and the reverse.
    """

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Writes the scale, and the number of steps since it last changed."""
        store["scale"] = self.dynamic_scale.numpy()
        store["steps"] = self.step_counter.numpy()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Reads what `save_own_variables` wrote; a file of another precision has no scale."""
        if "scale" in store.keys():  # noqa: SIM118 - Keras' files have no `in`
            self.dynamic_scale.assign(store["scale"])
            self.step_counter.assign(store["steps"])


def scaling(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], precision: str
) -> keras.optimizers.Optimizer:
    """Builds an optimizer, and wraps it where the precision needs a scale of the loss.

    Args:
        optimizer: the optimizer.
        variables: the variables that it trains.
        precision: dtype policy of the networks.

    Returns:
        A `LossScaling` for "mixed_float16", else the optimizer itself. A model keeps it in an attribute whose name
        comes after that of the optimizer, since Keras saves an object under the first of its names.
    """
    if not optimizer.built:
        optimizer.build(variables)
    if precision != "mixed_float16":
        return optimizer
    scaled = LossScaling(optimizer, initial_scale=FIRST_SCALE)
    scaled.build(variables)
    return scaled


def descend(
    optimizer: keras.optimizers.Optimizer, tape: tf.GradientTape, loss: tf.Tensor, variables: list[keras.Variable]
) -> None:
    """Takes a gradient step: on several replicas, that of the mean of their losses.

    Args:
        optimizer: as of `scaling`.
        tape: the tape that recorded `loss`.
        loss: scalar loss, as of `optimizer.scale_loss`.
        variables: the variables to train.
    """
    # Before the optimizer, which then limits the norm of the gradient of the whole batch, as on one device.
    gradients = replicas.means(tape.gradient(loss, variables))
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
