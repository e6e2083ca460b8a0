"""Reads MANIFEST.csv, which assigns the files of a data folder to groups."""

from __future__ import annotations

import csv
import ntpath
import os
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mim_export.score.errors import MimError, explain
from mim_export.score.listing import Warn, named

_NAME = "MANIFEST.csv"
#: Longest cell of the column file that is looked up, in characters. Systems accept paths of 4096 bytes.
_LONGEST = 4096
#: Characters of a cell that a warning shows.
_SHOWN = 200


@dataclass(frozen=True)
class Row:
    """What MANIFEST.csv says of a file.

    Attributes:
        group: name of the group; empty = none is given.
        mask: path of the mask that the optional column `mask` names.
        columns: content of each other column, by its name in lower case; without empty cells.
    """

    group: str
    mask: Path | None
    columns: Mapping[str, str]


def read_manifest_csv(root: Path, files: Iterable[str], warn: Warn) -> dict[str, Row]:
    """Reads the row of each file from MANIFEST.csv, whose name may have any case.

    The column `file` may hold a path relative to the data folder or an absolute one, with `/` or `\\`, or a bare file
    name. Differences of case count only if two files differ by nothing else. The column `mask` holds a path relative to
    the data folder, or an absolute one.

    Args:
        root: the data folder.
        files: paths of the photographs relative to `root`, with `/`.
        warn: receives a line for rows that match no file, files without a row, rows without a group, files whose rows
            differ, and masks that do not exist.

    Returns:
        The row of each file that has one; empty if there is no MANIFEST.csv.

    Raises:
        MimError: the file cannot be read, is not CSV, or lacks the columns `file` and `group`.
    """
    path = _find(root, warn)
    if path is None:
        return {}
    names = sorted(files)
    find = _Finder(root, names)
    rows: dict[str, Row] = {}
    unmatched, without_group, differing, without_mask = [], [], [], []
    for cell, row in _rows(path):
        name = find(cell)
        if name is None:
            shown = cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "..."
            unmatched.append(shown or "an empty cell")
            continue
        if not row.group:
            without_group.append(name)
        if name in rows and rows[name].group != row.group:
            differing.append(name)
        if row.mask is not None and not os.path.isfile(row.mask):
            without_mask.append(name)
            row = replace(row, mask=None)
        rows.setdefault(name, row)
    without_row = [name for name in names if name not in rows]
    alone = "each counts as a group of its own"
    for found, what, remedy in (
        (unmatched, "rows match no photograph", "correct the column file"),
        (without_row, "photographs have no row", f"add them, else {alone}"),
        (without_group, "rows have no group", f"fill the column group, else {alone}"),
        (differing, "photographs have rows with different groups", "keep one row of each; the first one is used"),
        (without_mask, "masks do not exist, of", "correct the column mask, else they have none"),
    ):
        if found:
            warn(f"{path}: {len(found)} {what} ({named(found)}); {remedy}")
    return rows


def separator(header: str) -> str:
    """Returns the separator of a CSV table: a comma, or a semicolon or tab, as some spreadsheets write.

    Args:
        header: the first line of the table, without a byte order mark.

    Example:
        `separator("file;group")` is ";".
    """
    return max(",;\t", key=header.count)


def _find(root: Path, warn: Warn) -> Path | None:
    found = sorted(path for path in root.iterdir() if path.name.lower() == _NAME.lower())
    if not found:
        return None
    if len(found) > 1:  # upper case sorts first
        warn(f"{root}: {len(found)} manifests ({named([path.name for path in found])}); remove all but {found[0].name}")
    return found[0]


def _rows(path: Path) -> list[tuple[str, Row]]:
    """Reads the cells of the column `file` with their rows."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise MimError("a pipe or a device, not a CSV file", "replace it by a file", path)
        with path.open(newline="", encoding="utf-8-sig") as lines:
            header = lines.readline()
            lines.seek(0)
            rows = csv.DictReader(lines, delimiter=separator(header))
            columns = {name.strip().lower(): name for name in rows.fieldnames or ()}
            if not {"file", "group"} <= set(columns):
                raise MimError("lacks the columns file and group", "add them or delete the file", path)

            def cell(row: dict[str, str | None], column: str) -> str:
                return (row[columns[column]] or "").strip() if column in columns else ""

            others = sorted(set(columns) - {"file", "group", "mask"})
            # A name may begin or end with a space, so that cells of the column file are not stripped here.
            return [
                (
                    row[columns["file"]] or "",
                    Row(
                        cell(row, "group"),
                        _mask(path.parent, cell(row, "mask")),
                        {name: cell(row, name) for name in others if cell(row, name)},
                    ),
                )
                for row in rows
            ]
    except OSError as error:
        raise explain(error, path) or error from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise MimError(f"not a CSV file in UTF-8 ({error})", "save it as UTF-8 CSV or delete it", path) from None


def _mask(root: Path, cell: str) -> Path | None:
    """Path of the mask that a cell names; None if it is empty."""
    return root / cell.replace("\\", "/") if cell else None


class _Finder:
    """Finds the file that a cell of MANIFEST.csv means."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self._exact = set(names)
        self._loose = _index((_loose(name), name) for name in names)
        self._bare = _index((posixpath.basename(name), name) for name in names)
        self._loose_bare = _index((_loose(posixpath.basename(name)), name) for name in names)
        self._roots = [Path(os.path.abspath(root)).as_posix(), root.resolve().as_posix()]

    def __call__(self, cell: str) -> str | None:
        """Returns the name of the file; None if no file matches, or more than one do."""
        if cell in self._exact:
            return cell
        if len(cell) > _LONGEST:
            return None
        for text in dict.fromkeys((cell, cell.strip())):
            for path in dict.fromkeys((text, text.replace("\\", "/"))):
                found = self._of_path(path)
                if found is not None:
                    return found
        return None

    def _of_path(self, path: str) -> str | None:
        if not path:
            return None
        relative = posixpath.normpath(path)
        inside = [
            relative[len(root) :].lstrip("/") for root in self._roots if relative.startswith(root.rstrip("/") + "/")
        ]
        for name in (*inside, relative):
            if name in self._exact:
                return name
        for name in (*inside, relative):
            if len(self._loose[_loose(name)]) == 1:
                return self._loose[_loose(name)][0]
        if "/" not in relative:
            for index, key in ((self._bare, relative), (self._loose_bare, _loose(relative))):
                if len(index[key]) == 1:
                    return index[key][0]
        elif posixpath.isabs(relative) or ntpath.splitdrive(relative)[0]:
            # The folder has been moved since: the end of the path is the path inside it.
            return self._of_end(relative)
        return None

    def _of_end(self, path: str) -> str | None:
        parts = path.split("/")
        for start in range(1, len(parts) - 1):
            name = "/".join(parts[start:])
            if name in self._exact:
                return name
            if len(self._loose[_loose(name)]) == 1:
                return self._loose[_loose(name)][0]
        return None


def _index(pairs: Iterable[tuple[str, str]]) -> defaultdict[str, list[str]]:
    index: defaultdict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        index[key].append(name)
    return index


def _loose(name: str) -> str:
    """A form that does not depend on case or on how accents are encoded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
