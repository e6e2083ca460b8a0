"""The rows of `mim-tf score --out`: their columns, and the files that hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mim_export.bulk.places import Place, one_line
from mim_export.score.decide import REASONS, VERDICTS
from mim_export.score.errors import MimError

#: Number of the columns; increased when one changes.
SCHEMA_VERSION = 1
#: Name of the folder of the files.
FOLDER = "rows"
#: Key of `Counts` for photographs that could not be read.
UNREAD = "unread"
#: Number of photographs by verdict, and `UNREAD`, which are counted as `cannot-judge` as well.
Counts = Mapping[str, int]


def _column(name: str, kind: pa.DataType, description: str, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable, {"description": description})


#: The columns. Each has its description in its metadata: `SCHEMA.field("image").metadata[b"description"]`.
SCHEMA = pa.schema(
    [
        _column(
            "image",
            pa.string(),
            "the photograph as it was named, or listed in the folder or the list that was named; bytes that are not "
            "UTF-8 are written as \\xe9",
            nullable=False,
        ),
        _column("sha256", pa.string(), "SHA-256 of the bytes of the file; null if it could not be read as a file"),
        _column(
            "similarity", pa.float64(), "similarity to the class of the bundle; null if the photograph is unreadable"
        ),
        _column("p_class", pa.float64(), "p-value of the class, in (0, 1]; null like similarity"),
        _column("p_other", pa.float64(), "p-value of other skin, in (0, 1]; null like similarity"),
        _column("verdict", pa.string(), f"one of {', '.join(VERDICTS)}", nullable=False),
        _column("reason", pa.string(), f"why it cannot be judged: {', '.join(filter(None, REASONS))}; else null"),
        _column("model_id", pa.string(), "model_id of the manifest of the bundle", nullable=False),
        _column("error", pa.string(), "why it could not be read, and the remedy, in one line; else null"),
        _column("seconds", pa.float64(), "time to read, decode and score this photograph, in seconds", nullable=False),
    ],
    {"mim_tf.schema": str(SCHEMA_VERSION)},
)
#: Key of the metadata for the digest of the plan.
_PLAN = b"mim_tf.plan"
_REMEDY = "remove the file, and run the same command again"


def part(out: Place, block: int) -> Place:
    """Returns the file of the rows of a block.

    Example:
        `rows/part-000012.parquet` for block 12.
    """
    return out.joined(f"{FOLDER}/part-{block:06}.parquet")


def block_of(name: str) -> int | None:
    """Returns the block of which a file in the folder holds the rows; None for another file.

    Example:
        >>> block_of("part-000012.parquet")
        12
    """
    number = name.removeprefix("part-").removesuffix(".parquet")
    return int(number) if number.isascii() and number.isdigit() and name == f"part-{int(number):06}.parquet" else None


def write_part(place: Place, rows: Sequence[Mapping[str, Any]], plan: str) -> Counts:
    """Writes the rows of a block as a whole or not at all.

    Args:
        place: of `part`.
        rows: values by column.
        plan: digest of the plan, which is written as metadata.

    Returns:
        Their counts.

    Raises:
        MimError: the file cannot be written.
    """
    table = pa.Table.from_pylist(rows, SCHEMA.with_metadata({**SCHEMA.metadata, _PLAN: plan.encode()}))
    place.write(parquet(table))
    return _counts(table)


def read_part(place: Place, rows: int, plan: str) -> Counts:
    """Counts the rows of a file.

    Args:
        place: of `part`.
        rows: number of rows that it must have.
        plan: digest of the plan of which it must be.

    Raises:
        MimError: the file is damaged, has other columns or another number of rows, or is of another plan.
    """
    try:
        table = parquet_table(place)
    except MimError as error:
        raise MimError(f"is damaged ({error.problem})", _REMEDY, place.name) from error
    if not table.schema.equals(SCHEMA):
        raise MimError("has other columns than this version writes", _REMEDY, place.name)
    if (table.schema.metadata or {}).get(_PLAN) != plan.encode():
        raise MimError("is of another list of photographs", _REMEDY, place.name)
    if len(table) != rows:
        raise MimError(f"has {len(table)} rows, expected {rows}", _REMEDY, place.name)
    return _counts(table)


def parquet(table: pa.Table) -> bytes:
    """Returns a table as the bytes of a Parquet file."""
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, write_page_checksum=True)
    content: bytes = stream.getvalue().to_pybytes()
    return content


def parquet_table(place: Place) -> pa.Table:
    """Reads a Parquet file.

    Raises:
        MimError: it is missing, cannot be read, or is damaged.
    """
    content = place.read()
    with one_line(place.name):
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()


def _counts(table: pa.Table) -> Counts:
    counts = Counter(table["verdict"].to_pylist())
    counts[UNREAD] = len(table) - table["error"].null_count
    return {name: counts[name] for name in (*VERDICTS, UNREAD)}
