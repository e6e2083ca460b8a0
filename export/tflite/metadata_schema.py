"""TFLite's schema of metadata inside a model, as far as it is used here: tables by name, written with flatbuffers.

Names and places of the fields are those of `metadata_schema.fbs`, version 1.5.0, which the package tflite-support
brings. That package itself needs an older protobuf than TensorFlow does; `tests/golden/make_tflite_metadata.py` reads
with it what is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers

IDENTIFIER = b"M001"
#: The oldest schema that has all of the fields below.
MIN_PARSER_VERSION = "1.0.0"
#: Fields of each table by their place, as far as the last one that is used. A union takes two, the first for its type.
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
#: Numbers of enumerations and unions.
FEATURE, IMAGE, RGB, NORMALIZATION, TENSOR_VALUE_LABELS = 1, 2, 1, 1, 3


@dataclass(frozen=True)
class Table:
    """A table of `FIELDS`.

    Attributes:
        kind: its name.
        fields: values by name: a text, the number of an enumeration or union (0 to 127), a table, a list of tables or
            a list of floats. What is left out has the schema's default.

    Example:
        `Table("Stats", {"max": [255.0], "min": [0.0]})`
    """

    kind: str
    fields: dict[str, Any]


def encode(root: Table) -> bytes:
    """A flatbuffer of a `ModelMetadata`, aligned to 4 bytes.

    Raises:
        ValueError: a field is not one of its table.
    """
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write(builder, root), IDENTIFIER)
    return bytes(builder.Output())


def _write(builder: flatbuffers.Builder, table: Table) -> int:
    """Writes what the table refers to, then the table; a flatbuffer grows from its end."""
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
    """A number as it is, of all else the offset."""
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
