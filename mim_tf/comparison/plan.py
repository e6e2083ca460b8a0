"""The plan of a comparison: methods x seeds on one data folder, run by a pool of processes with one thread each.

Models are fitted without calibration, because AUROC needs no threshold. A comparison can be stopped at any time:
finished fits are kept, interrupted fits resume from their checkpoints, and methods or seeds can be added later.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError, check_whole
from mim_export.score.listing import to_nobody
from mim_tf.comparison.pool import Engine, Pool, Report, job_folder
from mim_tf.comparison.processes import Processes
from mim_tf.data.content import digests, fingerprint
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import (
    NOT_SKIN,
    Photo,
    check_groups_apart,
    class_names,
    empty_split,
    select,
    select_others,
    split_seed_of,
)
from mim_tf.detectors.factory import create_model
from mim_tf.training.config import Training
from mim_tf.training.run_folder import FORMAT, open_run

_JOB = "job.json"


@dataclass(frozen=True)
class Entry:
    """A row of a comparison.

    Attributes:
        name: name of the row and of its folder.
        method: name of the method, see `mim_tf.detectors.factory.model_names`.
        options: keyword arguments of `create_model`, JSON-serializable.
    """

    name: str
    method: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str) -> Entry:
        """Creates a row from the name of a method, or of a method and a measure.

        Example:
            >>> Entry.named("mim:deep")
            Entry(name='mim:deep', method='mim', options={'measure': 'deep'})
        """
        method_name, _, measure = name.partition(":")
        return cls(name, method_name, {"measure": measure} if measure else {})


@dataclass(frozen=True)
class Plan:
    """Settings that all rows of a comparison share.

    Attributes:
        folder: the data folder.
        size: side S of the images, in pixels.
        normal_class: the class on which the models are fitted.
        seconds: maximum training time of each fit, in seconds; None = no limit.
        steps: gradient steps of each fit; None = as many as `seconds` allow.
        seeds: seeds; each row is fitted once per seed.
        split: the split that is scored.
        probes: whether to run the shortcut probes and to measure the latency.
        split_seed: seed of the split of a plain folder.

    Raises:
        ValueError: both `seconds` and `steps` are None.
        MimError: a seed, `seconds` or `steps` is not possible, see `Training`.
    """

    folder: Path
    size: int = 96
    normal_class: str = "mpox"
    seconds: float | None = 900.0
    steps: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    split: str = "test"
    probes: bool = True
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds is None and self.steps is None:
            raise ValueError("Expected seconds or steps, to limit the fits. Received: neither.")
        if self.steps is not None:
            check_whole("number of steps", self.steps, 1)  # a method starts from random weights
        for seed in self.seeds:
            Training(steps=self.steps, seconds=self.seconds, seed=seed)


@dataclass(frozen=True)
class Job:
    """A fit of a comparison, as `job.json` passes it to a worker process.

    Attributes:
        plan: the settings that all rows share.
        entry: the row.
        seed: the seed of the fit.
    """

    plan: Plan
    entry: Entry
    seed: int

    @property
    def training(self) -> Training:
        """The training configuration of the fit."""
        return Training(steps=self.plan.steps, seconds=self.plan.seconds, seed=self.seed)

    def write(self, folder: Path) -> None:
        """Writes `job.json`.

        Args:
            folder: the folder of the fit.

        Raises:
            MimError: the folder holds a fit of another method.
        """
        path, entry = folder / _JOB, asdict(self.entry)
        if path.exists():
            found = read_json(path, "remove it")
            if not isinstance(found, dict) or found.get("entry") != entry:
                raise MimError("holds a fit of another method", "remove it or name another folder", folder)
        plan = {**asdict(self.plan), "folder": str(self.plan.folder.resolve())}
        write_json(path, {**plan, "entry": entry, "seed": self.seed})

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Reads `job.json`.

        Args:
            folder: the folder of the fit.

        Raises:
            MimError: the file is missing or damaged.
        """
        remedy = "run the comparison again"
        content = read_json(folder / _JOB, remedy)
        try:
            entry, seed = Entry(**content.pop("entry")), content.pop("seed")
            plan = {**content, "folder": Path(content["folder"]), "seeds": tuple(content["seeds"])}
            return cls(Plan(**plan), entry, seed)
        except (AttributeError, KeyError, TypeError) as error:
            raise MimError(f"damaged ({error})", remedy, folder / _JOB) from error


