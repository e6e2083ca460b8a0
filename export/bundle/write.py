"""Writes a bundle: models, manifest, golden vectors, card, checksums."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..score.decide import (
    REASONS,
    VERDICTS,
    Calibration,
    Gate,
)
from ..score.files import new_folder, write_json
from ..score.manifest import FORMAT, PACKAGE, RELEASED, SCORER
from ..score.scorer import Scorer
from ..tflite import flatbuffer
from ..tflite.metadata import with_metadata
from . import golden
from .card import STATEMENT, model_card
from .manifest import PUBLISHED, Manifest

#: Sources for each target; the folders that exist are copied into a bundle's `scorer/`.
_SOURCES = ("c", "kotlin", "swift", "web", "micro")
#: What building and testing them leaves there.
_BUILT = ("build", "dist", "node_modules")
#: What the scorer in Python consists of, and what makes golden vectors and models C sources.
_PYTHON = ("__init__.py", "score/*.py", "bundle/__init__.py", "bundle/golden.py", "sources/*.py")
_LICENCE = RELEASED / "LICENSE"
#: Of the weights that a bundle of the measure `deep` holds beside its own.
_NETWORK_LICENCE = PACKAGE / "LICENSE.EfficientNet-Lite0"


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle.

    Attributes:
        models: content of each TFLite file by name, `mim.tflite` first.
        head: content of `head.f32`, or None.
        size: side of the images in pixels.
        normal_class: the class that the detector was fitted on.
        mask_set: `cell`, `count` and `step`, or None where nothing is masked.
        method: name of the method.
        measure: constants of the measure, as `schema.Measure`.
        calibration: the conformal table.
        gate: the limits.
        training: how it was trained, with the commands.
        data: statement about the photographs and their terms.
    """

    models: dict[str, bytes]
    head: bytes | None
    size: int
    normal_class: str
    mask_set: dict[str, int] | None
    method: str
    measure: dict[str, Any]
    calibration: Calibration
    gate: Gate
    training: dict[str, Any]
    data: str


def write_bundle(
    folder: Path,
    contents: Contents,
    images: dict[str, NDArray[np.uint8]],
    encoded: dict[str, bytes],
    measure: Callable[[Scorer], dict[str, Any]],
) -> dict[str, Any]:
    """Writes a bundle; nothing is left behind where it fails.

    Args:
        folder: must not exist, or be empty.
        contents: what goes into it.
        images: synthetic photographs for the golden vectors, by name, uint8 (height, width, 3).
        encoded: files for the golden vectors of the decoder, by name.
        measure: evaluates the finished scorer for the card: metrics by name, or none.

    Returns:
        The manifest.

    Raises:
        MimError: the folder exists or cannot be written.
    """
    with new_folder(folder) as beside:
        manifest = _manifest(contents)
        for name, content in contents.models.items():
            (beside / name).write_bytes(with_metadata(content, name, manifest))
        if contents.head is not None:
            (beside / "head.f32").write_bytes(contents.head)
        # Golden vectors are made by the scorer itself, which checks the models against a manifest.
        write_json(beside / "manifest.json", {**manifest, "files": list_files(beside)})
        golden.write(beside, images, encoded)
        shutil.copyfile(_LICENCE, beside / "LICENSE")
        shutil.copyfile(PUBLISHED, beside / PUBLISHED.name)
        if contents.measure["network"] is not None:
            shutil.copyfile(_NETWORK_LICENCE, beside / _NETWORK_LICENCE.name)
        metrics = measure(Scorer(beside))
        (beside / "MODEL_CARD.md").write_text(model_card(manifest, metrics), encoding="utf-8")
        if metrics:
            write_json(beside / "metrics.json", metrics)
        _copy_sources(beside / SCORER)
        manifest["files"] = list_files(beside)
        Manifest.model_validate(manifest)
        write_json(beside / "manifest.json", manifest)
        write_sums(beside, [*manifest["files"], "manifest.json"])
    return manifest


def _manifest(contents: Contents) -> dict[str, Any]:
    models = {name: flatbuffer.describe(content) for name, content in contents.models.items()}
    for name in models.keys() - {"mim.tflite"}:  # the integer ones
        models[name]["arena_bytes"] = arena_bytes(contents.models[name])
    return {
        "format": FORMAT,
        "version": version("mim-tf"),
        "statement": STATEMENT,
        "licence": {"code": "Apache-2.0", "weights": "research only, see LICENSE"},
        "normal_class": contents.normal_class,
        "size": contents.size,
        "method": contents.method,
        "mask_set": contents.mask_set,
        "measure": contents.measure,
        "calibration": contents.calibration.to_dict(),
        "gate": contents.gate.to_dict(),
        "verdicts": list(VERDICTS),
        "reasons": list(REASONS),
        "models": models,
        "training": contents.training,
        "data": contents.data,
        "files": {},
    }


def list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Every file but the manifest, the checksums and the sources, which have checksums of their own."""
    skipped = ("manifest.json", "SHA256SUMS")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in skipped)
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: _file(path) for name, path in names.items() if not name.startswith(f"{SCORER}/")}


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Writes `SHA256SUMS`, as `sha256sum -c` reads it."""
    lines = [f"{_file(folder / name)['sha256']}  {name}\n" for name in sorted(names)]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def _copy_sources(target: Path) -> None:
    target.mkdir()
    shutil.copyfile(PACKAGE / "README.md", target / "README.md")
    for name in _SOURCES:
        if (PACKAGE / name).is_dir():
            shutil.copytree(PACKAGE / name, target / name, ignore=shutil.ignore_patterns(*_BUILT))
    for pattern in _PYTHON:
        for source in PACKAGE.glob(pattern):
            copy = target / "python" / "mim_export" / source.relative_to(PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    write_sums(target, [p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()])


def arena_bytes(micro: bytes) -> int | None:
    """Bytes that TensorFlow Lite Micro allocates for a model on x86-64, or None where it is not installed.

    The allocator prints its need from C++ after an inference, so a child process runs it.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return None
    program = (
        "import sys, numpy as np\n"
        "from tflite_micro import runtime\n"
        "i = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=4_000_000)\n"
        "i.set_input(np.zeros(i.get_input_details(0)['shape'], np.int8), 0)\n"
        "i.invoke()\n"
        "i.print_allocations()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=micro, capture_output=True, check=False)
    found = re.search(rb"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    return int(found[1]) if found else None
