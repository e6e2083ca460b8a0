"""Checkpoints of a training: how often they are written, and the files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from mim_export.score.atomic_files import new_file, read_json, write_json
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


@dataclass(frozen=True)
class State:
    """Content of `state.json`.

    Attributes:
        step: completed steps.
        seconds: training time in seconds, summed over resumed runs.
        checkpoint: name of the file of the weights.
    """

    step: int
    seconds: float
    checkpoint: str


def read_state(path: Path) -> State:
    """Reads `state.json`.

    Args:
        path: the file.

    Raises:
        MimError: the file is missing or damaged.
    """
    remedy = "remove the run folder and train again"
    entry = read_json(path, remedy)
    if not isinstance(entry, dict):
        raise MimError("damaged", remedy, path)
    step, seconds, name = (entry.get(key) for key in ("step", "seconds", "checkpoint"))
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise MimError("damaged (step)", remedy, path)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise MimError("damaged (seconds)", remedy, path)
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".weights.h5"):
        raise MimError("damaged (checkpoint)", remedy, path)
    return State(step, float(seconds), name)


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """The variables of a model and of the optimizers that are its attributes, each once."""
    optimizers = [value for value in vars(model).values() if isinstance(value, keras.optimizers.Optimizer)]
    variables = [*model.variables, *(value for optimizer in optimizers for value in optimizer.variables)]
    return list({id(variable): variable for variable in variables}.values())


def check_finite(model: keras.Model, metrics: Mapping[str, float], step: int, last: int, name: str) -> None:
    """Checks that a training has not diverged, so that a checkpoint never replaces a better one.

    Args:
        model: the model, with its optimizers as attributes.
        metrics: means since the last checkpoint, by name.
        step: completed steps.
        last: the step of the last checkpoint.
        name: name of the fit.

    Raises:
        MimError: a metric, a weight or a value of an optimizer is not a finite number, or float16 cannot hold the
            gradients.
    """
    wrong = [f"the loss {key} is {value:g}" for key, value in metrics.items() if not math.isfinite(value)]
    if not wrong:
        values = [value.value for value in variables_of(model) if tf.as_dtype(value.dtype).is_floating]
        if not all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in values):
            wrong = ["a weight is not a finite number"]
    if not wrong:
        scales = [value for value in vars(model).values() if isinstance(value, keras.optimizers.LossScaleOptimizer)]
        # Each step whose gradient is not finite is left out and halves the scale.
        if any(float(optimizer.dynamic_scale) < 1.0 for optimizer in scales):
            wrong = ["the gradient is not a finite number"]
    if wrong:
        kept = f"the checkpoint of step {last} is kept" if last else "no checkpoint is written"
        raise MimError(
            f"{name}: {wrong[0]} at a step from {last + 1} to {step}, {kept}",
            "train into a new folder with precision float32, a lower learning rate or another seed",
        )


def load_weights(model: keras.Model, path: Path) -> None:
    """Loads a `.weights.h5` file into a model, including the optimizer slots if the model is compiled.

    The file holds arrays only, and the model is built from the configuration of this package: a file cannot name code
    to execute, and the precision can differ between machines.

    Args:
        model: a model of the architecture that was saved.
        path: the `.weights.h5` file.

    Raises:
        MimError: the file is missing or damaged, or belongs to another architecture or to optimizers of other settings.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns of an optimizer with other variables, and would begin with a new one.
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
            model.load_weights(path)
    except Exception as error:  # h5py and Keras raise many exception types
        reason = str(error).strip().split("\n")[0][:80] or type(error).__name__
        raise MimError(f"not a readable model ({reason})", "train again into a new folder", path) from error
