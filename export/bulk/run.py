"""Scores many photographs into a folder of rows, each exactly once however often the command is stopped.

The first call writes the plan. A block of it is the unit of work: its rows are one file, which appears as a whole and
whose name is the number of the block. So a call that continues takes the blocks whose files are missing, and a worker
that was given up, or two workers with one block, write the same file with the same rows.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mim_export.bulk import rows
from mim_export.bulk.block import BUNDLE, BUNDLE_FILES, Engine, Job, ScoreBlocks, bundle_file, first_seen
from mim_export.bulk.places import Place
from mim_export.bulk.plan import FOLDER as PLAN
from mim_export.bulk.plan import Plan, write_plan
from mim_export.bulk.sources import photographs
from mim_export.score.atomic_files import check_writable, is_leftover
from mim_export.score.conformal import verdict_names
from mim_export.score.decide import VERDICTS
from mim_export.score.errors import MimError
from mim_export.score.listing import Warn
from mim_export.score.locks import LOCK, exclusive_lock
from mim_export.score.scorer import Scorer
from mim_export.score.text import json_text

#: Name of the file that describes a folder of rows.
DESCRIPTION = "rows.json"
_WHAT = "scores of photographs, written by mim-tf score --out"
#: Entries that must be those of the command that continues, in the order in which they are compared.
_FIXED = ("schema", "mim_tf", "model_id", "manifest_sha256", "sources")
_ANOTHER = "name another folder"

#: Progress callback: (state, photographs that are done, their number or None). The state is `listing` or `scoring`.
Report = Callable[[str, int, int | None], object]


@dataclass(frozen=True)
class Summary:
    """What was scored.

    Attributes:
        out: the folder of rows, as it was named.
        photographs: their number.
        verdicts: number of photographs by verdict.
        unread: number of photographs that could not be read; each is `cannot-judge` as well.
        scored: number of photographs that this call scored.
        seconds: duration of this call.
        names: names of the verdicts, which contain that of the class, in the order of `verdicts`.
    """

    out: str
    photographs: int
    verdicts: dict[str, int]
    unread: int
    scored: int
    seconds: float
    names: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the attributes except `names`, and the rate, for JSON."""
        fields = {name: value for name, value in vars(self).items() if name != "names"}
        return {**fields, "photographs_per_second": self.rate}

    @property
    def rate(self) -> float:
        """Photographs that this call scored in a second."""
        return self.scored / max(self.seconds, 1e-9)

    @property
    def line(self) -> str:
        """The summary as text.

        Example:
            `5,000 photographs: 812 mpox-like, 3,100 not-mpox-like, 900 undecided, 188 cannot-judge; 3 could not be
            read; rows (41 s, 122 photographs a second)`
        """
        counts = ", ".join(
            f"{count:,} {name}" for count, name in zip(self.verdicts.values(), self.names, strict=True) if count
        )
        unread = f"; {self.unread:,} could not be read" if self.unread else ""
        speed = f"{self.seconds:.0f} s, {self.rate:.0f} photographs a second" if self.scored else "complete before"
        return f"{self.photographs:,} photographs: {counts}{unread}; {self.out} ({speed})"


def score_in_bulk(
    sources: Sequence[str], out: str, bundle: Path, engine: Engine, warn: Warn, report: Report
) -> Summary:
    """Scores photographs into a folder of rows, or continues to.

    Args:
        sources: photographs, folders, patterns, lists and URIs, see `mim_export.bulk.sources.photographs`.
        out: path or URI of the folder, which has to be new or empty, or of a call with the same sources and bundle.
        bundle: folder of the bundle.
        engine: scores the blocks.
        warn: receives one line for each kind of content of a folder that is left out.
        report: progress callback.

    Returns:
        The summary of all rows, also of those that were there before.

    Raises:
        MimError: a source or the bundle cannot be read; `out` is another folder, or of another command; a file in it is
            damaged; another process writes to it; a worker was stopped, or cannot write.

    Example:
        >>> score_in_bulk(["photos"], "rows", RELEASED, LocalEngine(), print, lambda *_: None).photographs
        5000
    """
    began = time.monotonic()
    scorer = Scorer(bundle)
    place = Place.of(out)
    fixed = {
        "schema": rows.SCHEMA_VERSION,
        "mim_tf": version("mim-tf"),
        "model_id": scorer.manifest["model_id"],
        "manifest_sha256": hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest(),
        "sources": list(sources),
    }
    if _check_folder(place, fixed) is None:  # before a lock file is written into a folder that is none of ours
        photographs(sources, place, warn)
    with _locked(place):
        entry = _check_folder(place, fixed)
        counts, missing = (Counter(), []) if entry is None else _written(_job(place, entry))
        scored = 0
        if entry is None or missing:
            with engine.connected() as score:
                if entry is None:
                    entry = _begin(place, fixed, bundle, warn, report)
                    counts, missing = _written(_job(place, entry))
                job = _job(place, entry)
                scored = _score(score, replace(job, seen=first_seen(job.plan)), scorer, missing, counts, report)
        if entry["status"] != "complete":
            _describe(place, {**entry, "status": "complete"})
    verdicts = {name: counts[name] for name in VERDICTS}
    names = verdict_names(scorer.normal_class)
    seconds = time.monotonic() - began
    return Summary(out, entry["photographs"], verdicts, counts[rows.UNREAD], scored, seconds, names)


