"""`mim_export.files` and `mim_export.errors`: nothing half-written, one line a refusal."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mim_export.errors import MimError, explain
from mim_export.files import new_file, new_folder, read_json, write_json


def test_a_file_is_replaced_when_the_block_succeeds_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with new_file(path) as beside:
        beside.write_text("old")
    with pytest.raises(ValueError, match="stop"), new_file(path) as beside:
        beside.write_text("new")
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
    with new_folder(tmp_path / "a") as beside:
        (beside / "x").write_text("1")
    assert (tmp_path / "a" / "x").read_text() == "1"
    with pytest.raises(MimError, match="exists and is not an empty folder"):  # noqa: SIM117
        with new_folder(tmp_path / "a"):
            pass
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as beside:
        (beside / "y").write_text("2")
    assert (tmp_path / "empty" / "y").exists()


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
    assert str(explain(PermissionError(13, "Permission denied", "x"))).startswith("x: permission denied; allow")
    error = MimError("two\nlines", "mend", "p")
    assert explain(error) is error and "\n" not in str(error)
