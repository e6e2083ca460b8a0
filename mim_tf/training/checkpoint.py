"""Checkpoints of a training: how often they are written, and the files."""

from __future__ import annotations

from pathlib import Path

import keras

from mim_export.score.atomic_files import new_file, write_json
from mim_export.score.errors import MimError

#: Steps between two checkpoints; metrics are logged at the same steps.
CHUNK = 50
#: Maximum seconds between two checkpoints, for slow steps.
CHUNK_SECONDS = 110.0


def save_checkpoint(model: keras.Model, checkpoint: Path, state_file: Path, step: int, seconds: float) -> None:
    """Writes a checkpoint, then the state that names it, and removes older checkpoints.

    The step is part of the file name because two files cannot be replaced atomically: after a kill between the two
    writes, the state still names the previous checkpoint.
    """
    name = f"{checkpoint.name}-{step}.weights.h5"
    with new_file(checkpoint.with_name(name)) as temporary:
        model.save_weights(temporary)
    write_json(state_file, {"step": step, "seconds": round(seconds, 1), "checkpoint": name})
    for other in checkpoint.parent.glob(f"{checkpoint.name}-*.weights.h5"):
        if other.name != name:
            other.unlink()


def load_weights(model: keras.Model, path: Path) -> None:
    """Loads a `.weights.h5` file into a model, including the optimizer slots if the model is compiled.

    The file holds arrays only, and the model is built from the configuration of this package: a file cannot name code
    to execute, and the precision can differ between machines.

    Args:
        model: a model of the architecture that was saved.
        path: the `.weights.h5` file.

    Raises:
        MimError: the file is missing or damaged, or belongs to another architecture.
    """
    try:
        model.load_weights(path)
    except Exception as error:  # h5py and Keras raise many exception types
        reason = str(error).strip().split("\n")[0][:80] or type(error).__name__
        raise MimError(f"not a readable model ({reason})", "train again into a new folder", path) from error
