"""Reads, describes and rewrites TFLite files: order of subgraphs, shared weight buffers, names of tensors."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

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


def finish(content: bytes, first: str, layers: list[str]) -> bytes:
    """Reorders the subgraphs of a converted model, merges equal weight buffers and names every tensor.

    Args:
        content: a TFLite file as the converter returns it.
        first: the signature whose subgraph becomes subgraph 0.
        layers: names of the convolutions in order of execution. Further convolutions are numbered.

    Returns:
        A TFLite file with the same outputs.

    Example:
        With `layers=["down0"]` the weights of the first convolution of signature `score` are named
        `score/down0/kernel` and `score/down0/bias`.
    """
    model = read(content)
    _order(model, first)
    _share_buffers(model)
    for signature in model.signatureDefs:
        _name(model, signature, layers)
    return write(model)


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


def _name(model: Any, signature: Any, layers: list[str]) -> None:
    key = signature.signatureKey.decode()
    subgraph = model.subgraphs[signature.subgraphIndex]
    subgraph.name = key.encode()
    names: dict[int, str] = {}
    for mapping in (*signature.inputs, *signature.outputs):
        names[mapping.tensorIndex] = mapping.name.decode()
    convolutions = iter(layers)
    for number, operator in enumerate(subgraph.operators):
        kind = op_name(model, operator).lower()
        label = next(convolutions, f"{number:02d}_{kind}") if kind == "conv_2d" else f"{number:02d}_{kind}"
        constants = ("", "kernel", "bias") if kind == "conv_2d" else ()
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
        if entry.name == b"min_runtime_version":
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
