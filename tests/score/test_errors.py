"""`mim_export.score.errors`: stderr is restored in every case, and errors travel between processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mim_export.score.errors import MimError, MissingExtraError, check_whole, loud_stderr, quiet_stderr


def test_whole_numbers() -> None:
    for value in (32, np.int64(32), np.uint8(32)):
        number = check_whole("size", value, 32, 48, multiple_of=16)
        assert number == 32 and type(number) is int
    for wrong, options, line in (
        (31, {}, "size 31 is not possible; choose a whole number from 32 on"),
        (49, {"most": 48}, "size 49 is not possible; choose a whole number from 32 to 48"),
        (40, {"multiple_of": 16}, "size 40 is not possible; choose a multiple of 16 from 32 on"),
    ):
        with pytest.raises(MimError) as raised:
            check_whole("size", wrong, 32, **options)
        assert str(raised.value) == line
    for other in ("32", 32.0, None, True, np.float64(32), [32]):
        with pytest.raises(MimError, match=r"size .* is not possible"):
            check_whole("size", other, 1)


def test_blocks_are_nested_and_restored(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"hidden")
        with quiet_stderr():
            os.write(2, b"hidden")
        os.write(2, b"hidden")
    os.write(2, b"shown")
    with pytest.raises(ZeroDivisionError), quiet_stderr():
        raise ZeroDivisionError
    os.write(2, b" again")
    assert capfd.readouterr().err == "shown again"


def test_threads_do_not_lose_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> None:
        for turn in range(30):
            with quiet_stderr():
                time.sleep((number * turn) % 3 / 2000)

    opened = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"
    if opened:
        assert len(os.listdir("/proc/self/fd")) == opened


def test_another_thread_can_be_loud(capfd: pytest.CaptureFixture[str]) -> None:
    def say() -> None:
        with loud_stderr():
            os.write(2, b"shown ")

    with quiet_stderr():
        thread = threading.Thread(target=say)
        thread.start()
        thread.join()
        os.write(2, b"hidden")
    say()
    assert capfd.readouterr().err == "shown shown "


@pytest.mark.parametrize(
    "before", ["sys.stderr = None", "sys.stderr.close()", "os.close(2)", "os.close(2); sys.stderr = None"]
)
def test_a_missing_or_closed_stderr_is_no_error(before: str, tmp_path: Path) -> None:
    program = f"""
import os, sys
from mim_export.score.errors import quiet_stderr
{before}
with quiet_stderr():
    with quiet_stderr():
        pass
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"


@pytest.mark.parametrize(
    "error", [MimError("broken", "mend it", "a  b.jpg"), MimError("x", "y"), MissingExtraError("this", "that", "train")]
)
def test_errors_can_be_pickled(error: MimError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert (again.problem, again.remedy, again.path) == (error.problem, error.remedy, error.path)