def run_plan(
    entries: Sequence[Entry], plan: Plan, out: Path, *, jobs: int | None, report: Report, engine: Engine | None = None
) -> float:
    """Fits, scores and probes each row and seed that is not finished yet.

    Args:
        entries: the rows.
        plan: the settings that all rows share.
        out: output folder; contains a folder for each row and seed with checkpoints, the fitted model and
            `scores.json`.
        jobs: largest number of fits at a time; None = as many as the engine has room for.
        report: progress callback.
        engine: where the fits run; None = `jobs` processes on this machine.

    Returns:
        Run time in seconds, including earlier, interrupted runs.

    Raises:
        MimError: a name, number or folder is invalid; `out` holds a comparison with other settings; or a fit failed, in
            which case the other fits have been completed.
    """
    # `compare` has scanned the folder before and printed the warnings.
    photos = scan_folder(plan.folder, split_seed=plan.split_seed, warn=to_nobody)
    check_plan(entries, plan, photos, jobs if engine is None else None)
    settings = {"format": FORMAT, "comparison": True, **asdict(plan), "data": fingerprint(photos)}
    settings["split_seed"] = split_seed_of(photos)  # None if the folder has splits, where the seed has no effect
    for key in ("folder", "seeds", "probes"):
        del settings[key]
    masks = digests([replace(photo, path=photo.mask) for photo in photos if photo.mask is not None])
    if masks:
        settings["masks"] = hashlib.sha256("".join(masks).encode()).hexdigest()
    with open_run(out, settings, "comparison") as lock:
        began, path = time.monotonic(), out / "run_time.json"
        before = _run_time(path)
        for entry in entries:
            for seed in plan.seeds:
                Job(plan, entry, seed).write(job_folder(out, entry.name, seed))

        def elapsed() -> float:
            seconds = before + time.monotonic() - began
            write_json(path, {"seconds": round(seconds, 1)})
            return seconds

        here = Processes(lock, jobs or 1)
        pool = Pool(out, engine or here, report, elapsed)
        # Seed by seed, so that a comparison that is interrupted has all rows with the first seeds.
        pool.run("fit", [(entry.name, seed) for seed in plan.seeds for entry in entries], jobs)
        if plan.probes:
            # One process at a time, on this machine: others would distort the latency.
            Pool(out, here, report, elapsed).run("probe", [(entry.name, plan.seeds[0]) for entry in entries], 1)
        return elapsed()


def _run_time(path: Path) -> float:
    """Seconds of earlier runs, from `run_time.json`; 0 if there is no such file."""
    if not path.exists():
        return 0.0
    entry = read_json(path, "remove it")
    seconds = entry.get("seconds") if isinstance(entry, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise MimError("damaged (seconds)", "remove it", path)
    return float(seconds)


def check_plan(entries: Sequence[Entry], plan: Plan, photos: Sequence[Photo], jobs: int | None) -> None:
    """Checks all settings before the first fit, since a comparison takes minutes to hours.

    Args:
        entries: the rows.
        plan: the settings that all rows share.
        photos: photographs of the data folder.
        jobs: number of parallel processes on this machine; None = the fits run elsewhere.

    Raises:
        MimError: a name, number or folder is invalid.
    """
    for what, values in (("method", [entry.name for entry in entries]), ("seed", list(plan.seeds))):
        repeated = [str(value) for value, count in Counter(values).items() if count > 1]
        if repeated or not values:
            problem = f"{what} {repeated[0]} is named twice" if repeated else f"no {what} is named"
            raise MimError(problem, f"name each {what} once")
    cores = os.cpu_count() or 1
    if jobs is not None and jobs > cores:
        raise MimError(f"{jobs} processes are more than the {cores} cores", f"choose {cores} or fewer")
    models = [create_model(entry.method, plan.size, **entry.options) for entry in entries]
    normal, split = plan.normal_class, plan.split
    for part in ("train", split):
        if not select(photos, part, normal):
            raise empty_split(photos, part, normal)
    if not any(label not in (normal, *NOT_SKIN) for label in class_names(photos, split)):
        raise MimError(
            f"no class that shows skin other than {normal} in {split}", "add photographs of another class", plan.folder
        )
    used = select(photos, "train", normal)
    if any(model.supervised for model in models):
        used += select_others(photos, "val", normal)
    check_groups_apart(photos, [*used, *(photo for photo in photos if photo.split == split)])
