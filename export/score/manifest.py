"""Reads the manifest and the files of a bundle. Each file is checked against its sha256."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic_files import read_json
from .errors import MimError
from .preprocess import mask_set

#: The folder of this package, and the released bundle that is installed with it.
PACKAGE = Path(__file__).parents[1]
RELEASED = PACKAGE / "released"
#: Number of the bundle format that this version reads and writes.
FORMAT = 2
#: Folder of scorer sources in a bundle. The released bundle has none, since the installed package contains the sources.
SCORER = "scorer"
REMEDY = "export the bundle again or reinstall mim-tf"


def read_manifest(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads `manifest.json`.

    Args:
        bundle: the folder of a bundle.

    Returns:
        The manifest, whose fields `mim_export.bundle.manifest_schema.Manifest` describes. They are not validated here.

    Raises:
        MimError: the file is missing, not JSON, or of another bundle format.
    """
    path = Path(bundle) / "manifest.json"
    manifest = read_json(path, "name a folder that mim-tf export wrote")
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise MimError(f"bundle format {found}, this version reads {FORMAT}", "export the bundle again", path)
    return dict(manifest)


def read_checked(bundle: str | os.PathLike[str], name: str, manifest: dict[str, Any]) -> bytes:
    """Reads a file of a bundle and checks its sha256.

    Args:
        bundle: the folder of a bundle.
        name: path of the file, relative to the folder.
        manifest: the manifest of the bundle.

    Returns:
        The content of the file.

    Raises:
        MimError: the file is missing, not listed in the manifest, or its sha256 differs.
    """
    path = Path(bundle) / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MimError((error.strerror or "cannot be read").lower(), REMEDY, path) from None
    try:
        expected = manifest["files"][name]["sha256"]
    except (KeyError, TypeError):
        raise MimError(f"does not list {name}", REMEDY, Path(bundle) / "manifest.json") from None
    if hashlib.sha256(content).hexdigest() != expected:
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
