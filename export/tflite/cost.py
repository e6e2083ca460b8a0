"""Computes the cost of a TFLite file from its operators: multiply-accumulates and memory of activations.

All functions read subgraph 0, which an interpreter runs when no signature is selected.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import flatbuffer
from .flatbuffer import schema

#: Alignment of tensors in the arena in bytes, as in LiteRT.
ALIGNMENT = 64
_DTYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}


@dataclass(frozen=True)
class Operator:
    """An operator of a model.

    Attributes:
        name: name of the builtin operator, such as CONV_2D.
        dtype: dtype of its first output, such as int8.
        macs: multiply-accumulates of a convolution or fully connected layer, including those with padding; 0 for other
            operators.
    """

    name: str
    dtype: str
    macs: int


def operators(content: bytes) -> list[Operator]:
    """Lists the operators of a TFLite file in the order of execution.

    Args:
        content: a TFLite file.

    Example:
        A CONV_2D of 3 x 3 kernels from (1, 8, 8, 4) to (1, 4, 4, 16) has 4 * 4 * 16 * 3 * 3 * 4 = 9216 MACs.
    """
    model = flatbuffer.read(content)
    tensors = model.subgraphs[0].tensors
    listed = []
    for operator in model.subgraphs[0].operators:
        name, output = flatbuffer.op_name(model, operator), tensors[operator.outputs[0]]
        macs = 0
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            kernel = tensors[operator.inputs[1]].shape  # (outputs, H, W, inputs) or (outputs, inputs)
            # A depthwise kernel is (1, H, W, outputs): each output channel reads one input channel.
            per_output = kernel[1:3] if name == "DEPTHWISE_CONV_2D" else kernel[1:]
            macs = math.prod(map(int, (*output.shape, *per_output)))
        listed.append(Operator(name, _DTYPES[output.type], macs))
    return listed


def macs(content: bytes) -> int:
    """Counts the multiply-accumulates of a TFLite file. EfficientNet-Lite0 at 224 px has 385 million."""
    return sum(operator.macs for operator in operators(content))


def resolution(content: bytes) -> int:
    """Returns the side S of the input image (1, S, S, channels) of a TFLite file, in pixels."""
    graph = flatbuffer.read(content).subgraphs[0]
    return int(graph.tensors[graph.inputs[0]].shape[1])


def activation_bytes(content: bytes) -> int:
    """Computes the size of the activation arena of a TFLite file with the memory planner "greedy by size".

    A tensor is live from the operator that writes it to the last operator that reads it. Inputs and outputs of the
    graph are always live, since an app writes and reads them. Tensors are placed in order of decreasing size, each at
    the lowest offset (a multiple of `ALIGNMENT`) that overlaps no tensor that is live at the same time (Pisarchyk and
    Lee, arXiv 2001.03288). LiteRT uses the same strategy. Temporary buffers of kernels are not included.

    Args:
        content: a TFLite file.

    Returns:
        Bytes.
    """
    graph = flatbuffer.read(content).subgraphs[0]
    last = len(graph.operators) - 1
    ends = {int(tensor) for tensor in (*graph.inputs, *graph.outputs)}
    lifetimes = dict.fromkeys(ends, (0, last))
    for place, operator in enumerate(graph.operators):
        lifetimes.update({int(tensor): (place, place) for tensor in operator.outputs if tensor not in ends})
        for tensor in map(int, operator.inputs):
            if tensor in lifetimes and tensor not in ends:  # constants are not in the arena
                lifetimes[tensor] = (lifetimes[tensor][0], place)
    return arena_bytes([(_bytes(graph.tensors[tensor]), *lifetime) for tensor, lifetime in lifetimes.items()])


def arena_bytes(tensors: Sequence[tuple[int, int, int]]) -> int:
    """Computes the size of an arena with the planner of `activation_bytes`.

    Args:
        tensors: for each tensor its size in bytes and the indices of the first and last operator at which it is live.

    Returns:
        Bytes.

    Example:
        `arena_bytes([(64, 0, 1), (128, 1, 2), (64, 2, 3)])` is 192: the first and the last tensor share an offset.
    """
    placed: list[tuple[int, int, int, int]] = []  # (start, end, first operator, last operator)
    for size, first, last in sorted(tensors, key=lambda tensor: -tensor[0]):
        offset = 0
        for start, end, born, dead in sorted(placed):
            if born > last or first > dead:
                continue
            if start - offset >= size:
                break
            offset = max(offset, -(-end // ALIGNMENT) * ALIGNMENT)
        placed.append((offset, offset + size, first, last))
    return max((end for _, end, _, _ in placed), default=0)


def _bytes(tensor: Any) -> int:
    return math.prod(map(int, tensor.shape)) * np.dtype(_DTYPES[tensor.type]).itemsize


def single_operators(content: bytes) -> list[bytes]:
    """Splits a TFLite file into files of one operator each, with the same weights and quantization parameters.

    Args:
        content: a TFLite file.

    Returns:
        TFLite files, in the order of the operators.
    """
    model = flatbuffer.read(content)
    tensors = model.subgraphs[0].tensors
    files = []
    for operator in model.subgraphs[0].operators:
        numbers = sorted({int(tensor) for tensor in (*operator.inputs, *operator.outputs) if tensor >= 0})
        place = {number: index for index, number in enumerate(numbers)} | {-1: -1}
        single, graph = copy.copy(operator), schema.SubGraphT()
        single.opcodeIndex = 0
        single.inputs, single.outputs = ([place[int(t)] for t in side] for side in (operator.inputs, operator.outputs))
        graph.operators, graph.tensors, graph.inputs, graph.outputs = [single], [], [], single.outputs
        buffers = [schema.BufferT()]  # by convention buffer 0 is empty; tensors without data refer to it
        for number in numbers:
            tensor = copy.copy(tensors[number])
            data = model.buffers[tensor.buffer]
            constant = data.data is not None and len(data.data) > 0
            tensor.buffer = len(buffers) if constant else 0
            buffers += [data] if constant else []
            graph.tensors.append(tensor)
            if not constant and place[number] not in single.outputs:
                graph.inputs.append(place[number])
        whole = schema.ModelT()
        whole.version, whole.operatorCodes = model.version, [model.operatorCodes[operator.opcodeIndex]]
        whole.subgraphs, whole.buffers = [graph], buffers
        files.append(flatbuffer.write(whole))
    return files
