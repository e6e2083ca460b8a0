"""Writes a bundle: models, manifest, golden vectors, card, checksums."""

from __future__ import annotations

import hashlib
import importlib.util
import json
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

from ..score.atomic_files import new_folder, write_json, write_sums
from ..score.conformal import Tables
from ..score.decide import REASONS, VERDICTS, Gate
from ..score.manifest import FORMAT, PACKAGE, RELEASED, SCORER
from ..score.runtimes import package as runtime_package
from ..score.scorer import Scorer
from ..tflite import flatbuffer
from ..tflite.metadata import with_metadata
from . import golden
from .card import STATEMENT, model_card
from .config_header import CONFIG, config_header
from .manifest_schema import PUBLISHED, Manifest

#: Source folders for each target. Those that exist are copied to `scorer/` in a bundle.
_SOURCES = ("c", "kotlin", "swift", "web/scorer", "micro")
#: Build outputs in these folders, which are not copied.
_BUILT = ("build", "dist", "node_modules", ".build", ".gradle", ".kotlin", "local.properties", "*.tgz")
#: Python sources to copy: the scorer, and the programs that convert golden vectors and models to C sources.
_PYTHON = (
    *("__init__.py", "score/*.py", "sources/*.py", "bundle/__init__.py"),
    *("bundle/c_source.py", "bundle/config_header.py", "bundle/golden.py"),
)
_LICENCE = RELEASED / "LICENSE"
#: Licence of the EfficientNet-Lite0 weights in bundles of the measure `deep`.
_NETWORK_LICENCE = PACKAGE / "LICENSE.EfficientNet-Lite0"


