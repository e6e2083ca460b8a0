"""Orderly ends of a process by a signal: temporary folders are removed, and a line is printed at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Signals that ask a process to end. SIGHUP is sent when a terminal is closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_stop(tell: Callable[[], object]) -> Iterator[None]:
    """Turns a signal that asks this process to end into an exception in the main thread, within the block.

    SIGINT raises `KeyboardInterrupt`; the others raise `SystemExit` with the status 128 + number, 143 for SIGTERM. The
    exception is raised when the main thread returns to Python, for example after the current training step. The same
    signal again ends the process without cleaning up. Signals that are ignored, as by `nohup`, stay ignored.

    Args:
        tell: is called at once when the first signal arrives, in another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set handlers
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handled = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    read, write = os.pipe()
    os.set_blocking(write, False)

    def wait() -> None:
        if os.read(read, 1):
            tell()
        os.close(read)

    def stop(number: int, frame: FrameType | None) -> None:
        for other in handled:
            # Ctrl-C reaches a child process from the terminal, and its parent then terminates it as well.
            signal.signal(other, signal.SIG_DFL if other == number else signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    # The interpreter writes the number of each signal to this descriptor even while the main thread computes.
    waked = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    try:
        for number in handled:
            signal.signal(number, stop)
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(waked)
        os.close(write)
        waiting.join()
