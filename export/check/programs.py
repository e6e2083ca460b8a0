"""Runs other programs that score a bundle: scorers in other languages, and tflite-runtime in another Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from ..score.errors import MimError

#: Seconds after which a program that scores the golden images is killed.
_TIMEOUT = 120
#: Start of a line of stderr that names an error.
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
_TFLITE = "set MIM_TFLITE_PYTHON to a Python with 'numpy<2', Pillow, tflite-runtime and this version of mim-tf"


class NotPresentError(Exception):
    """A program cannot be run here, or one of its dependencies is not installed. The message says what to do."""


def run_scorer(command: Sequence[str], folder: Path, bundle: Path) -> list[Any]:
    """Runs a program that scores the golden images.

    Args:
        command: the program and its arguments.
        folder: its working directory.
        bundle: the folder of the bundle, for the environment variable MIM_BUNDLE.

    Returns:
        The JSON value of each line that the program prints.

    Raises:
        MimError: the program fails, prints something other than JSON, or takes more than two minutes.
    """
    environment = {**os.environ, "MIM_BUNDLE": str(bundle.resolve())}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
        if done.returncode:
            raise MimError(_error_line(done.stderr), "build and test it again", folder)
        return [json.loads(line) for line in done.stdout.splitlines()]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise MimError(str(error)[:200], "build and test it again", folder) from None


@contextmanager
def tflite_runtime(*arguments: str) -> Iterator[Callable[[], Any]]:
    """Runs `mim_export.check.on_runtimes` with the Python named by MIM_TFLITE_PYTHON, in parallel to the block.

    Args:
        *arguments: arguments of the command.

    Yields:
        A function that waits for the command and returns its parsed output: rows of the golden images, or with `--data`
        the scores of photographs. It raises `NotPresentError` if there is no such Python or a module is missing there,
        and `MimError` if the command fails.
    """
    command = [os.environ.get("MIM_TFLITE_PYTHON", ""), "-m", "mim_export.check.on_runtimes", *arguments]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError:  # MIM_TFLITE_PYTHON is not set or names no program
        yield _no_tflite_runtime
        return

    def result() -> Any:
        stdout, stderr = process.communicate()
        if "No module named" in stderr:
            _no_tflite_runtime()
        if process.returncode:
            raise MimError(_error_line(stderr), "install this version of mim-tf there", command[0])
        return json.loads(stdout)

    with process:
        try:
            yield result
        finally:
            process.kill()


def _no_tflite_runtime() -> NoReturn:
    raise NotPresentError(_TFLITE)


def _error_line(stderr: str) -> str:
    """Returns the line of stderr that names an error, or the last line if there is none.

    Python writes that line after the traceback, Node and Java before the stack trace.
    """
    lines = stderr.strip().splitlines() or ["it failed without a message"]
    return next((line for line in lines if _ERROR.match(line)), lines[-1])[:200]
