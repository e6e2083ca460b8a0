"""Verifies a bundle: sha256 of its files, and golden vectors on every available runtime and scorer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ..bundle import golden
from ..bundle.manifest_schema import Manifest
from ..score.decode import decode
from ..score.errors import MimError
from ..score.manifest import SCORER, read_checked, read_manifest
from ..score.preprocess import resample
from .on_runtimes import Row, golden_rows
from .other_languages import scorer_rows
from .programs import NotPresentError, tflite_runtime

_REMEDY = "export the bundle again or reinstall mim-tf"


def check_files(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Validates the manifest and checks all files of a bundle.

    Args:
        bundle: the folder of a bundle.

    Returns:
        The manifest.

    Raises:
        MimError: the manifest is invalid, or a file is missing, changed or not listed. The first problem is reported.
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


def verify(bundle: str | os.PathLike[str]) -> list[Row]:
    """Checks a bundle and runs its golden vectors on every available runtime and scorer.

    Args:
        bundle: the folder of a bundle.

    Returns:
        A row for each pair of runtime and model, and for each scorer. The status of runtimes and scorers that are not
        installed says what to install.

    Raises:
        MimError: a file is missing or changed, preprocessing gives other pixels, or no runtime is installed.

    Example:
        The first row of the released bundle is `Row("litert", "mim.tflite", "within tolerance", images=17,
        levels=6, ..., verdicts=17)`.
    """
    folder = Path(bundle)
    manifest = check_files(folder)
    _check_preprocessing(folder, manifest)
    with tflite_runtime(str(folder)) as other_python:
        rows = list(golden_rows(folder))
        installed = {row.runtime for row in rows}
        if "litert" not in installed:
            rows.append(Row("litert", "mim.tflite", "not present: pip install ai-edge-litert"))
        if "tflm" not in installed and manifest["mask_set"] is not None:
            rows.append(Row("tflm", "mim_micro.tflite", "not present: pip install tflite-micro"))
        rows += scorer_rows(folder)
        if "tflite-runtime" not in installed:
            rows += _other_rows(other_python)
    if not any(row.images and row.part == "mim.tflite" for row in rows):
        raise MimError("no TFLite runtime", "pip install ai-edge-litert")
    order = ("mim.tflite", "mim_micro.tflite", "mim_features.tflite", "scorer")
    return sorted(rows, key=lambda row: order.index(row.part))


def _check_preprocessing(folder: Path, manifest: dict[str, Any]) -> None:
    """Checks that `resample` and `decode` give the golden pixels; raises `MimError` otherwise."""
    _, stages = golden.read(folder)
    for number, stage in enumerate(stages):
        if not np.array_equal(resample(stage["input"], manifest["size"]), stage["resampled"]):
            raise MimError("resample() gives different pixels", _REMEDY, folder / f"golden/{number:02d}_resampled.png")
    for entry in golden.decoded(folder):
        path = folder / "golden" / entry["file"]
        if np.abs(decode(path).astype(np.int32) - entry["pixels"]).max() > entry["tolerance"]:
            raise MimError("decodes to different pixels", "install another version of Pillow", path)


def _other_rows(other_python: Callable[[], Any]) -> list[Row]:
    """Returns the rows of tflite-runtime from the function that `tflite_runtime` yields."""
    try:
        return [Row(**entry) for entry in other_python() if entry["runtime"].startswith("tflite-runtime")]
    except NotPresentError as remedy:
        return [Row("tflite-runtime", "mim.tflite", f"not present: {remedy}")]
    except MimError as error:
        return [Row("tflite-runtime", "mim.tflite", f"failed: {error}")]
