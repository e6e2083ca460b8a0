"""The training loop of a subclassed model: progress, checkpoints, previews, TensorBoard, resuming.

Everything random is a function of the seed and the step, and a checkpoint holds the networks, their moving
averages and the optimizers. So a run of so many steps that was killed continues from its last checkpoint and ends
where an unbroken one ends. (A run of so many seconds spends some of them on starting again.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_export.score.files import new_file, read_json, write_json
from mim_tf.training.config import Progress, Training

#: Steps between two checkpoints; also how often metrics are logged.
CHUNK = 50
#: A checkpoint is never further away than this, however slow a step is.
CHUNK_SECONDS = 110.0
#: Steps between two previews; at first they come at twice the step of the last one, for most changes early.
PREVIEW_STEPS = 250


def fast_precision() -> str:
    """The dtype policy that trains fastest here: bfloat16 where the processor has instructions for it.

    Measured at 96 px and batch 16: with AMX 1.3 to 2.5 times faster than float32, without AVX-512 BF16
    six times slower (`benchmarks/precision.py`).
    """
    if tf.config.list_physical_devices("GPU"):
        return "float32"
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "float32"
    return "mixed_bfloat16" if flags & {"amx_bf16", "avx512_bf16"} else "float32"


def train(
    make_model: Callable[[], keras.Model],
    make_batches: Callable[[int], tf.data.Dataset],
    folder: Path,
    training: Training,
    progress: Progress,
    preview: Callable[[keras.Model, Path], None],
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Trains a compiled model, or continues where `folder` says that it stopped.

    Args:
        make_model: gives a new compiled model, which a checkpoint is read into where there is one.
        make_batches: gives the batches from the step that it is given on, each what `model.train_step` takes.
        folder: receives `checkpoint-<step>.weights.h5`, `state.json`, `log/` (TensorBoard) and `previews/`.
        training: steps and seconds; tracing the graph counts, what happened before a kill does not.
        progress: told the metrics after each chunk.
        preview: writes a picture of the model's work to the path that it is given.
        callbacks: called as by `keras.Model.fit`; a batch is a step, and an epoch ends with each checkpoint, whose
            metrics are its logs. `model.stop_training = True` ends the training there.

    Returns:
        The trained model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, state_file = folder / "checkpoint", folder / "state.json"
    step, seconds = 0, 0.0
    model = make_model()
    if state_file.exists():
        state = read_json(state_file, "remove the run folder and train again")
        step, seconds = state["step"], state["seconds"]
        load_weights(model, folder / state["checkpoint"])
    limit = float("inf") if training.seconds is None else training.seconds
    if step == training.steps or seconds >= limit:
        return model
    log = tf.summary.create_file_writer(str(folder / "log"))
    train_step = tf.function(model.train_step, reduce_retracing=True)
    hooks = keras.callbacks.CallbackList(callbacks, model=model)
    hooks.on_train_begin()
    epoch, model.stop_training = step // CHUNK, False
    hooks.on_epoch_begin(epoch)
    began, previewed = time.monotonic(), step
    for batch in make_batches(step):
        hooks.on_train_batch_begin(step)
        train_step(batch)
        hooks.on_train_batch_end(step)
        step += 1
        spent = time.monotonic() - began
        ended = step == training.steps or seconds + spent >= limit
        if step % CHUNK and spent < CHUNK_SECONDS and not ended:
            continue
        values = {metric.name: float(metric.result()) for metric in model.metrics if metric.count > 0}
        for metric in model.metrics:
            metric.reset_state()
        with log.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        log.flush()
        seconds, began = seconds + time.monotonic() - began, time.monotonic()
        _save(model, checkpoint, state_file, step, seconds)
        if ended or step >= min(2 * previewed, previewed + PREVIEW_STEPS):
            previewed = step
            preview(model, folder / "previews" / f"step{step:06d}.png")
        progress(folder.name, step, training.steps, values)
        hooks.on_epoch_end(epoch, values)
        if ended or model.stop_training:
            break
        epoch += 1
        hooks.on_epoch_begin(epoch)
    hooks.on_train_end()
    return model


def _save(model: keras.Model, checkpoint: Path, state_file: Path, step: int, seconds: float) -> None:
    """Two files cannot be replaced at once: the state names a checkpoint of its own step, written before."""
    name = f"{checkpoint.name}-{step}.weights.h5"
    with new_file(checkpoint.with_name(name)) as beside:
        model.save_weights(beside)
    write_json(state_file, {"step": step, "seconds": round(seconds, 1), "checkpoint": name})
    for other in checkpoint.parent.glob(f"{checkpoint.name}-*.weights.h5"):
        if other.name != name:
            other.unlink()


def load_weights(model: keras.Model, path: Path) -> None:
    """Reads a `.weights.h5` file into a model, with the optimizers' slots of a compiled one.

    The file holds arrays only. The model is built from our own configuration, so that no file can name code to run, and
    its precision is that of this machine.

    Raises:
        MimError: the file is missing or damaged, or belongs to another model.
    """
    try:
        model.load_weights(path)
    except Exception as error:  # h5py and Keras each raise their own
        reason = str(error).strip().split("\n")[0][:80] or type(error).__name__
        raise MimError(f"not a readable model ({reason})", "train again into a new folder", path) from error
