"""Hostile bundles for `hostile.py`: changed bytes, and edits with new sums, as by somebody who wants to deceive."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hostile_pictures import Rng

from mim_export.bundle.write import list_files
from mim_export.score.atomic_files import write_sums

#: Values, as text of JSON, that replace entries of a manifest.
VALUES: tuple[str, ...] = (
    "NaN",
    "-Infinity",
    "1e999",
    "1e9",
    "-1",
    "0",
    "1.5",
    "1e308",
    "9" * 30,
    "9" * 5000,
    "true",
    "null",
    '""',
    '"192"',
    '"../../../../etc/passwd"',
    '"\\ud800"',
    '"\\u001b[2J\\n"',
    "[]",
    "{}",
    "[[[[1]]]]",
    "[" * 50_000 + "]" * 50_000,
    '{"a": ' * 20_000 + "1" + "}" * 20_000,
    '{"a": 1, "a": 2}',
    json.dumps(list(range(200_000))),
)
#: Names that a manifest must not list.
_LISTED = ("../../etc/passwd", "/etc/passwd", "golden/../../x", "C:\\x", "a\nb", "", ".", "x" * 5000, "\u202e", "~")


def sign(folder: Path) -> None:
    """Writes the sums of a bundle again, and the entry `files` of its manifest, where the manifest can be read."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
        manifest["files"] = list_files(folder)
        path.write_text(json.dumps(manifest))
        names = [*manifest["files"], "manifest.json"]
    except (ValueError, TypeError, OSError, RecursionError):
        names = ["manifest.json"] if path.is_file() else []
    write_sums(folder, [*names, *(["scorer/SHA256SUMS"] if (folder / "scorer").is_dir() else [])])


@contextmanager
def changed_byte(path: Path, rng: Rng) -> Iterator[int]:
    """Changes one byte of a file within the block, and yields its place."""
    content = path.read_bytes()
    changed = bytearray(content)
    place = int(rng.integers(len(content)))
    changed[place] ^= int(rng.integers(1, 256))
    path.write_bytes(changed)
    try:
        yield place
    finally:
        path.write_bytes(content)


def _places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Returns the paths of all entries of a JSON value, of lists the first two."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    found = [above] if above else []
    for key, inner in pairs:
        found += _places(inner, (*above, key))
    return found


def _entry(folder: Path, rng: Rng, name: str = "manifest.json") -> str:
    """Replaces or removes an entry of a JSON file."""
    path = folder / name
    content = json.loads(path.read_text())
    places = [place for place in _places(content) if place[0] not in ("files", "models") or rng.integers(20) == 0]
    place = places[rng.integers(len(places))]
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    number = int(rng.integers(len(VALUES) + 1))
    if number == len(VALUES):
        del inner[place[-1]]
        path.write_text(json.dumps(content))
        return f"{name}: {place} removed"
    inner[place[-1]] = "@value@"
    path.write_text(json.dumps(content).replace('"@value@"', VALUES[number]))
    return f"{name}: {place} is {VALUES[number][:40]}"


def _golden(folder: Path, rng: Rng) -> str:
    detail = _entry(folder, rng, "golden/golden.json")
    sign(folder)
    return detail


def _listed(folder: Path, rng: Rng) -> str:
    name = _LISTED[rng.integers(len(_LISTED))]
    content = json.loads((folder / "manifest.json").read_text())
    content["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (folder / "manifest.json").write_text(json.dumps(content))
    return f"files lists {name[:30]!r}"


def _text(folder: Path, rng: Rng) -> str:
    """Replaces the whole text of the manifest, the sums or the golden vectors."""
    path = folder / ("manifest.json", "SHA256SUMS", "golden/golden.json")[rng.integers(3)]
    content = path.read_bytes()
    texts = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xef\xbb\xbf" + content,
        content.decode().encode("utf-16"),
        content[: rng.integers(1, len(content))],
        content * 2,
        content.replace(b"\n", b"\r\n"),
        content + b"\0",
        b"\0" * 1000,
        b"[" * 1_000_000,
        rng.bytes(1000),
        b"1" * 2_000_000,
    ]
    number = int(rng.integers(len(texts)))
    path.write_bytes(texts[number])
    return f"{path.name}: text {number}"


def _hole(folder: Path, rng: Rng) -> str:
    """Makes a file as large as 3 GB, all of it a hole."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    first = [folder / "manifest.json", folder / "SHA256SUMS", folder / "golden" / "golden.json"]
    path = [*first, files[rng.integers(len(files))]][rng.integers(4)]
    os.truncate(path, 3_000_000_000)
    return f"{path.name}: 3 GB"


def _other_kind(folder: Path, rng: Rng) -> str:
    """Replaces a file by a pipe, a folder, a link or nothing, or adds one."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = [folder / "manifest.json", folder / "SHA256SUMS", files[rng.integers(len(files))]][rng.integers(3)]
    number = int(rng.integers(7))
    if number < 6:
        path.unlink()
    if number == 0:
        os.mkfifo(path)
    elif number == 1:
        path.mkdir()
    elif number in (2, 3, 4):
        path.symlink_to(("/dev/zero", path.name, "/etc/passwd")[number - 2])
    elif number == 6:
        path = folder / "more\n\x1b[2J"
        path.write_bytes(b"x")
    return f"{path.name!r}: kind {number}"


def _model(folder: Path, rng: Rng) -> str:
    """Truncates a model, replaces it by another one or by text, or changes bytes, with new sums."""
    path = folder / "mim.tflite"
    content, number = bytearray(path.read_bytes()), int(rng.integers(5))
    if number == 0:
        del content[rng.integers(len(content)) :]
    elif number == 1 and (folder / "mim_micro.tflite").exists():
        content = bytearray((folder / "mim_micro.tflite").read_bytes())
    elif number == 2:
        content = bytearray((b"", b"TFL3", b"\x1c\0\0\0TFL3" + bytes(50), rng.bytes(5000))[rng.integers(4)])
    else:
        most = len(content) if number == 3 else 4000
        for _ in range(rng.integers(1, 20)):
            content[rng.integers(most)] = int(rng.integers(256))
    path.write_bytes(content)
    sign(folder)
    return f"mim.tflite: kind {number}"


def _any_file(folder: Path, rng: Rng) -> str:
    """Changes bytes of any file, with new sums."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".tflite"]
    path = files[rng.integers(len(files))]
    content = bytearray(path.read_bytes())
    for _ in range(rng.integers(1, 5)):
        content[rng.integers(len(content))] = int(rng.integers(256))
    path.write_bytes(content)
    sign(folder)
    return f"{path.name}: bytes"


_HARMS: tuple[Callable[[Path, Rng], str], ...] = (
    _entry,
    _entry,
    _entry,
    _entry,
    _golden,
    _listed,
    _text,
    _hole,
    _other_kind,
    _model,
    _model,
    _any_file,
)


def harm(bundle: Path, folder: Path, seed: int, number: int) -> str:
    """Writes a harmed copy of a bundle, and returns how it was harmed. It depends on the seed and its number alone."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bundle, folder)
    rng = np.random.default_rng([seed, 3, number])
    change = _HARMS[number % len(_HARMS)]
    detail = change(folder, rng)
    if change in (_entry, _listed):
        manifest = folder / "manifest.json"
        names = [line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
        assert manifest.is_file()
        write_sums(folder, names)
    return detail
