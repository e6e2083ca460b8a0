"""Serializes TFLite metadata, for the part of the schema that is used here.

Names and indices of the fields are those of `metadata_schema.fbs`, version 1.5.0, which is part of the package
tflite-support. That package is not used here since it needs an older protobuf than TensorFlow;
`tests/golden/make_tflite_metadata.py` reads the result with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers

#: File identifier of the metadata flatbuffer.
IDENTIFIER = b"M001"
#: The oldest version of the schema that has all fields below.
MIN_PARSER_VERSION = "1.0.0"
#: Fields of each table in the order of the schema, up to the last used one. A union has two fields, first its
#: type.
FIELDS = {
    "ModelMetadata": (
        *("name", "description", "version", "subgraph_metadata", "author", "license", "associated_files"),
        "min_parser_version",
    ),
    "SubGraphMetadata": ("name", "description", "input_tensor_metadata", "output_tensor_metadata"),
    "TensorMetadata": (
        *("name", "description", "dimension_names", "content", "process_units", "stats", "associated_files"),
    ),
    "Content": ("content_properties_type", "content_properties"),
    "FeatureProperties": (),
    "ImageProperties": ("color_space",),
    "ProcessUnit": ("options_type", "options"),
    "NormalizationOptions": ("mean", "std"),
    "Stats": ("max", "min"),
    "AssociatedFile": ("name", "description", "type"),
}
#: Values of enumerations and union types.
FEATURE, IMAGE, RGB, NORMALIZATION, TENSOR_VALUE_LABELS = 1, 2, 1, 1, 3


@dataclass(frozen=True)
class Table:
    """A table of the schema.

    Attributes:
        kind: name of the table, a key of `FIELDS`.
        fields: values by name: a string, the value of an enumeration or union type (0 to 127), a table, a list of
            tables or a list of floats. Missing fields have the default of the schema.

    Example:
        `Table("Stats", {"max": [255.0], "min": [0.0]})`
    """

    kind: str
    fields: dict[str, Any]


def encode(root: Table) -> bytes:
    """Serializes a `ModelMetadata` table to a flatbuffer, aligned to 4 bytes.

    Raises:
        ValueError: a field does not belong to its table.
    """
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write(builder, root), IDENTIFIER)
    return bytes(builder.Output())


def _write(builder: flatbuffers.Builder, table: Table) -> int:
    """Writes the objects that the table refers to, then the table, as flatbuffers require. Returns its offset."""
    names = FIELDS[table.kind]
    written = {names.index(name): _value(builder, value) for name, value in table.fields.items()}
    builder.StartObject(len(names))
    for place, value in written.items():
        if isinstance(table.fields[names[place]], int):
            builder.PrependInt8Slot(place, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(place, value, 0)
    end: int = builder.EndObject()
    return end


def _value(builder: flatbuffers.Builder, value: Any) -> int:
    """Returns numbers unchanged. Writes every other value and returns its offset."""
    if isinstance(value, int):
        return value
    if isinstance(value, Table):
        return _write(builder, value)
    if isinstance(value, str):
        text: int = builder.CreateString(value)
        return text
    offsets = [_write(builder, item) for item in value if isinstance(item, Table)]
    builder.StartVector(4, len(value), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    for number in reversed(value[len(offsets) :]):
        builder.PrependFloat32(number)
    vector: int = builder.EndVector()
    return vector
