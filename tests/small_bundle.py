"""A small bundle with every kind of file, made from the released bundle for microcontrollers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mim_export.bundle.config_header import CONFIG
from mim_export.bundle.write import list_files, write_config
from mim_export.score.atomic_files import write_sums
from mim_export.score.manifest import RELEASED

#: Number of golden images and of images for the decoder that are kept.
KEPT = 2


def write_small_bundle(folder: Path) -> Path:
    """Writes the bundle, with a folder `scorer/` of two files."""
    source = RELEASED.with_name("released_micro")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("golden"))
    vectors = json.loads((source / "golden" / "golden.json").read_text())
    vectors |= {key: vectors[key][:KEPT] for key in ("images", "decoded")}
    names = [path.name for path in (source / "golden").glob("0[01]_*")]
    names += [entry[key] for entry in vectors["decoded"] for key in ("file", "expected")]
    (folder / "golden").mkdir()
    for name in names:
        shutil.copyfile(source / "golden" / name, folder / "golden" / name)
    (folder / "golden" / "golden.json").write_text(json.dumps(vectors))
    (folder / "scorer" / "c").mkdir(parents=True)
    (folder / "scorer" / "c" / "ssim.c").write_text("int window = 11;\n")
    (folder / "scorer" / "README.md").write_text("The contract.\n")
    write_sums(folder / "scorer", ["c/ssim.c", "README.md"])
    sign(folder, files=True)
    return folder


def sign(folder: Path, files: bool = False) -> None:
    """Writes `SHA256SUMS` again; with `files`, also the entry `files` of the manifest and `mim_config.h`."""
    manifest = json.loads((folder / "manifest.json").read_text())
    if files:
        manifest["model_id"] = list_files(folder)["mim.tflite"]["sha256"][:16]
        if (folder / CONFIG).exists():
            write_config(folder, manifest)
        manifest["files"] = list_files(folder)
        (folder / "manifest.json").write_text(json.dumps(manifest))
    names = [name for name in manifest["files"] if (folder / name).is_file()]
    write_sums(folder, [*names, "manifest.json", "scorer/SHA256SUMS"])


def edit(folder: Path, change: Callable[[Any], Any], name: str = "manifest.json") -> None:
    """Changes a JSON file of the bundle and writes all sums again, as somebody who wants to deceive would."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    sign(folder, files=name != "manifest.json")


def put(content: Any, place: str, value: Any) -> None:
    """Sets an entry, such as `gate/min_side`; a number in the path is an index."""
    *parents, last = place.split("/")
    for name in parents:
        content = content[int(name) if isinstance(content, list) else name]
    content[int(last) if isinstance(content, list) else last] = value