@dataclass(frozen=True)
class Contents:
    """Contents of a bundle.

    Attributes:
        models: content of each TFLite file by name, `mim.tflite` first.
        head: content of `head.f32`, or None.
        size: side of the image that `mim.tflite` takes, in pixels.
        normal_class: the class that the detector was fitted on.
        mask_set: `size`, `cell`, `count` and `step`, or None for a method without masks.
        method: name of the method.
        measure: constants of the measure, as in `mim_export.bundle.manifest_schema.Measure`.
        tables: the conformal tables.
        gate: limits of the gate.
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
    tables: Tables
    gate: Gate
    training: dict[str, Any]
    data: str


def write_bundle(
    folder: Path,
    contents: Contents,
    images: dict[str, NDArray[np.uint8]],
    spare: Iterable[tuple[str, NDArray[np.uint8]]],
    encoded: dict[str, bytes],
    measure: Callable[[Scorer], dict[str, Any]],
) -> dict[str, Any]:
    """Writes a bundle atomically: nothing is written if an error occurs.

    Args:
        folder: the folder to write. It must not exist, or be empty.
        contents: contents of the bundle.
        images: synthetic photographs for the golden vectors by name, uint8 (height, width, 3).
        spare: more of them, see `golden.write`.
        encoded: content of the image files for the golden vectors of the decoder, by file name.
        measure: evaluates the scorer of the bundle for the model card and returns metrics by name; empty = no metrics.

    Returns:
        The manifest.

    Raises:
        MimError: the folder exists and is not empty, or cannot be written.
    """
    with new_folder(folder) as temporary:
        manifest = _manifest(contents)
        for name, content in contents.models.items():
            (temporary / name).write_bytes(with_metadata(content, name, manifest))
        manifest["model_id"] = _file(temporary / "mim.tflite")["sha256"][:16]
        if contents.head is not None:
            (temporary / "head.f32").write_bytes(contents.head)
        # The scorer computes the golden vectors, and it checks the sha256 of the models in the manifest.
        write_json(temporary / "manifest.json", {**manifest, "files": list_files(temporary)})
        high = golden.write(temporary, images, spare, encoded)
        manifest["overlay"] = {"output": "error_map", "low": 0.0, "high": high}
        manifest |= _tested(temporary)
        shutil.copyfile(_LICENCE, temporary / "LICENSE")
        shutil.copyfile(PUBLISHED, temporary / PUBLISHED.name)
        if contents.measure["network"] is not None:
            shutil.copyfile(_NETWORK_LICENCE, temporary / _NETWORK_LICENCE.name)
        metrics = measure(Scorer(temporary))
        (temporary / "MODEL_CARD.md").write_text(model_card(manifest, metrics), encoding="utf-8")
        if metrics:
            write_json(temporary / "metrics.json", metrics)
        _copy_sources(temporary / SCORER)
        write_config(temporary, manifest)
        manifest["files"] = list_files(temporary)
        _validate(manifest)
        write_json(temporary / "manifest.json", manifest)
        write_sums(temporary, [*manifest["files"], "manifest.json", f"{SCORER}/SHA256SUMS"])
    return manifest


def _manifest(contents: Contents) -> dict[str, Any]:
    models = {name: flatbuffer.describe(content) for name, content in contents.models.items()}
    for name in models.keys() - {"mim.tflite"}:  # the integer models
        models[name]["arena_bytes"] = arena_bytes(contents.models[name])
    return {
        "format": FORMAT,
        "version": version("mim-tf"),
        "statement": STATEMENT,
        "licence": {"code": "Apache-2.0", "weights": "research only, see LICENSE", "commercial": False},
        "precision": _precision(contents),
        "normal_class": contents.normal_class,
        "size": contents.size,
        "method": contents.method,
        "mask_set": contents.mask_set,
        "measure": contents.measure,
        "calibration": contents.tables.calibration.to_dict(contents.normal_class),
        "reference": contents.tables.reference.to_dict(contents.normal_class),
        "gate": contents.gate.to_dict(),
        "verdicts": list(VERDICTS),
        "reasons": list(REASONS),
        "models": models,
        "training": contents.training,
        "data": contents.data,
        "files": {},
    }


def _precision(contents: Contents) -> dict[str, str | None]:
    reconstruction = "float32" if contents.mask_set is None else "int8"
    features, stored = ("int8", "int8") if contents.head is not None else ("float32", "float16")
    if contents.measure["network"] is None:
        return {"reconstruction": reconstruction, "features": None, "feature_weights": None}
    return {"reconstruction": reconstruction, "features": features, "feature_weights": stored}


def _tested(bundle: Path) -> dict[str, Any]:
    """Scores the golden images on each installed runtime: the entries `runtime_tested` and `delegates`."""
    versions = {name: version(runtime_package(name)) for name in golden.agreeing_runtimes(bundle)}
    delegates = ["XNNPACK"] if any(not name.endswith("-reference") for name in versions) else []
    return {"runtime_tested": versions, "delegates": delegates}


def _validate(manifest: dict[str, Any]) -> None:
    """Validates the manifest as JSON, without tuples. Every entry that is written has to be in the schema."""
    unknown = Manifest.model_validate(json.loads(json.dumps(manifest))).unknown()
    if unknown:
        raise ValueError(f"the schema of the manifest lacks {', '.join(unknown)}")


def write_config(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes `mim_config.h`, see `config_header`.

    Args:
        folder: the folder of the bundle.
        manifest: its manifest; the entry `files` may be missing.
    """
    files = {"mim.tflite": _file(folder / "mim.tflite")}
    (folder / CONFIG).write_text(config_header({**manifest, "files": files}), encoding="ascii")


def list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the entry `files` of the manifest: sha256 and size of each file by path.

    The manifest, `SHA256SUMS` and `scorer/`, which has its own `SHA256SUMS`, are not included.

    Args:
        folder: the folder of a bundle.
    """
    skipped = ("manifest.json", "SHA256SUMS")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    listed = {name: path for name, path in names.items() if name not in skipped and not name.startswith(f"{SCORER}/")}
    return {name: _file(path) for name, path in listed.items()}


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


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
    """Measures the arena that TensorFlow Lite Micro allocates for a model on x86-64.

    The allocator prints the size from C++, so the inference runs in a child process whose output is read.

    Args:
        micro: an integer-only TFLite file.

    Returns:
        Bytes, or None if the package tflite-micro is not installed or the size was not printed.
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
    match = re.search(rb"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    return int(match[1]) if match else None
