"""Checks the files of a bundle: names, sizes, sha256 in the manifest and in both `SHA256SUMS`."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Any

from ..score.errors import MimError, explain
from ..score.manifest import REMEDY, SCORER, name_problem, read_checked, read_text

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def check_sums(folder: Path, manifest: dict[str, Any]) -> None:
    """Checks that a bundle contains the listed files and no others, and that each has its size and sha256.

    `SHA256SUMS` lists the files of the manifest, the manifest and `scorer/SHA256SUMS`, which lists the other files in
    `scorer/`. So each file except `SHA256SUMS` is in exactly one of the two. (Bundles of 0.1.0 do not list
    `scorer/SHA256SUMS`.)

    Args:
        folder: the folder of the bundle.
        manifest: the manifest, validated.

    Raises:
        MimError: a file is missing, changed, not listed or not a regular file, or the lists contradict one another.
    """
    present = _present(folder)
    sums = _read_sums(folder, "")
    _check_digest(folder, "manifest.json", sums, SUMS)
    listed, inner = manifest["files"], f"{SCORER}/{SUMS}"
    for name in listed:
        if name.startswith(f"{SCORER}/"):
            raise MimError(f"files lists {name}, which {inner} lists", REMEDY, folder / "manifest.json")
        if name not in present:
            raise MimError("no such file", REMEDY, folder / name)
        read_checked(folder, name, manifest)
    for name in sums:
        if name not in listed and name not in ("manifest.json", inner):
            raise MimError(f"lists {name}, which manifest.json does not list", REMEDY, folder / SUMS)
    for name, entry in listed.items():
        if name not in sums:
            raise MimError(f"does not list {name}", REMEDY, folder / SUMS)
        if sums[name] != entry["sha256"]:
            raise MimError(f"has another sha256 of {name} than manifest.json", REMEDY, folder / SUMS)
    known = {*listed, "manifest.json", SUMS}
    if inner in sums or any(name.startswith(f"{SCORER}/") for name in present):
        known |= _check_scorer(folder, present, sums)
    for name in sorted(present - known):
        owner = inner if name.startswith(f"{SCORER}/") else "manifest.json"
        raise MimError(f"is not listed in {owner}", "remove it", folder / name)


def _check_scorer(folder: Path, present: set[str], sums: dict[str, str]) -> set[str]:
    """Checks `scorer/` and returns the names of its files."""
    inner = f"{SCORER}/{SUMS}"
    if inner in sums:
        _check_digest(folder, inner, sums, SUMS)
    listed = {f"{SCORER}/{name}": digest for name, digest in _read_sums(folder, f"{SCORER}/").items()}
    for name in listed:
        if name not in present:
            raise MimError("no such file", REMEDY, folder / name)
        _check_digest(folder, name, listed, inner)
    return {*listed, inner}


def _present(folder: Path) -> set[str]:
    """Returns the names of the files in a bundle. Links, devices and pipes are errors."""

    def refused(error: OSError) -> None:
        raise explain(error, folder) or error

    found = set()
    for parent, folders, files in os.walk(folder, onerror=refused):
        for name in (*folders, *files):
            path = Path(parent) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise MimError("is a link", "replace it by a copy of the file", path)
            if stat.S_ISREG(mode):
                found.add(path.relative_to(folder).as_posix())
            elif not stat.S_ISDIR(mode):
                raise MimError("is not a regular file", "remove it", path)
    return found


def _read_sums(folder: Path, inside: str) -> dict[str, str]:
    """Reads `SHA256SUMS` of the bundle or of a folder in it: sha256 by name."""
    path = folder / inside / SUMS
    try:
        content = read_text(path)
    except FileNotFoundError:
        raise MimError("no such file", REMEDY, path) from None
    except OSError as error:
        raise explain(error, path) or error from None
    lines = content.decode("ascii", "replace").split("\n")
    if lines.pop():
        raise MimError("does not end with a line break", REMEDY, path)
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or name_problem(match[2]):
            raise MimError(f"line {number} is not a sha256, two spaces and a file name of the bundle", REMEDY, path)
        if match[2] in found or match[2] == SUMS:
            raise MimError(f"line {number} lists {match[2]} {'again' if match[2] in found else 'itself'}", REMEDY, path)
        found[match[2]] = match[1]
    return found


def _check_digest(folder: Path, name: str, sums: dict[str, str], source: str) -> None:
    """Compares a file with its line in `source`."""
    if name not in sums:
        raise MimError(f"does not list {name}", REMEDY, folder / source)
    try:
        content = read_text(folder / name)
    except FileNotFoundError:
        raise MimError("no such file", REMEDY, folder / name) from None
    except OSError as error:
        raise explain(error, folder / name) or error from None
    if hashlib.sha256(content).hexdigest() != sums[name]:
        raise MimError(f"differs from its sha256 in {source}", REMEDY, folder / name)
