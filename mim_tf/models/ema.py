"""Models that use a moving average of their weights for inference.

The average varies less than the weights after the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import keras
import tensorflow as tf

from mim_tf import replicas
from mim_tf.models.descent import descend, scaling
from mim_tf.models.seeds import seeded_weights

#: Decay of the moving average after its warm-up.
DECAY = 0.995


def update_average(average: keras.Model, network: keras.Model, step: tf.Tensor, decay: float = DECAY) -> None:
    """Updates the moving average of weights and batch normalization statistics.

    The decay is min(`decay`, (1 + step) / (10 + step)). It is smaller in the first steps, so that the initial weights
    are forgotten quickly.

    Args:
        average: the network that holds the average, float32; it is changed in place.
        network: the same network in training.
        step: integer scalar, number of completed steps.
        decay: weight of the previous average, in [0, 1].

    Example:
        At step 0 the decay is 0.1, at step 90 it is 0.91, and 0.995 from step 1790 on.
    """
    step = tf.cast(step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))
    for mean, value in zip(average.variables, network.variables, strict=True):
        mean.assign(mean + (1.0 - decay) * (tf.cast(value, tf.float32) - mean))


class AveragedModel(keras.Model):
    """Base class of models with one optimizer and a moving average of each network.

    A subclass implements `train_step`.

    Args:
        config: an instance of the dataclass `config_class`, with the fields `precision` and `seed`.
        builders: for each network, its name and a function that builds it for a dtype policy.
        tracked: names of the metrics that are reported as means.
    """

    config_class: ClassVar[Callable[..., Any]]

    def __init__(
        self, config: Any, builders: Mapping[str, Callable[[str], keras.Model]], tracked: tuple[str, ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        with seeded_weights(config.seed):
            self.networks = {name: build(config.precision) for name, build in builders.items()}
            self.averages = {name: build("float32") for name, build in builders.items()}
        for name, average in self.averages.items():
            average.set_weights(self.networks[name].get_weights())
            average.trainable = False
        self.trackers = {name: keras.metrics.Mean(name=name) for name in tracked}
        self.built = True

    # ---- configuration ----------------------------------------------------------------------------

    @classmethod
    def read_config(cls, config: Any) -> Any:
        """Converts the mapping of a saved configuration to `config_class`, and lists from JSON to tuples.

        An instance of the dataclass, or None, is returned unchanged.
        """
        if not isinstance(config, Mapping):
            return config
        return cls.config_class(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as JSON-compatible values."""
        return {"name": self.name, "config": asdict(self.config)}

    def compile(self, optimizer: keras.optimizers.Optimizer | dict[str, Any], **kwargs: Any) -> None:
        """Sets and builds the optimizer, so that loading a file also restores its state."""
        super().compile(**kwargs)
        self.optimizer = keras.optimizers.get(optimizer)
        self.scaled_optimizer = scaling(self.optimizer, self.trainable_variables, self.config.precision)

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the configuration of the optimizer."""
        return {"optimizer": keras.optimizers.serialize(self.optimizer)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with a configuration from `get_compile_config`."""
        self.compile(keras.optimizers.deserialize(config["optimizer"]))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked means; `fit` resets them at the start of each epoch."""
        return list(self.trackers.values())

    # ---- training ---------------------------------------------------------------------------------

    def step_key(self) -> tf.Tensor:
        """Returns the seed of the current step, int64 (2,).

        It depends only on the seed of the configuration and the number of completed steps, so that a resumed run draws
        the same random numbers as an uninterrupted one.
        """
        return tf.stack([tf.constant(self.config.seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)])

    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Completes a `train_step`: applies the gradients, updates the averages and the tracked means.

        Args:
            tape: the tape that records `loss`.
            loss: scalar loss.
            values: values to track, by the names in `tracked`.

        Returns:
            The tracked means.
        """
        with tape:
            scaled = self.scaled_optimizer.scale_loss(loss)
        descend(self.scaled_optimizer, tape, scaled, self.trainable_variables)
        for name, average in self.averages.items():
            update_average(average, self.networks[name], self.optimizer.iterations)
        for name, value in zip(values, replicas.means(list(values.values())), strict=True):
            self.trackers[name].update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}
