"""Prepares networks for int8 quantization: folds batch normalization, inserts fake-quantization nodes.

The TFLite converter takes quantization scales from fake-quantization nodes (Jacob et al., CVPR 2018) instead of
choosing them at each conversion. The generator therefore has the same scales and weights in both signatures of
`mim.tflite` and in `mim_micro.tflite`, and is bit-exact between them. Operations after a network stay float.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: Minimum and maximum of a tensor.
Range = tuple[float, float]
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
#: Of uint8 pixels and masks as (value - 127) / 128: scale 1/128, zero point -1, so that q = value - 128. A sum in this
#: range is limited to that of pixels.
SCALED_RANGE: Range = (-127 / 128, 1.0)


class FakeQuantized(keras.layers.Layer):
    """Applies an activation function and rounds the result to 256 values.

    Args:
        limits: minimum and maximum.
        activation: name of a Keras activation.
        name: name of the layer.
    """

    def __init__(self, limits: Range, activation: str, name: str) -> None:
        super().__init__(name=name)
        self.limits = limits
        self.activation = keras.activations.get(activation)

    def call(self, inputs: tf.Tensor, mask: None = None) -> tf.Tensor:
        """float32 -> float32 of the same shape, with at most 256 different values; `mask` as in `Folded`."""
        return tf.quantization.fake_quant_with_min_max_args(self.activation(inputs), *self.limits)


class FoldedConv(keras.layers.Layer):
    """A convolution with constant weights, rounded to int8 with one scale per output channel.

    Args:
        kernel: (K, K, C, filters).
        bias: (filters,).
        stride: in both directions.
        name: name of the layer.
        dilation: in both directions.
        limits: minimum and maximum of the output, which is then rounded to 256 values; None = it is not rounded here.
    """

    def __init__(
        self,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32],
        stride: int,
        name: str,
        dilation: int = 1,
        limits: Range | None = None,
    ) -> None:
        super().__init__(name=name)
        self.constants = kernel, bias
        self.stride, self.dilation, self.limits = stride, dilation, limits

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) -> (B, H / stride, W / stride, filters)."""
        kernel, bias = self.constants
        largest = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), 1e-8)
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(kernel, -largest, largest, narrow_range=True)
        outputs = tf.nn.conv2d(inputs, rounded, self.stride, "SAME", dilations=self.dilation) + bias
        if self.limits is None:
            return outputs
        return tf.quantization.fake_quant_with_min_max_args(outputs, *self.limits)


class FoldedDepthwise(FoldedConv):
    """A depthwise convolution with constant weights, rounded to int8 with one scale per channel.

    Its kernel has the shape (K, K, C, 1), its bias (C,).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) -> (B, H / stride, W / stride, C)."""
        kernel, bias = self.constants
        # The node has one scale per index of the last axis, so the channels are moved there and back.
        transposed = kernel.transpose(0, 1, 3, 2)
        largest = np.maximum(np.abs(transposed).max(axis=(0, 1, 2)), 1e-8)
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            transposed, -largest, largest, narrow_range=True
        )
        strides = [1, self.stride, self.stride, 1]
        return tf.nn.depthwise_conv2d(inputs, tf.transpose(rounded, [0, 1, 3, 2]), strides, "SAME") + bias


class FakeQuantizedSum(keras.layers.Layer):
    """Adds two tensors and rounds the sum to 256 values.

    Args:
        limits: minimum and maximum.
        name: name of the layer.
    """

    def __init__(self, limits: Range, name: str) -> None:
        super().__init__(name=name)
        self.limits = limits

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Two tensors (B, H, W, C) -> (B, H, W, C)."""
        return tf.quantization.fake_quant_with_min_max_args(inputs[0] + inputs[1], *self.limits)


class Folded(keras.layers.Layer):
    """Replaces a batch normalization that was folded into the convolution before it."""

    def call(self, inputs: tf.Tensor, mask: None = None) -> tf.Tensor:
        """Returns its input. Keras passes `mask` to this layer as it does to the batch normalization."""
        return inputs


def fold(network: keras.Model) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Folds each batch normalization into the convolution before it.

    Args:
        network: a functional model in which each convolution without bias is followed by one `BatchNormalization`.

    Returns:
        Kernel and bias of each convolution by layer name, float32. Kernels have the shape (K, K, C, filters), those of
        depthwise convolutions (K, K, C, 1).
    """
    folded = {}
    for layer in network.layers:
        if isinstance(layer, _CONVOLUTIONS):
            kernel = layer.kernel.numpy()
            filters = kernel.shape[2 if isinstance(layer, keras.layers.DepthwiseConv2D) else 3]
            folded[layer.name] = (kernel, layer.bias.numpy() if layer.use_bias else np.zeros(filters, np.float32))
        elif isinstance(layer, keras.layers.BatchNormalization):
            source = layer.input._keras_history.operation.name
            kernel, bias = folded[source]
            factor = layer.gamma.numpy() / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
            shift = layer.beta.numpy() - layer.moving_mean.numpy() * factor
            scaled = kernel * (factor if kernel.shape[3] == len(factor) else factor[:, None])
            folded[source] = (scaled, bias * factor + shift)
    return folded


