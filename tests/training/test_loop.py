"""`mim_tf.training.loop`: resuming after SIGKILL, log, previews, precision and callbacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_tf.data.augment import batches, source_size
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.synthetic import dataset
from mim_tf.training import loop
from mim_tf.training.checkpoint import CHUNK, load_weights, save_checkpoint
from mim_tf.training.config import Training
from mim_tf.training.loop import fast_precision


def compiled(width: int = 4) -> MIM:
    model = MIM(MIMConfig(size=32, cell=4, width=width, discriminator_width=4))
    model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))
    return model


def _assert_equal(a: MIM, b: MIM, tolerance: float) -> None:
    groups = [(a.g_optimizer, b.g_optimizer), (a.d_optimizer, b.d_optimizer)]
    groups += [(getattr(a, n), getattr(b, n)) for n in ("generator", "discriminator", "ema_generator")]
    for ours, theirs in groups:
        assert len(ours.variables) == len(theirs.variables) > 0
        for x, y in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=0, atol=tolerance, err_msg=x.path)


_RUN = """
import sys
from pathlib import Path
from mim_tf.synthetic import dataset
from mim_tf.data.augment import source_size
from mim_tf.training.config import Training
from mim_tf.detectors.mim import InpaintingModel
method = InpaintingModel(32, width=4, discriminator_width=4)
pixels = dataset.render("mpox", range(12), size=source_size(32))
method.fit(pixels, Path(sys.argv[1]), Training(steps=int(sys.argv[2]), batch_size=4, precision="float32"),
           lambda *line: print(*line, flush=True))
