"""Does a bundle hold what it promises, here? Files against their sha256, golden vectors on every runtime."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from . import golden
from .bundle import SCORER
from .errors import MimError
from .preprocess import decode, resample
from .runtime import Scorer, read_checked, read_manifest, runtimes
from .schema import Manifest

_REMEDY = "export the bundle again or reinstall mim-tf"


def check_files(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Checks manifest and files.

    Returns:
        The manifest.

    Raises:
        MimError: the first thing that is missing, changed, or not listed.
    """
    folder = Path(bundle)
    manifest = read_manifest(folder)
    try:
        Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MimError(f"{place}: {first['msg']}", _REMEDY, folder / "manifest.json") from None
    for name in manifest["files"]:
        read_checked(folder, name, manifest)
    listed = {*manifest["files"], "manifest.json", "SHA256SUMS"}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in listed and not name.startswith(f"{SCORER}/"):
            raise MimError("is not listed in manifest.json", "remove it", path)
    return manifest


def verify(bundle: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Runs the golden vectors on every runtime that is present.

    Args:
        bundle: the folder.

    Returns:
        A row for each runtime: `runtime`, `images`, `inpainted` (largest difference in levels of 1/255),
        `similarity`, `p_value` (largest differences), `verdicts` (how many agree) and `status`: `exact`,
        `within tolerance` or `differs`.

    Raises:
        MimError: a file is missing or changed, or no runtime is present.
    """
    folder = Path(bundle)
    manifest = check_files(folder)
    entries, stages = golden.read(folder)
    for number, stage in enumerate(stages):
        if not np.array_equal(resample(stage["input"], manifest["size"]), stage["resampled"]):
            raise MimError("resample() gives other pixels", _REMEDY, folder / f"golden/{number:02d}_resampled.png")
    for entry in golden.decoded(folder):
        if _levels(decode(folder / "golden" / entry["file"]), entry["pixels"]) > entry["tolerance"]:
            raise MimError("is decoded to other pixels", "install another Pillow", folder / "golden" / entry["file"])
    rows = [_graph_row(folder, name, make, entries, stages) for name, make in runtimes().items()]
    masks = golden.masks_of(manifest)
    if masks is not None:
        rows += _micro_rows(folder, masks, stages)
    if not rows:
        raise MimError("no TFLite runtime", "pip install ai-edge-litert")
    return rows


def _graph_row(
    folder: Path, name: str, make: Any, entries: list[dict[str, Any]], stages: list[dict[str, NDArray[Any]]]
) -> dict[str, Any]:
    scorer = Scorer(folder, make)
    results = [scorer.run(stage["resampled"]) for stage in stages]
    inpainted = max(_levels(r["inpainted"][0], s["inpainted"]) for r, s in zip(results, stages, strict=True))
    errors = max(
        float(np.abs(r["error_map"][0, :, :, 0] - s["error_map"]).max()) for r, s in zip(results, stages, strict=True)
    )
    similarity, p = (
        max(abs(float(r[key][0]) - e[key]) for r, e in zip(results, entries, strict=True))
        for key in ("similarity", "p_value")
    )
    ssim = max(abs(float(r["ssim"][0]) - e["ssim"]) for r, e in zip(results, entries, strict=True))
    told = [scorer.score_pixels(stage["input"]) for stage in stages]
    agree = [all(t[key] == e[key] for key in ("verdict", "reason")) for t, e in zip(told, entries, strict=True)]
    same = sum(agree)
    limits = golden.TOLERANCE
    allowed = [golden.allowed(scorer.measure, e["similarity"]) for e in entries]
    close = [abs(float(r["similarity"][0]) - e["similarity"]) for r, e in zip(results, entries, strict=True)]
    near = inpainted <= limits["pixels"] and ssim <= limits["ssim"] and errors <= limits["error_map"]
    near = near and all(found <= limit for found, limit in zip(close, allowed, strict=True))
    # A verdict may flip only where the similarity lies within the tolerance of the threshold.
    flips = [
        t["reason"] != e["reason"] or abs(e["similarity"] - scorer.threshold) > limit
        for t, e, equal, limit in zip(told, entries, agree, allowed, strict=True)
        if not equal
    ]
    exact = inpainted == 0 and similarity == 0 and p == 0 and same == len(entries)
    return {
        "runtime": f"{name}: mim.tflite",
        "images": len(entries),
        "inpainted": inpainted,
        "similarity": f"{similarity:.1e}",
        "p_value": f"{p:.1e}",
        "verdicts": f"{same}/{len(entries)}",
        "status": "exact" if exact else "within tolerance" if near and not any(flips) else "differs",
    }


def _micro_rows(
    folder: Path, masks: NDArray[np.float32], stages: list[dict[str, NDArray[Any]]]
) -> Iterator[dict[str, Any]]:
    def inpainting(run: Any, stage: dict[str, NDArray[Any]]) -> int:
        outputs = run(golden.masked_int8(stage["small"], masks)).astype(np.int16) + 128
        return _levels(np.concatenate(list(outputs), axis=1), stage["micro"])

    def features(run: Any, stage: dict[str, NDArray[Any]]) -> int:
        return _levels(run(golden.centred(stage["resampled"])[None]).ravel(), stage["features"])

    for name, difference in (("mim_micro.tflite", inpainting), ("mim_features.tflite", features)):
        if not (folder / name).exists():
            continue
        content = (folder / name).read_bytes()
        runners: dict[str, Any] = {
            runtime: lambda inputs, make=make, content=content: golden.run_micro(make(content), inputs)
            for runtime, make in runtimes().items()
        }
        if importlib.util.find_spec("tflite_micro"):
            runners["tflm"] = lambda inputs, content=content: run_tflm(content, inputs)
        for runtime, run in runners.items():
            worst = max(difference(run, stage) for stage in stages)
            near = worst <= golden.TOLERANCE["features" if name == "mim_features.tflite" else "pixels"]
            yield {
                "runtime": f"{runtime}: {name}",
                "images": len(stages),
                "inpainted": worst,
                "similarity": "",
                "p_value": "",
                "verdicts": "",
                "status": "exact" if worst == 0 else "within tolerance" if near else "differs",
            }


def run_tflm(content: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """As `golden.run_micro`, in the interpreter of TensorFlow Lite Micro."""
    from tflite_micro import runtime

    # The wheel's default arena is ten times the model; this one holds any model that a bundle may.
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=4_000_000)
    outputs = []
    for masked in inputs:
        interpreter.set_input(masked[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return np.stack(outputs)


def _levels(a: NDArray[Any], b: NDArray[Any]) -> int:
    return int(np.abs(a.astype(np.int32) - b.astype(np.int32)).max())
