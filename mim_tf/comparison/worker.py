"""One process of a comparison: fits one method with one seed and scores a split, or probes what was fitted.

Run as `python -m mim_tf.comparison.worker fit|probe FOLDER`; FOLDER holds `job.json`. It
ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mim_export
import mim_tf
from mim_export.score.errors import explain
from mim_export.score.files import read_json, write_json
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
from mim_tf.detectors.registry import create_model
from mim_tf.training.config import Training
from mim_tf.training.run_folder import SCRATCH

_TIMED = 24


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _read(folder: Path) -> tuple[dict[str, Any], tuple[Photo, ...], OneClassModel]:
    job = read_json(folder / "job.json", "run mim-tf compare again")
    entry = job["entry"]
    return job, scan_folder(job["folder"]), create_model(entry["method"], job["size"], **entry["options"])


def _scored(job: dict[str, Any], photos: tuple[Photo, ...], warn: Warn) -> dict[str, Photos]:
    split = job["split"]
    return {
        name: load_photos(select(photos, split, name), job["size"], warn=warn, what=f"{split}/{name}")
        for name in class_names(photos, split)
    }


def fit(folder: Path) -> None:
    """Fits, saves and writes `scores.json`: the similarity of each image of the split, with what the fit took."""
    job, photos, made = _read(folder)
    normal = job["normal_class"]
    skipped: list[str] = []
    # First of all, so that nothing is found wrong with them when the time is spent.
    scored = _scored(job, photos, skipped.append)
    chosen = select(photos, "train", normal)
    pixels = load_photos(chosen, made.source_size, warn=skipped.append, what=f"train/{normal}").pixels
    negatives = None
    if made.supervised:
        others = select_others(photos, "val", normal)
        negatives = load_photos(others, made.source_size, warn=skipped.append, what="val, other classes").pixels
    training = Training(steps=job["steps"], seconds=job["seconds"], seed=job["seed"])
    began = time.monotonic()
    made.fit(pixels, folder / "final", training, lambda *line: print(*line, flush=True), negatives)
    # Of a fit that was stopped, only its own record knows the whole time.
    seconds, steps, state = time.monotonic() - began, None, folder / "final" / "state.json"
    if state.exists():
        record = read_json(state, "remove it")
        seconds, steps = max(seconds, record["seconds"]), record["step"]
    made.save(folder)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    images = [
        {
            "file": photo.path.relative_to(job["folder"]).as_posix(),
            "label": label,
            "group": photo.group,
            "similarity": float(score),
        }
        for label, part in scored.items()
        for photo, score in zip(part.photos, made.score_samples(part.pixels), strict=True)
    ]
    entry = {
        **job["entry"],
        "seed": job["seed"],
        "measure": made.measure,
        "summary": made.summary,
        "supervised": made.supervised,
        "parameters": made.parameters,
        "train_seconds": round(seconds, 1),
        "steps": steps,
        "machine": machine(),
        "code": code_digest(),
        "skipped": skipped,
        "images": images,
    }
    write_json(folder / "scores.json", entry)


def machine() -> str:
    """The processor as the system calls it and the version of TensorFlow, for figures that depend on them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name} (TensorFlow {version('tensorflow')})"


def code_digest() -> str:
    """sha256 of the sources of both packages: fits of different code are not compared in silence."""
    digest = hashlib.sha256()
    for (root,) in (map(Path, mim_tf.__path__), map(Path, mim_export.__path__)):
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def probe(folder: Path) -> None:
    """Writes `probe.json`: milliseconds an image, one image a call and one thread, and the shortcut probes."""
    from mim_tf.evaluation.shortcuts import probe as shortcuts

    job, photos, made = _read(folder)
    made.load(folder)
    parts = _scored(job, photos, _warn)
    pixels = parts[job["normal_class"]].pixels
    scores = {label: (part, made.score_samples(part.pixels)) for label, part in parts.items()}
    entry = {
        "milliseconds": milliseconds(made, pixels),
        "probes": shortcuts(made.score_samples, scores, job["normal_class"], seed=0),
    }
    write_json(folder / "probe.json", entry)


def milliseconds(made: OneClassModel, pixels: NDArray[np.uint8]) -> float:
    """Median time of `similarity` for one image, after two calls to warm up."""
    times = []
    for i in range(_TIMED):
        began = time.perf_counter()
        made.score_samples(pixels[i % len(pixels)][None])
        times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times[2:])), 2)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Runs one task; an error that a user can mend is one line."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task, folder = sys.argv[1], Path(sys.argv[2])
    try:
        {"fit": fit, "probe": probe}[task](folder)
    except Exception as error:
        mendable = explain(error)
        if mendable is None:
            raise
        _warn(str(mendable))
        sys.exit(2)


if __name__ == "__main__":
    main()
