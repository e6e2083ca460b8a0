"""The plan of a folder of rows: all photographs, in blocks of a fixed number."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from mim_export.bulk.places import Place
from mim_export.bulk.rows import parquet, parquet_table
from mim_export.bulk.sources import Found
from mim_export.score.atomic_files import new_folder, no_temporary_files, temporary_folder
from mim_export.score.errors import MimError

#: Photographs of a block, which is the unit of work: a block of photographs of 12 MP takes some ten seconds. A million
#: photographs are 15,625 blocks.
BLOCK = 64
#: Name of the folder of the plan.
FOLDER = "plan"
#: Blocks in a file of the plan.
_BLOCKS = 64
#: Photographs are counted for the progress in steps of so many.
_STEP = 1000
#: Names are bytes, since those of files need not be UTF-8.
_SCHEMA = pa.schema([pa.field(name, pa.binary(), nullable=False) for name in ("image", "root", "path")])
_REMEDY = "score into another folder"


@dataclass(frozen=True)
class Plan:
    """The plan of a folder of rows.

    Attributes:
        out: the folder of rows.
        photographs: their number.
        size: number of photographs of each block but the last.
        digest: of the names of all photographs, in 16 hexadecimal digits; the files of rows have it as well.

    Example:
        >>> Plan(Place.of("rows"), 130, 64, "90af...").blocks
        3
        >>> Plan(Place.of("rows"), 130, 64, "90af...").rows(2)
        2
    """

    out: Place
    photographs: int
    size: int
    digest: str

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.photographs // self.size)

    def rows(self, block: int) -> int:
        """Returns the number of photographs of a block, which are numbered from 0."""
        return min(self.size, self.photographs - block * self.size)

    def read(self, block: int) -> list[Found]:
        """Reads the photographs of a block.

        Raises:
            MimError: the file of the plan is missing or damaged.
        """
        number, place = block // _BLOCKS, block % _BLOCKS
        file = _file(self.out.joined(FOLDER), number)
        table, expected = _read(file), min(self.size * _BLOCKS, self.photographs - number * self.size * _BLOCKS)
        if table.schema != _SCHEMA or len(table) != expected:
            raise MimError(f"has {len(table)} photographs, expected {expected}", _REMEDY, file.name)
        rows = table.slice(place * self.size, self.size).to_pylist()
        return [
            Found(os.fsdecode(row["image"]), Place(os.fsdecode(row["root"]), os.fsdecode(row["path"]))) for row in rows
        ]


def write_plan(out: Place, found: Iterable[Found], report: Callable[[int], object]) -> Plan:
    """Writes the plan of a folder of rows. The photographs are sorted by place, and each place is written once.

    Names are sorted on disk, so that the memory does not depend on their number. On this machine, the plan appears as
    a whole; in an object store, file by file.

    Args:
        out: the folder of rows, without a plan.
        found: the photographs. Of several with one place, the first is written.
        report: receives the number of photographs found so far, now and then.

    Returns:
        The plan, in blocks of `BLOCK` photographs.

    Raises:
        MimError: the plan or a temporary file cannot be written, or from `found`.
    """
    with temporary_folder() as scratch:
        try:
            with closing(sqlite3.connect(scratch / "photographs")) as names:
                _collect(names, _counted(found, report))
                rows = names.execute("SELECT image, root, path FROM photographs ORDER BY root, path")
                if not out.is_local:
                    out.joined(FOLDER).make_folder()
                    return _write(out, out.joined(FOLDER), rows)
                with new_folder(out.joined(FOLDER).path) as folder:
                    return _write(out, Place.of(folder), rows)
        except sqlite3.Error as error:
            raise no_temporary_files(error, scratch.parent) from error


def _collect(names: sqlite3.Connection, found: Iterable[Found]) -> None:
    names.execute("PRAGMA journal_mode = OFF")
    names.execute("PRAGMA synchronous = OFF")
    names.execute("CREATE TABLE photographs (root BLOB, path BLOB, image BLOB, PRIMARY KEY (root, path)) WITHOUT ROWID")
    values = ((os.fsencode(root), os.fsencode(path), os.fsencode(image)) for image, (root, path) in _parts(found))
    names.executemany("INSERT OR IGNORE INTO photographs VALUES (?, ?, ?)", values)
    names.commit()


def _parts(found: Iterable[Found]) -> Iterator[tuple[str, tuple[str, str]]]:
    return ((image, (place.root, place.path)) for image, place in found)


def _counted(found: Iterable[Found], report: Callable[[int], object]) -> Iterator[Found]:
    for count, photograph in enumerate(found, 1):
        yield photograph
        if count % _STEP == 0:
            report(count)


def _write(out: Place, folder: Place, rows: Iterator[tuple[bytes, bytes, bytes]]) -> Plan:
    count, digest = 0, hashlib.sha256()
    for number in range(1_000_000):
        chunk = list(islice(rows, BLOCK * _BLOCKS))
        if not chunk:
            break
        table = pa.table([pa.array(column, pa.binary()) for column in zip(*chunk, strict=True)], _SCHEMA)
        _file(folder, number).write(parquet(table))
        digest.update(repr(chunk).encode())
        count += len(chunk)
    return Plan(out, count, BLOCK, digest.hexdigest()[:16])


def _read(file: Place) -> pa.Table:
    try:
        return parquet_table(file)
    except MimError as error:
        raise MimError(f"is damaged ({error.problem})", _REMEDY, file.name) from error


def _file(folder: Place, number: int) -> Place:
    return folder.joined(f"plan-{number:06}.parquet")
