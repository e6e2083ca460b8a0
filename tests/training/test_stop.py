"""`mim_tf.training.stop`: signals end a process in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mim_tf.training.stop import SIGNALS, orderly_stop

#: Takes a signal to ignore, and whether it takes a second one.
_PROGRAM = """
import signal, sys, time
from pathlib import Path
from mim_export.score.atomic_files import new_file
from mim_tf.training.stop import orderly_stop
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore SIGINT
if sys.argv[2] != "0":
    signal.signal(int(sys.argv[2]), signal.SIG_IGN)
try:
    with orderly_stop(lambda: print("stopped", flush=True)), new_file(sys.argv[1]) as temporary:
        temporary.write_text("half")
        print("begun", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def started(target: Path, ignored: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROGRAM, str(target), str(int(ignored))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_says_so_at_once_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path / "target")
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert out == "stopped\n" and process.returncode == 128 + number
    assert not list(tmp_path.iterdir())


def test_a_signal_inside_exec_does_not_change_the_status(tmp_path: Path) -> None:
    source = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    program = f"""
import signal, sys
from mim_tf.training.stop import orderly_stop
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with orderly_stop(lambda: None, ends_process=True):
        exec({source!r})
except KeyboardInterrupt:
    sys.exit(130)
"""
    (tmp_path / "program.py").write_text(program)
    # Only a module that is run by -m ends by the signal.
    assert subprocess.run([sys.executable, "-m", "program"], cwd=tmp_path, timeout=60).returncode == 130


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    process = started(tmp_path / "target", signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143


def test_handlers_are_restored() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    for _ in range(3):
        with orderly_stop(lambda: None):
            assert [signal.getsignal(number) for number in SIGNALS] != before
        assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(SystemExit) as stop, orderly_stop(lambda: None):
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.code == 143
    assert [signal.getsignal(number) for number in SIGNALS] == before


class _Finalized:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_an_exception_that_a_finalizer_discards_is_raised_again(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    with pytest.raises(SystemExit) as stop, orderly_stop(lambda: None):
        _Finalized()
        time.sleep(20)
    assert stop.value.code == 143 and time.monotonic() - began < 10
    assert not capfd.readouterr().err


def test_an_error_that_follows_from_a_signal_is_the_stop() -> None:
    with pytest.raises(SystemExit) as stop, orderly_stop(lambda: None):
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit as error:
            raise ImportError("initialization failed") from error
    assert stop.value.code == 143
    with pytest.raises(ImportError), orderly_stop(lambda: None):
        raise ImportError("without a signal")


def test_other_signals_do_not_interrupt_the_cleaning(capfd: pytest.CaptureFixture[str]) -> None:
    cleaned = False
    with pytest.raises(SystemExit) as stop, orderly_stop(lambda: None):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGHUP)
            cleaned = True
    assert stop.value.code == 143 and cleaned
    assert not capfd.readouterr().err


def test_signals_after_the_last_block_are_ignored() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    try:
        with orderly_stop(lambda: None, ends_process=True):
            pass
        assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_IGN] * len(SIGNALS)
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
