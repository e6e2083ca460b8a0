"""Compares size and speed of the models of a bundle with other models, in the columns of the STM32 model zoo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..score.atomic_files import read_json
from ..score.errors import MimError, quiet_stderr
from ..score.manifest import read_checked, read_manifest
from ..tflite import cost
from .keras_timer import KerasTimer
from .timing import (
    Progress,
    Timer,
    in_turns,
    lite_timer,
    noise,
    profile,
)

#: Number of timed inferences per model and number of threads.
RUNS = 200
THREADS = (1, 2)
SCORE, MICRO = "mim.tflite", "mim_micro.tflite"
#: Row of the signature `explain`; the row of `SCORE` is that of `verdict`.
EXPLAIN = "mim.tflite: explain"
KERAS, FLOAT = "Keras detector", "mim.tflite in float32"
#: Reference of the second check. `mim.tflite` may take twice its time, since the measure `deep` contains most of such a
#: network.
YARDSTICK = "EfficientNet-Lite0, 224"
#: Key of the model that measures the peak throughput.
_PEAK = "peak"
#: Entry of `metrics.json` by column.
_METRICS = {"auroc_keras": "Keras", "auroc_tflite": "TFLite"}
#: Limits of the checks: speedup over Keras, time relative to `YARDSTICK`, size in MB.
_LEAST_GAIN, _MOST_COST, _MOST_MB = 3.0, 2.0, 4.0


def bench(
    bundle: Path, others: Mapping[str, bytes], peak: bytes, run: Path | None, progress: Progress, runs: int = RUNS
) -> dict[str, Any]:
    """Measures size and speed of the models of a bundle and of other models.

    Args:
        bundle: the folder of a bundle.
        others: TFLite files to compare with, by name.
        peak: a TFLite file that consists of int8 multiply-accumulates; its throughput is taken as the peak.
        run: the run that the bundle was exported from; its Keras model and a float32 TFLite model are measured too.
            None = leave them out.
        progress: is called with the progress, see `timing.Progress`.
        runs: number of inferences per model and number of threads.

    Returns:
        `rows`; `peak_macs_per_second` of one thread; `runs`; `runtime`; `left_out`, the names of the rows that need
        `run`; `checks`; and `profile` of `mim.tflite` (see `timing.profile`) if a check of its time fails, else None.

        The row `mim.tflite` is of the signature `verdict`. A row has `file`, `format`, `resolution` (px),
        `activation_bytes`, `flash_bytes`, `macs`, `auroc_keras`, `auroc_tflite`; `latency` by number of threads, with
        `median_ms`, `p10_ms`, `p90_ms` and `ratio`, the median divided by that of `mim.tflite`; and `share_of_peak`,
        the time of its multiply-accumulates at peak throughput divided by its median, for one thread. Unknown values
        are None.

    Raises:
        MimError: the bundle is damaged, or was not exported from `run`.
    """
    manifest = read_manifest(bundle)
    score = read_checked(bundle, SCORE, manifest)
    files: dict[str, bytes | None] = {SCORE: score, EXPLAIN: score}
    if MICRO in manifest["models"]:
        files[MICRO] = read_checked(bundle, MICRO, manifest)
    if run is not None:
        files |= {KERAS: None, FLOAT: _float_file(run, manifest)}
    files |= others
    seconds = _seconds({**files, _PEAK: peak}, run, manifest["size"], runs, progress)
    speed = cost.macs(peak) / float(np.median(seconds[_PEAK, 1]))
    rows = {name: _row(name, content, seconds, speed) for name, content in files.items()}
    _add(rows, bundle, manifest)
    checks = _checks(rows)
    slow = any(check["holds"] is False for check in checks[:2])
    return {
        "rows": list(rows.values()),
        "peak_macs_per_second": speed,
        "runs": len(seconds[SCORE, 1]),
        "runtime": f"LiteRT {version('ai-edge-litert')}",
        "left_out": [] if run is not None else [KERAS, FLOAT],
        "checks": checks,
        "profile": profile(score) if slow else None,
    }


def _float_file(run: Path, manifest: dict[str, Any]) -> bytes:
    fitted = read_json(run / "detector.json", "name a folder that mim-tf train wrote")
    if any(fitted.get(key) != manifest[key] for key in ("calibration", "reference")):
        raise MimError("the bundle was not exported from this run", "name the run that it was exported from", run)
    with quiet_stderr():
        from ..convert.convert import convert_float  # the only import of TensorFlow in this module

        return convert_float(run)


def _seconds(
    files: dict[str, bytes | None], run: Path | None, side: int, runs: int, progress: Progress
) -> dict[tuple[str, int], list[float]]:
    """Times each model with each number of threads, in seconds. A content of None stands for the Keras detector."""
    timers: dict[tuple[str, int], Timer] = {}
    with ExitStack() as stack:
        for threads in THREADS:
            for name, content in files.items():
                if content is not None:
                    signature = "explain" if name == EXPLAIN else None
                    timers[name, threads] = lite_timer(content, threads, signature)
                elif run is not None:
                    image = noise((1, side, side, 3), np.uint8)
                    timers[name, threads] = stack.enter_context(KerasTimer(run, threads, image))
        return in_turns(timers, runs, progress)


def _row(name: str, content: bytes | None, seconds: dict[tuple[str, int], list[float]], speed: float) -> dict[str, Any]:
    """Returns the row of one model; `speed` is the peak in multiply-accumulates per second."""
    latency = {}
    for threads in THREADS:
        p10, median, p90 = (float(value) for value in 1000 * np.percentile(seconds[name, threads], (10, 50, 90)))
        ratio = median / (1000 * float(np.median(seconds[SCORE, threads])))
        latency[str(threads)] = {"median_ms": median, "p10_ms": p10, "p90_ms": p90, "ratio": ratio}
    row: dict[str, Any] = {
        "file": name,
        "format": "float32",
        "resolution": None,
        "activation_bytes": None,
        "flash_bytes": None,
        "macs": None,
        "auroc_keras": None,
        "auroc_tflite": None,
        "latency": latency,
        "share_of_peak": None,
    }
    if content is not None and name == EXPLAIN:  # what is computed from a file is of its subgraph 0
        row |= {"format": "as above", "flash_bytes": len(content)}
    elif content is not None:
        row["format"] = ", ".join(sorted({op.dtype for op in cost.operators(content) if op.macs}, reverse=True))
        row["resolution"] = cost.resolution(content)
        row["activation_bytes"] = cost.activation_bytes(content)
        row["flash_bytes"] = len(content)
        row["macs"] = cost.macs(content)
        row["share_of_peak"] = 1000 * row["macs"] / speed / latency["1"]["median_ms"]
    return row


def _add(rows: dict[str, dict[str, Any]], bundle: Path, manifest: dict[str, Any]) -> None:
    """Adds the entries that are stored in the bundle: mean AUROC over the skin classes, and the measured arena."""
    metrics = {}
    if "metrics.json" in manifest["files"]:
        metrics = json.loads(read_checked(bundle, "metrics.json", manifest))
    auroc = {kind: metrics.get(name, {}).get("mean_auroc") for kind, name in _METRICS.items()}
    rows[SCORE].update(auroc)
    if KERAS in rows:
        rows[KERAS].update(resolution=manifest["size"], auroc_keras=auroc["auroc_keras"])
    if MICRO in rows:
        rows[MICRO]["activation_bytes"] = manifest["models"][MICRO]["arena_bytes"]


def _checks(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns `claim`, `value` and `holds` of each check. The last two are None if a row that it needs is missing."""

    def ratio(name: str) -> float | None:
        return float(rows[name]["latency"]["1"]["ratio"]) if name in rows else None

    gain, relative, size = ratio(KERAS), ratio(YARDSTICK), rows[SCORE]["flash_bytes"]
    times = None if relative is None else 1 / relative
    return [
        {
            "claim": f"at least {_LEAST_GAIN:g} times faster than the {KERAS}, 1 thread",
            "value": gain,
            "holds": None if gain is None else gain >= _LEAST_GAIN,
        },
        {
            "claim": f"at most {_MOST_COST:g} times the time of int8 {YARDSTICK}, 1 thread",
            "value": times,
            "holds": None if times is None else times <= _MOST_COST,
        },
        {"claim": f"at most {_MOST_MB:g} MB of flash", "value": size / 1e6, "holds": size / 1e6 <= _MOST_MB},
    ]
