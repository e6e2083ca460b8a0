"""Times the Keras detector in a process of its own, for TensorFlow settles its number of threads when it starts."""

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
    """Runs the score path of a run, and says how long that took.

    Args:
        run: a run folder.
        threads: of TensorFlow, within an operator and between operators.
        image: uint8 (1, S, S, 3), what is scored.

    Example:
        >>> with KerasTimer(Path("RUN"), 1, image) as seconds:
        ...     seconds()
        0.0312
    """

    def __init__(self, run: Path, threads: int, image: NDArray[np.uint8]) -> None:
        self._run = run
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit TensorFlow with its threads
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other, run, threads, image), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> KerasTimer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()  # which ends the process
        self._process.join()

    def __call__(self) -> float:
        """Seconds of one inference.

        Raises:
            MimError: the process has ended.
        """
        try:
            self._pipe.send(None)
            return float(self._pipe.recv())
        except (EOFError, OSError):
            raise MimError("the Keras detector stopped", "see whether mim-tf evaluate can use it", self._run) from None


def _serve(pipe: Connection, run: Path, threads: int, image: NDArray[np.uint8]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever stops the other process closes the pipe
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    with quiet_stderr():
        import tensorflow as tf

        from ..convert.convert import score_function

        score, pixels = score_function(run), tf.constant(image)
        score(pixels)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        start = time.perf_counter()
        score(pixels)
        pipe.send(time.perf_counter() - start)
