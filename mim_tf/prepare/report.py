"""The report on a prepared data folder: counts, terms, conflicts, and what the number of groups allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mim_export.score.atomic_files import write_json
from mim_export.score.text import printable
from mim_tf.data.splits import SPLITS
from mim_tf.prepare.copies import Copies
from mim_tf.prepare.kinds import KINDS
from mim_tf.prepare.pixels import QUALITY
from mim_tf.prepare.records import NOT_FOUND, Collection, LeftOut, Picture

#: The class that the groups are counted of for the calibration.
NORMAL = "mpox"
#: Largest number of conflicts that the page names; joined.csv has all.
_NAMED = 20
#: A table: title, header, rows.
Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


@dataclass(frozen=True)
class Entry:
    """A picture in the result.

    Attributes:
        picture: what its collection says.
        file: path in the result, with `/`: `<split>/<class>/<name>`.
        group: name of its group, after groups were joined.
        sha256: of the file in the result.
    """

    picture: Picture
    file: str
    group: str
    sha256: str

    @property
    def split(self) -> str:
        """Name of its split."""
        return self.file.split("/")[0]


def make_report(
    collections: Sequence[Collection],
    entries: Sequence[Entry],
    left_out: Sequence[LeftOut],
    pairs: Sequence[Copies],
    split_seed: int,
    min_side: int,
) -> dict[str, Any]:
    """Counts what was found, kept and left out.

    Args:
        collections: the sources.
        entries: the pictures in the result.
        left_out: the other files.
        pairs: near-duplicates, see `mim_tf.prepare.copies.join_near`.
        split_seed: seed of the split.
        min_side: smallest side in pixels.

    Returns:
        A JSON-serializable report: `sources`, `counts` by source and class, `left_out` by source and reason, `splits`
        by class, `joined`, `conflicts`, `calibration`. In each entry of `counts`, `found` is `kept` plus `left_out`.
    """
    counts = []
    for source, label in sorted({*_places(entries), *((out.source, out.label) for out in left_out)}):
        kept = [entry for entry in entries if (entry.picture.source, entry.picture.label) == (source, label)]
        out = sum((o.source, o.label) == (source, label) and o.reason not in NOT_FOUND for o in left_out)
        groups = len({entry.group for entry in kept})
        row = {"source": source, "class": label, "found": len(kept) + out, "kept": len(kept), "left_out": out}
        counts.append({**row, "groups": groups})
    reasons = Counter((out.source, out.reason) for out in left_out)
    return {
        "format": 1,
        "split_seed": split_seed,
        "min_side": min_side,
        "sources": [_source(found) for found in collections],
        "counts": counts,
        "left_out": [{"source": s, "reason": r, "files": n} for (s, r), n in sorted(reasons.items())],
        "splits": _splits(entries),
        "joined": sum(pair.joined for pair in pairs),
        "conflicts": [
            {"file": first, "other": second, "how": pair.how}
            for first, second, pair in files_of_pairs(entries, pairs)
            if pair.conflict
        ],
        "calibration": _calibration(entries),
    }


def files_of_pairs(entries: Sequence[Entry], pairs: Sequence[Copies]) -> list[tuple[str, str, Copies]]:
    """Returns the files of the pairs of which both pictures are in the result, in alphabetical order.

    Args:
        entries: the pictures in the result.
        pairs: pairs of pictures.
    """
    file_of = {entry.picture: entry.file for entry in entries}
    found = []
    for pair in pairs:
        if pair.first in file_of and pair.second in file_of:  # else one was unreadable or too small
            first, second = sorted((file_of[pair.first], file_of[pair.second]))
            found.append((first, second, pair))
    return sorted(found, key=lambda row: row[:2])


def tables(report: dict[str, Any]) -> list[Table]:
    """Returns the tables that are printed and written, without empty ones.

    Args:
        report: as `make_report` returns it.
    """
    counts = [
        (c["source"], c["class"] or "(none)", *(str(c[key]) for key in ("found", "kept", "groups", "left_out")))
        for c in report["counts"]
    ]
    reasons = [(entry["source"], entry["reason"], str(entry["files"])) for entry in report["left_out"]]
    splits = [
        (label, *(f"{by_split[split]['pictures']} ({by_split[split]['groups']})" for split in SPLITS))
        for label, by_split in report["splits"].items()
    ]
    terms = [(entry["source"], entry["groups"], entry["terms"]) for entry in report["sources"]]
    result = [
        ("Pictures by source and class", ("source", "class", "found", "kept", "groups", "left out"), counts),
        ("Left out", ("source", "reason", "files"), reasons),
        ("Pictures (groups) by class and split", ("class", *SPLITS), splits),
        ("Sources", ("source", "a group is a", "terms"), list(dict.fromkeys(terms))),
    ]
    return [table for table in result if table[2]]


def lines(report: dict[str, Any]) -> list[str]:
    """Returns the sentences below the tables.

    Args:
        report: as `make_report` returns it, with `groups_in_several_splits`.
    """
    calibration = report["calibration"]
    total, val, fitted = (calibration[key] for key in ("groups", "val", "train_and_val"))
    found = [f"groups in more than one split: {report['groups_in_several_splits']}"]
    found.append(f"pairs of near-duplicates that joined two groups: {report['joined']}")
    found += [
        f"{entry['source']}: the lowest {entry['cut']:.0%} of each picture are cut off, because they bear the mark of "
        f"its source; these files are written again as JPEG of quality {QUALITY}, all others are copied unchanged"
        for entry in report["sources"]
        if entry["cut"]
    ]
    if report["conflicts"]:
        found.append(
            f"{len(report['conflicts'])} pairs of near-duplicates have contradictory classes, and both are kept in one "
            "group; look at them, and delete the wrong ones"
        )
        found += [f"  {pair['file']} and {pair['other']}: {pair['how']}" for pair in report["conflicts"][:_NAMED]]
        if len(report["conflicts"]) > _NAMED:
            found.append(f"  and {len(report['conflicts']) - _NAMED} more, in joined.csv")
    if not total:
        return [*found, f"no pictures of {NORMAL}: add a collection that has some, or train on another class"]
    found.append(
        f"{total} groups of {NORMAL}, {val} of them in val: the smallest alpha of G groups is 1/(G+1), that is "
        f"{1 / (val + 1):.3f} with those of val, {1 / (fitted + 1):.3f} out of fold with the {fitted} of train and val"
    )
    empty = [split for split in SPLITS if not report["splits"][NORMAL][split]["pictures"]]
    if empty:
        places = ", ".join(f"{split}/{NORMAL}" for split in empty)
        found.append(f"{places} is empty: choose another split seed, or add groups of {NORMAL}")
    return found


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Writes report.json and report.md.

    Args:
        folder: the result.
        report: as `make_report` returns it, with `groups_in_several_splits` and `warnings`.
    """
    write_json(folder / "report.json", report)
    text = ["# Prepared data", ""]
    text += [f"Split seed {report['split_seed']}, smallest side {report['min_side']} px.", ""]
    for title, header, rows in tables(report):
        text += [f"## {title}", "", _row(header), _row(("---",) * len(header)), *map(_row, rows), ""]
    notes = [*lines(report), *report["warnings"]]
    text += ["## Notes", "", *(f"* {_cell(line.strip())}" for line in notes), ""]
    (folder / "report.md").write_text("\n".join(text), encoding="utf-8")


