"""`mim_export.score.atomic_files` and `mim_export.score.errors`: atomic writes, one-line errors."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mim_export.score.atomic_files import (
    new_file,
    new_folder,
    read_json,
    write_json,
)
from mim_export.score.errors import MimError, explain

Make = Callable[[Path], AbstractContextManager[Path]]


def test_a_file_is_replaced_when_the_block_succeeds_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with new_file(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(ValueError, match="stop"), new_file(path) as temporary:
        temporary.write_text("new")
        raise ValueError("stop")
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_full_disk_names_the_target_and_leaves_nothing(tmp_path: Path) -> None:
    for make in (new_file, new_folder):
        with pytest.raises(MimError, match=r"target: no space left on device; free some space"):  # noqa: SIM117
            with make(tmp_path / "target"):
                raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a") as temporary:
        (temporary / "x").write_text("1")
    assert (tmp_path / "a" / "x").read_text() == "1"
    with pytest.raises(MimError, match="exists and is not an empty folder"):  # noqa: SIM117
        with new_folder(tmp_path / "a"):
            pass
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as temporary:
        (temporary / "y").write_text("2")
    assert (tmp_path / "empty" / "y").exists()


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_a_full_disk_is_told_of_the_target_not_of_what_lies_beside(tmp_path: Path, make: Make) -> None:
    """The exception names the temporary file, as that of `open` does if no inode is free."""
    target = tmp_path / "target"
    with pytest.raises(MimError, match="no space left on device") as caught, make(target) as temporary:
        raise OSError(errno.ENOSPC, "No space left on device", str(temporary))
    assert str(caught.value).startswith(f"{target}: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [new_file, new_folder])
@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_nothing_is_left_when_the_block_fails(tmp_path: Path, make: Make, error: BaseException) -> None:
    with pytest.raises(type(error)), make(tmp_path / "target") as temporary:
        (temporary / "part" if temporary.is_dir() else temporary).write_text("half")
        raise error
    assert not list(tmp_path.iterdir())


def test_a_file_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(MimError, match="directory") as caught, new_file(tmp_path / "target") as temporary:
        temporary.write_text("x")
    assert str(caught.value).startswith(f"{tmp_path / 'target'}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["target"] and (tmp_path / "target").is_dir()


def test_a_new_folder_may_be_read_by_others(tmp_path: Path) -> None:
    with new_folder(tmp_path / "target") as temporary:
        (temporary / "x").write_text("1")
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_a_folder_that_may_not_be_written_names_the_target(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]], make: Make
) -> None:
    target = open_folder / "target"
    open_folder.chmod(0o555)
    with other_user(), pytest.raises(MimError, match="permission denied; allow") as caught, make(target):
        pass
    assert str(caught.value).startswith(f"{target}: ")
    assert not list(open_folder.iterdir())


def test_json_round_trip_and_complaints(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"ä": [1, None]})
    assert read_json(tmp_path / "a.json", "mend it") == {"ä": [1, None]}
    with pytest.raises(MimError, match=r"b\.json: no such file; mend it"):
        read_json(tmp_path / "b.json", "mend it")
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(MimError, match=r"c\.json: not JSON .*; mend it"):
        read_json(tmp_path / "c.json", "mend it")


def test_only_refusals_are_explained() -> None:
    assert explain(ValueError("a bug")) is None
    assert "not enough memory" in str(explain(MemoryError()))
    denied = explain(PermissionError(13, "Permission denied", "x"))
    assert str(denied).startswith("x: permission denied; allow")
    error = MimError("two\nlines", "mend", "p")
    assert explain(error) is error and "\n" not in str(error)
