"""Writes a data folder from collections: reads, leaves out copies, joins groups, splits, copies, reports."""

from __future__ import annotations

import csv
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mim_export.score.atomic_files import check_new_folder, new_folder
from mim_export.score.errors import MimError, check_whole
from mim_export.score.listing import Warn, check_outside
from mim_export.score.text import printable
from mim_tf.data.budget import AT_ONCE, PixelBudget
from mim_tf.data.content import UNREADABLE, digest
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import split_of_group
from mim_tf.prepare import records
from mim_tf.prepare.copies import Copies, Groups, Look, Read, join_near, leave_out_exact, look_at
from mim_tf.prepare.kinds import KINDS, read_sources
from mim_tf.prepare.names import safe_name
from mim_tf.prepare.pixels import in_threads, write_cut
from mim_tf.prepare.records import Collection, LeftOut, Picture, Progress
from mim_tf.prepare.report import Entry, files_of_pairs, make_report, write_report

_COLUMNS = ("file", "group", "skin_type", "source", "terms", "original", "sha256")
#: Folder of the members of archives, which a scan of photographs skips.
_STAGED = ".staged"


def prepare(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    split_seed: int = 0,
    min_side: int = 128,
    warn: Warn,
    progress: Progress = lambda name, done, count, values: None,
) -> dict[str, Any]:
    """Turns downloaded collections into a data folder. The sources are not changed.

    Args:
        sources: folders or .zip archives, each optionally as `KIND=PATH`, see `mim_tf.prepare.kinds.KINDS`.
        out: the folder to write; it must not exist or must be empty. It is written beside and renamed at the end.
        split_seed: seed of the split, see `mim_tf.data.splits.split_of_group`.
        min_side: shorter side in pixels from which on a picture is kept.
        warn: receives one line for each fault of a MANIFEST.csv.
        progress: is told of the stages "read", "decode", "compare" and "write".

    Returns:
        The content of report.json, see `mim_tf.prepare.report.make_report`. The folder holds
        `<split>/<class>/<source>_<name>.<ending>`, MANIFEST.csv, left_out.csv, joined.csv, report.json and report.md.

    Raises:
        MimError: a source is missing, unreadable or of no kind; `out` is not empty, not writable or inside a source; no
            picture is left; a source changed while it was read; or an option is not possible.

    Example:
        `prepare(["MSLD_v2.zip"], "data", warn=print)["counts"][0]` counts the class chickenpox of the source msld-v2.
    """
    check_whole("split seed", split_seed, 0)
    check_whole("smallest side", min_side, 1)
    if not sources:
        raise MimError("no source", "name a downloaded folder or .zip archive")
    warnings: list[str] = []

    def note(line: str) -> None:
        warnings.append(line)
        warn(line)

    collections = read_sources(sources, note)
    check_outside(out, *(found.archive.path for found in collections))  # before anything is written beside `out`
    check_new_folder(out)
    left_out = [entry for found in collections for entry in found.left_out]
    groups = Groups()
    with new_folder(out) as temporary:
        staged = temporary / _STAGED
        staged.mkdir()
        read, unread = _read(collections, staged, progress)
        read, exact, pairs = leave_out_exact(read, groups)
        read, looks, undecoded = _look(read, min_side, progress)
        left_out += unread + exact + undecoded
        if not read:
            problem = f"no picture of the sources is left ({_reasons(left_out)})"
            remedy = "correct this, or name the folder above those of the classes"
            raise MimError(problem, remedy, collections[0].archive.path)
        pairs += join_near(read, looks, groups, progress)
        pairs = list({frozenset((pair.first, pair.second)): pair for pair in reversed(pairs)}.values())
        entries = _write(read, groups, split_seed, temporary, progress)
        shutil.rmtree(staged)
        _write_tables(temporary, entries, left_out, pairs)
        report = make_report(collections, entries, left_out, pairs, split_seed, min_side)
        report["groups_in_several_splits"] = _groups_in_several_splits(temporary, note)
        report["warnings"] = warnings
        write_report(temporary, report)
    return report


def _read(collections: Sequence[Collection], staged: Path, progress: Progress) -> tuple[list[Read], list[LeftOut]]:
    """Computes the digest of each picture; members of archives are unpacked into `staged`."""
    pictures = [picture for found in collections for picture in found.pictures]

    def fetch(numbered: tuple[int, Picture]) -> Read:
        number, picture = numbered
        path, sha256 = picture.archive.fetch(picture.name, staged / str(number))
        return Read(picture, path, sha256)

    results = in_threads(fetch, list(enumerate(pictures)), "read", progress)
    unread = [_unreadable(one.picture, "") for one in results if one.sha256 == UNREADABLE]
    return [one for one in results if one.sha256 != UNREADABLE], unread


