"""Imports of packages that the slim installation leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mim_export.score.errors import MissingExtraError, quiet_stderr

#: Usual names of packages whose modules are called otherwise.
_NAMES = {"tensorflow": "TensorFlow", "keras": "Keras", "sklearn": "scikit-learn", "skimage": "scikit-image"}


@contextmanager
def heavy_imports(what: str) -> Iterator[None]:
    """Runs the imports of a command that needs the extra `train`.

    What native libraries print on stderr while they are imported is dropped: it would drown an error of one line.

    Args:
        what: what the command does, such as "training".

    Raises:
        MissingExtraError: a package is not installed.
    """
    try:
        with quiet_stderr():
            yield
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).partition(".")[0]
        raise MissingExtraError(what, _NAMES.get(package, package), "train") from error
