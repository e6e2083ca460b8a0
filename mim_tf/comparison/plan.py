"""Methods x seeds on one data folder: a pool of single-threaded processes that can be stopped at any time.

A fit without calibration, for AUROC needs no threshold: so the whole budget of time is one fit's. What is finished
is kept, what was stopped continues from its checkpoint, and methods or seeds can be added to a finished comparison.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError
from mim_export.score.files import read_json, write_json
from mim_tf.comparison.pool import (
    Pool,
    Report,
    exclusive_lock,
    job_folder,
)
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import (
    Photo,
    class_names,
    fingerprint,
    select,
    select_others,
)
from mim_tf.detectors.registry import create_model
from mim_tf.evaluation.evaluate import NOT_SKIN
from mim_tf.training.run_folder import FORMAT, create_or_resume


@dataclass(frozen=True)
class Entry:
    """A row of the comparison.

    Attributes:
        name: of the row and of its folder.
        method: name of the method.
        options: further arguments of its constructor.
    """

    name: str
    method: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str) -> Entry:
        """The row of a method's name, or of a method and a measure, such as "mim:deep"."""
        method_name, _, measure = name.partition(":")
        return cls(name, method_name, {"measure": measure} if measure else {})


@dataclass(frozen=True)
class Plan:
    """What all rows of a comparison share.

    Attributes:
        folder: the data folder.
        size: side S of the images in pixels.
        normal_class: the class that is fitted on.
        seconds: training time of each fit; None = as `steps` say.
        steps: gradient steps of each fit; None = as many as `seconds` allow.
        seeds: one fit of each row for each.
        split: the split that is scored.
        probes: whether the shortcut probes and the latency are taken.
    """

    folder: Path
    size: int = 96
    normal_class: str = "mpox"
    seconds: float | None = 900.0
    steps: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    split: str = "test"
    probes: bool = True

    def __post_init__(self) -> None:
        if self.seconds is None and self.steps is None:
            raise ValueError("Expected seconds or steps, for a fit has to end. Received: neither.")


def run_plan(entries: Sequence[Entry], plan: Plan, out: Path, *, jobs: int, report: Report) -> float:
    """Fits, scores and probes whatever is not done yet.

    Args:
        entries: the rows.
        plan: what they share.
        out: receives a folder for each row and seed, with checkpoints, the fitted method and `scores.json`.
        jobs: processes at a time, each of one thread.
        report: told what happens.

    Returns:
        Seconds of run time, those of earlier, stopped runs included.

    Raises:
        MimError: a wrong name, number or folder, another comparison in `out`, or a fit that failed; where a fit failed,
            the others were brought to their end.
    """
    photos = scan_folder(plan.folder)
    _check(entries, plan, photos, jobs)
    settings = {"format": FORMAT, "comparison": True, **asdict(plan), "data": fingerprint(photos)}
    for key in ("folder", "seeds", "probes"):
        del settings[key]
    create_or_resume(out, settings)
    with exclusive_lock(out) as lock:
        began, clock = time.monotonic(), out / "run_time.json"
        before = read_json(clock, "remove it")["seconds"] if clock.exists() else 0.0
        for entry in entries:
            for seed in plan.seeds:
                _order(entry, seed, plan, job_folder(out, entry.name, seed))

        def elapsed() -> float:
            seconds = before + time.monotonic() - began
            write_json(clock, {"seconds": round(seconds, 1)})
            return seconds

        pool = Pool(out, lock, report, elapsed)
        # Seed by seed, so that a comparison that is stopped early has every row.
        pool.run("fit", [(entry.name, seed) for seed in plan.seeds for entry in entries], jobs)
        if plan.probes:
            # One at a time: a neighbour would spoil the latency.
            pool.run("probe", [(entry.name, plan.seeds[0]) for entry in entries], 1)
        return elapsed()


def _check(entries: Sequence[Entry], plan: Plan, photos: Sequence[Photo], jobs: int) -> None:
    """Whatever can be wrong is said before the first of many minutes."""
    for what, values in (("method", [entry.name for entry in entries]), ("seed", list(plan.seeds))):
        twice = [str(value) for value, count in Counter(values).items() if count > 1]
        if twice or not values:
            problem = f"{what} {twice[0]} is named twice" if twice else f"no {what} is named"
            raise MimError(problem, f"name each {what} once")
    if any(not 0 <= seed < 2**32 for seed in plan.seeds):
        raise MimError("a seed is not possible", "choose seeds from 0 to 4294967295")
    cores = os.cpu_count() or 1
    if jobs > cores:
        raise MimError(
            f"{jobs} processes on {cores} cores would share them unevenly", f"choose --jobs {cores} or fewer"
        )
    made = [create_model(entry.method, plan.size, **entry.options) for entry in entries]
    normal, split = plan.normal_class, plan.split
    for part in ("train", split):
        if not select(photos, part, normal):
            problem = f"no photographs in {part}/{normal}"
            raise MimError(problem, "add them or name the class by --normal-class", plan.folder)
    if not any(label not in (normal, *NOT_SKIN) for label in class_names(photos, split)):
        raise MimError(f"no skin but {normal} in {split}", "add photographs of another class", plan.folder)
    if any(one.supervised for one in made):
        select_others(photos, "val", normal)


def _order(entry: Entry, seed: int, plan: Plan, folder: Path) -> None:
    """Writes what the process reads; a fit that is there must be of the same method."""
    path = folder / "job.json"
    wanted = asdict(entry)
    if path.exists() and read_json(path, "remove it")["entry"] != wanted:
        raise MimError("holds a fit of another method", "remove it or name another --out", folder)
    write_json(path, {**asdict(plan), "folder": str(plan.folder.resolve()), "entry": wanted, "seed": seed})
