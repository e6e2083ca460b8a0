"""A memory layer whose items are addressed by cosine similarity."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("mim_tf")
class MemoryAddress(layers.Layer):
    """Computes the attention of each position over the keys of a memory (Gong et al., MemAE, ICCV 2019).

    The attention is the softmax of the scaled cosine similarity of feature and keys. A following `Dense` layer without
    bias, whose kernel holds the values, makes a key-value memory: its output is always a convex combination of learned
    values, for any input.

    Args:
        items: number of items M.
        sharpness: factor of the cosine before the softmax; a larger factor concentrates the attention on fewer items.

    Shapes:
        (B, H, W, C) -> float32 (B, H, W, M), non-negative, of sum 1 over M.

    Example:
        With sharpness 0 the attention is uniform, 1 / M. A feature equal to one of M orthogonal keys gives this key the
        attention e^a / (e^a + M - 1) at sharpness a: 0.997 for a = 10 and M = 64.
    """

    def __init__(self, items: int, sharpness: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.sharpness = sharpness

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Creates the keys, (C, M)."""
        self.keys = self.add_weight(shape=(shape[-1], self.items), initializer="random_normal", name="keys")

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Computes the attention: (B, H, W, C) -> float32 (B, H, W, M)."""
        # float32, because bfloat16 is too coarse for a softmax over many nearly equal items.
        features, keys = tf.cast(features, tf.float32), tf.cast(self.keys, tf.float32)
        cosine = tf.nn.l2_normalize(features, -1, 1e-6) @ tf.nn.l2_normalize(keys, 0, 1e-6)
        return tf.nn.softmax(self.sharpness * cosine)

    def compute_output_spec(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Returns the shape of the attention; its dtype is always float32."""
        return keras.KerasTensor((*features.shape[:-1], self.items), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "items": self.items, "sharpness": self.sharpness}
