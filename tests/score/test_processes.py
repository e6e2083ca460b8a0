"""`mim_export.score.processes`: worker processes end with their parent, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_PROGRAM = """
import os, sys, time
from mim_export.score.processes import in_processes

def work(state, item, turn):
    if item == 0:
        return os.getpid()
    time.sleep(600)

if __name__ == "__main__":
    for found in in_processes(work, None, range(9), 2):
        print(found, flush=True)
        if sys.argv[1] == "stop":
            break
"""


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, None])
def test_workers_end_amid_an_item(tmp_path: Path, number: signal.Signals | None) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py"), "wait" if number else "stop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        if number is not None:
            parent.send_signal(number)
        parent.wait(timeout=30)
        end = time.monotonic() + 10
        while _lives(worker) and time.monotonic() < end:
            time.sleep(0.05)
        assert not _lives(worker)