def _look(read: Sequence[Read], min_side: int, progress: Progress) -> tuple[list[Read], list[Look], list[LeftOut]]:
    """Decodes each picture; leaves out what cannot be decoded or is too small."""
    budget = PixelBudget(AT_ONCE)

    def look(one: Read) -> Look | LeftOut:
        picture = one.picture
        try:
            found, side = look_at(one.path, picture.cut, budget)
        except MimError as error:
            return _unreadable(picture, error.problem)
        if side < min_side:
            detail = f"{side} px, the smallest side is {min_side} px"
            return LeftOut(picture.source, picture.label, picture.name, records.SMALL, detail=detail)
        return found

    results = list(zip(read, in_threads(look, read, "decode", progress), strict=True))
    kept = [(one, result) for one, result in results if isinstance(result, Look)]
    left_out = [result for _, result in results if isinstance(result, LeftOut)]
    return [one for one, _ in kept], [result for _, result in kept], left_out


def _write(read: Sequence[Read], groups: Groups, split_seed: int, folder: Path, progress: Progress) -> list[Entry]:
    """Copies the pictures to their places."""
    names = _names(read)

    def write(numbered: tuple[int, Read]) -> Entry:
        number, one = numbered
        group = printable(groups.name(one.picture.group))
        file = f"{split_of_group(group, split_seed)}/{one.picture.label}/{names[number]}"
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if one.picture.cut:
            write_cut(one.path, one.picture.cut, target)
            return Entry(one.picture, file, group, digest(target))
        if one.path.is_relative_to(folder):
            os.replace(one.path, target)
        else:
            shutil.copyfile(one.path, target)
        if digest(target) != one.sha256:
            raise MimError("changed while it was read", "run the command again", one.path)
        return Entry(one.picture, file, group, one.sha256)

    return sorted(in_threads(write, list(enumerate(read)), "write", progress), key=lambda entry: entry.file)


def _names(read: Sequence[Read]) -> list[str]:
    """Names the files. Where two of a class would have one name, whatever the case, all get a part of their digest."""

    def name(one: Read, mark: str = "") -> str:
        path = PurePosixPath(one.picture.name)
        ending = ".jpg" if one.picture.cut else path.suffix.lower()
        return f"{one.picture.source}_{safe_name(path.stem)}{mark}{ending}"

    def key(one: Read) -> tuple[str, str]:
        return one.picture.label.casefold(), unicodedata.normalize("NFC", name(one)).casefold()

    count = Counter(key(one) for one in read)
    return [name(one, f"_{one.sha256[:12]}" if count[key(one)] > 1 else "") for one in read]


def _write_tables(folder: Path, entries: Sequence[Entry], left_out: Sequence[LeftOut], pairs: Sequence[Copies]) -> None:
    """Writes MANIFEST.csv, left_out.csv and joined.csv. Names are escaped, so that each table is UTF-8."""
    terms = {entry.picture.source: KINDS.get(entry.picture.source, KINDS["plain"]).terms for entry in entries}
    manifest = [
        (
            e.file,
            e.group,
            e.picture.skin_type or "",
            e.picture.source,
            terms[e.picture.source],
            e.picture.name,
            e.sha256,
        )
        for e in entries
    ]
    out = sorted((e.source, e.label, e.name, e.reason, e.copy_of, e.detail) for e in left_out)
    joined = [(*files, pair.how, "yes" if pair.conflict else "") for *files, pair in files_of_pairs(entries, pairs)]
    for name, columns, rows in (
        ("MANIFEST.csv", _COLUMNS, manifest),
        ("left_out.csv", ("source", "class", "file", "reason", "copy_of", "detail"), out),
        ("joined.csv", ("file", "other", "how", "contradictory_classes"), joined),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as lines:
            csv.writer(lines, lineterminator="\n").writerows(
                [columns, *(tuple(printable(cell) for cell in row) for row in rows)]
            )


def _groups_in_several_splits(folder: Path, warn: Warn) -> int:
    """Reads the result as a training does, and counts the groups that are in more than one split."""
    splits_of: dict[str, set[str]] = {}
    for photo in scan_folder(folder, warn=warn):
        splits_of.setdefault(photo.group, set()).add(photo.split)
    return sum(len(splits) > 1 for splits in splits_of.values())


def _unreadable(picture: Picture, detail: str) -> LeftOut:
    return LeftOut(picture.source, picture.label, picture.name, records.UNREADABLE, detail=detail)


def _reasons(left_out: Sequence[LeftOut]) -> str:
    """Why files were left out, the most frequent reason first."""
    reasons = Counter(entry.reason for entry in left_out).most_common()
    return ", ".join(f"{reason}: {count}" for reason, count in reasons)
