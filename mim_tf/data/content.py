"""Identifies photographs by the SHA-256 of their files, and records those on which a run was fitted."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from mim_export.score.atomic_files import new_file
from mim_export.score.errors import MimError
from mim_tf.data.splits import Photo

#: Name of the record in a run folder.
RECORD = "photographs.csv"
_COLUMNS = ("split", "class", "group", "sha256")
#: Stands for the digest of a file that cannot be read.
UNREADABLE = "unreadable"


def digest(path: str | os.PathLike[str]) -> str:
    """Computes the SHA-256 of the content of a file.

    Returns:
        64 hexadecimal digits; "unreadable" for a file that cannot be read.

    Example:
        An empty file has the digest "e3b0c442 98fc1c14 ..." (without spaces), wherever it is and whatever its name.
    """
    try:
        with open(path, "rb") as file:
            content = hashlib.sha256()
            while block := file.read(1 << 20):
                content.update(block)
            return content.hexdigest()
    except OSError:
        return UNREADABLE


def digests(photos: Sequence[Photo]) -> list[str]:
    """Computes the digest of each file, see `digest`."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(digest, (photo.path for photo in photos)))


def fingerprint(photos: Sequence[Photo], contents: Sequence[str] | None = None) -> str:
    """Computes the SHA-256 of a list of photographs: split, class, group and content of each, in their order.

    Args:
        photos: the photographs.
        contents: their digests, if they are known.

    Returns:
        64 hexadecimal digits.
    """
    known = digests(photos) if contents is None else contents
    lines = [repr((photo.split, photo.label, photo.group, sha)) for photo, sha in zip(photos, known, strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def first_shared(photos: Sequence[Photo], others: Sequence[Photo]) -> Photo | None:
    """Finds the first photograph whose content is also that of one of the others; None if there is none."""
    if not photos or not others:
        return None
    contents = set(digests(others)) - {UNREADABLE}
    return next((photo for photo, sha in zip(photos, digests(photos), strict=True) if sha in contents), None)


def unseen_by_test(found: Sequence[Photo], photos: Sequence[Photo], normal_class: str, role: str) -> tuple[Photo, ...]:
    """Validates photographs of other classes that a user provides beside the data folder.

    Args:
        found: the photographs, of a folder of known negatives or of a reference.
        photos: the photographs of the data folder.
        normal_class: the class on which the detector is trained.
        role: "negatives" or "reference".

    Returns:
        The photographs with `role` as their split.

    Raises:
        MimError: a photograph has the normal class, or its content is in the test split of the data folder.
    """
    for photo in found:
        if photo.label == normal_class:
            raise MimError(f"is of the class {normal_class}, not of another", "remove this class", photo.path)
    tested = first_shared(found, [photo for photo in photos if photo.split == "test"])
    if tested:
        raise MimError(f"is in the {role} and in test", f"remove it from the {role}", tested.path)
    return tuple(replace(photo, split=role, split_seed=None) for photo in found)


def record_rows(photos: Sequence[Photo]) -> tuple[tuple[str, ...], ...]:
    """Returns split, class, group and digest of each photograph."""
    return tuple(
        (photo.split, photo.label, photo.group, sha) for photo, sha in zip(photos, digests(photos), strict=True)
    )


def write_record(folder: Path, rows: Sequence[tuple[str, ...]]) -> None:
    """Writes `photographs.csv`, with the columns split, class, group and sha256.

    Args:
        folder: the run folder.
        rows: as `record_rows` returns them; if there are none, an existing file is removed.
    """
    if not rows:
        (folder / RECORD).unlink(missing_ok=True)
        return
    with (
        new_file(folder / RECORD) as temporary,
        # Names of files need not be UTF-8, and a group is by default the name of its file.
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as lines,
    ):
        # With the line end \r\n both characters are quoted where a group has them, in every version of Python.
        csv.writer(lines, lineterminator="\r\n").writerows((_COLUMNS, *rows))


def read_record(folder: Path) -> tuple[tuple[str, ...], ...]:
    """Reads `photographs.csv`; empty if the run has none, because it was fitted on arrays or by an earlier version.

    Args:
        folder: the run folder.

    Raises:
        MimError: the file is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return ()
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
            header, *rows = (tuple(row) for row in csv.reader(lines))
    except (OSError, ValueError, csv.Error) as error:
        raise MimError(f"damaged ({error})", "train again into a new folder", path) from None
    if header != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        raise MimError("damaged", "train again into a new folder", path)
    return tuple(rows)
