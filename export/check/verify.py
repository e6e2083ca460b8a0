"""Verifies a bundle: its files, whether they agree, and golden vectors on every available runtime and scorer."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ..bundle import golden
from ..bundle.manifest_schema import Manifest
from ..score.decode import decode
from ..score.errors import MimError
from ..score.manifest import REMEDY, masks_of, read_manifest
from ..score.preprocess import resample
from . import consistency
from .files import check_sums
from .on_runtimes import Row, golden_rows
from .other_languages import scorer_rows
from .programs import NotPresentError, tflite_runtime

#: Largest number of unknown entries that are named.
_MOST_NOTES = 10
#: Is called with a line that is no error.
Note = Callable[[str], None]


def ignore(line: str) -> None:
    """Ignores a note."""


def check_files(bundle: str | os.PathLike[str], note: Note = ignore) -> dict[str, Any]:
    """Checks all files of a bundle without running a model.

    The manifest is valid, every file has its size and sha256 and is listed once (`files.check_sums`), and manifest,
    models, `decision.json` inside `mim.tflite`, `mim_config.h` and `golden.json` agree (`consistency`).

    Args:
        bundle: the folder of a bundle.
        note: is called with a line for each entry of the manifest that this version does not know. Such entries are
            valid, since a later version of the same format may add some.

    Returns:
        The manifest.

    Raises:
        MimError: the first problem that is found, with the name of the file.
    """
    folder = Path(bundle)
    path = folder / "manifest.json"
    manifest = read_manifest(folder)
    try:
        valid = Manifest.model_validate(manifest)
    except ValidationError as error:
        raise MimError(consistency.problem_of(error), REMEDY, path) from None
    check_sums(folder, manifest)
    consistency.check_models(folder, valid)
    consistency.check_decision(folder, valid, manifest)
    consistency.check_golden(folder, valid)
    consistency.check_config(folder, manifest)
    unknown = valid.unknown()
    for place in unknown[:_MOST_NOTES]:
        note(f"{path}: the entry {json.dumps(place[:120])} is unknown to this version of mim-tf and ignored")
    if len(unknown) > _MOST_NOTES:
        note(f"{path}: {len(unknown) - _MOST_NOTES} further unknown entries are ignored")
    return manifest


def verify(bundle: str | os.PathLike[str], note: Note = ignore) -> list[Row]:
    """Checks a bundle and runs its golden vectors on every available runtime and scorer.

    Args:
        bundle: the folder of a bundle.
        note: see `check_files`.

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
    manifest = check_files(folder, note)
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
    entries, stages = golden.read(folder)
    masks = masks_of(manifest)
    for number, (entry, stage) in enumerate(zip(entries, stages, strict=True)):
        sources = {"resampled": ("input", manifest["size"])}
        if masks is not None:
            sources["small"] = ("resampled", masks.shape[1])
        for name, (source, size) in sources.items():
            if not np.array_equal(resample(stage[source], size), stage[name]):
                raise MimError("resample() gives different pixels", REMEDY, folder / f"golden/{number:02d}_{name}.png")
        if masks is None:
            continue
        found = zlib.crc32(golden.filled_int8(stage["small"], masks).tobytes())
        if entry.get("filled_crc32") != found:
            problem = f"images.{number}.filled_crc32 is not {found}, that of the filled image"
            raise MimError(problem, REMEDY, folder / "golden" / "golden.json")
    if masks is not None:
        for number, entry in enumerate(golden.entries_of(folder / "golden", "fills")):
            found = golden.filled_crc32(
                stages[0]["resampled"], *(entry[key] for key in ("size", "cell", "count", "mask"))
            )
            if entry["filled_crc32"] != found:
                problem = f"fills.{number}.filled_crc32 is not {found}, that of the filled image"
                raise MimError(problem, REMEDY, folder / "golden" / "golden.json")
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
