"""Atomic writes: to a temporary path in the same folder, which is then renamed to the target."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import MimError, explain


@contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Writes a file atomically.

    Args:
        path: the file to write. It is replaced if it exists, and left unchanged if the block fails.

    Yields:
        A temporary path in the same folder, with the same file name. It is renamed to `path` when the block succeeds.

    Raises:
        MimError: the file cannot be written, for example because the disk is full or access is denied.

    Example:
        >>> with new_file("scores.csv") as temporary:
        ...     temporary.write_text("image,similarity")
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
    except OSError as error:
        raise _refused(error, target, target.parent) from None
    try:
        yield temporary / target.name
        os.replace(temporary / target.name, target)
    except OSError as error:
        raise _refused(error, target, temporary) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Writes a folder atomically.

    Args:
        path: the folder to write. It must not exist, or be empty.

    Yields:
        A temporary folder with the same parent. It is renamed to `path` when the block succeeds and removed when the
        block fails.

    Raises:
        MimError: `path` exists and is not an empty folder, or cannot be written.
    """
    target = Path(path)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise MimError("exists and is not an empty folder", "name another folder or remove it", target)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _refused(error, target, target.parent) from None
    try:
        temporary.chmod(0o755)  # mkdtemp creates it with mode 0o700
        yield temporary
        if target.is_dir():
            target.rmdir()
        os.replace(temporary, target)
    except OSError as error:
        raise _refused(error, target, temporary) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refused(error: OSError, target: Path, temporary: Path) -> Exception:
    """Converts an error. Names the target instead of the temporary path, which no longer exists when a user looks."""
    named = error.filename if isinstance(error.filename, (str, os.PathLike)) else target
    if Path(named).is_relative_to(temporary):
        error = OSError(error.errno, error.strerror)
    return explain(error, target) or error


def write_json(path: str | os.PathLike[str], entry: Any) -> None:
    """Writes indented JSON with a final newline, atomically (see `new_file`)."""
    text = json.dumps(entry, indent=1, ensure_ascii=False) + "\n"
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
    except FileNotFoundError:
        raise MimError("no such file", remedy, path) from None
    except OSError as error:
        raise explain(error, path) or error from None
    except ValueError as error:
        raise MimError(f"not JSON ({error})", remedy, path) from None
