"""An int8 twin of a generator: batch normalisation folded, every scale fixed by us.

The twin carries fake-quantization nodes (Jacob et al., CVPR 2018), so the TFLite converter takes our scales
instead of choosing its own at each conversion. Hence the generators of both signatures of `mim.tflite` and
of `mim_micro.tflite` are one and the same, bit for bit, and whatever follows the generator stays float.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Range = tuple[float, float]
#: uint8 pixels and masks: scale 1/255, zero point -128, so that q = pixel - 128.
INPUT_RANGE: Range = (0.0, 1.0)
#: The int8 LOGISTIC of TFLite has scale 1/256 and zero point -128.
OUTPUT_RANGE: Range = (0.0, 255.0 / 256.0)


class FakeQuantized(keras.layers.Layer):
    """Rounds activations to the 256 values of a range, after an optional ReLU or sigmoid."""

    def __init__(self, limits: Range, activation: str, name: str) -> None:
        super().__init__(name=name)
        self.limits = limits
        self.activation = keras.activations.get(activation)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Float in, float of at most 256 values out."""
        return tf.quantization.fake_quant_with_min_max_args(self.activation(inputs), *self.limits)


class FoldedConv(keras.layers.Layer):
    """A convolution of constant weights, rounded to int8 for each output channel."""

    def __init__(self, kernel: NDArray[np.float32], bias: NDArray[np.float32], stride: int, name: str) -> None:
        super().__init__(name=name)
        self.constants = kernel, bias
        self.stride = stride

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) -> (B, H / stride, W / stride, filters)."""
        kernel, bias = self.constants
        largest = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), 1e-8)
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(kernel, -largest, largest, narrow_range=True)
        return tf.nn.conv2d(inputs, rounded, self.stride, "SAME") + bias


class Folded(keras.layers.Layer):
    """Stands where a batch normalisation stood that is part of the convolution now."""

    def call(self, inputs: tf.Tensor, mask: None = None) -> tf.Tensor:
        """Returns its input; `mask` is in the signature because Keras passes it to normalisations."""
        return inputs


def fold(network: keras.Model) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernel and bias of each convolution with the batch normalisation that follows it.

    Args:
        network: a functional model in which each `Conv2D` without bias feeds one `BatchNormalization`.

    Returns:
        By layer name, kernel (3, 3, C, filters) and bias (filters,), float32.
    """
    folded = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = layer.kernel.numpy()
            bias = layer.bias.numpy() if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
            folded[layer.name] = (kernel, bias)
        elif isinstance(layer, keras.layers.BatchNormalization):
            source = layer.input._keras_history.operation.name
            kernel, bias = folded[source]
            factor = layer.gamma.numpy() / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
            shift = layer.beta.numpy() - layer.moving_mean.numpy() * factor
            folded[source] = (kernel * factor, bias * factor + shift)
    return folded


def activation_ranges(network: keras.Model, batches: Iterable[NDArray[np.float32]]) -> dict[str, Range]:
    """Range of each activation over sample inputs, by the name of the layer that ends it.

    Tensors that meet in a concatenation get one range, so that it need not requantize them.

    Args:
        network: the generator.
        batches: its inputs, float32 (B, S, S, 4).

    Returns:
        Ranges that contain 0, for every `ReLU` and for the convolution before the sigmoid.
    """
    ends = [layer for layer in network.layers if isinstance(layer, (keras.layers.ReLU, keras.layers.Activation))]
    sources = {layer.name: layer.input._keras_history.operation.name for layer in ends}
    watched = {
        layer.name if isinstance(layer, keras.layers.ReLU) else sources[layer.name]: (
            layer.output if isinstance(layer, keras.layers.ReLU) else layer.input
        )
        for layer in ends
    }
    probe = keras.Model(network.input, watched)
    ranges = dict.fromkeys(watched, (0.0, 0.0))
    for batch in batches:
        for name, values in probe(batch, training=False).items():
            low, high = float(tf.reduce_min(values)), float(tf.reduce_max(values))
            ranges[name] = min(ranges[name][0], low), max(ranges[name][1], high)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Concatenate):
            names = [_activation_before(tensor) for tensor in layer.input]
            together = min(ranges[n][0] for n in names), max(ranges[n][1] for n in names)
            ranges.update(dict.fromkeys(names, together))
    return ranges


def _activation_before(tensor: keras.KerasTensor) -> str:
    operation = tensor._keras_history.operation
    while not isinstance(operation, keras.layers.ReLU):
        operation = operation.input._keras_history.operation
    return str(operation.name)


def int8_twin(network: keras.Model, ranges: dict[str, Range]) -> keras.Model:
    """The network as it will compute in int8, in float arithmetic.

    Args:
        network: the generator, of the layers that `networks.generator` uses.
        ranges: as `activation_ranges` gives them.

    Returns:
        A model of the same input and output shapes.
    """
    folded = fold(network)

    def twin(layer: keras.layers.Layer) -> keras.layers.Layer:
        name = layer.name
        if isinstance(layer, keras.layers.Conv2D):
            return FoldedConv(*folded[name], stride=layer.strides[0], name=name)
        if isinstance(layer, keras.layers.BatchNormalization):
            return Folded(name=name)
        if isinstance(layer, keras.layers.ReLU):
            return FakeQuantized(ranges[name], "relu", name)
        if isinstance(layer, keras.layers.Activation):
            return FakeQuantized(OUTPUT_RANGE, "sigmoid", name)
        return layer.__class__.from_config(layer.get_config())

    clone = keras.models.clone_model(network, clone_function=twin)
    inputs = keras.Input(network.input.shape[1:], name="masked")
    logits_range = ranges[network.layers[-2].name]
    body = keras.Model(clone.input, clone.layers[-2].output)
    x = body(FakeQuantized(INPUT_RANGE, "linear", "masked_int8")(inputs))
    x = FakeQuantized(logits_range, "linear", "logits_int8")(x)
    return keras.Model(inputs, clone.layers[-1](x), name=f"{network.name}_int8")
