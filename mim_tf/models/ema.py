"""Models whose answers come from a moving average of their weights, which is steadier than the last step's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import keras
import tensorflow as tf

#: Decay of the moving average, once it has warmed up.
DECAY = 0.995


def update_average(average: keras.Model, network: keras.Model, step: tf.Tensor, decay: float = DECAY) -> None:
    """Averages weights and normalisation statistics; a shorter memory at first, or the start would linger.

    Args:
        average: holds the average, float32.
        network: the same network in training.
        step: integer scalar, steps done.
        decay: share of the old average that stays.
    """
    step = tf.cast(step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))
    for kept, value in zip(average.variables, network.variables, strict=True):
        kept.assign(kept + (1.0 - decay) * (tf.cast(value, tf.float32) - kept))


class AveragedModel(keras.Model):
    """Networks with one optimizer, each beside its moving average. A subclass brings the `train_step`.

    Args:
        config: a dataclass of the subclass's `config_class` with the fields `precision` and `seed`, or the mapping
            that `get_config` gives.
        builders: for each network its name and a function from a dtype policy to the network.
        tracked: names of the means that are reported.
    """

    config_class: ClassVar[Callable[..., Any]]

    def __init__(
        self, config: Any, builders: Mapping[str, Callable[[str], keras.Model]], tracked: tuple[str, ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        keras.utils.set_random_seed(config.seed)
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
        """The dataclass of what `get_config` gave, JSON's lists included; a dataclass comes back as it is."""
        if not isinstance(config, Mapping):
            return config
        return cls.config_class(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again, as JSON can hold them."""
        return {"name": self.name, "config": asdict(self.config)}

    def compile(self, optimizer: keras.optimizers.Optimizer | dict[str, Any], **kwargs: Any) -> None:
        """Sets the optimizer and builds it, so that a file loaded later restores its slots."""
        super().compile(**kwargs)
        self.optimizer = keras.optimizers.get(optimizer)
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any]:
        """The optimizer's configuration."""
        return {"optimizer": keras.optimizers.serialize(self.optimizer)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what `get_compile_config` gave."""
        self.compile(keras.optimizers.deserialize(config["optimizer"]))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked means, reset by `fit` at each epoch."""
        return list(self.trackers.values())

    # ---- training ---------------------------------------------------------------------------------

    def step_key(self) -> tf.Tensor:
        """int64 (2,): a seed that the step numbers, so that a continued run draws what an unbroken one draws."""
        return tf.stack([tf.constant(self.config.seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)])

    def descend(self, tape: tf.GradientTape, loss: tf.Tensor, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Ends a `train_step`: one step of the optimizer, the averages, the tracked means.

        Args:
            tape: has recorded `loss`.
            loss: scalar.
            values: by the names of `tracked`.

        Returns:
            The running means.
        """
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for name, average in self.averages.items():
            update_average(average, self.networks[name], self.optimizer.iterations)
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}
