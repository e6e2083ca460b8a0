"""`mim_tf.training.strategy`: trainings on several devices and in several processes, continued and interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from addresses import free_addresses

from mim_export.score.errors import MimError
from mim_tf.synthetic import dataset
from mim_tf.training import strategy
from mim_tf.training.strategy import Group, connect

#: Trains MIM without a break on one device, and with a break from one to two and from two to one. Prints the losses
#: that each training reported last, and the norm of the difference of the averaged weights from those of the first
#: training, divided by the norm of their change in it.
_DEVICES = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pathlib import Path
import numpy as np, tensorflow as tf
parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
from mim_tf.detectors.factory import create_model
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training
from mim_tf.training.strategy import connect
assert connect("mirrored").count == 2
class Stopped(Exception):
    pass
def weights(model):
    return np.concatenate([value.ravel() for net in model.averages.values() for value in net.get_weights()])
def fit(method, folder, *strategies):
    seen = {}
    def progress(name, step, steps, values):
        seen.update(values)
        if step == 50 and strategies[-1] != used:
            raise Stopped
    for used in strategies:
        training = Training(steps=60, batch_size=4, precision="float32", strategy=used)
        try:
            method.fit(pixels, folder, training, progress)
        except Stopped:
            pass
    assert method.steps == 60
    return seen, weights(method.keras_model)
method = create_model("mim", 32, "ssim", width=4, discriminator_width=4)
pixels = dataset.render("mpox", range(12), size=method.source_size)
start = weights(method.make_model(method.make_config("float32", 0), 60))
rows = {}
for case in ("one", "one mirrored", "mirrored one"):
    rows[case] = fit(method, Path(sys.argv[1]) / case, *case.split())
expected = rows["one"][1]
found = {
    case: [values, float(np.linalg.norm(end - expected) / np.linalg.norm(expected - start))]
    for case, (values, end) in rows.items()
}
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_training_on_two_devices_is_that_on_one_and_continues_it(tmp_path: Path) -> None:
    """With adversarial steps. On one device, initial weights that differ by 10^-7 moved the end by 0.14."""
    command = [sys.executable, "-c", _DEVICES, str(tmp_path)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = json.loads(output.splitlines()[-1])
    expected, _ = rows["one"]
    assert "discriminator" in expected
    for case, moved in (("one mirrored", 0.02), ("mirrored one", 0.4)):
        assert rows[case][0] == pytest.approx(expected, rel=0.03, abs=0.005), case
        assert rows[case][1] < moved, case


COUNTS = {"train": {"mpox": 8}, "val": {"mpox": 40, "plain": 8}, "test": {"mpox": 2}}
_OPTIONS = (
    *("--method", "autoencoder", "--size", "32", "--width", "4", "--steps", "80", "--batch-size", "4"),
    *("--precision", "float32"),
)


class _Processes:
    """Commands `mim-tf train` on one data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = dataset.write_sample(root / "data", counts=COUNTS)

    def start(self, number: int, addresses: tuple[str, ...], out: Path, *words: str) -> subprocess.Popen[str]:
        config = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": number}}
        return subprocess.Popen(
            [sys.executable, "-m", "mim_tf", "train", "--data", self.data, "--out", out, *_OPTIONS, *words],
            env={**os.environ, "TF_CONFIG": json.dumps(config)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def both(self, addresses: tuple[str, ...], out: Path) -> list[subprocess.Popen[str]]:
        folders = (out, self.root / "unused")
        return [self.start(number, addresses, folders[number], "--strategy", "multiworker") for number in range(2)]


@pytest.mark.slow
def test_a_killed_process_ends_the_others_in_one_line_and_the_run_is_continued(tmp_path: Path) -> None:
    """Two processes, then the same again, which ends with the weights of one process within rounding."""
    processes = _Processes(tmp_path)
    out = tmp_path / "run"
    chief, other = processes.both(free_addresses(2), out)
    assert chief.stderr is not None and other.stderr is not None
    lines = [chief.stderr.readline() for _ in range(2)]
    assert lines[0] == "waiting for all processes of the cluster\n" and lines[1].startswith("final 50/80 ")
    other.send_signal(signal.SIGKILL)
    assert chief.wait(timeout=120) == 2 and other.wait() == -signal.SIGKILL
    ended = r"another process of the cluster has ended or cannot be reached \(.+\); run the same command on all workers"
    assert re.fullmatch(f"{ended} again, which resumes the training\n", chief.stderr.read())
    assert not (out / "detector.json").exists()

    results = [process.communicate(timeout=300) for process in processes.both(free_addresses(2), out)]
    assert "final 80/80" in results[0][1] and "50/80" not in results[0][1]
    assert results[0][0].startswith(f"{out}: ")
    assert results[1][0] == "process 1 has ended; the first one writes the run folder\n"
    assert results[1][1] == "waiting for all processes of the cluster\n"
    assert json.loads((out / "settings.json").read_text())["training"].keys().isdisjoint({"strategy"})

    # A run that has ended is read by the first process; the other one ends as well.
    results = [process.communicate(timeout=300) for process in processes.both(free_addresses(2), out)]
    assert results[0][0].startswith(f"{out}: ") and "80/80" not in results[0][1]
    assert results[1][0] == "process 1 has ended; the first one writes the run folder\n"

    alone = processes.start(0, (), tmp_path / "alone")
    alone.communicate(timeout=300)
    tables = [json.loads((folder / "detector.json").read_text()) for folder in (out, tmp_path / "alone")]
    scores = [entry["calibration"]["similarities"] for entry in tables]
    np.testing.assert_allclose(*scores, atol=0.01)
    assert not (tmp_path / "unused").exists()


@pytest.mark.slow
def test_processes_with_other_settings_are_refused(tmp_path: Path) -> None:
    processes, addresses = _Processes(tmp_path), free_addresses(2)
    words = (("--strategy", "multiworker"), ("--strategy", "multiworker", "--seed", "1"))
    both = [processes.start(number, addresses, tmp_path / "run", *words[number]) for number in range(2)]
    for process in both:
        output = process.communicate(timeout=300)
        assert process.returncode == 2 and output[1].splitlines()[1:] == [
            "the processes of the cluster have other settings or photographs than the first one; "
            "start all with the same options, data and version of mim-tf"
        ]
    assert not (tmp_path / "run").exists()


def test_one_device_trains_as_without_a_strategy() -> None:
    group = connect("one")
    assert group is connect("one") and group.chief and group.count == 1
    assert group.of_chief(3, 0.1) == (3, 0.1) and group.agrees(3, 0.1)
    group.check_batch(7)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert group.copies(lambda: model) == [model]
    before = model.get_weights()
    group.share([model])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_messages_of_tensorflow_are_hidden_and_those_of_python_are_not() -> None:
    """After a training in several processes, when the others may have ended."""
    lines = "import os, sys; from mim_tf.training.strategy import _hide_native_messages as hide; hide(); "
    lines += "os.write(2, b'native\\n'); print('Python', file=sys.stderr); os.system('echo child >&2')"
    done = subprocess.run([sys.executable, "-c", lines], stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr.splitlines()[-1:] == ["Python"] and "native" not in done.stderr and "child" not in done.stderr


def test_a_batch_must_be_divisible() -> None:
    group = Group([device.name for device in tf.config.list_logical_devices("CPU")[:1]] * 4)
    group.check_batch(16)
    with pytest.raises(MimError, match="batch size 10 cannot be divided among 4 devices; choose a multiple of 4"):
        group.check_batch(10)
    # Each device gets as many images of both halves, as those of two classes.
    with pytest.raises(MimError, match="batch size 9 cannot be divided among 3 devices; choose a multiple of 6"):
        Group([device.name for device in tf.config.list_logical_devices("CPU")[:1]] * 3).check_batch(9)


def test_memory_of_gpus_grows_if_it_is_not_in_use_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = []

    def grow(gpu: str, enable: bool) -> None:
        grown.append((gpu, enable))
        if gpu == "used":
            raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(strategy.tf.config, "list_physical_devices", lambda kind: ["used", "free"])
    monkeypatch.setattr(strategy.tf.config.experimental, "set_memory_growth", grow)
    assert connect.__wrapped__("one").count == 1
    assert grown == [("used", True), ("free", True)]