def activation_ranges(
    network: keras.Model, batches: Iterable[NDArray[np.float32]], within: float = 1.0
) -> dict[str, Range]:
    """Finds the range of each activation over sample inputs.

    The inputs of a concatenation get a common range, so that it need not requantize them.

    Args:
        network: a functional model of layers that `int8_twin` supports.
        batches: inputs, float32 (B, S, S, channels).
        within: fraction of the values below the maximum of the range, and above its minimum, in (0.5, 1]. A few values
            that are far from the others would make the steps of all of them coarse; they are limited instead.

    Returns:
        Minimum and maximum by name of the layer: for every `ReLU`, every sum, and every convolution or batch
        normalization that no ReLU follows. All ranges contain 0.
    """
    followed = {
        layer.input._keras_history.operation.name
        for layer in network.layers
        if isinstance(layer, (keras.layers.ReLU, keras.layers.BatchNormalization))
    }
    kinds = (keras.layers.ReLU, keras.layers.Add, keras.layers.BatchNormalization, *_CONVOLUTIONS)
    watched = {
        layer.name: layer.output for layer in network.layers if isinstance(layer, kinds) and layer.name not in followed
    }
    probe = keras.Model(network.input, watched)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in watched}
    for batch in batches:
        for name, values in probe(batch, training=False).items():
            numbers = np.asarray(values).ravel()
            found[name].append(numbers if within < 1 else np.array([numbers.min(), numbers.max()]))
    ends = {name: np.quantile(np.concatenate(numbers), (1.0 - within, within)) for name, numbers in found.items()}
    ranges: dict[str, Range] = {}
    for name, (low, high) in ends.items():
        ranges[name] = min(0.0, float(low)), max(0.0, float(high))
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
    """Returns a copy of a network with folded batch normalization and fake quantization of weights and activations.

    Args:
        network: the generator, or EfficientNet-Lite up to one of its blocks.
        ranges: as `activation_ranges` returns them.

    Returns:
        A float32 model with the same input and output shapes, which the converter turns into an int8 model.
    """
    folded = fold(network)

    def twin(layer: keras.layers.Layer) -> keras.layers.Layer:
        name = layer.name
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            return FoldedDepthwise(*folded[name], stride=layer.strides[0], name=name)
        if isinstance(layer, keras.layers.Conv2D):
            dilation = layer.dilation_rate[0]
            return FoldedConv(*folded[name], layer.strides[0], name, dilation, ranges.get(name))
        if isinstance(layer, keras.layers.BatchNormalization):
            return FakeQuantized(ranges[name], "linear", name) if name in ranges else Folded(name=name)
        if isinstance(layer, keras.layers.ReLU):
            return FakeQuantized(ranges[name], "relu" if layer.max_value is None else "relu6", name)
        if isinstance(layer, keras.layers.Add):
            # A sum at the end of the network is an image.
            return FakeQuantizedSum(SCALED_RANGE if layer is network.layers[-1] else ranges[name], name)
        return layer.__class__.from_config(layer.get_config())

    clone = keras.models.clone_model(network, clone_function=twin)
    inputs = keras.Input(network.input.shape[1:], name=network.input.name)
    name = f"{network.name}_int8"
    # The feature network begins with a rescaling of pixels; the generator takes them scaled.
    first = clone.layers[1] if isinstance(network.layers[1], keras.layers.Rescaling) else None
    body = clone if first is None else keras.Model(first.output, clone.output)
    x = FakeQuantized(SCALED_RANGE, "linear", "scaled_int8")(inputs if first is None else first(inputs))
    return keras.Model(inputs, body(x), name=name)
