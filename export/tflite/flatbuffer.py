"""Reads, describes and rewrites TFLite files: order of subgraphs, shared weight buffers, names of tensors."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from . import float16

#: Alignment of buffers in bytes; kernels on microcontrollers require it.
ALIGNMENT = 16


def read(content: bytes) -> Any:
    """Parses a TFLite file into the object API of its flatbuffer schema (`ModelT`)."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def write(model: Any) -> bytes:
    """Serializes a `ModelT` to a TFLite file whose buffers are aligned to `ALIGNMENT` bytes."""
    builder = flatbuffers.Builder(1 << 20)
    original = schema.BufferStartDataVector
    # The generated code aligns byte vectors to 1 byte, although the schema specifies force_align: 16.
    schema.BufferStartDataVector = lambda b, count: b.StartVector(1, count, ALIGNMENT)
    pack = schema.BufferT.Pack
    schema.BufferT.Pack = _pack_buffer
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    finally:
        schema.BufferStartDataVector = original
        schema.BufferT.Pack = pack
    return bytes(builder.Output())


def _pack_buffer(buffer: Any, builder: flatbuffers.Builder) -> int:
    data = None
    if buffer.data is not None and len(buffer.data):
        content = np.asarray(buffer.data, np.uint8).tobytes()
        schema.BufferStartDataVector(builder, len(content))
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
    schema.BufferStart(builder)
    if data is not None:
        schema.BufferAddData(builder, data)
    end: int = schema.BufferEnd(builder)
    return end


def finish(content: bytes, first: str, layers: list[str], half: bool) -> bytes:
    """Reorders the subgraphs of a converted model, merges equal weight buffers and names every tensor.

    Args:
        content: a TFLite file as the converter returns it.
        first: the signature whose subgraph becomes subgraph 0.
        layers: names of the convolutions of the last signature in order of execution. Convolutions of other signatures
            with the same weights get the same names, further ones are numbered.
        half: store large float32 constants as float16, see `float16.store`.

    Returns:
        A TFLite file. Its outputs are the same without `half`.

    Example:
        With `layers=["down0"]` the weights of the first convolution of the last signature `inpaint` are named
        `inpaint/down0/kernel` and `inpaint/down0/bias`.
    """
    model = read(content)
    _order(model, first)
    _share_buffers(model)
    labels = _labels(model, layers)
    for signature in model.signatureDefs:
        _name(model, signature, labels)
    if half:
        float16.store(model)
    return write(model)


def _labels(model: Any, layers: list[str]) -> dict[int, str]:
    """Returns the names of convolutions by the buffer of their weights."""
    subgraph = model.subgraphs[model.signatureDefs[-1].subgraphIndex]
    convolutions = [operator for operator in subgraph.operators if op_name(model, operator) == "CONV_2D"]
    return {
        subgraph.tensors[operator.inputs[1]].buffer: layer
        for operator, layer in zip(convolutions, layers, strict=False)
    }


def _order(model: Any, first: str) -> None:
    keys = {signature.signatureKey.decode(): signature.subgraphIndex for signature in model.signatureDefs}
    order = sorted(range(len(model.subgraphs)), key=lambda i: (i != keys[first], i))
    model.subgraphs = [model.subgraphs[i] for i in order]
    for signature in model.signatureDefs:
        signature.subgraphIndex = order.index(signature.subgraphIndex)
    model.signatureDefs.sort(key=lambda signature: signature.subgraphIndex)


def _share_buffers(model: Any) -> None:
    """Merges equal buffers. The converter writes the weights once for each signature."""
    kept: list[Any] = []
    place: dict[bytes, int] = {}
    moved: dict[int, int] = {}
    for index, buffer in enumerate(model.buffers):
        content = b"" if buffer.data is None else np.asarray(buffer.data, np.uint8).tobytes()
        if not content and index:
            moved[index] = 0  # by convention buffer 0 is empty; tensors without data refer to it
            continue
        if content not in place:
            place[content] = len(kept)
            kept.append(buffer)
        moved[index] = place[content]
    model.buffers = kept
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = moved[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = moved[entry.buffer]


def op_name(model: Any, operator: Any) -> str:
    """Returns the name of an operator of a `ModelT`, such as CONV_2D."""
    code = model.operatorCodes[operator.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    return names[builtin]


def _name(model: Any, signature: Any, labels: dict[int, str]) -> None:
    key = signature.signatureKey.decode()
    subgraph = model.subgraphs[signature.subgraphIndex]
    subgraph.name = key.encode()
    names: dict[int, str] = {}
    for mapping in (*signature.inputs, *signature.outputs):
        names[mapping.tensorIndex] = mapping.name.decode()
    for number, operator in enumerate(subgraph.operators):
        kind = op_name(model, operator).lower()
        constants = ("", "kernel", "bias") if kind == "conv_2d" else ()
        label = f"{number:02d}_{kind}"
        if constants:
            label = labels.get(subgraph.tensors[operator.inputs[1]].buffer, label)
        for place, tensor in enumerate(operator.inputs):
            part = constants[place] if place < len(constants) and constants[place] else f"input{place}"
            names.setdefault(int(tensor), f"{key}/{label}/{part}")
        for place, tensor in enumerate(operator.outputs):
            names.setdefault(int(tensor), f"{key}/{label}" + (f"/output{place}" if place else ""))
    for index, tensor in enumerate(subgraph.tensors):
        tensor.name = names.get(index, f"{key}/unused{index}").encode()


def describe(content: bytes) -> dict[str, Any]:
    """Describes a model file for the manifest.

    Args:
        content: a TFLite file.

    Returns:
        `signatures` (inputs and outputs by name, with dtype and shape), `tensors` (quantization scale and zero point of
        each quantized tensor that is not constant), `ops` (version of each operator) and `min_runtime_version`.
    """
    model = read(content)
    dtypes = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    signatures: dict[str, Any] = {}
    for signature in model.signatureDefs:
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        signatures[signature.signatureKey.decode()] = {
            side: {
                mapping.name.decode(): _describe_tensor(tensors[mapping.tensorIndex], dtypes)
                for mapping in getattr(signature, side)
            }
            for side in ("inputs", "outputs")
        }
    quantized = {
        tensor.name.decode(): _describe_tensor(tensor, dtypes)
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.quantization is not None
        and tensor.quantization.scale is not None
        # Without weights: they have thousands of per-channel scales, which only readers of the file itself need.
        and not _is_constant(model, tensor)
    }
    ops = {
        op_name(model, operator): model.operatorCodes[operator.opcodeIndex].version
        for subgraph in model.subgraphs
        for operator in subgraph.operators
    }
    lowest = ""
    for entry in model.metadata or []:
        if entry.name == float16.MIN_RUNTIME_VERSION:
            lowest = np.asarray(model.buffers[entry.buffer].data, np.uint8).tobytes().rstrip(b"\0").decode()
    return {
        "signatures": signatures,
        "tensors": quantized,
        "ops": dict(sorted(ops.items())),
        "min_runtime_version": lowest,
    }


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _describe_tensor(tensor: Any, dtypes: dict[int, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"dtype": dtypes[tensor.type], "shape": [int(side) for side in tensor.shape]}
    scales = tensor.quantization.scale if tensor.quantization is not None else None
    if scales is not None and len(scales):
        entry["scale"] = [float(value) for value in scales]
        entry["zero_point"] = [int(value) for value in tensor.quantization.zeroPoint]
        if len(scales) > 1:
            entry["axis"] = int(tensor.quantization.quantizedDimension)
    return entry
