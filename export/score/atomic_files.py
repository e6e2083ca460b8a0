"""Atomic writes: to a temporary folder beside the target, from which the result is renamed to the target.

A process that is killed leaves its temporary folder behind. Its name holds the host and the process, so that the next
write beside it can remove it.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import MimError, explain
from .text import json_text

#: Temporary folders are named `.mim-tf-<host>-<process id>-<random digits>`.
_PREFIX = ".mim-tf-"
_NAME = re.compile(re.escape(_PREFIX) + r"(?P<host>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]{12}")
#: Seconds after which a temporary folder of another host is removed, although its process may live.
_OLD = 86_400.0
#: Names of the temporary folders that this process is writing to.
_in_use: set[str] = set()


@contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Writes a file atomically.

    Args:
        path: the file to write. It is replaced if it exists, and left unchanged if the block fails.

    Yields:
        A temporary path on the same disk, with the same file name. When the block succeeds, its content is flushed to
        the disk and it is renamed to `path`.

    Raises:
        MimError: the file cannot be written, for example because the disk is full or access is denied.

    Example:
        >>> with new_file("scores.csv") as temporary:
        ...     temporary.write_text("image,similarity")
    """
    target = Path(path)
    with _folder_beside(target) as temporary:
        yield temporary / target.name
        _flush(temporary / target.name)
        os.replace(temporary / target.name, target)
        _flush(target.parent)


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Writes a folder atomically.

    Args:
        path: the folder to write. It must not exist, or be empty.

    Yields:
        A temporary folder with the same parent. When the block succeeds, its files are flushed to the disk and it is
        renamed to `path`. It is removed when the block fails.

    Raises:
        MimError: `path` exists and is not an empty folder, or cannot be written.
    """
    target = Path(path)
    _check_free(target)
    with _folder_beside(target) as temporary:
        temporary.chmod(0o755)  # it is created with mode 0o700
        yield temporary
        for inside in sorted(temporary.rglob("*")):
            _flush(inside)
        _flush(temporary)
        if target.is_dir():
            target.rmdir()
        os.replace(temporary, target)
        _flush(target.parent)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Creates a folder for temporary files, and removes it at the end of the block.

    Yields:
        The folder, in the system's folder for temporary files, which the environment variable TMPDIR can name.

    Raises:
        MimError: the folder cannot be created or written. The message names TMPDIR.
    """
    place: str | None = None
    try:
        place = tempfile.gettempdir()
        temporary = _make(Path(place))
    except OSError as error:
        raise no_temporary_files(error, place) from error
    try:
        yield temporary
    except MimError as error:
        refused = error.__cause__  # of a file that `new_file` could not write here
        if isinstance(refused, OSError) and error.path is not None and error.path.is_relative_to(temporary):
            raise no_temporary_files(refused, place) from error
        raise
    except OSError as error:
        named = error.filename if isinstance(error.filename, (str, os.PathLike)) else None
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or (named and Path(named).is_relative_to(temporary)):
            raise no_temporary_files(error, place) from error
        raise
    finally:
        _remove(temporary)


def gather_temporary_files() -> None:
    """Has the libraries of this process write their temporary files into one folder, which is removed at its exit.

    TensorFlow writes a file for each function that it traces, and removes it at its exit. If the process is killed, the
    next one that writes temporary files removes the folder. Without a folder for temporary files, nothing happens.
    """
    with suppress(OSError):
        folder = _make(Path(tempfile.gettempdir()))
        tempfile.tempdir = str(folder)
        atexit.register(_remove, folder)  # called after what the libraries register later


def no_temporary_files(error: BaseException, place: str | os.PathLike[str] | None = None) -> MimError:
    """Returns the error to raise where a temporary file cannot be written.

    Args:
        error: the exception that was caught.
        place: the folder of temporary files; None if there is none that can be written.

    Example:
        `/tmp: no space left on device; free some space there, or name another folder by TMPDIR`
    """
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error).strip().split("\n")[0][:120]
    if place is not None and is_leftover(Path(place).name):  # the folder of `gather_temporary_files`
        place = Path(place).parent
    if place is None:
        return MimError(f"no folder for temporary files ({reason.lower()})", "name one by TMPDIR")
    return MimError(reason.lower(), "free some space there, or name another folder by TMPDIR", place)


