"""Trainings that are stopped at random moments, and the same command again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mim_export.score.atomic_files import is_leftover
from mim_tf.detector import load_detector
from mim_tf.synthetic import dataset
from mim_tf.training.run_folder import SCRATCH

pytestmark = pytest.mark.slow

COUNTS = {"train": {"mpox": 6}, "val": {"mpox": 40}, "test": {"mpox": 4}}
OPTIONS = ("--method", "autoencoder", "--size", 32, "--width", 2, "--steps", 110, "--batch-size", 2)


def started(data: Path, out: Path, temporary: Path) -> subprocess.Popen[str]:
    """Starts a training with one thread, so that the order of summation is always the same."""
    words = ("train", "--data", data, "--out", out, "--precision", "float32", *OPTIONS)
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in background jobs
        "from mim_tf.cli.start import main; main()"
    )
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        env={**os.environ, **one, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_stopped_training_ends_as_an_unbroken_one_and_leaves_nothing(tmp_path: Path) -> None:
    data = dataset.write_sample(tmp_path / "data", counts=COUNTS)
    (tmp_path / "tmp").mkdir()
    began = time.monotonic()
    unbroken = started(data, tmp_path / "whole", tmp_path / "tmp")
    _, err = unbroken.communicate()
    assert unbroken.returncode == 0, err
    needed = time.monotonic() - began
    rng = np.random.default_rng(20)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        process = started(data, tmp_path / "broken", tmp_path / "tmp")
        moment = float(rng.uniform(0.3, 0.9)) * needed
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        _, err = process.communicate()
        # 0: it had ended.
        assert process.returncode in (0, -number if number == signal.SIGKILL else 128 + number), err
        assert "Traceback" not in err, err
        assert (err.splitlines()[-1:] == ["stopped"]) == (process.returncode == 128 + number), err
    last = started(data, tmp_path / "broken", tmp_path / "tmp")
    _, err = last.communicate()
    assert last.returncode == 0, err
    whole, broken = (load_detector(tmp_path / name) for name in ("whole", "broken"))
    pixels = dataset.render("mpox", range(300, 308), size=32)
    np.testing.assert_array_equal(whole.score_samples(pixels), broken.score_samples(pixels))
    assert whole.tables == broken.tables and whole.gate == broken.gate
    names = [path.name for path in tmp_path.rglob("*")]
    assert not [name for name in names if is_leftover(name) or name == SCRATCH]
    assert not list((tmp_path / "tmp").iterdir())
    files = [
        sorted(path.name for path in (tmp_path / name).rglob("*") if "log" not in path.parts)
        for name in ("whole", "broken")
    ]
    assert files[0] == files[1]
