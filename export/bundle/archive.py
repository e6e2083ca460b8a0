"""Packs a bundle as two zip archives: what an app ships, and everything."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..score.atomic_files import check_writable, new_file, write_sums
from ..score.errors import MimError
from ..score.manifest import SCORER, read_checked, read_manifest
from .config_header import CONFIG

#: Files of a bundle that no app ships, and the first parts of the paths of such files.
_LEFT_OUT = ("manifest.schema.json", "metrics.json", CONFIG, "golden", "detector")
#: The generator alone, which only a microcontroller runs.
_MICRO = "mim_micro.tflite"
#: Time of every file in an archive, so that the same bundle gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


def check_zip_folder(out: Path, bundle: Path) -> None:
    """Checks the folder for the archives of a bundle, which need not exist yet.

    Args:
        out: the folder to write to.
        bundle: the folder of the bundle.

    Raises:
        MimError: `out` is the bundle or inside it, where the archives would become part of it, or cannot be written.
    """
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(bundle)):
        raise MimError(f"is inside the bundle {bundle}", "choose a folder outside it", out)
    check_writable(out)


def write_zips(bundle: Path, out: Path) -> dict[str, int]:
    """Writes `app.zip` and `full.zip` of a bundle, and `SHA256SUMS` of both, which `sha256sum -c` checks.

    `app.zip` has the models, the licences, the card, and a slim `manifest.json`: the same entries, without the golden
    vectors' files, the tensors inside the models, and what the card says of data and training; numbers that become
    float32 are in their shortest form. All scorers read it. `full.zip` has every file of the bundle.

    Args:
        bundle: the folder of a bundle that `mim_export.check.verify.check_files` accepts.
        out: the folder to write to; archives in it are replaced.

    Returns:
        Bytes of `app.zip`, of its `manifest.json` as the archive holds it, and of `full.zip`, by name.

    Raises:
        MimError: a file of the bundle is missing or differs from its sha256, or `out` is inside the bundle or cannot
            be written.

    Example:
        >>> write_zips(Path("bundle"), Path("zips"))
        {'app.zip': 2111486, 'app.zip/manifest.json': 5088, 'full.zip': 8414708}
    """
    check_zip_folder(out, bundle)
    manifest = read_manifest(bundle)
    files = {name: read_checked(bundle, name, manifest) for name in manifest["files"]}
    integer = "mim_features.tflite" in files
    kept = {
        name: content
        for name, content in files.items()
        if PurePosixPath(name).parts[0] not in _LEFT_OUT and (integer or name != _MICRO)
    }
    slim = json.dumps(_slim(manifest, kept), separators=(",", ":"), ensure_ascii=False).encode()
    out.mkdir(parents=True, exist_ok=True)
    rest = [bundle / "manifest.json", bundle / "SHA256SUMS", *(bundle / SCORER).rglob("*")]
    unlisted = {path.relative_to(bundle).as_posix(): path.read_bytes() for path in rest if path.is_file()}
    _write(out / "full.zip", {**files, **unlisted})
    _write(out / "app.zip", {**kept, "manifest.json": slim})
    write_sums(out, ["app.zip", "full.zip"])
    with zipfile.ZipFile(out / "app.zip") as archive:
        packed = archive.getinfo("manifest.json").compress_size
    return {
        "app.zip": (out / "app.zip").stat().st_size,
        "app.zip/manifest.json": packed,
        "full.zip": (out / "full.zip").stat().st_size,
    }


def _slim(manifest: dict[str, Any], kept: dict[str, bytes]) -> dict[str, Any]:
    models = {name: {**model, "tensors": {}} for name, model in manifest["models"].items() if name in kept}
    small = {**manifest, "models": models, "training": {}, "data": "see MODEL_CARD.md", "files": {}}
    for name in ("calibration", "reference"):
        table = manifest[name]
        # A threshold is a similarity of the table, and stays equal to it.
        numbers = {key: [_short(value) for value in table[key]] for key in ("similarities", "weights")}
        threshold = None if table["threshold"] is None else _short(table["threshold"])
        small[name] = {**table, **numbers, "threshold": threshold}
    small["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in kept.items()
    }
    return small


def _short(value: float) -> float:
    """The number with the fewest digits that has the same float32, in which scorers and graph compute."""
    return float(str(np.float32(value)))


def _write(path: Path, files: dict[str, bytes]) -> None:
    with new_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _TIME), files[name], zipfile.ZIP_DEFLATED)
