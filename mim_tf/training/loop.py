"""The training loop of a subclassed model: progress, checkpoints, previews, TensorBoard, resuming, several devices.

All random numbers are functions of the seed and the step, and a checkpoint holds the networks, their moving averages
and the optimizers. A run with a fixed number of steps that is killed therefore resumes from its last checkpoint and
ends with the weights of an uninterrupted run. A run with a time limit loses the time since its last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from mim_tf.training.checkpoint import CHUNK, CHUNK_SECONDS, check_finite, load_weights, read_state, save_checkpoint
from mim_tf.training.config import PRECISIONS, Progress, Training
from mim_tf.training.strategy import connect

#: Maximum steps between two previews. Early previews are closer, each at twice the step of the previous one, because
#: images change most at the start of a training.
PREVIEW_STEPS = 250


def fast_precision() -> str:
    """The dtype policy that trains fastest on this machine.

    bfloat16 at 96 px and batch size 16 is 1.3 to 2.5 times faster than float32 on CPUs with AMX, and six times slower
    on CPUs without AVX-512 BF16 (`benchmarks/precision.py`). The choice for GPUs follows their instructions; it has not
    been measured. float16 is never chosen, since its range has not been tried in a long training.

    Returns:
        "mixed_bfloat16" if all GPUs have compute capability 8.0 or more, or if there is no GPU and the CPU has bfloat16
        instructions; else "float32".
    """
    if gpus := tf.config.list_physical_devices("GPU"):
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        lowest = min(entry.get("compute_capability", (0, 0)) for entry in details)
        return "mixed_bfloat16" if lowest >= (8, 0) else "float32"
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "float32"
    return "mixed_bfloat16" if flags & {"amx_bf16", "avx512_bf16"} else "float32"


def chosen_precision(training: Training) -> str:
    """The dtype policy of a training; of "auto", float32 if the machines of a cluster differ."""
    if training.precision != "auto":
        return training.precision
    precision = fast_precision()
    return precision if connect(training.strategy).agrees(PRECISIONS.index(precision)) else "float32"


def train(
    make_model: Callable[[], keras.Model],
    make_batches: Callable[[int], tf.data.Dataset],
    folder: Path,
    training: Training,
    progress: Progress,
    preview: Callable[[keras.Model, Path], None],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    held_out: Callable[[keras.Model], dict[str, float]] = lambda model: {},
) -> tuple[keras.Model, int]:
    """Trains a compiled model, or resumes the training in `folder`.

    Of several processes, only the chief uses `folder`, `progress`, `preview`, `callbacks` and `held_out`.

    Args:
        make_model: returns a new compiled model; a checkpoint is loaded into it if there is one. It is called once for
            each device, and must return equal models.
        make_batches: maps a step number to the dataset of batches from that step on; `model.train_step` takes a batch.
        folder: output folder for `checkpoint-<step>.weights.h5`, `state.json`, `log/` (TensorBoard) and `previews/`.
        training: `strategy` names the devices; `steps` and `seconds` limit the training. Graph tracing counts towards
            `seconds`; the time between the last checkpoint and a kill does not.
        progress: called with the metrics at each checkpoint.
        preview: writes a preview image of the model to a path.
        callbacks: Keras callbacks, called as by `keras.Model.fit`: a batch is a step, and an epoch ends at each
            checkpoint, with the metrics as logs. `model.stop_training = True` stops the training at the next
            checkpoint.
        held_out: returns metrics of the model on held-out images; called at each checkpoint.

    Returns:
        The trained model, and its number of steps.

    Raises:
        MimError: a checkpoint or `state.json` is damaged or belongs to another model; a loss or a weight is not a
            finite number, in which case the last checkpoint is kept; or another process has ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, state_file = folder / "checkpoint", folder / "state.json"
    step, seconds = 0, 0.0
    group = connect(training.strategy)
    models = group.copies(make_model)
    model = models[0]
    if group.chief and state_file.exists():
        state = read_state(state_file)
        step, seconds = state.step, state.seconds
        load_weights(model, folder / state.checkpoint)
    begun, seconds = group.of_chief(step, seconds)
    step = int(begun)
    group.share(models)
    limit = float("inf") if training.seconds is None else training.seconds
    if step == training.steps or seconds >= limit:
        return model, step
    log = tf.summary.create_file_writer(str(folder / "log")) if group.chief else None
    train_step = group.step(models)
    hooks = keras.callbacks.CallbackList(callbacks if group.chief else (), model=model)
    hooks.on_train_begin()
    epoch, model.stop_training = step // CHUNK, False
    hooks.on_epoch_begin(epoch)
    previews = folder / "previews"
    began, saved, previewed = time.monotonic(), step, _last_preview(previews, step)
    for batch in make_batches(step):
        hooks.on_train_batch_begin(step)
        train_step(batch)
        hooks.on_train_batch_end(step)
        step += 1
        (spent,) = group.of_chief(time.monotonic() - began)
        ended = step == training.steps or seconds + spent >= limit
        if step % CHUNK and spent < CHUNK_SECONDS and not ended:
            continue
        values = {metric.name: float(metric.result()) for metric in model.metrics if metric.count > 0}
        for copy in models:
            for metric in copy.metrics:
                metric.reset_state()
        check_finite(model, values, step, saved, folder.name)
        if log is not None:
            values |= held_out(model)
            with log.as_default(step=step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            log.flush()
            seconds, began = seconds + time.monotonic() - began, time.monotonic()
            # Before the checkpoint: after a kill between the two, the training resumes before both.
            if ended or step >= min(2 * previewed, previewed + PREVIEW_STEPS):
                previewed = step
                preview(model, previews / f"step{step:06d}.png")
            save_checkpoint(model, checkpoint, state_file, step, seconds)
            progress(folder.name, step, training.steps, values)
            hooks.on_epoch_end(epoch, values)
        saved = step
        stopped, seconds = group.of_chief(model.stop_training, seconds)
        if ended or stopped:
            break
        epoch += 1
        hooks.on_epoch_begin(epoch)
    hooks.on_train_end()
    return model, step


def _last_preview(folder: Path, step: int) -> int:
    """The step of the last preview up to a checkpoint, so that a resumed training writes those of an unbroken one."""
    numbers = (path.stem.removeprefix("step") for path in folder.glob("step*.png"))
    return max((int(number) for number in numbers if number.isdigit() and int(number) <= step), default=0)
