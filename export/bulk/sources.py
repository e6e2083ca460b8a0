"""Finds the photographs that sources name: files, folders, patterns, lists, and URIs of these."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mim_export.bulk.places import Place, is_uri, one_line
from mim_export.score.errors import MimError
from mim_export.score.listing import (
    SUFFIXES,
    TEXT_SUFFIXES,
    LeftOut,
    Warn,
    check_outside,
    is_skipped,
    walk,
)

#: Column of the photographs in a list.
COLUMN = "image"
_LISTS = (".csv", ".parquet")
_WILDCARD = re.compile(r"[*?[]")
_WILDCARD_OF_URI = re.compile(r"[*[]")  # a question mark begins the query
_NAME = "name photographs or a folder of them"


class Found(NamedTuple):
    """A photograph that a source names.

    Attributes:
        image: its name, as the source gives it.
        place: where it is.
    """

    image: str
    place: Place


def photographs(sources: Sequence[str], out: Place, warn: Warn) -> Iterator[Found]:
    """Checks sources, and finds their photographs. No names are held, but those of one folder of an object store.

    Args:
        sources: names of photographs, folders, patterns such as `photos/**/*.jpg`, and lists: `.csv` and `.parquet`
            files with a column `image`, whose paths are absolute, relative to the folder of the list, or URIs. Each may
            be a URI. Folders are read as `mim_export.score.listing.walk` does; a pattern selects from what it finds.
        out: the folder of the output, which must not be in one of the folders.
        warn: receives one line for each kind of content of a folder that is left out.

    Returns:
        The photographs, some perhaps several times. They are found while they are iterated over, which can raise the
        errors of what is in folders and lists.

    Raises:
        MimError: a source is missing, is empty, or cannot be read; a list has no column `image`; `out` is in a folder.

    Example:
        For a folder `photos` with `a.jpg` and a list `list.csv` of two lines, `image` and `../b.jpg`, the images of
        `["photos", "lists/list.csv"]` are `photos/a.jpg` and `../b.jpg`.
    """
    return chain.from_iterable([_opened(source, out, warn) for source in sources])


def _opened(source: str, out: Place, warn: Warn) -> Iterator[Found]:
    """Checks a source. Returns its photographs, which are found when they are asked for."""
    if not source:
        raise MimError("an empty name", _NAME)
    pattern = (_WILDCARD_OF_URI if is_uri(source) else _WILDCARD).search(source)
    if pattern is not None and (is_uri(source) or not os.path.lexists(source)):
        return _matching(source, pattern.start(), out, warn)
    place = Place.of(source)
    kind = place.kind()
    if kind is None:
        raise MimError("no such file or folder", "check the spelling of the path", source)
    if kind == "folder":
        _check_outside(out, place, source)
        return _in_folder(source, place, warn)
    if _ending(source) in _LISTS:
        return _listed(source, place)
    return iter([Found(source if is_uri(source) else os.fspath(Path(source)), place)])


def _in_folder(source: str, place: Place, warn: Warn) -> Iterator[Found]:
    found = yield from _walked(source, place, None, None, warn)
    if not found:
        raise MimError("no images in it", _NAME, source)


def _matching(source: str, start: int, out: Place, warn: Warn) -> Iterator[Found]:
    """Finds the photographs that a pattern selects. `start` is the place of the first wildcard in it."""
    whole, mark, query = source.partition("?") if is_uri(source) else (source, "", "")
    slash = whole.rfind("/", 0, start)
    base, pattern = whole[: slash + 1] + mark + query, whole[slash + 1 :].split("/")
    if is_uri(source) and slash < source.index("://") + 3:
        raise MimError("a wildcard in the name of the file system", "write it in the path", source)
    place = Place.of(base or ".")
    if place.kind() != "folder":
        raise MimError("no such folder", "check the spelling of the path", base)
    depth = None if "**" in pattern else len(pattern)
    if depth is None:
        _check_outside(out, place, base or ".")
    return _in_pattern(source, base or ".", place, depth, pattern, warn)


def _in_pattern(
    source: str, base: str, place: Place, depth: int | None, pattern: Sequence[str], warn: Warn
) -> Iterator[Found]:
    found = yield from _walked(base, place, depth, pattern, warn)
    if not found:
        raise MimError("no photograph matches", f"check the pattern; photographs end in {', '.join(SUFFIXES)}", source)


def _walked(
    source: str, place: Place, depth: int | None, pattern: Sequence[str] | None, warn: Warn
) -> Generator[Found, None, bool]:
    """Yields what is in a folder and matches. Returns whether there was anything."""
    left, found = LeftOut(source.rstrip("/") or "/"), False
    for kind, name in _walk(place, depth):
        if kind in ("images", "others", "special", "broken") and not _matches(name.split("/"), pattern):
            continue
        if kind == "images":
            found = True
            child = place.joined(name)
            yield Found(child.name if is_uri(source) else os.fspath(Path(source) / name), child)
        else:
            left.add(kind, name)
    for line in left.warnings():
        warn(line)
    return found


def _walk(place: Place, depth: int | None) -> Iterator[tuple[str, str]]:
    """Yields what `walk` does with names that are relative to the folder, for file systems without links as well."""
    if place.is_local:
        with one_line(place.name):
            for kind, path in walk(place.path, depth):
                yield kind, os.fspath(path.relative_to(place.path))
        return
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        for name, there in (place.joined(folder) if folder else place).children():
            child = f"{folder}/{name}" if folder else name
            suffix = _ending(name)
            if is_skipped(name):
                continue
            if there == "folder":
                if depth is None or child.count("/") + 1 < depth:
                    waiting.append(child)
            elif suffix in SUFFIXES:
                yield "images" if there == "file" else "special", child
            elif suffix not in TEXT_SUFFIXES:
                yield "others", child


def _matches(parts: Sequence[str], pattern: Sequence[str] | None) -> bool:
    """Whether a path matches a pattern, of which each part is that of one folder, and `**` of any number of them."""
    if not pattern:
        return pattern is None or not parts
    if pattern[0] == "**":
        return any(_matches(parts[start:], pattern[1:] or None) for start in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _listed(source: str, place: Place) -> Iterator[Found]:
    """Yields the photographs of a list."""
    folder = os.path.dirname(place.path)
    number = 0
    with closing(_cells(source, place)) as cells:
        for number, cell in enumerate(cells, 1):
            if not cell:
                raise MimError(f"row {number} names no photograph", "remove it or name one", source)
            if is_uri(cell) or cell.startswith("/"):
                yield Found(cell, Place.of(cell))
            elif place.is_local:
                yield Found(cell, Place.of(os.path.join(folder, cell)))
            else:
                yield Found(cell, Place(place.root, posixpath.normpath(f"{folder}/{cell}")))
    if not number:
        raise MimError("lists no photographs", f"list them in a column {COLUMN}", source)


def _cells(source: str, place: Place) -> Generator[str | None, None, None]:
    with one_line(source), place.open() as file:
        batches: Iterable[pa.RecordBatch]
        if _ending(source) == ".csv":
            parsing = pa_csv.ParseOptions(newlines_in_values=True)
            options = pa_csv.ConvertOptions(include_columns=[COLUMN], column_types={COLUMN: pa.string()})
            try:
                reader = pa_csv.open_csv(file, parse_options=parsing, convert_options=options)
            except pa.ArrowKeyError:
                raise _without_column(source) from None
            schema, batches = reader.schema, reader
        else:
            parquet = pq.ParquetFile(file)
            schema = parquet.schema_arrow
            if schema.names.count(COLUMN) != 1:
                raise _without_column(source)
            batches = parquet.iter_batches(4096, columns=[COLUMN])
        kind = schema.field(COLUMN).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise MimError(f"column {COLUMN} holds {kind}, expected text", "write names of files", source)
        for batch in batches:
            yield from batch[COLUMN].to_pylist()


def _without_column(source: str) -> MimError:
    return MimError(f"has no column {COLUMN}", f"name the column of the photographs {COLUMN}", source)


def _check_outside(out: Place, folder: Place, source: str) -> None:
    if out.is_local and folder.is_local:
        check_outside(out.path, folder.path)
    elif out.root == folder.root and PurePosixPath(out.path).is_relative_to(folder.path):
        raise MimError(f"is inside the data folder {source}", "choose a folder outside it", out.name)


def _ending(name: str) -> str:
    return os.path.splitext(name.partition("?")[0] if is_uri(name) else name)[1].lower()
