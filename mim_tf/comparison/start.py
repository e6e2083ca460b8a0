"""A worker process of a comparison: it ends with its parent from its first moment, before TensorFlow is imported.

Run as `python -m mim_tf.comparison.start fit|probe FOLDER`; FOLDER contains `job.json`. The process exits when its
standard input is closed. Until then it holds the lock of the comparison, which the next one would have to wait for.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from mim_export.score.atomic_files import gather_temporary_files
from mim_tf.training.stop import orderly_stop


def main() -> None:
    """Runs the task that the arguments name, see `mim_tf.comparison.worker.run`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with orderly_stop(lambda: None, ends_process=True):
            gather_temporary_files()
            from mim_tf.comparison.worker import run  # takes seconds

            run(sys.argv[1], Path(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(130)


def _end_with_parent() -> None:
    """Exits when the parent process closes the pipe to standard input."""
    while os.read(0, 1):  # not by sys.stdin, which a thread that reads would keep locked at the end of the process
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
