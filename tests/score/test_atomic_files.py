"""`mim_export.score.atomic_files` and `mim_export.score.errors`: atomic writes, one-line errors."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mim_export.score import atomic_files
from mim_export.score.atomic_files import (
    check_new_folder,
    check_writable,
    is_leftover,
    new_file,
    new_folder,
    no_temporary_files,
    read_json,
    temporary_folder,
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


_WRITE = """
import sys, time
from mim_export.score.atomic_files import new_file, new_folder
with (new_folder if sys.argv[2] == "folder" else new_file)(sys.argv[1]) as temporary:
    (temporary / "part" if sys.argv[2] == "folder" else temporary).write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_leaves_is_removed_by_the_next_write(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", _WRITE, str(tmp_path / "target"), kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"writing\n"
    (left,) = tmp_path.iterdir()
    assert is_leftover(left.name) and f"-{process.pid}-" in left.name
    write_json(tmp_path / "other.json", {})
    assert left.exists(), "its process lives"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left.exists()
    write_json(tmp_path / "other.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_leftovers_of_other_hosts_are_removed_when_they_are_old(tmp_path: Path) -> None:
    names = (".mim-tf-00000000-1-0123456789ab", ".mim-tf-00000000-2-0123456789ab", ".mim-tf-of-the-user")
    for name in names:
        (tmp_path / name).mkdir()
    for name in names[1:]:
        os.utime(tmp_path / name, (time.time() - 1e6,) * 2)
    write_json(tmp_path / "a.json", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([names[0], names[2], "a.json"])


def test_an_old_folder_of_a_process_that_lives_is_kept(tmp_path: Path) -> None:
    with new_folder(tmp_path / "target") as temporary:
        (temporary / "part").write_text("half")
        os.utime(temporary, (time.time() - 1e6,) * 2)
        command = "import sys; from mim_export.score.atomic_files import write_json; write_json(sys.argv[1], {})"
        subprocess.run([sys.executable, "-c", command, str(tmp_path / "other.json")], check=True)
        assert (temporary / "part").exists()


#: A library writes a temporary file that it removes at its exit, as TensorFlow does.
_GATHER = """
import atexit, os, sys, tempfile, time
from mim_export.score.atomic_files import gather_temporary_files
gather_temporary_files()
with tempfile.NamedTemporaryFile(delete=False) as file:
    atexit.register(os.remove, file.name)
print(file.name, flush=True)
time.sleep(float(sys.argv[1]))
"""


def test_temporary_files_of_libraries_are_removed_also_after_a_kill(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", _GATHER, "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    left = Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    assert left.exists() and left.parent.parent == tmp_path
    command[-1] = "0"
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert not done.stderr and not list(tmp_path.iterdir())


def test_a_refusal_names_the_folder_of_all_temporary_files(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    gathered = tmp_path / ".mim-tf-00000000-1-0123456789ab"
    assert no_temporary_files(error, gathered).path == no_temporary_files(error, tmp_path).path == tmp_path


def test_threads_write_beside_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_json(tmp_path / f"{number}.json", number), range(200)))
    assert len(list(tmp_path.iterdir())) == 200


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_content_is_on_the_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    calls: list[str] = []
    replace, fsync = os.replace, os.fsync

    def flushed(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        calls.append("folder above" if path == str(tmp_path) else Path(path).name)
        fsync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the names of open files cannot be read here")
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    with make(tmp_path / "target") as temporary:
        (temporary / "part" if temporary.is_dir() else temporary).write_text("x")
    assert calls.index("part" if make is new_folder else "target") < calls.index("rename")
    assert calls[-2:] == ["rename", "folder above"]


def test_a_file_system_that_cannot_flush_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").exists()


def test_temporary_files_name_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        (folder / "x").write_text("1")
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())
    with pytest.raises(MimError) as full, temporary_folder():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(full.value) == (
        f"{tmp_path}: no space left on device; free some space there, or name another folder by TMPDIR"
    )
    with pytest.raises(MimError) as full, temporary_folder() as folder, new_file(folder / "run" / "x.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(full.value).startswith(f"{tmp_path}: no space left on device; ") and "TMPDIR" in str(full.value)
    with pytest.raises(FileNotFoundError, match="elsewhere"), temporary_folder():
        (tmp_path / "elsewhere").read_text()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(MimError, match=r"absent: no such file or directory; .* TMPDIR"), temporary_folder():
        pass
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "absent")])
    with pytest.raises(MimError, match=r"no folder for temporary files .*; name one by TMPDIR"), temporary_folder():
        pass


def test_outputs_are_checked_before_they_are_written(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    check_writable(open_folder / "a" / "b")
    check_new_folder(open_folder / "a")
    assert not list(open_folder.iterdir())
    (open_folder / "full").mkdir()
    (open_folder / "full" / "file").write_text("")
    check_writable(open_folder / "full")
    with pytest.raises(MimError, match="full: exists and is not an empty folder"):
        check_new_folder(open_folder / "full")
    with pytest.raises(MimError, match="file: not a directory; name a folder"):
        check_writable(open_folder / "full" / "file")
    open_folder.chmod(0o555)
    for check in (check_writable, check_new_folder):
        with other_user(), pytest.raises(MimError, match="a: permission denied; allow"):
            check(open_folder / "a")


def test_a_damaged_json_file_is_one_line_whatever_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"\xff\xfe", b"[" * 100_000, b""):
        path.write_bytes(content)
        with pytest.raises(MimError, match=r"a\.json: not JSON .*; mend it") as caught:
            read_json(path, "mend it")
        assert caught.value.__cause__ is not None


def test_the_process_number_of_an_earlier_boot_is_not_this_process(tmp_path: Path) -> None:
    left = tmp_path / f".mim-tf-{atomic_files._host()}-{os.getpid()}-0123456789ab"
    left.mkdir()
    write_json(tmp_path / "a.json", {})
    assert not left.exists()
