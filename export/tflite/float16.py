"""Stores large float32 constants of a TFLite model as float16; runtimes convert them back once, when they load it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

#: Number of values from which on a constant is stored as float16. Smaller ones, such as biases and the window of SSIM,
#: would gain nothing.
_MIN_VALUES = 512
#: Version of the operator DEQUANTIZE that reads float16, and the first version of TensorFlow with it.
_VERSION, _RUNTIME = 3, "1.15.0"
#: Name of the metadata entry with the lowest version of TensorFlow that has all operators.
MIN_RUNTIME_VERSION = b"min_runtime_version"
_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def store(model: Any) -> None:
    """Stores constants of a model as float16, and inserts an operator DEQUANTIZE for each.

    Kernels of convolutions are rounded. Other constants, such as masks, are stored so if float16 holds their values
    exactly.

    Args:
        model: a `ModelT`, is changed. Its tensors keep their names and indices; those with float16 are appended.
    """
    stored = _stored(model)
    if not stored:
        return
    code = _dequantize(model)
    _require_runtime(model)
    for index, values in stored.items():
        model.buffers[index].data = np.frombuffer(values.tobytes(), np.uint8)
    for subgraph in model.subgraphs:
        conversions = []
        for place, tensor in enumerate(list(subgraph.tensors)):
            if tensor.buffer not in stored:
                continue
            half = copy.copy(tensor)
            half.type, half.name = schema.TensorType.FLOAT16, tensor.name + b"/float16"
            tensor.buffer = 0
            operator = schema.OperatorT()
            operator.opcodeIndex, operator.inputs, operator.outputs = code, [len(subgraph.tensors)], [place]
            operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
            operator.builtinOptions = schema.DequantizeOptionsT()
            subgraph.tensors.append(half)
            conversions.append(operator)
        subgraph.operators = [*conversions, *subgraph.operators]


def restore(model: Any) -> None:
    """Replaces constants that are stored as float16 by float32 ones, as runtimes do when they load a model.

    Args:
        model: a `ModelT`, is changed: it has no operator DEQUANTIZE of a constant any more.
    """
    for subgraph in model.subgraphs:
        kept = []
        for operator in subgraph.operators:
            half = subgraph.tensors[operator.inputs[0]]
            data = model.buffers[half.buffer].data
            if half.type != schema.TensorType.FLOAT16 or data is None:
                kept.append(operator)
                continue
            values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float16).astype(np.float32)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            subgraph.tensors[operator.outputs[0]].buffer = len(model.buffers)
            model.buffers.append(buffer)
        subgraph.operators = kept


def _stored(model: Any) -> dict[int, NDArray[np.float16]]:
    """Returns the values of the buffers to store, by index."""
    kernels: set[int] = set()
    types: dict[int, set[int]] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if _builtin(model.operatorCodes[operator.opcodeIndex]) in _CONVOLUTIONS:
                kernels.add(subgraph.tensors[operator.inputs[1]].buffer)
        for tensor in subgraph.tensors:
            types.setdefault(tensor.buffer, set()).add(tensor.type)
    stored = {}
    for index, found in types.items():
        data = model.buffers[index].data
        if data is None or found != {schema.TensorType.FLOAT32} or len(data) < 4 * _MIN_VALUES:
            continue
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if np.isfinite(half).all() if index in kernels else np.array_equal(half, values):
            stored[index] = half
    return stored


def _dequantize(model: Any) -> int:
    """Returns the index of the operator DEQUANTIZE, which is added if the model has none."""
    wanted = schema.BuiltinOperator.DEQUANTIZE
    found = [index for index, code in enumerate(model.operatorCodes) if _builtin(code) == wanted]
    if not found:
        added = schema.OperatorCodeT()
        added.builtinCode = added.deprecatedBuiltinCode = wanted
        found = [len(model.operatorCodes)]
        model.operatorCodes.append(added)
    code = model.operatorCodes[found[0]]
    code.version = max(code.version, _VERSION)
    return found[0]


def _require_runtime(model: Any) -> None:
    """Raises the entry `min_runtime_version`, which the converter wrote before DEQUANTIZE was inserted."""
    for entry in model.metadata or []:
        if entry.name == MIN_RUNTIME_VERSION:
            stated = np.asarray(model.buffers[entry.buffer].data, np.uint8).tobytes().rstrip(b"\0").decode()
            version = max(stated, _RUNTIME, key=lambda text: [int(part) for part in text.split(".")])
            # The converter pads the text to 16 bytes.
            model.buffers[entry.buffer].data = np.frombuffer(version.encode().ljust(16, b"\0"), np.uint8)


def _builtin(code: Any) -> int:
    return max(code.builtinCode, code.deprecatedBuiltinCode)