def _job(place: Place, entry: dict[str, Any]) -> Job:
    return Job(entry["model_id"], Plan(place, entry["photographs"], entry["block"], entry["plan"]))


def _score(
    score: ScoreBlocks, job: Job, scorer: Scorer, missing: Sequence[int], counts: Counter[str], report: Report
) -> int:
    """Has the missing blocks scored, and adds their counts. Returns the number of their photographs."""
    total = job.plan.photographs
    before, scored, waiting = total - sum(map(job.plan.rows, missing)), 0, set(missing)
    report("scoring", before, total)
    for block, found in score(job, scorer, missing):
        counts.update(found)
        waiting.remove(block)
        scored += job.plan.rows(block)
        report("scoring", before + scored, total)
    if waiting:
        raise MimError(f"{len(waiting)} blocks were not scored", "run the same command again", job.plan.out.name)
    return scored


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Locks a folder of this machine. Object stores have no locks."""
    if not place.is_local:
        yield
        return
    check_writable(place.path)
    with exclusive_lock(Path(place.path), "scoring"):
        yield


def _check_folder(place: Place, fixed: dict[str, Any]) -> dict[str, Any] | None:
    """Checks that a folder is new, empty, or one of the same command.

    Returns:
        Its description; None if its plan is still to be written.
    """
    kind, path = place.kind(), place.joined(DESCRIPTION)
    if kind not in (None, "folder"):
        raise MimError("is not a folder", "name a folder", place.name)
    if path.kind() is None:
        # A command that was killed at its very start left its lock or a temporary folder.
        names = [name for name, _ in place.children()] if kind == "folder" else []
        if any(name != LOCK and not is_leftover(name) for name in names):
            raise MimError("exists and is not a folder of scores", _ANOTHER, place.name)
        return None
    content = path.read()
    try:
        entry = json.loads(content)
        if entry["what"] != _WHAT or not {*_FIXED, "status", "photographs", "block", "plan"} <= set(entry):
            raise ValueError("of something else")
        if entry["status"] == "planning":  # nothing is scored yet
            return None
        if any(type(entry[key]) is not int or entry[key] < 1 for key in ("photographs", "block")):
            raise ValueError("damaged")
        if type(entry["plan"]) is not str:
            raise ValueError("damaged")
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MimError("does not describe scores", _ANOTHER, path.name) from None
    for key in _FIXED[:-1]:
        if entry[key] != fixed[key]:
            raise MimError(f"is of {key} {entry[key]}, this is {key} {fixed[key]}", _ANOTHER, path.name)
    if entry["sources"] != fixed["sources"]:
        others = ", ".join(map(str, entry["sources"]))
        raise MimError(f"is of other sources ({others})", f"repeat them, or {_ANOTHER}", path.name)
    return entry


def _begin(place: Place, fixed: dict[str, Any], bundle: Path, warn: Warn, report: Report) -> dict[str, Any]:
    """Writes the plan and the copy of the bundle.

    They count when the description says so. A plan of a command that was killed is removed.
    """
    entry = {"what": _WHAT, **fixed, "status": "planning", "photographs": 0, "block": 0, "plan": ""}
    found = photographs(fixed["sources"], place, warn)
    place.make_folder()
    _describe(place, entry)
    place.joined(PLAN).remove_folder()
    report("listing", 0, None)
    plan = write_plan(place, found, lambda count: report("listing", count, None))
    place.joined(BUNDLE).make_folder()
    for name in BUNDLE_FILES:
        bundle_file(place, name).write((bundle / name).read_bytes())
    place.joined(rows.FOLDER).make_folder()
    entry |= {"status": "scoring", "photographs": plan.photographs, "block": plan.size, "plan": plan.digest}
    _describe(place, entry)
    return entry


def _describe(place: Place, entry: dict[str, Any]) -> None:
    # Names of files may hold bytes that are not UTF-8.
    place.joined(DESCRIPTION).write((json_text(entry, "utf-8", 1) + "\n").encode())


def _written(job: Job) -> tuple[Counter[str], list[int]]:
    """Reads the files of rows. Returns the counts of their rows, and the blocks whose file is missing."""
    counts: Counter[str] = Counter()
    plan = job.plan
    done = bytearray(plan.blocks)
    for name, _ in plan.out.joined(rows.FOLDER).children():
        block = rows.block_of(name)
        if block is not None and block < plan.blocks:
            counts.update(rows.read_part(rows.part(plan.out, block), plan.rows(block), plan.digest))
            done[block] = True
    return counts, [block for block in range(plan.blocks) if not done[block]]