def check_new_folder(path: str | os.PathLike[str]) -> None:
    """Checks that `new_folder` can write a folder, before a long computation.

    Args:
        path: the folder.

    Raises:
        MimError: `path` exists and is not an empty folder, or cannot be written.
    """
    _check_free(Path(path))
    _check_writable(Path(path).absolute().parent, path)


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Checks that files can be written into a folder, before a long computation. Nothing is left there.

    Args:
        folder: the folder. If it does not exist, the nearest existing folder above it is checked.

    Raises:
        MimError: the folder cannot be written or created.
    """
    _check_writable(Path(folder).absolute(), folder)


def _check_writable(place: Path, named: str | os.PathLike[str]) -> None:
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        _remove(_make(place))
    except OSError as error:
        unnamed = OSError(error.errno, error.strerror)
        raise explain(unnamed, named) or error from error


def is_leftover(name: str) -> bool:
    """Whether a file name is that of a temporary folder of this module."""
    return _NAME.fullmatch(name) is not None


def write_json(path: str | os.PathLike[str], entry: Any) -> None:
    """Writes indented JSON with a final newline, atomically (see `new_file`)."""
    text = json_text(entry, "utf-8", 1) + "\n"  # names of files may hold bytes that are not UTF-8
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_sums(folder: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Writes `SHA256SUMS` in the format of `sha256sum -c`, atomically (see `new_file`).

    Args:
        folder: the folder to write to.
        names: paths of the files to list, relative to the folder.

    Example:
        For an empty file `a`, the line is `e3b0c442...7852b855  a`.
    """
    place = Path(folder)
    lines = [f"{hashlib.sha256((place / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names)]
    with new_file(place / "SHA256SUMS") as temporary:
        temporary.write_text("".join(lines), encoding="ascii")


def read_json(path: str | os.PathLike[str], remedy: str) -> Any:
    """Reads a JSON file.

    Args:
        path: the file.
        remedy: remedy of the error if the file is missing or not JSON.

    Raises:
        MimError: the file is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MimError("no such file", remedy, path) from error
    except OSError as error:
        raise explain(error, path) or error from error
    except (ValueError, RecursionError) as error:
        raise MimError(f"not JSON ({error})", remedy, path) from error


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """Creates a temporary folder beside the target, whose errors name the target, and removes it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _make(target.parent)
    except OSError as error:
        raise _refused(error, target, target.parent) from error
    try:
        yield temporary
    except OSError as error:
        raise _refused(error, target, temporary) from error
    finally:
        _remove(temporary)


def _check_free(target: Path) -> None:
    try:
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise _refused(error, target, target.parent) from error
    if taken:
        raise MimError("exists and is not an empty folder", "name another folder or remove it", target)


def _make(place: Path) -> Path:
    """Creates a temporary folder, and removes those that processes that have ended left beside it."""
    _sweep(place)
    temporary = place / f"{_PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(6)}"
    _in_use.add(temporary.name)  # before it exists, since another thread may sweep
    try:
        temporary.mkdir(mode=0o700)
    except BaseException:
        _remove(temporary)
        raise
    return temporary


def _remove(temporary: Path) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    _in_use.discard(temporary.name)


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _sweep(place: Path) -> None:
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is None or entry.name in _in_use:
                continue
            with suppress(OSError):
                if found["host"] == _host():
                    left = _has_ended(int(found["process"]))
                else:
                    left = time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD
                if left and entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)


def _has_ended(process: int) -> bool:
    """Whether the process has ended that wrote a temporary folder of this host, which this process does not use."""
    if process == os.getpid():  # an earlier process had the same number, as in a container that was started again
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # a process of another user
        return False
    return False


def _flush(path: Path) -> None:
    """Waits until a file or folder is on the disk, so that a power failure cannot leave a name without content."""
    if not path.is_file() and not path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot flush
            raise
    finally:
        os.close(descriptor)


def _refused(error: OSError, target: Path, temporary: Path) -> Exception:
    """Converts an error. Names the target instead of the temporary path, which no longer exists when a user looks."""
    named = error.filename if isinstance(error.filename, (str, os.PathLike)) else target
    if Path(named).is_relative_to(temporary):
        error = OSError(error.errno, error.strerror)
    return explain(error, target) or error
