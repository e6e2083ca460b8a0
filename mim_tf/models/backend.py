"""The backend of Keras: this package trains with TensorFlow only."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mim_export.score.errors import MimError


def check_backend() -> None:
    """Checks, without importing it, that Keras will use TensorFlow.

    Raises:
        MimError: the environment variable KERAS_BACKEND, or else the configuration file of Keras, names another
            backend.
    """
    named = os.environ.get("KERAS_BACKEND") or _configured()
    if named not in ("", "tensorflow"):
        raise MimError(
            f"mim-tf trains with the TensorFlow backend of Keras, not with {named}",
            "unset KERAS_BACKEND or set it to tensorflow",
        )


def _configured() -> str:
    """The backend in Keras' configuration file; empty if there is none."""
    folder = Path(os.environ["KERAS_HOME"]) if "KERAS_HOME" in os.environ else Path(os.path.expanduser("~")) / ".keras"
    try:
        return str(json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
