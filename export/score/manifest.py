"""Reads the manifest and the files of a bundle. Nothing in a bundle is trusted before it is checked.

The entries that the scorer and the generators of sources use are checked here, without pydantic. `mim-tf verify` checks
all entries and all files (`mim_export.check.verify`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decide import REASONS, VERDICTS
from .decode import MAX_PIXELS
from .errors import MimError, explain
from .preprocess import mask_set

#: The folder of this package, and the released bundle that is installed with it.
PACKAGE = Path(__file__).parents[1]
RELEASED = PACKAGE / "released"
#: Number of the bundle format that this version reads and writes.
FORMAT = 4
#: Folder of scorer sources in a bundle. The released bundle has none, since the installed package contains the sources.
SCORER = "scorer"
REMEDY = "export the bundle again or reinstall mim-tf"
#: Largest text file of a bundle in bytes. More is not read into memory.
MAX_TEXT = 16_000_000
#: Maximum of `size`, as in the scorers in other languages.
MAX_SIZE = 4096
#: Maximum of `gate.min_side`: the side of a square with `MAX_PIXELS` pixels. More would refuse every photograph.
MAX_SIDE = math.isqrt(MAX_PIXELS)
#: Maximum of a number that is computed with in float32.
MAX_FLOAT = float(np.finfo(np.float32).max)


def read_strict(path: str | os.PathLike[str], remedy: str = REMEDY) -> Any:
    """Reads a JSON file of a bundle.

    Python's parser accepts more than JSON allows. Here NaN, Infinity, numbers beyond float64, repeated names in an
    object and text that is not Unicode are errors.

    Args:
        path: the file.
        remedy: remedy of the error.

    Raises:
        MimError: the file is missing, cannot be read, or is not JSON.
    """
    try:
        return parse_strict(read_text(path, remedy), path, remedy)
    except FileNotFoundError:
        raise MimError("no such file", remedy, path) from None
    except OSError as error:
        raise explain(error, path) or error from None


def read_text(path: str | os.PathLike[str], remedy: str = REMEDY) -> bytes:
    """Reads a text file of a bundle.

    Args:
        path: the file.
        remedy: remedy of the error.

    Raises:
        MimError: it is a pipe or a device, or larger than `MAX_TEXT`.
        OSError: it is missing or cannot be read.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):  # reading a pipe would wait for ever
        raise MimError("is not a file", remedy, path)
    if found.st_size > MAX_TEXT:
        raise MimError(f"has {found.st_size} bytes, expected at most {MAX_TEXT}", remedy, path)
    return Path(path).read_bytes()


def parse_strict(content: bytes, path: str | os.PathLike[str], remedy: str = REMEDY) -> Any:
    """Parses JSON as `read_strict` does.

    Args:
        content: the content of the file.
        path: the file that is named in the error.
        remedy: remedy of the error.

    Raises:
        MimError: the content is not JSON.

    Example:
        `parse_strict(b'{"a": NaN}', "a.json")` raises `a.json: not JSON (NaN is not a number of JSON); ...`.
    """
    try:
        value = json.loads(
            content.decode("utf-8"), parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise MimError(f"not JSON ({str(error)[:120]})", remedy, path) from None
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)[:40]!r} occurs twice in an object")
    return found


