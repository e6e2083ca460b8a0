"""A memory whose items are addressed by similarity."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("mim_tf")
class MemoryAddress(layers.Layer):
    """Attention of each position over the keys of a memory, by cosine similarity (Gong et al., MemAE, ICCV 2019).

    Followed by a `Dense` layer without bias, whose kernel then holds the values, it makes a key-value memory: what
    comes out is a mixture of values that were learnt, whatever went in.

    Args:
        items: number of items M.
        sharpness: factor of the cosine before the softmax; the larger, the fewer items share a position.

    Shapes:
        (B, H, W, C) -> float32 (B, H, W, M), non-negative, summing to 1 over M.

    Example:
        With sharpness 0 the attention is uniform, 1 / M; a feature equal to one of M orthogonal keys gives it the
        share e^a / (e^a + M - 1) at sharpness a: .997 for a = 10, M = 64.
    """

    def __init__(self, items: int, sharpness: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.sharpness = sharpness

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the keys, (C, M)."""
        self.keys = self.add_weight(shape=(shape[-1], self.items), initializer="random_normal", name="keys")

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """See the class."""
        # In float32: bfloat16 has too few digits for a softmax over many nearly equal items.
        features, keys = tf.cast(features, tf.float32), tf.cast(self.keys, tf.float32)
        cosine = tf.nn.l2_normalize(features, -1, 1e-6) @ tf.nn.l2_normalize(keys, 0, 1e-6)
        return tf.nn.softmax(self.sharpness * cosine)

    def compute_output_spec(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Always float32."""
        return keras.KerasTensor((*features.shape[:-1], self.items), "float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "items": self.items, "sharpness": self.sharpness}
