"""Writing without leaving anything half-written: beside the target first, then renamed."""

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
    """Gives a path beside `path`, with the same ending, that replaces it when the block succeeds.

    Raises:
        MimError: the disk is full, the folder may not be written to, and the like; `path` is as before.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
    except OSError as error:
        raise _refused(error, target, target.parent) from None
    try:
        yield beside / target.name
        os.replace(beside / target.name, target)
    except OSError as error:
        raise _refused(error, target, beside) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a folder beside `path` that becomes `path` when the block succeeds.

    Raises:
        MimError: `path` exists and is not an empty folder, or cannot be written.
    """
    target = Path(path)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise MimError("exists and is not an empty folder", "name another folder or remove it", target)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _refused(error, target, target.parent) from None
    try:
        beside.chmod(0o755)  # mkdtemp makes it private, which the finished folder is not meant to be
        yield beside
        if target.is_dir():
            target.rmdir()
        os.replace(beside, target)
    except OSError as error:
        raise _refused(error, target, beside) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _refused(error: OSError, target: Path, beside: Path) -> Exception:
    """Names the target where the system names what is beside it, which is gone by the time a user looks."""
    named = error.filename if isinstance(error.filename, (str, os.PathLike)) else target
    if Path(named).is_relative_to(beside):
        error = OSError(error.errno, error.strerror)
    return explain(error, target) or error


def write_json(path: str | os.PathLike[str], entry: Any) -> None:
    """Writes JSON as `new_file` writes, indented, with a final newline."""
    text = json.dumps(entry, indent=1, ensure_ascii=False) + "\n"
    with new_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike[str], remedy: str) -> Any:
    """Reads JSON; whatever keeps it from being read is a `MimError` with the given remedy."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MimError("no such file", remedy, path) from None
    except OSError as error:
        raise explain(error, path) or error from None
    except ValueError as error:
        raise MimError(f"not JSON ({error})", remedy, path) from None