def read_manifest(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads `manifest.json`, and checks the entries that scoring needs. Unknown entries are ignored.

    Args:
        bundle: the folder of a bundle.

    Returns:
        The manifest, whose fields `mim_export.bundle.manifest_schema.Manifest` describes.

    Raises:
        MimError: the file is missing, not JSON, or of another bundle format, or an entry is missing or invalid.
    """
    path = Path(bundle) / "manifest.json"
    manifest = read_strict(path, "name a folder that mim-tf export wrote")
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if type(found) is not int or found != FORMAT:
        shown = json.dumps(found)[:40]
        raise MimError(f"bundle format {shown}, this version reads {FORMAT}", "export the bundle again", path)
    check_entries(manifest, path)
    return dict(manifest)


#: Whether a value is valid, and a description of the valid ones.
_Rule = tuple[Callable[[Any], bool], str]


def _whole(low: int, high: int) -> _Rule:
    # Not isinstance: True is an int.
    return lambda value: type(value) is int and low <= value <= high, f"a whole number from {low} to {high}"


def _real(low: float, high: float) -> _Rule:
    return lambda value: _is_real(value, low, high), f"a number from {low:g} to {high:g}"


def _is_real(value: Any, low: float = -MAX_FLOAT, high: float = MAX_FLOAT) -> bool:
    return type(value) in (int, float) and low <= value <= high


def _one_of(*names: str) -> _Rule:
    return lambda value: type(value) is str and value in names, " or ".join(names)


def _equal_to(names: tuple[str | None, ...]) -> _Rule:
    return lambda value: type(value) is list and value == list(names), json.dumps(names)


_ANY = _real(-MAX_FLOAT, MAX_FLOAT)
_COUNT = _whole(1, 2**31 - 1)
_TEXT: _Rule = (lambda value: type(value) is str, "text")
_NUMBERS: _Rule = (lambda value: type(value) is list and all(map(_is_real, value)), "a list of numbers")
_TABLE: _Rule = (lambda value: len(value) > 0 if _NUMBERS[0](value) else False, "a list of numbers that is not empty")
_OBJECT: _Rule = (lambda value: type(value) is dict, "an object")
_LIMIT: _Rule = (lambda value: value is None or _is_real(value), "a number or null")
#: The entries that the scorer and the generators of sources use.
_ENTRIES: dict[str, _Rule] = {
    "statement": _TEXT,
    "normal_class": _TEXT,
    "size": _whole(1, MAX_SIZE),
    "measure": _OBJECT,
    "measure.name": _one_of("ssim", "deep"),
    "measure.window": _whole(1, MAX_SIZE),
    "measure.sigma": _real(1e-6, MAX_SIZE),
    "measure.c1": _real(0, MAX_FLOAT),
    "measure.c2": _real(0, MAX_FLOAT),
    "measure.border": _whole(0, MAX_SIZE),
    "calibration": _OBJECT,
    "calibration.similarities": _TABLE,
    "calibration.weights": _TABLE,
    "calibration.groups": _COUNT,
    "calibration.alpha": _real(0, 1),
    "calibration.method": _one_of("split", "cross"),
    "calibration.threshold": _ANY,
    "reference": _OBJECT,
    "reference.similarities": _NUMBERS,
    "reference.weights": _NUMBERS,
    "reference.groups": _whole(0, 2**31 - 1),
    "reference.beta": _real(0, 1),
    "reference.threshold": _LIMIT,
    "gate": _OBJECT,
    "gate.min_contrast": _real(0, MAX_FLOAT),
    "gate.min_detail": _real(0, MAX_FLOAT),
    "gate.min_side": _whole(1, MAX_SIDE),
    "gate.max_novelty": _LIMIT,
    "verdicts": _equal_to(VERDICTS),
    "reasons": _equal_to(REASONS),
    "models": _OBJECT,
    "files": _OBJECT,
}
#: Entries of `mask_set` and `measure.network`, which are null for other methods and measures.
_OPTIONAL: dict[str, dict[str, _Rule]] = {
    "mask_set": {
        "size": _whole(1, MAX_SIZE),
        "cell": _whole(1, MAX_SIZE),
        "count": _whole(2, 255),
        "step": _whole(1, 255),
    },
    "measure.network": {
        "size": _whole(1, MAX_SIZE),
        "statistics": _COUNT,
        "components": _COUNT,
        **dict.fromkeys(("distance_weight", "novelty_weight", "novelty_start", "novelty_range"), _ANY),
    },
}


def check_entries(manifest: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Checks the entries of a manifest that the scorer and the generators of sources use.

    Args:
        manifest: content of `manifest.json`.
        path: the file that is named in the error.

    Raises:
        MimError: an entry is missing, of another type, or out of its range, or entries contradict one another.

    Example:
        With `"min_side": "192"` the problem is `gate.min_side is "192", expected a whole number from 1 to 15811`.
    """
    rules = dict(_ENTRIES)
    for parent, entries in _OPTIONAL.items():
        if _entry(manifest, parent, path) is not None:
            rules |= {parent: _OBJECT} | {f"{parent}.{name}": rule for name, rule in entries.items()}
    for place, (valid, expected) in rules.items():
        value = _entry(manifest, place, path)
        if not valid(value):
            shown = json.dumps(value)
            raise MimError(f"{place} is {shown[:40]}, expected {expected}", REMEDY, path)
    for place, problem in _contradictions(manifest):
        raise MimError(f"{place} {problem}", REMEDY, path)
    for name, file in manifest["files"].items():
        if name_problem(name):
            raise MimError(f"files lists {json.dumps(name[:80])}, which {name_problem(name)}", REMEDY, path)
        _check_file(name, file, path)


def _entry(manifest: Any, place: str, path: str | os.PathLike[str]) -> Any:
    """Returns the entry at a path such as `gate.min_side`."""
    value = manifest
    for name in place.split("."):
        if type(value) is not dict or name not in value:
            raise MimError(f"lacks {place}", REMEDY, path)
        value = value[name]
    return value


def _contradictions(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the entries that contradict others, and how."""
    masks = manifest["mask_set"]
    found = []
    if masks is not None and manifest["size"] % masks["size"]:
        found.append(("mask_set.size", f"{masks['size']} does not divide size {manifest['size']}"))
    if masks is not None and masks["size"] % masks["cell"]:
        found.append(("mask_set.cell", f"{masks['cell']} does not divide mask_set.size {masks['size']}"))
    if masks is not None and masks["step"] != max(1, masks["count"] // 2):
        found.append(("mask_set.step", f"is {masks['step']}, expected half of mask_set.count"))
    # A weight of the reference is more than 1 where its condition has fewer groups than others.
    for place, name, most in (("calibration", "alpha", 1.0), ("reference", "beta", math.inf)):
        table = manifest[place]
        similarities, weights = table["similarities"], table["weights"]
        if not 0 < table[name] < 1:
            found.append((f"{place}.{name}", f"is {table[name]}, expected a number between 0 and 1"))
        if len(similarities) != len(weights):
            found.append((f"{place}.weights", f"has {len(weights)} values for {len(similarities)} similarities"))
        if any(a > b for a, b in pairwise(similarities)):
            found.append((f"{place}.similarities", "is not ascending"))
        if not all(0 < weight <= most for weight in weights):
            expected = "positive" if most == math.inf else "in (0, 1]"
            found.append((f"{place}.weights", f"has a value that is not {expected}"))
        elif abs(sum(weights) - table["groups"]) > 1e-6 * table["groups"]:
            found.append((f"{place}.weights", f"sums to {sum(weights):.6g}, expected groups, {table['groups']}"))
    return found


def _check_file(name: str, entry: Any, path: str | os.PathLike[str]) -> None:
    digest, size = (entry.get(key) if type(entry) is dict else None for key in ("sha256", "bytes"))
    if type(digest) is not str or not re.fullmatch("[0-9a-f]{64}", digest):
        raise MimError(f"files.{name}.sha256 is not 64 hexadecimal digits", REMEDY, path)
    if type(size) is not int or size < 0:
        raise MimError(f"files.{name}.bytes is {json.dumps(size)[:40]}, expected a number of bytes", REMEDY, path)


def name_problem(name: str) -> str | None:
    """Checks the name of a file in a manifest or in `SHA256SUMS`.

    Args:
        name: path of the file, relative to the folder of the bundle.

    Returns:
        What is wrong with it; None for a normalized path in ASCII with `/` as separator that stays in the folder.

    Example:
        "leaves the bundle" for `../secret.txt` and "is not normalized" for `golden//a.png`.
    """
    path = PurePosixPath(name)
    if not name.isascii() or not name.isprintable() or not name:
        return "is not printable ASCII"
    if "\\" in name or ":" in name:
        return "has a character that is not allowed"
    if path.is_absolute():
        return "is absolute"
    if ".." in path.parts:
        return "leaves the bundle"
    if path.as_posix() != name or name == ".":
        return "is not normalized"
    return None


def read_checked(bundle: str | os.PathLike[str], name: str, manifest: dict[str, Any]) -> bytes:
    """Reads a file of a bundle and checks its size and its sha256.

    Args:
        bundle: the folder of a bundle.
        name: path of the file, relative to the folder.
        manifest: the manifest of the bundle.

    Returns:
        The content of the file.

    Raises:
        MimError: the file is missing, not listed in the manifest, or its size or sha256 differs.
    """
    path, source = Path(bundle) / name, Path(bundle) / "manifest.json"
    entry = manifest["files"].get(name)
    if entry is None:
        raise MimError(f"does not list {name}", REMEDY, source)
    _check_file(name, entry, source)
    if name_problem(name):
        raise MimError(f"lists {json.dumps(name[:80])}, which {name_problem(name)}", REMEDY, source)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise MimError("is not a file", REMEDY, path)
        if found.st_size != entry["bytes"]:
            raise MimError(f"has {found.st_size} bytes, manifest.json says {entry['bytes']}", REMEDY, path)
        content = path.read_bytes()
    except OSError as error:
        raise MimError((error.strerror or "cannot be read").lower(), REMEDY, path) from None
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise MimError("differs from its sha256 in manifest.json", REMEDY, path)
    return content


def masks_of(manifest: dict[str, Any]) -> NDArray[np.float32] | None:
    """Returns the mask set of a manifest.

    Returns:
        float32 (n, s, s, 1), 1 = kept, 0 = hidden; s is the side of the inpainted image in pixels. None for a method
        without masks.

    Raises:
        MimError: the step between rows is not the one that this version computes with.
    """
    entry = manifest["mask_set"]
    if entry is None:
        return None
    if entry["step"] != max(1, entry["count"] // 2):
        raise MimError(f"mask_set has the step {entry['step']}, which this version does not know", REMEDY)
    return mask_set(entry["size"], entry["cell"], entry["count"])
