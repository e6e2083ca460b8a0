"""Times the Keras detector in a child process, since TensorFlow fixes its number of threads at start-up."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..score.errors import MimError, quiet_stderr


class KerasTimer:
    """Times inferences of the signature `verdict` of a run in TensorFlow.

    Args:
        run: a run folder.
        threads: number of threads of TensorFlow, both within and between operators.
        image: uint8 (1, S, S, 3), the input of every inference.

    Example:
        >>> with KerasTimer(Path("RUN"), 1, image) as seconds:
        ...     seconds()
        0.0312
    """

    def __init__(self, run: Path, threads: int, image: NDArray[np.uint8]) -> None:
        self._run = run
        spawn = multiprocessing.get_context("spawn")  # a forked process would inherit TensorFlow and its threads
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other, run, threads, image), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> KerasTimer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()  # ends the process
        self._process.join()

    def __call__(self) -> float:
        """Runs one inference.

        Returns:
            Seconds.

        Raises:
            MimError: the process has terminated.
        """
        try:
            self._pipe.send(None)
            return float(self._pipe.recv())
        except (EOFError, OSError) as error:
            raise MimError("the Keras detector stopped", "check the run with mim-tf evaluate", self._run) from error


def _serve(pipe: Connection, run: Path, threads: int, image: NDArray[np.uint8]) -> None:
    """Main function of the child process: times one inference for each message until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process closes the pipe when it is interrupted
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    with quiet_stderr():
        import tensorflow as tf

        from ..convert.convert import verdict_function

        score, pixels = verdict_function(run), tf.constant(image)
        score(pixels)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        start = time.perf_counter()
        score(pixels)
        pipe.send(time.perf_counter() - start)
