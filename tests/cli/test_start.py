"""`mim_tf.cli.start`: a signal ends a command in order from its first moment to its last one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mim_tf.cli import start
from mim_tf.training import stop

#: Takes the arguments of `mim-tf`. Background jobs of a shell ignore SIGINT.
_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mim_tf.cli.start import main
main()
"""
#: A library that is being loaded when the signal comes.
_SLOW = """
import os, signal, time
os.write(2, b"a message of native code")
os.kill(os.getpid(), int(os.environ["NUMBER"]))
time.sleep(60)
"""
#: The same, as native code that turns each exception into another one.
_NATIVE = f"""
try:
{"".join("    " + line + chr(10) for line in _SLOW.strip().splitlines())}
except BaseException as error:
    raise ImportError("initialization failed") from error
"""


def ended(program: str, number: int, *words: str, path: Path | None = None) -> tuple[int, str]:
    """Exit status and stderr of a command whose library sends the signal `number` to it."""
    path_of_fakes = os.pathsep.join([*([] if path is None else [str(path)]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "NUMBER": str(int(number)), "PYTHONPATH": path_of_fakes},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=50,
    )
    return done.returncode, done.stderr


def test_signals_are_those_of_the_library() -> None:
    assert start.SIGNALS == stop.SIGNALS


@pytest.mark.parametrize("number", start.SIGNALS)
@pytest.mark.parametrize("library", ["tensorflow", "typer"])
def test_a_signal_while_a_library_is_loaded_says_so(tmp_path: Path, number: int, library: str) -> None:
    (tmp_path / f"{library}.py").write_text(_SLOW)
    status, err = ended(_PROGRAM, number, "demo", "--out", str(tmp_path / "out"), path=tmp_path)
    assert status == 128 + number
    # Messages are hidden while TensorFlow is loaded, and only then.
    assert err == ("stopped\n" if library == "tensorflow" else "a message of native codestopped\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", start.SIGNALS)
def test_a_library_cannot_hide_a_signal(tmp_path: Path, number: int) -> None:
    (tmp_path / "tensorflow.py").write_text(_NATIVE)
    assert ended(_PROGRAM, number, "demo", path=tmp_path) == (128 + number, "stopped\n")


@pytest.mark.parametrize("number", start.SIGNALS)
def test_a_signal_before_any_library_is_loaded_says_so(number: int) -> None:
    early = "import os, sys\nclass Finder:\n    def find_spec(self, name, path=None, target=None):\n"
    early += f"        if name == 'mim_tf.training.stop': os.kill(os.getpid(), {int(number)})\n"
    early += "sys.meta_path.insert(0, Finder())\n"
    assert ended(early + _PROGRAM, number, "demo") == (128 + number, "stopped\n")


@pytest.mark.parametrize("number", start.SIGNALS)
def test_a_signal_after_the_end_changes_nothing(number: int) -> None:
    late = f"import atexit, os\natexit.register(os.kill, os.getpid(), {int(number)})\n"
    assert ended(late + _PROGRAM, number, "--version") == (0, "")
