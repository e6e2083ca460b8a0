"""`mim_tf.data.folder` and `mim_tf.data.duplicates`: layouts, groups, splits, unreadable files."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf.data.duplicates import SIDE, near_duplicates, perceptual_hash, warn_of_duplicates
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import (
    SHARES,
    SPLITS,
    Photo,
    class_names,
    known_negatives,
    select,
    split_by_group,
)
from mim_tf.synthetic import dataset


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


@given(st.lists(st.integers(1, 5), min_size=8, max_size=40), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_plain_folders_are_split_by_group(sizes: list[int], seed: int) -> None:
    photos = [
        Photo(Path(f"mpox/{group}_{i}.png"), "", "mpox", str(group))
        for group, size in enumerate(sizes)
        for i in range(size)
    ]
    splits: dict[str, set[str]] = {}
    for photo in split_by_group(photos, seed):
        splits.setdefault(photo.group, set()).add(photo.split)
    assert all(len(found) == 1 for found in splits.values())
    counts = Counter(found.pop() for found in splits.values())
    for split, share in zip(SPLITS, SHARES, strict=True):
        assert abs(counts[split] - share * len(sizes)) <= 1


def test_plain_folder_gives_the_same_split_each_time(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / "mpox" / f"{number}.png", number)
    assert scan_folder(tmp_path, seed=3) == scan_folder(tmp_path, seed=3)
    assert {photo.split for photo in scan_folder(tmp_path)} == set(SPLITS)


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


def test_a_group_that_two_classes_share_stays_in_one_split() -> None:
    photos = [Photo(Path(f"{label}/{i}.png"), "", label, f"g{i % 9}") for label in "ab" for i in range(18)]
    splits: dict[str, set[str]] = {}
    for photo in split_by_group(photos, 0):
        splits.setdefault(photo.group, set()).add(photo.split)
    assert all(len(found) == 1 for found in splits.values())


@pytest.mark.parametrize(("groups", "counts"), [(4, (2, 1, 1)), (20, (12, 3, 5)), (100, (60, 15, 25))])
def test_shares_are_60_15_25(groups: int, counts: tuple[int, int, int]) -> None:
    photos = [Photo(Path(f"mpox/{i}.png"), "", "mpox", str(i)) for i in range(groups)]
    counted = Counter(photo.split for photo in split_by_group(photos, 0))
    assert tuple(counted[split] for split in SPLITS) == counts


def test_damaged_files_are_skipped_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "train/mpox/good.png")
    (tmp_path / "train/mpox/bad.jpg").write_text("text")
    photos = scan_folder(tmp_path)
    lines: list[str] = []
    assert len(load_photos(photos, 8, warn=lines.append, what="train/mpox")) == 1
    assert len(lines) == 1 and "bad.jpg" in lines[0]
    with pytest.raises(MimError, match="no readable image for train/mpox"):
        load_photos([p for p in photos if p.path.name == "bad.jpg"], 8, warn=lines.append, what="train/mpox")


def test_hash_of_a_ramp() -> None:
    ramp = np.repeat(np.repeat(np.arange(0, 170, 5, dtype=np.uint8)[None, :, None], 34, axis=0), 3, axis=2)
    assert perceptual_hash(ramp).all() and not perceptual_hash(ramp[:, ::-1]).any()


def test_near_duplicates_across_splits(tmp_path: Path) -> None:
    first, second, third = dataset.render("mpox", [0, 10, 20])
    names = ("train/mpox/a.png", "train/mpox/b.png", "test/mpox/c.png")
    for name, pixels in zip(names, (first, second, third), strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    Image.fromarray(first).resize((90, 90)).save(tmp_path / "test/mpox/again.jpg", quality=80)
    Image.fromarray(second[:, ::-1]).save(tmp_path / "test/mpox/mirrored.png")
    photos = scan_folder(tmp_path)
    pairs = near_duplicates([load_photos(photos, 96, warn=print, what="all")])
    found = {frozenset((a.path.name, b.path.name)) for a, b, _ in pairs}
    assert found == {frozenset(("a.png", "again.jpg")), frozenset(("b.png", "mirrored.png"))}
    lines: list[str] = []
    warn_of_duplicates([load_photos(photos, SIDE, warn=print, what="all")], lines.append)
    assert len(lines) == 2 and all("near-duplicates" in line for line in lines)


def test_real_photographs_match_their_manifest(skin: Path) -> None:
    photos = scan_folder(skin)
    with (skin / "MANIFEST.csv").open(newline="") as lines:
        expected = Counter((row["split"], row["class"]) for row in csv.DictReader(lines))
    assert Counter((photo.split, photo.label) for photo in photos) == expected
    splits: dict[str, set[str]] = {}
    for photo in photos:
        splits.setdefault(photo.group, set()).add(photo.split)
    assert all(len(found) == 1 for found in splits.values())


def test_known_negatives_exclude_normal_class_and_test_split(tmp_path: Path) -> None:
    for name in ("data/train/mpox/a.png", "data/test/acne/b.png", "more/acne/c.png", "wrong/mpox/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    photos = scan_folder(tmp_path / "data")
    (known,) = known_negatives(scan_folder(tmp_path / "more"), photos, "mpox")
    assert known.split == "negatives" and known.label == "acne"
    with pytest.raises(MimError, match=r"d\.png: is of the class mpox"):
        known_negatives(scan_folder(tmp_path / "wrong"), photos, "mpox")
    with pytest.raises(MimError, match=r"b\.png: is among the negatives and in test"):
        known_negatives(select(photos, "test", "acne"), photos, "mpox")
