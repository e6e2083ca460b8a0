"""`mim_tf.comparison.start`: a worker ends with its parent, also while its libraries are loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def loading(tmp_path: Path) -> subprocess.Popen[str]:
    """A worker that loads a library for a minute."""
    (tmp_path / "tensorflow.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-m", "mim_tf.comparison.start", "fit", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "loading\n"
    return process


def test_a_worker_ends_with_its_parent(loading: subprocess.Popen[str]) -> None:
    _, err = loading.communicate(timeout=20)  # closes its standard input
    assert loading.returncode == 1 and not err


def test_a_worker_is_terminated_in_order(loading: subprocess.Popen[str]) -> None:
    loading.send_signal(signal.SIGTERM)
    assert loading.wait(20) == 143
    assert loading.stderr is not None and not loading.stderr.read()