"""


@pytest.mark.slow
def test_killed_training_ends_where_an_unbroken_one_ends(tmp_path: Path) -> None:
    """After SIGKILL between two checkpoints: equal weights, averages, slots of both optimizers and next batch."""
    steps = 2 * CHUNK + 10
    command = [sys.executable, "-c", _RUN]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    broken = tmp_path / "broken"
    process = subprocess.Popen([*command, str(broken), str(steps)], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # the first checkpoint is written
    time.sleep(float(np.random.default_rng().uniform(0, 0.5)))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run([*command, str(broken), str(steps)], env=environment, check=True, stdout=subprocess.DEVNULL)
    whole = tmp_path / "whole"
    subprocess.run([*command, str(whole), str(steps)], env=environment, check=True, stdout=subprocess.DEVNULL)
    method = InpaintingModel(32, width=4, discriminator_width=4)
    models = [method.make_model(method.make_config("float32", 0), steps) for _ in range(2)]
    for model, folder in zip(models, (broken, whole), strict=True):
        load_weights(model, folder / f"checkpoint-{steps}.weights.h5")
    assert int(models[0].g_optimizer.iterations) == steps
    _assert_equal(*models, tolerance=1e-6)
    pixels = dataset.render("mpox", range(12), size=source_size(32))
    following = [
        next(iter(batches(pixels, size=32, batch_size=4, seed=0, start=start, steps=steps + 1).skip(skip)))
        for start, skip in ((steps, 0), (0, steps))
    ]
    np.testing.assert_array_equal(following[0], following[1])


@pytest.mark.slow
def test_training_writes_previews_log_and_stops_in_time(tmp_path: Path) -> None:
    method = InpaintingModel(32, width=4, discriminator_width=4)
    pixels = dataset.render("mpox", range(6), size=method.source_size)
    seen: list[int] = []
    training = Training(steps=10_000, batch_size=2, seconds=0.1, precision="float32")
    method.fit(pixels, tmp_path, training, lambda name, step, steps, values: seen.append(step))
    assert seen == [1]  # the budget was spent within the first step
    assert list((tmp_path / "log").glob("events*"))
    method.fit(pixels, tmp_path, training, lambda name, step, steps, values: seen.append(step))
    assert seen == [1]  # a second call does not train further
    short = Training(steps=CHUNK + 5, batch_size=2, precision="float32")
    method.fit(pixels, tmp_path, short, lambda name, step, steps, values: seen.append(step))
    assert seen == [1, CHUNK, CHUNK + 5]
    names = sorted(path.name for path in (tmp_path / "previews").iterdir())
    assert names == [f"step{step:06d}.png" for step in (1, CHUNK, CHUNK + 5)]
    assert len(list(tmp_path.glob("checkpoint-*.weights.h5"))) == 1


@pytest.mark.slow
def test_a_time_limit_ends_the_schedule_of_the_gan(tmp_path: Path) -> None:
    """The steps that fit are estimated once; learning rate and discriminator follow them."""
    method = InpaintingModel(32, width=4, discriminator_width=4)
    pixels = dataset.render("mpox", range(6), size=method.source_size)
    estimates = []
    for name, seconds in (("short", 1.0), ("long", 1000.0)):
        training = Training(steps=1, batch_size=2, seconds=seconds, precision="float32")
        method.fit(pixels, tmp_path / name, training, lambda *_: None)
        estimates.append(int((tmp_path / name / "steps.json").read_text()))
    assert 1 <= estimates[0] < 1000 < estimates[1] and method.steps == 1

    continued = tmp_path / "continued"
    continued.mkdir()
    (continued / "steps.json").write_text("8")
    limited = Training(steps=None, batch_size=2, seconds=1000.0, precision="float32")
    method.fit(pixels, continued, limited, lambda *_: None)
    assert method.steps == 8 and method.keras_model.adversarial_from == 6
    assert float(method.keras_model.g_optimizer.learning_rate) < 2e-3 / 10
    (continued / "steps.json").write_text('"8"')
    with pytest.raises(MimError, match=r"steps\.json '8' is not possible"):
        method.fit(pixels, continued, limited, lambda *_: None)


class _Counter(keras.Model):
    """A model with one weight, which each step increases."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")
        self.built = True

    def train_step(self, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        self.count.assign_add(1.0)
        return {}


class _Killed(BaseException):
    pass


def test_a_resumed_training_writes_the_previews_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before and after each checkpoint."""

    def preview(model: keras.Model, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(float(model.count)))

    def run(folder: Path) -> None:
        def data(step: int) -> tf.data.Dataset:
            return tf.data.Dataset.range(step, 10_000)

        loop.train(_Counter, data, folder, Training(steps=8 * CHUNK), lambda *_: None, preview)

    def killed(moment: str, reached: int) -> None:
        def save(model: keras.Model, checkpoint: Path, state: Path, step: int, seconds: float) -> None:
            if moment == "after" or step != reached:
                save_checkpoint(model, checkpoint, state, step, seconds)
            if step == reached:
                raise _Killed

        monkeypatch.setattr(loop, "save_checkpoint", save)
        with pytest.raises(_Killed):
            run(tmp_path / "broken")

    run(tmp_path / "whole")
    for reached in range(CHUNK, 9 * CHUNK, CHUNK):
        for moment in ("before", "after"):
            killed(moment, reached)
    monkeypatch.undo()
    run(tmp_path / "broken")
    whole, broken = (
        {path.name: path.read_text() for path in (tmp_path / name / "previews").iterdir()}
        for name in ("whole", "broken")
    )
    assert whole == broken and len(whole) == 4


def test_bfloat16_is_chosen_if_the_gpus_or_else_the_processor_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = "flags: fpu amx_bf16 avx512_bf16"
    monkeypatch.setattr(Path, "read_text", lambda path: flags)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert fast_precision() == "mixed_bfloat16"
    gpus = {"A100": (8, 0), "H100": (9, 0), "T4": (7, 5), "unknown": None}
    details = {name: {} if lowest is None else {"compute_capability": lowest} for name, lowest in gpus.items()}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.__getitem__)
    for there, precision in (
        (["A100", "H100"], "mixed_bfloat16"),
        (["A100", "T4"], "float32"),
        (["T4"], "float32"),
        (["unknown"], "float32"),
    ):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, there=there: there)
        assert fast_precision() == precision


@pytest.mark.slow
def test_a_run_moved_to_another_machine_takes_that_machines_precision(tmp_path: Path) -> None:
    """From bfloat16 on a CPU to float32 on a GPU: weights, averages and optimizer slots are kept."""
    pixels = dataset.render("mpox", range(4), size=source_size(32))
    models = {}
    for precision, steps in (("mixed_bfloat16", 3), ("float32", 3), ("float32", 4)):
        method = InpaintingModel(32, width=4, discriminator_width=4)
        training = Training(steps=steps, batch_size=2, precision=precision)
        method.fit(pixels, tmp_path, training, lambda *values: None)
        models[precision, steps] = method.keras_model
    begun, moved, continued = models.values()
    assert [model.config.precision for model in models.values()] == ["mixed_bfloat16", "float32", "float32"]
    computed = [model.generator.get_layer("middle0_conv").compute_dtype for model in models.values()]
    assert computed == ["bfloat16", "float32", "float32"]
    _assert_equal(begun, moved, tolerance=0)
    assert int(continued.g_optimizer.iterations) == 4


@pytest.mark.slow
def test_callbacks_are_called_and_may_stop_the_training(tmp_path: Path) -> None:
    """A batch is a step, an epoch ends at each checkpoint; `stop_training` stops the training there."""

    class Spy(keras.callbacks.Callback):
        calls: list[str]

        def on_train_begin(self, logs: object = None) -> None:
            self.calls = ["begin"]

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.calls.append("batch")

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            assert logs is not None and logs["hidden"] < 0
            self.calls.append(f"epoch {epoch}")
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs: object = None) -> None:
            self.calls.append("end")

    spy = Spy()
    method = InpaintingModel(32, width=4, discriminator_width=4)
    pixels = dataset.render("mpox", range(4), size=source_size(32))
    steps: list[int] = []
    training = Training(steps=10 * CHUNK, batch_size=2, precision="float32")
    method.fit(pixels, tmp_path, training, lambda name, step, *rest: steps.append(step), callbacks=[spy])
    assert steps == [CHUNK, 2 * CHUNK]
    chunk = ["batch"] * CHUNK
    assert spy.calls == ["begin", *chunk, "epoch 0", *chunk, "epoch 1", "end"]


def test_damaged_model_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(MimError, match=r"model\.weights\.h5: not a readable model"):
        load_weights(compiled(), path)
    compiled(width=8).save_weights(path)
    with pytest.raises(MimError, match=r"model\.weights\.h5: not a readable model"):
        load_weights(compiled(), path)
    falling = compiled()  # its learning rate is not a variable
    falling.compile(*(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 9)) for _ in range(2)))
    falling.save_weights(path)
    with pytest.raises(MimError, match=r"model\.weights\.h5: not a readable model \(A total of 2 objects"):
        load_weights(compiled(), path)
