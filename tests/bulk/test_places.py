"""`mim_export.bulk.places`: paths and URIs, and writing as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyarrow import fs

from mim_export.bulk import places
from mim_export.bulk.places import Place, is_uri, one_line
from mim_export.score.errors import MimError


def test_one_file_has_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far" / "deep")
    monkeypatch.chdir(tmp_path / "near")
    expected = Place("", f"{tmp_path}/near/a.jpg")
    for name in (
        "a.jpg",
        "./a.jpg",
        ".//a.jpg",
        f"{tmp_path}/near/a.jpg",
        "../near/a.jpg",
        f"file://{tmp_path}/near/a.jpg",
    ):
        assert Place.of(name) == expected, name
    assert Place.of("link/../b.jpg").path == f"{tmp_path}/far/b.jpg"  # as the system reads it
    assert Place.of("link/..").path == f"{tmp_path}/far"
    assert Place.of("file:///tmp/a%20b%23.jpg").path == "/tmp/a b#.jpg"


def test_uris_are_told_from_paths() -> None:
    assert all(map(is_uri, ("s3://bucket/a", "gs://b", "file:///a", "fsspec+file:///a")))
    assert not any(map(is_uri, ("photos/a.jpg", "/a", "C:/a", "a:b", "://a")))


def test_the_query_of_a_uri_belongs_to_its_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def from_uri(uri: str) -> tuple[fs.FileSystem, str]:
        asked.append(uri)
        return fs._MockFileSystem(), "bucket"

    places._file_system.cache_clear()
    monkeypatch.setattr(places, "fs", SimpleNamespace(FileSystem=SimpleNamespace(from_uri=from_uri)))
    one = Place.of("s3://bucket/photos/a%20b.jpg?region=eu-west-1")
    two = Place.of("s3://bucket/photos/c.jpg?region=eu-west-1")
    assert one == Place("s3://bucket/?region=eu-west-1", "bucket/photos/a b.jpg")
    assert one.name == "s3://bucket/photos/a%20b.jpg" and two.path == "bucket/photos/c.jpg"
    assert asked == ["s3://bucket/?region=eu-west-1"]  # connected to once
    places._file_system.cache_clear()


def test_a_file_system_is_read_and_written(tmp_path: Path) -> None:
    folder = Place.of(f"fsspec+file://{tmp_path}/out")
    assert not folder.is_local and folder.kind() is None and list(folder.children()) == []
    folder.make_folder()
    folder.joined("a.bin").write(b"content")
    assert (tmp_path / "out" / "a.bin").read_bytes() == b"content" == folder.joined("a.bin").read()
    assert list(folder.children()) == [("a.bin", "file")] and folder.kind() == "folder"
    with folder.joined("a.bin").open() as file:
        file.seek(3)
        assert file.read(2) == b"te"
    with pytest.raises(MimError, match=r"out/b.bin: "):
        folder.joined("b.bin").read()
    folder.remove_folder()
    folder.remove_folder()
    assert not (tmp_path / "out").exists()


def test_a_local_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    place = Place.of(tmp_path / "new" / "a")
    place.write(b"one")
    place.write(b"two")
    assert place.read() == b"two" and os.listdir(tmp_path / "new") == ["a"]
    os.mkfifo(tmp_path / "pipe")
    assert Place.of(tmp_path / "pipe").kind() == "other"
    with pytest.raises(MimError, match="a pipe, socket or device"):
        Place.of(tmp_path / "pipe").read()


@pytest.mark.parametrize("name", ["nope://bucket/a", "file://host/a b", "fsspec+nope://a"])
def test_unknown_file_systems_are_one_line(name: str) -> None:
    with pytest.raises(MimError) as caught:
        Place.of(name)
    assert str(caught.value).startswith(f"{name}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        OSError("AWS Error NETWORK_CONNECTION\nmore"),
        pa.ArrowInvalid("Not parquet\nmore"),
        FileNotFoundError(2, "No such file", "x"),
    ],
)
def test_errors_name_the_file(error: Exception) -> None:
    with pytest.raises(MimError, match=r"^s3://bucket/a: ") as caught, one_line("s3://bucket/a"):
        raise error
    assert "\n" not in str(caught.value)
