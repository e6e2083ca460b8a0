"""`mim_tf.prepare.archives`: folders and .zip archives, whole, damaged and hostile."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from made_collections import msid, picture, save, zipped

from mim_export.score.errors import MimError
from mim_tf.prepare import archives
from mim_tf.prepare.archives import FolderArchive, ZipArchive, open_archive


def test_a_folder_and_its_archive_hold_the_same(tmp_path: Path) -> None:
    folder = msid(tmp_path / "folder", 2)
    (folder / "notes.txt").write_text("text")
    (folder / "labels.csv").write_text("a,b\n")
    (folder / "list.xlsx").write_bytes(b"x")
    save(folder / "__MACOSX" / "Monkeypox" / "a.png", picture(0))
    save(folder / ".hidden" / "a.png", picture(0))
    archive = zipped(folder, tmp_path / "archive.zip")
    first, second = open_archive(folder), open_archive(archive)
    assert isinstance(first, FolderArchive) and isinstance(second, ZipArchive)
    assert first.images == second.images and len(first.images) == 8
    assert first.tables == second.tables == ("labels.csv",)
    assert first.left_out == second.left_out == (("list.xlsx", archives.ENDING),)
    assert first.text("labels.csv") == second.text("labels.csv") == "a,b\n"
    for number, name in enumerate(first.images):
        path, sha256 = first.fetch(name, tmp_path / "unused")
        unpacked, same = second.fetch(name, tmp_path / str(number))
        assert path == folder / name and unpacked == tmp_path / str(number)
        assert sha256 == same == hashlib.sha256(path.read_bytes()).hexdigest()
        assert unpacked.read_bytes() == path.read_bytes()
    assert not (tmp_path / "unused").exists()


def test_members_that_leave_the_archive_or_are_implausible_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        names = ("../up.png", "a/../../up.png", "/etc/top.png", "C:/top.png", "a\\b\\back.png", "good.png")
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
        archive.writestr("bomb.png", b"\0" * (2 << 20))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("good.png", b"later")
    found = open_archive(path)
    assert found.images == ("a/b/back.png", "good.png")
    assert dict(found.left_out) == {
        "../up.png": archives.OUTSIDE,
        "a/../../up.png": archives.OUTSIDE,
        "/etc/top.png": archives.OUTSIDE,
        "C:/top.png": archives.OUTSIDE,
        "bomb.png": archives.TOO_LARGE,
        "good.png": archives.TWICE,
    }
    assert found.fetch("good.png", tmp_path / "out")[0].read_bytes() == b"later"


def test_a_nul_in_a_name_ends_it(tmp_path: Path) -> None:
    path = zipped(msid(tmp_path / "folder", 1), tmp_path / "a.zip")
    path.write_bytes(path.read_bytes().replace(b"measles1.png", b"measles\0.png"))
    found = open_archive(path)
    assert found.left_out == (("Measles/measles", archives.ENDING),) and len(found.images) == 3


def test_encrypted_members_are_left_out(tmp_path: Path) -> None:
    path = zipped(msid(tmp_path / "folder", 1), tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")  # the first entry of the directory
    content[place + 8] |= 1
    path.write_bytes(content)
    found = open_archive(path)
    assert found.left_out == (("Chickenpox/chickenpox1.png", archives.ENCRYPTED),) and len(found.images) == 3


def test_a_damaged_member_is_unreadable_and_the_others_are_not(tmp_path: Path) -> None:
    path = zipped(msid(tmp_path / "folder", 1), tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    name = b"Measles/measles1.png"
    place = content.index(name) + len(name) + 100
    content[place] ^= 255
    path.write_bytes(content)
    found = open_archive(path)
    states = [found.fetch(name, tmp_path / "out")[1] == "unreadable" for name in found.images]
    assert states == [name == "Measles/measles1.png" for name in found.images] and sum(states) == 1


@pytest.mark.parametrize("kept", [0, 10, 200, -30])
def test_a_damaged_archive_is_one_line(tmp_path: Path, kept: int) -> None:
    path = zipped(msid(tmp_path / "folder", 1), tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(MimError, match=r"a\.zip: not a readable \.zip archive .*; download it again, or unpack it"):
        open_archive(path)


def test_every_damaged_byte_of_the_directory_is_survived(tmp_path: Path) -> None:
    path = zipped(msid(tmp_path / "folder", 1), tmp_path / "a.zip")
    whole = path.read_bytes()
    start = struct.unpack("<I", whole[-6:-2])[0]
    for place in range(start, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            found = open_archive(path)
        except MimError:
            continue
        for name in found.images:
            found.fetch(name, tmp_path / "out")


def test_what_is_neither_a_folder_nor_an_archive_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "absent", "no such file or folder"),
        (tmp_path / "pipe", "neither a folder nor a .zip archive"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("nul\0"), "no such file or folder"),
    ):
        with pytest.raises(MimError, match=words):
            open_archive(path)


def test_what_a_folder_holds_beside_pictures_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a" / "photo.png", picture(0))
    (tmp_path / "a" / "photo.heic").write_bytes(b"x")
    os.symlink(tmp_path / "absent", tmp_path / "a" / "broken.png")
    os.symlink(tmp_path / "a", tmp_path / "a" / "loop")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    assert dict(open_archive(tmp_path).left_out) == {
        "a/photo.heic": archives.ENDING,
        "a/broken.png": archives.BROKEN,
        "a/loop": archives.AGAIN,
        "a/pipe.png": archives.SPECIAL,
    }


def test_closed_folders_and_files(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]], tmp_path: Path
) -> None:
    """A folder that may not be read could hold a class, so it is an error. A file is counted as unreadable."""
    save(open_folder / "a" / "photo.png", picture(0))
    save(open_folder / "b" / "photo.png", picture(1)).chmod(0)
    with other_user():
        found = open_archive(open_folder)
        assert [found.fetch(name, tmp_path / "x")[1] == "unreadable" for name in found.images] == [False, True]
    (open_folder / "a").chmod(0)
    with other_user(), pytest.raises(MimError, match="permission denied; allow the current user"):
        open_archive(open_folder)


def test_tables_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    save(tmp_path / "f" / "photo.png", picture(0))
    (tmp_path / "f" / "labels.csv").write_bytes("Fälle".encode("latin-1"))
    for path in (tmp_path / "f", zipped(tmp_path / "f", tmp_path / "f.zip")):
        with pytest.raises(MimError, match=r"labels\.csv: not a CSV file in UTF-8"):
            open_archive(path).text("labels.csv")
