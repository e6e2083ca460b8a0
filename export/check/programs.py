"""Programs beside this one that score a bundle: other languages, and tflite-runtime in an environment of its own."""

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

#: Seconds after which a program that scores the golden images is ended.
_PATIENCE = 120
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
_TFLITE = "set MIM_TFLITE_PYTHON to a Python with 'numpy<2', Pillow, tflite-runtime and this version of mim-tf"


class NotPresentError(Exception):
    """A program or what it needs is not here; the message says what to install."""


def printed(command: Sequence[str], folder: Path, bundle: Path) -> list[Any]:
    """Runs a program that scores the golden images.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        bundle: what MIM_BUNDLE names.

    Returns:
        The JSON value of each line that it prints.

    Raises:
        MimError: it fails, prints something else, or takes more than two minutes.
    """
    environment = {**os.environ, "MIM_BUNDLE": str(bundle.resolve())}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        if done.returncode:
            raise MimError(_complaint(done.stderr), "build and test it again", folder)
        return [json.loads(line) for line in done.stdout.splitlines()]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise MimError(str(error)[:200], "build and test it again", folder) from None


@contextmanager
def tflite_runtime(*arguments: str) -> Iterator[Callable[[], Any]]:
    """Runs `mim_export.check.on_runtimes` with the Python that MIM_TFLITE_PYTHON names, beside the block.

    Args:
        *arguments: of that command.

    Yields:
        A function that waits for what it prints: rows of the golden images, or with `--data` those of photographs. It
        raises `NotPresentError` where there is no such Python, and `MimError` where the command fails.
    """
    command = [os.environ.get("MIM_TFLITE_PYTHON", ""), "-m", "mim_export.check.on_runtimes", *arguments]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError:  # none is named, or there is none of that name
        yield _no_tflite_runtime
        return

    def result() -> Any:
        stdout, stderr = process.communicate()
        if "No module named" in stderr:
            _no_tflite_runtime()
        if process.returncode:
            raise MimError(_complaint(stderr), "install this version of mim-tf there", command[0])
        return json.loads(stdout)

    with process:
        try:
            yield result
        finally:
            process.kill()


def _no_tflite_runtime() -> NoReturn:
    raise NotPresentError(_TFLITE)


def _complaint(stderr: str) -> str:
    """The line that names an error, which Python writes last, Node and Java before a trace; else the last line."""
    lines = stderr.strip().splitlines() or ["it failed and said nothing"]
    return next((line for line in lines if _ERROR.match(line)), lines[-1])[:200]
