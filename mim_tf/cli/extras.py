"""Imports of packages that the slim installation leaves out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from mim_export.score.errors import missing_extra, quiet_stderr


@contextmanager
def heavy_imports(what: str, *needed: str) -> Iterator[None]:
    """Runs the imports of a command that needs the extra `train`.

    What native libraries print on stderr while they are imported is dropped: it would drown an error of one line.

    Args:
        what: what the command does, such as "training".
        needed: modules that the command needs in any case; the first one that is missing is named.

    Raises:
        MissingExtraError: a package is not installed.
    """
    try:
        with quiet_stderr():
            for module in needed:
                importlib.import_module(module)
            yield
    except ModuleNotFoundError as error:
        raise missing_extra(what, error) from error
