"""Runs jobs and commands for `hostile.py`, and collects what goes wrong."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Processor time in seconds within which one input has to be judged.
SECONDS = 5.0
#: Memory in MB within which one input has to be judged.
MEGABYTES = 1000.0
#: Seconds of waiting after which a process is ended. The machine may have other work.
PATIENCE = 240.0
#: What must not happen, in the order of the table.
FAULTS = (
    "tracebacks",
    "processes that crashed",
    "hangs over 5 s",
    "memory over 1 GB",
    "verdicts for unreadable files",
    "whole photographs called unreadable",
    "rows lost, doubled or imitated",
    "changed bytes of a bundle that verify does not name",
)
MIM_TF = (sys.executable, "-c", "from mim_tf.cli.app import main; main()")


@dataclass
class Found:
    """What went wrong, and what was tried.

    Attributes:
        faults: by fault, the inputs with which it happened and how to make each again.
        tried: number of inputs by kind.
        slowest: largest processor time of an input in seconds, and the input.
        largest: largest memory of an input in MB, and the input.
    """

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    tried: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")

    def add(self, fault: str, what: str) -> None:
        """Adds a fault, and prints it at once."""
        assert fault in FAULTS or fault.startswith("(")
        self.faults[fault].append(ascii(what)[1:-1])
        if fault in FAULTS:
            print(f"{fault}: {self.faults[fault][-1]}", file=sys.stderr, flush=True)

    def judge(self, answer: dict[str, Any], what: str, limited: bool = True) -> None:
        """Looks for faults in the answer of a worker.

        Args:
            answer: the answer.
            what: the input, and how to make it again.
            limited: whether the limits of time and memory hold; not for trainings.
        """
        text = answer.get("traceback", "") + answer.get("err", "")
        if "Traceback" in text or answer.get("status") == 1:
            self.add("tracebacks", f"{what}: {text.strip().splitlines()[-1] if text.strip() else 'exit status 1'}")
        if answer.get("crash"):
            self.add("processes that crashed", f"{what}: {answer['crash']}")
        if answer.get("hang") or (limited and answer.get("cpu", 0) > SECONDS):
            self.add("hangs over 5 s", f"{what}: {answer.get('cpu', PATIENCE):.1f} s")
        if limited and answer.get("peak", 0) > MEGABYTES:
            self.add("memory over 1 GB", f"{what}: {answer['peak']:.0f} MB")
        if limited:
            self.slowest = max(self.slowest, (answer.get("cpu", 0.0), what))
            self.largest = max(self.largest, (answer.get("peak", 0.0), what))


class Worker:
    """A process of `hostile_worker.py`, which is started again after it has crashed or hung."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def do(self, patience: float = PATIENCE, **job: Any) -> dict[str, Any]:
        """Does a job and returns the answer; `crash` or `hang` is in it if there was none."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("hostile_worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(patience)
        line = process.stdout.readline() if ready else ""
        if line:
            return dict(json.loads(line))
        if not ready:
            process.kill()
        status = process.wait()
        return {"hang": True} if not ready else {"crash": f"exit status {status}"}

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class Done:
    """A command that has ended: exit status (None if it was ended), output, errors and seconds."""

    status: int | None
    out: bytes
    err: bytes
    seconds: float


def command(
    found: Found,
    words: Sequence[str],
    folder: Path,
    patience: float = 600.0,
    shell: str | None = None,
    env: dict[str, str | None] | None = None,
) -> Done:
    """Runs `mim-tf` in a process of its own, and looks for tracebacks and crashes.

    Args:
        found: receives the faults.
        words: arguments of `mim-tf`.
        folder: the current folder of the command.
        patience: seconds after which the command is ended.
        shell: text of a shell in which `"$@"` is the command, for redirections.
        env: changed variables of the environment; None removes one.
    """
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name, value in (env or {}).items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value
    line = ["/bin/sh", "-c", shell, "sh", *MIM_TF, *words] if shell else [*MIM_TF, *words]
    began = time.monotonic()
    what = f"mim-tf {' '.join(words)} {shell or ''} {env or ''}"[:300]
    process = subprocess.Popen(
        line,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # also what a shell or a pool has started
        out, err = process.communicate()
        found.add("hangs over 5 s", f"{what}: ended after {patience:.0f} s")
        return Done(None, out, err, patience)
    if b"Traceback" in err or b"Exception ignored" in err or (process.returncode == 1 and not shell):
        found.add("tracebacks", f"{what}: {err.decode('utf-8', 'replace').strip()[-300:]}")
    if process.returncode < 0 or process.returncode in (134, 136, 139):
        found.add("processes that crashed", f"{what}: exit status {process.returncode}")
    found.tried["commands in processes of their own"] += 1
    return Done(process.returncode, out, err, time.monotonic() - began)
