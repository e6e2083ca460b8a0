"""The tasks of a worker process of a comparison, see `mim_tf.comparison.start`.

A worker fits one row with one seed and scores a split, or probes the fitted model.
"""

from __future__ import annotations

import platform
import shutil
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.bulk.cluster import code_digest
from mim_export.score.atomic_files import write_json
from mim_export.score.errors import explain
from mim_export.score.listing import to_nobody
from mim_tf.comparison.plan import Job, Plan
from mim_tf.data.folder import (
    Photos,
    Warn,
    load_photos,
    scan_folder,
)
from mim_tf.data.splits import (
    Photo,
    class_names,
    select,
    select_others,
)
from mim_tf.detectors.base import OneClassModel
from mim_tf.detectors.factory import create_model
from mim_tf.evaluation.pixel_level import load_masks, split_figures, to_json
from mim_tf.training.checkpoint import read_state
from mim_tf.training.run_folder import SCRATCH

#: Number of timed calls, including two for warm-up.
_TIMED = 24


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _read(folder: Path) -> tuple[Job, tuple[Photo, ...], OneClassModel]:
    """Reads the job, scans its data folder and creates the unfitted model."""
    job = Job.read(folder)
    model = create_model(job.entry.method, job.plan.size, **job.entry.options)
    photos = scan_folder(job.plan.folder, split_seed=job.plan.split_seed, warn=to_nobody)
    return job, photos, model


def _load_split(plan: Plan, photos: tuple[Photo, ...], warn: Warn) -> dict[str, Photos]:
    """Decodes the photographs of the scored split, by class."""
    return {
        name: load_photos(select(photos, plan.split, name), plan.size, warn=warn, what=f"{plan.split}/{name}")
        for name in class_names(photos, plan.split)
    }


def fit(folder: Path) -> None:
    """Fits and saves a model, and writes `scores.json`: the similarity of each image, the training time and the steps.

    If the split has masks and the method has anomaly maps, `scores.json` also has the figures in pixels.

    Args:
        folder: the folder of the fit, with `job.json`.

    Raises:
        MimError: a file is missing or damaged, or the photographs do not suffice.
    """
    job, photos, model = _read(folder)
    plan, normal = job.plan, job.plan.normal_class
    skipped: list[str] = []
    # Before the fit, so that an error in the data does not waste the training time.
    scored = _load_split(plan, photos, skipped.append)
    masks = load_masks(scored, normal)
    chosen = select(photos, "train", normal)
    pixels = load_photos(chosen, model.source_size, warn=skipped.append, what=f"train/{normal}").pixels
    negatives = None
    if model.supervised:
        others = select_others(photos, "val", normal)
        negatives = load_photos(others, model.source_size, warn=skipped.append, what="val, other classes").pixels
    began = time.monotonic()
    model.fit(pixels, folder / "final", job.training, lambda *values: print(*values, flush=True), negatives)
    # If the fit was resumed, only state.json has the total time.
    seconds, steps, state = time.monotonic() - began, None, folder / "final" / "state.json"
    if state.exists():
        record = read_state(state)
        seconds, steps = max(seconds, record.seconds), record.step
    model.save(folder)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    images = [
        {
            "file": photo.path.relative_to(plan.folder).as_posix(),
            "label": label,
            "group": photo.group,
            "similarity": float(score),
        }
        for label, part in scored.items()
        for photo, score in zip(part.photos, model.score_samples(part.pixels), strict=True)
    ]
    entry = {
        **asdict(job.entry),
        "seed": job.seed,
        "measure": model.measure,
        "summary": model.summary,
        "supervised": model.supervised,
        "parameters": model.parameters,
        "train_seconds": round(seconds, 1),
        "steps": steps,
        "machine": machine(),
        "code": code_digest(),
        "skipped": skipped,
        "images": images,
        **_pixel_level(model, scored, masks, normal),
    }
    write_json(folder / "scores.json", entry)


def _pixel_level(
    model: OneClassModel, scored: dict[str, Photos], masks: dict[str, NDArray[np.bool_]], normal: str
) -> dict[str, Any]:
    """The entry `pixel_level` of `scores.json`: estimates by class and of all classes together, if there are any."""
    maps = {}
    for name in masks:
        found = model.anomaly_maps(scored[name].pixels)
        if found is None:
            return {}
        maps[name] = found
    figures = split_figures(maps, masks, scored, normal) if masks else {}
    if not figures:
        return {}
    entries = {name: {"auroc": to_json(part.auroc), "aupro": to_json(part.aupro)} for name, part in figures.items()}
    return {"pixel_level": {"pooled": entries.pop(""), "classes": entries}}


def machine() -> str:
    """CPU model and TensorFlow version, for results that depend on them.

    Example:
        "AMD EPYC (TensorFlow 2.21.0)"
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name} (TensorFlow {version('tensorflow')})"


def probe(folder: Path) -> None:
    """Writes `probe.json`: the latency of one image in milliseconds, and the shortcut probes.

    Args:
        folder: the folder of a finished fit.

    Raises:
        MimError: a file is missing or damaged.
    """
    from mim_tf.evaluation.shortcuts import probe as shortcuts

    job, photos, model = _read(folder)
    model.load(folder)
    normal = job.plan.normal_class
    parts = _load_split(job.plan, photos, _warn)
    scores = {label: (part, model.score_samples(part.pixels)) for label, part in parts.items()}
    entry = {
        "milliseconds": milliseconds(model, parts[normal].pixels),
        "probes": shortcuts(model.score_samples, scores, normal, seed=0),
    }
    write_json(folder / "probe.json", entry)


def milliseconds(model: OneClassModel, pixels: NDArray[np.uint8]) -> float:
    """Measures the latency of `score_samples`.

    Args:
        model: a fitted model.
        pixels: uint8 (N, S, S, 3).

    Returns:
        Median time of a call with one image in milliseconds, over 22 calls after 2 for warm-up.
    """
    times = []
    for i in range(_TIMED):
        began = time.perf_counter()
        model.score_samples(pixels[i % len(pixels)][None])
        times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times[2:])), 2)


def run(task: str, folder: Path) -> None:
    """Runs one task; a user error is printed as one line, with exit status 2.

    Args:
        task: "fit" or "probe".
        folder: the folder of the fit.
    """
    try:
        {"fit": fit, "probe": probe}[task](folder)
    except Exception as error:
        user_error = explain(error)
        if user_error is None:
            raise
        _warn(str(user_error))
        sys.exit(2)
