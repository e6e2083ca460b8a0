"""Errors that are shown to users in one line."""

from __future__ import annotations

import operator
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .text import one_line, printable


class MimError(ValueError):
    """An error that a user can correct. Its message is one line with the file, the problem and the remedy.

    Args:
        problem: what is wrong, without a final full stop.
        remedy: what the user can do, in the imperative.
        path: the file or folder concerned, if any.

    Example:
        >>> print(MimError("no image could be read", "check the files", "photos"))
        photos: no image could be read; check the files
    """

    def __init__(self, problem: str, remedy: str, path: str | os.PathLike[str] | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.path = None if path is None else Path(path)
        line = one_line(f"{problem}; {remedy}")
        super().__init__(line if path is None else f"{printable(os.fsdecode(path))}: {line}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Supports pickling, also of subclasses with other arguments: errors come from other processes."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[MimError], args: tuple[Any, ...], fields: dict[str, Any]) -> MimError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class TooLargeError(MimError):
    """A photograph is too large to be decoded. Its row in the scores has the reason `too large`.

    Args:
        problem: which limit it exceeds, without a final full stop.
        path: the photograph.

    Example:
        >>> print(TooLargeError("has more than 250,000,000 pixels", "photo.jpg"))
        photo.jpg: has more than 250,000,000 pixels; shrink the image
    """

    def __init__(self, problem: str, path: str | os.PathLike[str]) -> None:
        super().__init__(problem, "shrink the image", path)


class MissingExtraError(MimError):
    """A command or class needs a package that the installation without extras does not include.

    Args:
        what: what needs the package, such as "training".
        package: usual name of the first missing package.
        extra: the extra of mim-tf that includes it.

    Example:
        >>> print(MissingExtraError("training", "TensorFlow", "train"))
        training needs TensorFlow: pip install 'mim-tf[train]'
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(f"{what} needs {package}", f"pip install 'mim-tf[{extra}]'")
        self.args = (f"{self.problem}: {self.remedy}",)


#: Usual names of packages whose module name differs. Keras is installed with TensorFlow.
_PACKAGES = {
    "tensorflow": "TensorFlow",
    "keras": "TensorFlow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "ray": "Ray",
}


def missing_extra(what: str, error: ModuleNotFoundError, extra: str = "train") -> MissingExtraError:
    """Returns the error to raise where an import fails because an extra is not installed.

    Args:
        what: what needs the package, such as "training".
        error: the failed import.
        extra: the extra of mim-tf that includes the package.

    Returns:
        An error that names the package and the extra.
    """
    package = (error.name or str(error)).partition(".")[0]
    return MissingExtraError(what, _PACKAGES.get(package, package), extra)


def explain(error: BaseException, path: str | os.PathLike[str] | None = None) -> MimError | None:
    """Converts an error of the operating system or of memory allocation to a `MimError`.

    Args:
        error: the exception that was caught.
        path: the file to name in the message if the exception names none.

    Returns:
        The error to show. None for any other exception: it is a bug, and its traceback should be shown.
    """
    if isinstance(error, MimError):
        return error
    if isinstance(error, MemoryError):
        return MimError("not enough memory", "use fewer or smaller images", path)
    if not isinstance(error, OSError):
        return None
    name = error.filename if isinstance(error.filename, (str, os.PathLike)) else path
    remedies = {
        "PermissionError": "allow the current user to read and write it",
        "FileNotFoundError": "check the spelling of the path",
        "IsADirectoryError": "name a file",
        "NotADirectoryError": "name a folder",
        "FileExistsError": "name another folder",
    }
    remedy = remedies.get(type(error).__name__, "free some space or choose another folder")
    return MimError((error.strerror or str(error)).lower(), remedy, name)


def check_whole(what: str, value: object, least: int, most: int | None = None, multiple_of: int = 1) -> int:
    """Checks a whole number that a user gives.

    Args:
        what: what it is, such as "size".
        value: the number; integers of numpy are integers, but True is none.
        least: the smallest one that is possible.
        most: the largest one; None = no limit.
        multiple_of: it is a multiple of this.

    Returns:
        The number.

    Raises:
        MimError: it is no integer, out of range or no such multiple.

    Example:
        >>> check_whole("size", 96.5, 32, multiple_of=16)
        MimError: size 96.5 is not possible; choose a multiple of 16 from 32 on
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < least or number % multiple_of or (most is not None and number > most):
        kind = "whole number" if multiple_of == 1 else f"multiple of {multiple_of}"
        limits = f"from {least} on" if most is None else f"from {least} to {most}"
        raise MimError(f"{what} {value!r} is not possible", f"choose a {kind} {limits}")
    return number


class _Quiet:
    """Number of blocks of `quiet_stderr` that are open in the process, and the descriptor to restore after the last."""

    lock = threading.Lock()
    depth = 0
    saved: int | None = None


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Redirects file descriptor 2 to the null device within the block.

    Native libraries print start-up messages there, which would hide the one-line errors of this project. Their errors
    are still raised as exceptions.

    The descriptor belongs to the whole process: what other threads print meanwhile is lost as well, so use it only
    around imports and the creation of interpreters and converters. Blocks may be nested and run in several threads at
    once; the first one redirects the descriptor and the last one restores it. Without standard error, nothing happens.
    """
    with _Quiet.lock:
        _Quiet.depth += 1
        if _Quiet.depth == 1:
            _redirect()
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.depth -= 1
            if _Quiet.depth == 0 and _Quiet.saved is not None:
                _flush()
                os.dup2(_Quiet.saved, 2)
                saved, _Quiet.saved = _Quiet.saved, None
                os.close(saved)


@contextmanager
def loud_stderr() -> Iterator[None]:
    """Restores file descriptor 2 within the block, while another thread is in a block of `quiet_stderr`.

    Use it for a short message that must not be lost. Other threads wait at the start and end of their blocks.
    """
    with _Quiet.lock:
        if _Quiet.saved is None:
            yield
            return
        quiet = os.dup(2)
        os.dup2(_Quiet.saved, 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(quiet, 2)
            os.close(quiet)


def _redirect() -> None:
    """Redirects descriptor 2 to the null device, and keeps a copy of the old one if there is one."""
    _flush()
    try:
        saved = os.dup(2)
    except OSError:  # closed
        return
    _Quiet.saved = saved  # before the descriptor is redirected: a signal may interrupt this function
    try:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), 2)
    except OSError:
        _Quiet.saved = None
        os.close(saved)


def _flush() -> None:
    """Flushes `sys.stderr`, which is None in programs without a console, and may be closed."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        pass
