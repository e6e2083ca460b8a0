"""Compares what a bundle says in several places: manifest, models, `decision.json` in `mim.tflite`, golden vectors.

Sums show damage. A bundle that was edited and given new sums is found here.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..bundle import golden
from ..bundle.config_header import CONFIG, config_header
from ..bundle.manifest_schema import Manifest, Model, known
from ..score.conformal import Tables, p_class, p_other
from ..score.decide import REASONS, VERDICTS, verdict
from ..score.decode import MAX_PIXELS
from ..score.errors import MimError
from ..score.manifest import MAX_FLOAT, REMEDY, name_problem, parse_strict, read_strict
from ..score.model import SIGNATURES
from ..tflite import flatbuffer
from ..tflite.metadata import DECISION, associated_files

#: Largest size of a text in the archive of `mim.tflite` in bytes; more is not read.
_LARGEST = 16_000_000
#: Largest difference of p-values in float32 whose sums have another order.
_ROUNDING = 5e-6


def check_models(folder: Path, manifest: Manifest) -> None:
    """Compares `models` with the model files, and `head.f32` with `measure.network`.

    Args:
        folder: the folder of the bundle.
        manifest: the validated manifest.

    Raises:
        MimError: a file is not a TFLite file, or the manifest describes it otherwise than it is.
    """
    for name, model in manifest.models.items():
        try:
            described = Model.model_validate(flatbuffer.describe((folder / name).read_bytes()))
        except Exception:  # flatbuffers checks nothing: any exception can occur
            raise MimError("is not a TFLite file that can be read", REMEDY, folder / name) from None
        expected = {**known(model), "arena_bytes": None}  # measured, not stored in the file
        place = _difference(expected, known(described))
        if place is not None:
            raise MimError(f"models.{name}{place} is not that of the file", REMEDY, folder / "manifest.json")
        _check_signatures(folder / name, manifest, model)
    network = manifest.measure.network
    if network is not None and "head.f32" in manifest.files:
        d, k = network.statistics, network.components
        values, size = 2 * d + k * d + k + d * d + 5, manifest.files["head.f32"].bytes
        if size != 4 * values:
            problem = f"has {size} bytes, but measure.network in manifest.json says {values} values of 4"
            raise MimError(problem, REMEDY, folder / "head.f32")


def _check_signatures(path: Path, manifest: Manifest, model: Model) -> None:
    """Compares inputs and outputs with those of the contract (`export/README.md`). Further ones are allowed."""
    size, masks, network = manifest.size, manifest.mask_set, manifest.measure.network
    expected: dict[str, tuple[str, list[int]]] = {}
    if path.name == "mim.tflite":
        for key in SIGNATURES:
            expected[f"{key}.inputs.image"] = ("uint8", [1, size, size, 3])
            numbers = ("similarity", "p_class", "p_other", "novelty")
            expected |= {f"{key}.outputs.{name}": ("float32", [1]) for name in numbers}
            expected |= {f"{key}.outputs.{name}": ("int32", [1]) for name in ("verdict", "reason")}
        expected["explain.outputs.ssim"] = ("float32", [1])
        expected["explain.outputs.inpainted"] = ("uint8", [1, size, size, 3])
        expected["explain.outputs.error_map"] = ("float32", [1, size, size, 1])
    elif path.name == "mim_micro.tflite" and masks is not None:
        expected["inpaint.inputs.filled"] = ("int8", [1, masks.size, masks.size, 4])
        expected["inpaint.outputs.output"] = ("int8", [1, masks.size, masks.size, 3])
    elif path.name == "mim_features.tflite":
        if network is None:
            raise MimError("is there without measure.network", REMEDY, path)
        expected["features.inputs.scaled"] = ("int8", [1, size, size, 3])
        expected["features.outputs.features"] = ("int8", [1, size // 16, size // 16, network.statistics // 2])
    for place, (dtype, shape) in expected.items():
        key, side, name = place.split(".")
        tensors = getattr(model.signatures.get(key), side, {})
        if name not in tensors:
            raise MimError(f"lacks {place}", REMEDY, path)
        if (tensors[name].dtype, tensors[name].shape) != (dtype, shape):
            found = f"{tensors[name].dtype} {tensors[name].shape}"
            raise MimError(f"{place} is {found}, expected {dtype} {shape}", REMEDY, path)


def check_decision(folder: Path, manifest: Manifest, entries: dict[str, Any]) -> None:
    """Compares the texts inside `mim.tflite`, such as `decision.json`, with the manifest.

    Args:
        folder: the folder of the bundle.
        manifest: the validated manifest.
        entries: the same as JSON.

    Raises:
        MimError: a text is missing or differs.
    """
    path = folder / "mim.tflite"
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            for name in associated_files(entries):
                if archive.getinfo(name).file_size > _LARGEST:
                    raise MimError(f"{name} inside it is too large", REMEDY, path)
                found[name] = archive.read(name)
    except KeyError as error:
        raise MimError(f"lacks a file in its archive ({error.args[0]})", REMEDY, path) from None
    except MimError:
        raise
    except Exception as error:  # zipfile raises BadZipFile, zlib.error, NotImplementedError, struct.error, ...
        raise MimError(f"has no readable archive ({str(error)[:80]})", REMEDY, path) from None
    for name in ("verdicts.txt", "reasons.txt"):
        if found[name] != associated_files(entries)[name]:
            raise MimError(f"{name} inside it is not {name[:-4]} of manifest.json", REMEDY, path)
    decision = parse_strict(found["decision.json"], path / "decision.json")
    if not isinstance(decision, dict) or not decision.keys() >= set(DECISION):
        raise MimError(f"decision.json inside it lacks one of {', '.join(DECISION)}", REMEDY, path)
    try:
        stored = Manifest.model_validate({**entries, **decision})
    except ValidationError as error:
        raise MimError(f"decision.json inside it: {problem_of(error)}", REMEDY, path) from None
    for key in DECISION:
        place = _difference(known(getattr(manifest, key)), known(getattr(stored, key)))
        if place is not None:
            raise MimError(f"{key}{place} in manifest.json is not that of decision.json inside it", REMEDY, path)


class _Item(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


#: A number that is computed with in float32.
_Float32 = Annotated[float, Field(ge=-MAX_FLOAT, le=MAX_FLOAT)]


class _Image(_Item):
    name: str
    similarity: _Float32
    p_class: _Float32
    p_other: _Float32
    verdict: str
    reason: str | None
    contrast: _Float32
    detail: _Float32
    ssim: _Float32
    novelty: _Float32
    filled_crc32: int | None = Field(default=None, ge=0, lt=2**32)


class _Decision(_Item):
    similarity: _Float32
    p_class: _Float32
    p_other: _Float32
    verdict: str


class _Decoded(_Item):
    file: str
    expected: str
    tolerance: int = Field(ge=0, le=golden.JPEG_TOLERANCE)


class _Fill(_Item):
    size: int = Field(ge=1, le=256)
    cell: int = Field(ge=1)
    count: int = Field(ge=2, le=255)
    step: int
    mask: int = Field(ge=0)
    filled_crc32: int = Field(ge=0, lt=2**32)

    @model_validator(mode="after")
    def _agree(self) -> _Fill:
        if self.size % self.cell or self.mask >= self.count or self.step != max(1, self.count // 2):
            raise ValueError("cell does not divide size, or mask or step do not belong to count")
        return self


class _Golden(_Item):
    reference: str
    tolerance: dict[str, float]
    images: list[_Image] = Field(min_length=1)
    decisions: list[_Decision] = Field(min_length=1)
    decoded: list[_Decoded]
    fills: list[_Fill] = Field(default=[])


def check_config(folder: Path, manifest: dict[str, Any]) -> None:
    """Compares `mim_config.h`, if the bundle has it, with the manifest.

    Args:
        folder: the folder of the bundle.
        manifest: the manifest as JSON.

    Raises:
        MimError: the header is not the one that follows from the manifest.
    """
    path = folder / CONFIG
    if CONFIG in manifest["files"] and path.read_bytes() != config_header(manifest).encode():
        raise MimError("is not what manifest.json gives", REMEDY, path)


def check_golden(folder: Path, manifest: Manifest) -> None:
    """Checks `golden/golden.json`: its entries, the files that it needs, and `decisions` against the table.

    Args:
        folder: the folder of the bundle.
        manifest: the validated manifest.

    Raises:
        MimError: an entry is invalid, a file is missing or of another shape, or a decision is not that of the table.
    """
    path = folder / "golden" / "golden.json"
    if "golden/golden.json" not in manifest.files:
        raise MimError("does not list golden/golden.json", REMEDY, folder / "manifest.json")
    try:
        vectors = _Golden.model_validate(read_strict(path))
    except ValidationError as error:
        raise MimError(problem_of(error), REMEDY, path) from None
    tables = golden.tables_of(known(manifest))
    for number, image in enumerate(vectors.images):
        if image.verdict not in VERDICTS or image.reason not in REASONS:
            raise MimError(f"images.{number} has an unknown verdict or reason", REMEDY, path)
        if (image.verdict == "cannot-judge") != (image.reason is not None):
            raise MimError(f"images.{number} has a reason that contradicts its verdict", REMEDY, path)
        expected = _check_decision(f"images.{number}", image, tables, path)
        if image.reason is None and image.verdict != expected:
            raise MimError(f"images.{number}.verdict is not that of the tables in manifest.json", REMEDY, path)
        _check_pictures(folder, manifest, number)
    for number, decision in enumerate(vectors.decisions):
        if decision.verdict != _check_decision(f"decisions.{number}", decision, tables, path):
            raise MimError(f"decisions.{number}.verdict is not that of the tables in manifest.json", REMEDY, path)
    if manifest.mask_set is not None and not vectors.fills:
        raise MimError("lacks fills", REMEDY, path)
    if not {decision.similarity for decision in vectors.decisions} >= set(golden.decision_values(tables)):
        raise MimError("decisions lacks a value of a table in manifest.json or one next to it", REMEDY, path)
    for number, entry in enumerate(vectors.decoded):
        for name in (entry.file, entry.expected):
            if name_problem(name) or f"golden/{name}" not in manifest.files:
                raise MimError(f"decoded.{number} names {name[:80]!r}, which is not listed", REMEDY, path)
        if entry.tolerance and not entry.file.endswith((".jpg", ".jpeg")):
            raise MimError(f"decoded.{number} has a tolerance, although {entry.file} is lossless", REMEDY, path)


def _check_decision(place: str, entry: _Image | _Decision, tables: Tables, path: Path) -> str:
    """Compares p-values with those of the tables, and returns the verdict without a reason."""
    own = float(p_class(entry.similarity, tables.calibration))
    other = float(p_other(entry.similarity, tables.reference))
    for name, found, expected in (("p_class", entry.p_class, own), ("p_other", entry.p_other, other)):
        if abs(found - expected) > _ROUNDING:
            problem = f"{place}.{name} is {found:g}, by the table in manifest.json {expected:g}"
            raise MimError(problem, REMEDY, path)
    return VERDICTS[int(verdict(own, other, 0, tables))]


def _check_pictures(folder: Path, manifest: Manifest, number: int) -> None:
    """Checks that the files of a golden image are listed and have their shapes."""
    size, masks = manifest.size, manifest.mask_set
    side = size if masks is None else masks.size
    shapes: dict[str, tuple[int, int] | None] = {"input": None, "resampled": (size, size), "inpainted": (size, size)}
    lengths = {"error_map.f32": 4 * side * side}
    if masks is not None:
        shapes |= {"small": (side, side), "micro": (masks.count * side, side)}
    if "mim_features.tflite" in manifest.models:
        outputs = manifest.models["mim_features.tflite"].signatures["features"].outputs["features"]
        lengths["features.i8"] = int(np.prod(outputs.shape))
    for stage, shape in shapes.items():
        name = f"golden/{number:02d}_{stage}.png"
        _require_listed(folder, manifest, name)
        try:
            with Image.open(folder / name, formats=("PNG",)) as picture:
                mode, found = picture.mode, picture.size
        except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error, ...
            raise MimError(f"is no PNG file ({type(error).__name__})", REMEDY, folder / name) from None
        if mode != "RGB" or (shape is not None and found != shape) or found[0] * found[1] > MAX_PIXELS:
            wanted = "RGB" if shape is None else f"RGB of {shape[0]} x {shape[1]} px"
            raise MimError(f"is {mode} of {found[0]} x {found[1]} px, expected {wanted}", REMEDY, folder / name)
    for ending, length in lengths.items():
        name = f"golden/{number:02d}_{ending}"
        _require_listed(folder, manifest, name)
        if manifest.files[name].bytes != length:
            problem = f"has {manifest.files[name].bytes} bytes, expected {length}"
            raise MimError(problem, REMEDY, folder / name)


def _require_listed(folder: Path, manifest: Manifest, name: str) -> None:
    if name not in manifest.files:
        raise MimError(f"does not list {name}, which golden/golden.json needs", REMEDY, folder / "manifest.json")


def problem_of(error: ValidationError) -> str:
    """Returns the first problem of a validation with the path of its entry, in one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(ascii(part).strip("'\"") for part in first["loc"])  # names in a bundle may be of any characters
    text = first["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _difference(a: Any, b: Any) -> str | None:
    """Returns the path of the first difference of two JSON values, such as `.ops.ADD`; None if they are equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in (*a, *(key for key in b if key not in a)):
            inner = _difference(a[key], b[key]) if key in a and key in b else ""
            if inner is not None:
                return f".{ascii(key)[1:-1]}{inner}"
        return None
    return None if json.dumps(a) == json.dumps(b) else ""
