"""What a TFLite file costs, read from its operators: multiply-accumulates and memory of activations.

All of it is of subgraph 0, the one that an interpreter runs when it is asked for no signature.
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

#: Offsets in the arena are multiples of this, as in LiteRT.
ALIGNMENT = 64
_DTYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        name: such as CONV_2D.
        dtype: of its first output, such as int8.
        macs: multiply-accumulates of a convolution or fully connected layer, those with padding included; 0 of others.
    """

    name: str
    dtype: str
    macs: int


def operators(content: bytes) -> list[Operator]:
    """The operators of a TFLite file in their order.

    Example:
        A CONV_2D of 3 x 3 kernels from (1, 8, 8, 4) to (1, 4, 4, 16) has 4 * 4 * 16 * 3 * 3 * 4 = 9216 macs.
    """
    model = flatbuffer.read(content)
    tensors = model.subgraphs[0].tensors
    found = []
    for operator in model.subgraphs[0].operators:
        name, output = flatbuffer.op_name(model, operator), tensors[operator.outputs[0]]
        macs = 0
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            kernel = tensors[operator.inputs[1]].shape  # (outputs, H, W, inputs) or (outputs, inputs)
            # A depthwise kernel is (1, H, W, outputs): each output sees one input channel.
            seen = kernel[1:3] if name == "DEPTHWISE_CONV_2D" else kernel[1:]
            macs = math.prod(map(int, (*output.shape, *seen)))
        found.append(Operator(name, _DTYPES[output.type], macs))
    return found


def macs(content: bytes) -> int:
    """Multiply-accumulates of a TFLite file; EfficientNet-Lite0 at 224 px has 385 million."""
    return sum(operator.macs for operator in operators(content))


def resolution(content: bytes) -> int:
    """Side in pixels of the image that a TFLite file takes, (1, S, S, channels)."""
    graph = flatbuffer.read(content).subgraphs[0]
    return int(graph.tensors[graph.inputs[0]].shape[1])


def activation_bytes(content: bytes) -> int:
    """Memory that the activations of a TFLite file need, by the rule "greedy by size".

    A tensor lives from the operator that writes it to the last that reads it; inputs and outputs of the graph
    live throughout, since an app fills and reads them. The largest tensor is placed first, each at the lowest offset,
    a multiple of `ALIGNMENT`, where no tensor lies that lives at the same time (Pisarchyk and Lee, arXiv 2001.03288).
    LiteRT plans alike. Buffers that kernels ask for beside are not in it.

    Returns:
        Bytes.
    """
    graph = flatbuffer.read(content).subgraphs[0]
    last = len(graph.operators) - 1
    ends = {int(tensor) for tensor in (*graph.inputs, *graph.outputs)}
    lives = dict.fromkeys(ends, (0, last))
    for place, operator in enumerate(graph.operators):
        lives.update({int(tensor): (place, place) for tensor in operator.outputs if tensor not in ends})
        for tensor in map(int, operator.inputs):
            if tensor in lives and tensor not in ends:  # constants do not live in the arena
                lives[tensor] = (lives[tensor][0], place)
    return arena_bytes([(_bytes(graph.tensors[tensor]), *life) for tensor, life in lives.items()])


def arena_bytes(tensors: Sequence[tuple[int, int, int]]) -> int:
    """Size of the arena by the rule of `activation_bytes`.

    Args:
        tensors: bytes, first and last operator of each.

    Example:
        `arena_bytes([(64, 0, 1), (128, 1, 2), (64, 2, 3)])` is 192: the first and the last share a place.
    """
    placed: list[tuple[int, int, int, int]] = []  # start, end, first and last operator
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
    """Each operator of a TFLite file as a file of its own, in their order, with the same weights and scales."""
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
        buffers = [schema.BufferT()]  # buffer 0 is empty by definition; tensors without data refer to it
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