def _places(entries: Sequence[Entry]) -> set[tuple[str, str]]:
    return {(entry.picture.source, entry.picture.label) for entry in entries}


def _source(found: Collection) -> dict[str, Any]:
    kind = KINDS[found.kind]
    cut = max((picture.cut for picture in found.pictures), default=0.0)
    entry = {"source": found.source, "kind": found.kind, "name": printable(found.archive.path.name)}
    return {**entry, "groups": kind.patients, "terms": kind.terms, "cut": cut}


def _splits(entries: Sequence[Entry]) -> dict[str, dict[str, dict[str, int]]]:
    """Counts pictures and groups by class and split."""
    result: dict[str, dict[str, dict[str, int]]] = {}
    for label in sorted({entry.picture.label for entry in entries}):
        result[label] = {}
        for split in SPLITS:
            found = [entry for entry in entries if entry.picture.label == label and entry.split == split]
            result[label][split] = {"pictures": len(found), "groups": len({entry.group for entry in found})}
    return result


def _calibration(entries: Sequence[Entry]) -> dict[str, int]:
    """Counts the groups of the normal class, in all and where the calibration takes them from."""
    of = {split: {e.group for e in entries if e.picture.label == NORMAL and e.split == split} for split in SPLITS}
    return {
        "groups": len(of["train"] | of["val"] | of["test"]),
        "val": len(of["val"]),
        "train_and_val": len(of["train"] | of["val"]),
    }


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """A text without signs that Markdown would read."""
    escaped = printable(text)
    for sign in "\\`*_[]<>|#":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped
