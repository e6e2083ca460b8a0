"""The process of `mim-tf`, which a signal stops in order from the first moment, before a command is imported.

A signal that comes while the interpreter itself starts, before this module runs, has the effect that Python gives it.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

#: Those of `mim_tf.training.stop`, which imports more.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Runs the command that the arguments name.

    The exit status is 128 + number if a signal stopped the command: 130 for Ctrl-C, 143 for SIGTERM; else see
    `mim_tf.cli.app.main`. A signal that comes when the command has finished changes nothing.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_at_once)
    # Not by the function that says it: in another thread, it would wait for modules that this thread is importing.
    from mim_export.score.errors import loud_stderr
    from mim_tf.training.stop import orderly_stop

    def say_stopped() -> None:
        with suppress(OSError, ValueError), loud_stderr():  # closed, as is the terminal at SIGHUP
            if sys.stderr is not None:
                print("stopped", file=sys.stderr, flush=True)

    try:
        with orderly_stop(say_stopped, ends_process=True):
            from mim_export.score.atomic_files import gather_temporary_files

            gather_temporary_files()
            from mim_tf.cli.app import main as run

            run()
    except KeyboardInterrupt:
        sys.exit(130)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Ends the process while there is nothing to clean up."""
    with suppress(OSError):
        os.write(2, b"stopped\n")
    os._exit(128 + number)
