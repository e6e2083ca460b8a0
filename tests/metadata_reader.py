"""Reads metadata inside a TFLite model, in the form in which tflite-support displays them."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from flatbuffers.table import Table

from mim_export.tflite import flatbuffer
from mim_export.tflite.metadata_schema import FIELDS

TABLES = {
    "subgraph_metadata": "SubGraphMetadata",
    "input_tensor_metadata": "TensorMetadata",
    "output_tensor_metadata": "TensorMetadata",
    "content": "Content",
    "process_units": "ProcessUnit",
    "stats": "Stats",
    "associated_files": "AssociatedFile",
}
UNIONS = {
    "content_properties": ["", "FeatureProperties", "ImageProperties"],
    "options": ["", "NormalizationOptions"],
}
ENUMERATIONS = {"color_space": ["UNKNOWN", "RGB"], "type": ["UNKNOWN", "DESCRIPTIONS", "", "TENSOR_VALUE_LABELS"]}


def displayed(buffer: bytes) -> dict[str, Any]:
    """The content of a metadata buffer."""
    assert buffer[4:8] == b"M001"
    start = flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0)
    return _table(Table(buffer, start), "ModelMetadata")


def buffer_of(content: bytes) -> bytes | None:
    """The metadata buffer of a model, or None."""
    model = flatbuffer.read(content)
    for entry in model.metadata:
        if entry.name == b"TFLITE_METADATA":
            return np.asarray(model.buffers[entry.buffer].data, np.uint8).tobytes()
    return None


def without(content: bytes) -> bytes:
    """The model without metadata and zip; its buffers keep their places, for only the last one goes."""
    model = flatbuffer.read(content)
    if buffer_of(content) is not None:
        assert model.metadata[-1].name == b"TFLITE_METADATA" and model.metadata[-1].buffer == len(model.buffers) - 1
        model.metadata.pop()
        model.buffers.pop()
    return flatbuffer.write(model)


def _table(table: Table, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, field in enumerate(FIELDS[kind]):
        offset = table.Offset(4 + 2 * place)
        if not offset:
            continue
        at = table.Pos + offset
        if field.endswith("_type"):
            found[field] = UNIONS[field.removesuffix("_type")][table.Bytes[at]]
        elif field in ENUMERATIONS:
            found[field] = ENUMERATIONS[field][table.Bytes[at]]
        elif field in UNIONS:
            found[field] = _table(Table(table.Bytes, table.Indirect(at)), found[f"{field}_type"])
        elif field in ("content", "stats"):
            found[field] = _table(Table(table.Bytes, table.Indirect(at)), TABLES[field])
        elif field in TABLES:
            start = table.Vector(offset)
            places = [table.Indirect(start + 4 * i) for i in range(table.VectorLen(offset))]
            found[field] = [_table(Table(table.Bytes, at), TABLES[field]) for at in places]
        elif field in ("mean", "std", "max", "min"):
            count, start = table.VectorLen(offset), table.Vector(offset)
            found[field] = np.frombuffer(table.Bytes, "<f4", count, start).tolist()
        else:
            found[field] = table.String(at).decode()
    return found
