"""The one error class of the project."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class MimError(ValueError):
    """What a user can mend: one line that names the file, the problem and the remedy.

    Args:
        problem: what is wrong, without a final stop.
        remedy: what the user does about it, as an imperative.
        path: the file or folder concerned, where there is one.

    Example:
        >>> print(MimError("no image could be read", "check the files", "photos"))
        photos: no image could be read; check the files
    """

    def __init__(self, problem: str, remedy: str, path: str | os.PathLike[str] | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.path = None if path is None else Path(path)
        line = f"{problem}; {remedy}" if path is None else f"{os.fspath(path)}: {problem}; {remedy}"
        super().__init__(" ".join(line.split()))


class MissingExtraError(MimError):
    """A command or class needs packages that the slim installation leaves out.

    Args:
        what: what needs them, such as "training".
        package: the first one that is missing, by its usual name.
        extra: the extra of mim-tf that brings it.

    Example:
        >>> print(MissingExtraError("training", "TensorFlow", "train"))
        training needs TensorFlow: pip install 'mim-tf[train]'
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(f"{what} needs {package}", f"pip install 'mim-tf[{extra}]'")
        self.args = (f"{self.problem}: {self.remedy}",)


#: Usual names of packages whose modules are called otherwise; Keras comes with TensorFlow.
_PACKAGES = {"tensorflow": "TensorFlow", "keras": "TensorFlow", "sklearn": "scikit-learn", "skimage": "scikit-image"}


def missing_extra(what: str, error: ModuleNotFoundError) -> MissingExtraError:
    """The error to raise where an import fails in the slim installation.

    Args:
        what: what needs the package, such as "training".
        error: the failed import.

    Returns:
        An error that names the package and the extra `train`, which brings it.
    """
    package = (error.name or str(error)).partition(".")[0]
    return MissingExtraError(what, _PACKAGES.get(package, package), "train")


def explain(error: BaseException, path: str | os.PathLike[str] | None = None) -> MimError | None:
    """Turns what an operating system or an allocator refuses into a `MimError`.

    Args:
        error: the exception that was caught.
        path: the file to name when the exception names none.

    Returns:
        The error to show, or None where the exception is no such refusal (then it is a bug, and
        hiding its traceback would hide the bug).
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


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keeps start-up notes that native libraries print on stderr from drowning the one line that an error is.

    What they refuse is raised as an exception all the same.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
