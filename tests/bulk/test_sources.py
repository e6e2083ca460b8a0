"""`mim_export.bulk.sources`: folders, patterns, lists and URIs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mim_export.bulk.places import Place
from mim_export.bulk.sources import photographs
from mim_export.score.batch import list_photographs
from mim_export.score.errors import MimError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.jpg", "b.PNG", "sub/c.webp", "sub/deep/d.jpg", "sub/e.heic", ".hidden/f.jpg", "g.txt"):
        touch(tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def images(*sources: Any) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    found = photographs([str(source) for source in sources], Place.of("/nowhere/rows"), lines.append)
    return sorted(image for image, _ in found), lines


def test_a_folder_gives_what_score_lists(photos: Path) -> None:
    lines: list[str] = []
    for folder in ("photos", "./photos/", str(photos), "."):
        expected = [os.fspath(path) for path in list_photographs([folder], lines.append)]
        found, warnings = images(folder)
        assert found == sorted(expected) and warnings[0].partition(":")[2] == lines[-1].partition(":")[2]
    assert ".heic 1" in lines[0]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*.jpg", ["photos/a.jpg"]),
        ("photos/**/*.jpg", ["photos/a.jpg", "photos/sub/deep/d.jpg"]),
        ("photos/*/*", ["photos/sub/c.webp"]),
        ("photos/sub/**", ["photos/sub/c.webp", "photos/sub/deep/d.jpg"]),
        ("*/[ab].*", ["photos/a.jpg", "photos/b.PNG"]),
        ("photos/?.jpg", ["photos/a.jpg"]),
        ("./photos/sub/*.webp", ["photos/sub/c.webp"]),
    ],
)
def test_a_pattern_selects_from_a_folder(photos: Path, pattern: str, expected: list[str]) -> None:
    assert images(pattern)[0] == expected
    assert images(f"{photos.parent}/{pattern}")[0] == [f"{photos.parent}/{name}" for name in expected]
    uri = f"fsspec+file://{photos.parent}/{pattern}"
    if "?" not in pattern and not pattern.startswith("."):
        assert images(uri)[0] == [f"fsspec+file://{photos.parent}/{name}" for name in expected]


def test_a_pattern_warns_of_what_it_matches(photos: Path) -> None:
    assert images("photos/**/*.jpg")[1] == []
    assert len(images("photos/**/*")[1]) == 1


def test_a_name_with_a_wildcard_is_a_name(photos: Path) -> None:
    touch(photos / "x[1].jpg")
    assert images("photos/x[1].jpg")[0] == ["photos/x[1].jpg"]


def _csv(path: Path, cells: list[str]) -> Path:
    path.write_text("id,image\n" + "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells)))
    return path


def _parquet(path: Path, cells: list[str]) -> Path:
    pq.write_table(pa.table({"id": list(range(len(cells))), "image": cells}), path)
    return path


@pytest.mark.parametrize(("write", "name"), [(_csv, "list.csv"), (_parquet, "list.parquet"), (_csv, "LIST.CSV")])
def test_a_list_is_relative_to_its_folder(photos: Path, write: Callable[..., Path], name: str) -> None:
    cells = ["a.jpg", "../other.jpg", str(photos / "sub" / "c.webp"), f"file://{photos}/b.PNG", "missing é, x.jpg"]
    path = write(photos / name, cells)
    found = dict(photographs([str(path)], Place.of("rows"), print))
    assert list(found) == cells  # as listed
    parent = photos.parent
    assert [place.path for place in found.values()] == [
        f"{photos}/a.jpg",
        f"{parent}/other.jpg",
        f"{photos}/sub/c.webp",
        f"{photos}/b.PNG",
        f"{photos}/missing é, x.jpg",
    ]
    remote = list(photographs([f"fsspec+file://{path}"], Place.of("rows"), print))
    assert remote[0].place == Place("fsspec+file:///", f"{photos}/a.jpg")
    assert remote[1].place == Place("fsspec+file:///", f"{parent}/other.jpg")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"file,group\na.jpg,1\n", "has no column image"),
        ("a.csv", b"", "Empty CSV"),
        ("a.csv", b"image\n", "lists no photographs"),
        ("a.csv", b'image,b\na.jpg,1\n"",2\n', "row 2 names no photograph"),
        ("a.csv", b"image\n\xff\xfe\n", "UTF8"),
        ("a.csv", b"image,b\na.jpg\n", "Expected 2 columns"),
        ("a.parquet", b"no parquet", "arquet"),
        ("a.parquet", b"", "arquet"),
    ],
)
def test_lists_that_cannot_be_read_are_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MimError, match=words) as caught:
        images(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"file": ["a.jpg"]}, "has no column image"),
        ({"image": [1, 2]}, "holds int64, expected text"),
        ({"image": pa.array([], pa.string())}, "lists no photographs"),
        ({"image": ["a.jpg", None]}, "row 2 names no photograph"),
    ],
)
def test_parquet_lists_without_names_are_one_line(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(MimError, match=words):
        images(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "an empty name"),
        ("absent", "no such file or folder"),
        ("absent.csv", "no such file or folder"),
        ("empty", "no images in it"),
        ("photos/*.gif", "no photograph matches"),
        ("absent/*.jpg", "no such folder"),
        ("fsspec+file://*/a.jpg", "wildcard in the name of the file system"),
        ("nope://a", "nope://a"),
    ],
)
def test_sources_without_photographs_are_one_line(photos: Path, source: str, words: str) -> None:
    (photos.parent / "empty").mkdir()
    with pytest.raises(MimError, match=words.replace("*", r"\*")) as caught:
        images(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["", "fsspec+file://"])
def test_the_output_is_outside_the_folders(photos: Path, scheme: str) -> None:
    folder, out = f"{scheme}{photos}", Place.of(f"{scheme}{photos}/rows")
    for source in (folder, f"{folder}/**/*.jpg"):
        with pytest.raises(MimError, match="is inside the data folder"):
            list(photographs([source], out, print))
    assert len(list(photographs([f"{folder}/*.jpg"], out, print))) == 1  # the folder of the output is not entered
    assert len(list(photographs([folder], Place.of(f"{folder}2"), print))) == 4
