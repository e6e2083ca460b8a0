"""`mim_tf.data.folder`: layouts, groups, splits, links, unreadable files, output folders."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import class_names, split_of_group, split_seed_of


def write(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def manifest(root: Path, content: bytes) -> None:
    (root / "MANIFEST.csv").write_bytes(content)


def test_split_layout_with_groups(tmp_path: Path) -> None:
    names = ("train/mpox/a.png", "train/mpox/b.JPG", "val/mpox/c.webp", "test/other/d.jpeg")
    for number, name in enumerate(names):
        write(tmp_path / name, number)
    (tmp_path / "MANIFEST.csv").write_text("file,group,note\ntrain/mpox/a.png,p1,x\ntrain/mpox/b.JPG,p1,\n")
    photos = scan_folder(tmp_path)
    assert [(p.split, p.label, p.group) for p in photos] == [
        ("test", "other", "test/other/d.jpeg"),
        ("train", "mpox", "p1"),
        ("train", "mpox", "p1"),
        ("val", "mpox", "val/mpox/c.webp"),
    ]
    assert class_names(photos, "train") == ("mpox",)
    loaded = load_photos(photos, 8, warn=print, what="all")
    assert loaded.pixels.shape == (4, 8, 8, 3) and list(loaded.sides) == [20] * 4


def test_plain_folder_is_split_by_group_and_seed(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / "mpox" / f"{number}.png", number)
    photos = scan_folder(tmp_path, split_seed=3)
    assert photos == scan_folder(tmp_path, split_seed=3) and split_seed_of(photos) == 3
    assert {photo.path.name: photo.split for photo in photos} == {
        f"{number}.png": split_of_group(f"mpox/{number}.png", 3) for number in range(12)
    }


def test_a_class_that_the_split_leaves_without_a_test_is_named(tmp_path: Path) -> None:
    write(tmp_path / "mpox/a.png")
    for seed in range(12):
        lines: list[str] = []
        (photo,) = scan_folder(tmp_path, split_seed=seed, warn=lines.append)
        assert len(lines) == (photo.split != "test")
        assert not lines or f"split seed {seed} leaves test/mpox empty; train with another split seed" in lines[0]


def test_a_plain_folder_can_be_left_whole(tmp_path: Path) -> None:
    write(tmp_path / "acne/a.png")
    lines: list[str] = []
    (photo,) = scan_folder(tmp_path, split_seed=None, warn=lines.append)
    assert photo.split == "" and photo.split_seed is None and not lines


def test_a_linked_class_or_split_is_read(tmp_path: Path) -> None:
    for name in ("data/train/mpox/a.png", "plain/b.png", "val/mpox/c.png"):
        write(tmp_path / name)
    (tmp_path / "data/train/plain").symlink_to(tmp_path / "plain")
    (tmp_path / "data/val").symlink_to(tmp_path / "val")
    lines: list[str] = []
    photos = scan_folder(tmp_path / "data", warn=lines.append)
    found = [(photo.split, photo.label, photo.path.name) for photo in photos]
    assert found == [("train", "mpox", "a.png"), ("train", "plain", "b.png"), ("val", "mpox", "c.png")] and not lines


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    for name in ("train/mpox/a.png", "train/mpox/b.jfif", "val/mpox/c.jpe"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / name, format="JPEG")
    (tmp_path / "val/mpox/d.heic").write_bytes(b"")
    (tmp_path / "test").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "val/mpox/e.jpg")
    lines: list[str] = []
    photos = scan_folder(tmp_path, warn=lines.append)
    assert [photo.path.name for photo in photos] == ["a.png", "b.jfif", "c.jpe"] and len(lines) == 3
    assert ".heic 1" in lines[0] and "1 broken links are left out (test)" in lines[1] and "val/mpox/e.jpg" in lines[2]
    # The content decides: the file named .png is a JPEG.
    assert len(load_photos(photos, 8, warn=print, what="all")) == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: None, "no images"),
        (lambda root: write(root / "a.png"), "outside the layout"),
        (lambda root: [write(root / "train/a/a.png"), write(root / "extra/a/b.png")], "outside the layout"),
        (lambda root: [write(root / "a/a.png"), write(root / "a/deeper/b.png")], "outside the layout"),
        (lambda root: [write(root / "a/a.png"), manifest(root, b"a,b\n")], "lacks the columns"),
        (lambda root: [write(root / "a/a.png"), manifest(root, b"")], "lacks the columns"),
        (lambda root: [write(root / "a/a.png"), manifest(root, b"\xff\xfe\x00")], "UTF-8"),
        (lambda root: [write(root / "a/a.png"), (root / "MANIFEST.csv").mkdir()], "is a directory"),
    ],
)
def test_wrong_layouts_raise_one_line_errors(tmp_path: Path, make, words: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path)
    with pytest.raises(MimError, match=words) as caught:
        scan_folder(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent", "a" * 300], ids=["absent", "long"])
def test_missing_folder_raises_a_one_line_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(MimError) as caught:
        scan_folder(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("closed", [".", "data", "data/mpox", "data/MANIFEST.csv"])
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o311])
def test_unreadable_folders_and_manifests_raise(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]], closed: str, mode: int
) -> None:
    """Otherwise, a class in an unreadable folder would be silently omitted from the results."""
    write(open_folder / "data/mpox/a.png")
    write(open_folder / "data/other/b.png")
    manifest(open_folder / "data", b"file,group\n")
    (open_folder / closed).chmod(mode)
    if (closed, mode) in ((".", 0o311), ("data/MANIFEST.csv", 0o444)):  # sufficient permissions
        with other_user():
            assert len(scan_folder(open_folder / "data")) == 2
        return
    with other_user(), pytest.raises(MimError, match="permission denied; allow") as caught:
        scan_folder(open_folder / "data")
    assert str(caught.value).startswith(f"{open_folder}") and "\n" not in str(caught.value)


def test_file_without_read_permission_is_skipped_with_a_warning(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    write(open_folder / "mpox/a.png")
    write(open_folder / "mpox/b.png").chmod(0)
    photos = scan_folder(open_folder)
    load_photos(photos, 8, warn=print, what="all")  # imports the modules of the decoder while they are readable
    lines: list[str] = []
    with other_user():
        loaded = load_photos(photos, 8, warn=lines.append, what="mpox")
    assert [photo.path.name for photo in loaded.photos] == ["a.png"]
    assert len(lines) == 1 and "b.png: may not be read; allow" in lines[0]


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    for name in ("mpox/a.png", "mpox/.b.png", ".thumbnails/a.png", "mpox/.cache/a.png"):
        write(tmp_path / name)
    assert [photo.path.relative_to(tmp_path).as_posix() for photo in scan_folder(tmp_path)] == ["mpox/a.png"]


def test_damaged_files_are_skipped_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "train/mpox/good.png")
    (tmp_path / "train/mpox/bad.jpg").write_text("text")
    photos = scan_folder(tmp_path)
    lines: list[str] = []
    assert len(load_photos(photos, 8, warn=lines.append, what="train/mpox")) == 1
    assert len(lines) == 1 and "bad.jpg" in lines[0]
    with pytest.raises(MimError, match="no readable image for train/mpox"):
        load_photos([p for p in photos if p.path.name == "bad.jpg"], 8, warn=lines.append, what="train/mpox")


def test_real_photographs_match_their_manifest(skin: Path) -> None:
    photos = scan_folder(skin)
    with (skin / "MANIFEST.csv").open(newline="") as lines:
        expected = Counter((row["split"], row["class"]) for row in csv.DictReader(lines))
    assert Counter((photo.split, photo.label) for photo in photos) == expected
    splits: dict[str, set[str]] = {}
    for photo in photos:
        splits.setdefault(photo.group, set()).add(photo.split)
    assert all(len(found) == 1 for found in splits.values())
