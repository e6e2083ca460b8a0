"""Reads a bundle's manifest and its files, each checked against its sha256."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MimError
from .files import read_json
from .preprocess import mask_set

#: The folder of this package, and the bundle that is installed with it.
PACKAGE = Path(__file__).parents[1]
RELEASED = PACKAGE / "released"
#: The format of bundles that this version reads and writes.
FORMAT = 2
#: The folder of sources in a bundle. The released bundle goes without it: its sources are the package's own.
SCORER = "scorer"
REMEDY = "export the bundle again or reinstall mim-tf"


def read_manifest(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads `manifest.json`.

    Raises:
        MimError: there is none, it is damaged, or of another format.
    """
    path = Path(bundle) / "manifest.json"
    manifest = read_json(path, "name a folder that mim-tf export wrote")
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise MimError(f"bundle format {found}, this version reads {FORMAT}", "export the bundle again", path)
    return dict(manifest)


def read_checked(bundle: str | os.PathLike[str], name: str, manifest: dict[str, Any]) -> bytes:
    """The content of one of the bundle's files, after its sha256 was checked.

    Raises:
        MimError: the file is missing or differs from the manifest.
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
    """The mask set of a manifest, float32 (n, s, s, 1), s the side that is inpainted; None where nothing is masked."""
    entry = manifest["mask_set"]
    return None if entry is None else mask_set(entry["size"], entry["cell"], entry["count"])
