"""`mim_export.check.files`: every changed byte, name, size and list of a bundle is named with its file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_bundle import edit, put, sign, write_small_bundle

from mim_export.check.verify import check_files
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED

#: Number of bytes that are changed, one at a time.
CHANGES = 600


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("check") / "small")


@pytest.fixture
def bundle(small: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(small, tmp_path / "bundle"))


def _complaint(folder: Path) -> str:
    with pytest.raises(MimError) as caught:
        check_files(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_released_bundles_pass(small: Path) -> None:
    notes: list[str] = []
    for folder in (RELEASED, RELEASED.with_name("released_micro"), small):
        assert check_files(folder, notes.append)["format"] == 4
    assert not notes


def test_any_changed_byte_is_named_with_its_file(bundle: Path) -> None:
    """Every file at least once, the other changes in files drawn at random, by a seed."""
    rng = np.random.default_rng(15)
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    kinds = {path.name if path.parent == bundle else path.suffix for path in files}
    assert kinds >= {"manifest.json", "SHA256SUMS", "mim.tflite", "head.f32", "LICENSE", ".png", ".f32", ".i8", ".c"}
    listings = [path for path in files if path.name in ("manifest.json", "SHA256SUMS")]
    drawn = [*files, *(listings[number % len(listings)] for number in range(CHANGES // 3))]
    drawn += [files[number] for number in rng.integers(0, len(files), CHANGES - len(drawn))]
    silent = []
    for path in drawn:
        content = path.read_bytes()
        changed = bytearray(content)
        place = int(rng.integers(len(content)))
        changed[place] ^= int(rng.integers(1, 256))
        path.write_bytes(changed)
        try:
            check_files(bundle)
            silent.append((path, place))
        except MimError as error:
            assert path.relative_to(bundle).as_posix() in str(error), (path, place)
        path.write_bytes(content)
    assert not silent and len(drawn) == CHANGES
    check_files(bundle)


def test_any_missing_file_is_named(bundle: Path) -> None:
    for path in [path for path in bundle.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.unlink()
        assert path.relative_to(bundle).as_posix() in _complaint(bundle)
        path.write_bytes(content)


def test_a_missing_folder_of_sources_is_named(bundle: Path) -> None:
    shutil.rmtree(bundle / "scorer")
    assert "scorer/SHA256SUMS: no such file" in _complaint(bundle)


def test_a_bundle_of_an_earlier_version_does_not_list_the_sums_of_the_sources(bundle: Path) -> None:
    sums = (bundle / "SHA256SUMS").read_text().splitlines(keepends=True)
    (bundle / "SHA256SUMS").write_text("".join(line for line in sums if "scorer/" not in line))
    check_files(bundle)
    (bundle / "scorer" / "SHA256SUMS").unlink()
    assert "scorer/SHA256SUMS: no such file" in _complaint(bundle)


@pytest.mark.parametrize("name", ["extra.txt", "golden/SHA256SUMS", "golden/manifest.json", "scorer/c/extra.c", ".x"])
def test_an_unlisted_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).write_text("x")
    assert f"{name}: is not listed in" in _complaint(bundle)


def test_links_and_pipes_are_refused(bundle: Path, tmp_path: Path) -> None:
    outside = tmp_path / "LICENSE"
    shutil.move(bundle / "LICENSE", outside)
    (bundle / "LICENSE").symlink_to(outside)
    assert "LICENSE: is a link; replace it by a copy" in _complaint(bundle)
    (bundle / "LICENSE").unlink()
    shutil.copyfile(outside, bundle / "LICENSE")
    (bundle / "more").symlink_to(tmp_path, target_is_directory=True)
    assert "more: is a link" in _complaint(bundle)
    (bundle / "more").unlink()
    os.mkfifo(bundle / "golden" / "pipe")
    assert "pipe: is not a regular file" in _complaint(bundle)
    (bundle / "golden" / "pipe").unlink()
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    assert "manifest.json: is not a file" in _complaint(bundle)


@pytest.mark.parametrize(
    "name",
    ["../outside", "golden/../../outside", "/etc/hostname", "./LICENSE", "golden//x", "C:x", "a\\b", "", "a\nb", "ä"],
)
def test_names_that_are_not_files_of_the_bundle_are_refused(bundle: Path, name: str) -> None:
    (bundle.parent / "outside").write_text("x")
    entry = {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}
    edit(bundle, lambda manifest: manifest["files"].update({name: entry}))
    assert "manifest.json: files lists " in _complaint(bundle)


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "scorer/README.md"])
def test_a_file_is_in_one_list_only(bundle: Path, name: str) -> None:
    entry = {
        "sha256": hashlib.sha256((bundle / name).read_bytes()).hexdigest(),
        "bytes": (bundle / name).stat().st_size,
    }
    edit(bundle, lambda manifest: manifest["files"].update({name: entry}))
    assert f"files lists {name}, which" in _complaint(bundle)


def _sums(change: Callable[[list[str]], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
        change(lines)
        (folder / "SHA256SUMS").write_text("".join(lines))

    return harm


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (_sums(lambda lines: lines.pop(0)), "does not list LICENSE"),
        (_sums(lambda lines: lines.append(lines[0])), "lists LICENSE again"),
        (_sums(lambda lines: lines.insert(1, lines[0].replace("LICENSE", "../LICENSE"))), "line 2 is not a sha256"),
        (_sums(lambda lines: lines.append(lines[0].replace("LICENSE", "other"))), "lists other, which manifest.json"),
        (_sums(lambda lines: lines.append("\n")), "is not a sha256, two spaces"),
        (_sums(lambda lines: lines.append(f"{'0' * 64}  x")), "does not end with a line break"),
        (_sums(lambda lines: lines.clear()), "does not list manifest.json"),
        (_sums(lambda lines: lines.__setitem__(0, "A" * 64 + "  LICENSE\n")), "line 1 is not a sha256"),
        (_sums(lambda lines: lines.__setitem__(0, "0" * 64 + "  LICENSE\n")), "has another sha256 of LICENSE than"),
    ],
)
def test_harmed_sums_are_named(bundle: Path, harm: Callable[[Path], None], complaint: str) -> None:
    harm(bundle)
    message = _complaint(bundle)
    assert "SHA256SUMS: " in message and complaint in message


def test_sizes_are_compared(bundle: Path) -> None:
    size = (bundle / "LICENSE").stat().st_size
    for wrong in (1, size - 1, size + 1, 0):
        edit(bundle, lambda manifest, wrong=wrong: put(manifest, "files/LICENSE/bytes", wrong))
        assert f"LICENSE: has {size} bytes, manifest.json says {wrong}" in _complaint(bundle)


def test_sums_can_be_checked_without_this_package(bundle: Path) -> None:
    for folder in (bundle, bundle / "scorer"):
        done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr


def test_added_entries_are_noted(bundle: Path) -> None:
    """By the contract, entries may be added without a new format number."""

    def add(manifest: dict[str, Any]) -> None:
        manifest["comment"] = {"by": "a later version"}
        for place in ("gate", "calibration", "reference", "measure/network", "models/mim.tflite", "files/LICENSE"):
            put(manifest, f"{place}/x", [1])
        put(manifest, "models/mim.tflite/signatures/verdict/inputs/image/layout", "NHWC")

    edit(bundle, add)
    notes: list[str] = []
    assert check_files(bundle, notes.append)["comment"] == {"by": "a later version"}
    assert len(notes) == 8 and all("manifest.json: the entry " in note for note in notes)
    assert any('"comment"' in note for note in notes) and any('"gate.x"' in note for note in notes)
    edit(bundle, lambda manifest: manifest.update({f"entry {number}\n": 0 for number in range(50)}))
    notes.clear()
    check_files(bundle, notes.append)
    assert len(notes) == 11 and "further unknown entries" in notes[-1]
    assert not any("\n" in note for note in notes)


def test_a_listed_file_may_be_added(bundle: Path) -> None:
    (bundle / "golden" / "notes.txt").write_text("x")
    sign(bundle, files=True)
    check_files(bundle)


def test_text_that_is_not_json_is_refused(bundle: Path) -> None:
    text = (bundle / "manifest.json").read_text()
    for old, new, complaint in [
        ('"size": 64', '"size": NaN', "NaN is not a number of JSON"),
        ('"size": 64', '"size": -Infinity', "-Infinity is not a number"),
        ('"size": 64', '"size": 1e999', "1e999 is too large"),
        ('"size": 64', '"size": 64, "size": 64', "'size' occurs twice"),
        ('"min_side": 64', '"min_side": 1, "min_side": 64', "'min_side' occurs twice"),
        ('"size": 64', '"size": ' + 5000 * "9", "not JSON"),
        ('"size": 64', '"size": ' + 100_000 * "[", "not JSON"),
        ('"mpox"', '"\\ud800"', "not JSON"),
        ('"size": 64', '"size": 64,', "not JSON"),
    ]:
        assert old in text
        (bundle / "manifest.json").write_text(text.replace(old, new, 1))
        sign_only_manifest(bundle)
        message = _complaint(bundle)
        assert "manifest.json: not JSON" in message and complaint in message
    (bundle / "manifest.json").write_bytes(json.dumps({"format": 4}).encode("utf-16"))
    assert "manifest.json: not JSON" in _complaint(bundle)


def sign_only_manifest(folder: Path) -> None:
    """Writes the line of `SHA256SUMS` for a manifest that is not JSON."""
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    lines = [f"{digest}  manifest.json" if line.endswith("  manifest.json") else line for line in lines]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "scorer/SHA256SUMS", "golden/golden.json", "LICENSE"])
def test_files_of_gigabytes_are_named_and_not_read(bundle: Path, name: str) -> None:
    os.truncate(bundle / name, 3_000_000_000)  # a hole, which takes no space on the disk
    started = time.process_time()
    assert f"{name}: " in _complaint(bundle)
    assert time.process_time() - started < 2
