"""Imports of optional dependencies (the extras)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from mim_export.score.errors import missing_extra, quiet_stderr


@contextmanager
def heavy_imports(what: str, *needed: str, extra: str = "train") -> Iterator[None]:
    """Context manager for the imports of a command that needs an extra.

    Output of native libraries on stderr during the imports is suppressed, because it would hide an error message of one
    line.

    Args:
        what: name of the task for the message, such as "training".
        needed: modules that the command requires; the first one that is missing is named in the message.
        extra: the extra that includes them.

    Raises:
        MissingExtraError: a package is not installed.
        MimError: Keras is configured to use another backend than TensorFlow.
    """
    if "tensorflow" in needed:
        importlib.import_module("mim_tf.models")  # checks the backend of Keras before anything heavy is imported
    try:
        with quiet_stderr():
            for module in needed:
                importlib.import_module(module)
            yield
    except ModuleNotFoundError as error:
        raise missing_extra(what, error, extra) from error
