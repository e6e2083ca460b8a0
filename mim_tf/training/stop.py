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


#: Maximum seconds for which the main thread waits until a signal has been told of.
_TELLING = 1.0
#: Seconds after which an exception is raised again that was discarded.
_AGAIN = 0.05


@contextmanager
def orderly_stop(tell: Callable[[], object], ends_process: bool = False) -> Iterator[None]:
    """Turns a signal that asks this process to end into an exception in the main thread, within the block.

    SIGINT raises `KeyboardInterrupt`; the others raise `SystemExit` with the status 128 + number, 143 for SIGTERM. The
    exception is raised when the main thread returns to Python, for example after the current training step, and
    the block ends with it whatever other code makes of it. The same signal again ends the process without cleaning up.
    Signals that are ignored, as by `nohup`, stay ignored.

    Args:
        tell: is called at once when the first signal arrives, in another thread.
        ends_process: whether the process ends after the block. Signals that come after the block are ignored then,
            since the exit of an interpreter that is interrupted prints tracebacks.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set handlers
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handled = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    received: list[int] = []
    timers: list[threading.Timer] = []
    leaving = False
    read, write = os.pipe()
    os.set_blocking(write, False)

    def wait() -> None:
        if os.read(read, 1):
            tell()

    def stop(number: int, frame: FrameType | None) -> None:
        if received and number != received[0]:
            return  # Ctrl-C reaches a child process from the terminal, and its parent then terminates it as well
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        waiting.join(_TELLING)  # `tell` may need a lock that this thread holds
        if not leaving:
            raise _stopped_by(number)

    def discarded(lost: sys.UnraisableHookArgs) -> None:
        """Raises the exception again that a finalizer or the callback of a weak reference has discarded."""
        main = threading.current_thread() is threading.main_thread()
        if not (main and received and isinstance(lost.exc_value, (KeyboardInterrupt, SystemExit))):
            hook(lost)
            return
        signal.signal(received[0], stop)
        timers.append(threading.Timer(_AGAIN, signal.pthread_kill, (threading.get_ident(), received[0])))
        timers[-1].start()

    # The interpreter writes the number of each signal to this descriptor even while the main thread computes.
    waked = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    hook, sys.unraisablehook = sys.unraisablehook, discarded
    try:
        for number in handled:
            signal.signal(number, stop)
        yield
    except BaseException:
        if not received:
            raise  # else it follows from the signal, such as the error of an extension module that was being imported
    finally:
        leaving = True
        for timer in timers:
            timer.cancel()
        for number in handled:
            if not ends_process:
                signal.signal(number, before[number])
            elif number not in received:
                signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = hook
        signal.set_wakeup_fd(waked)
        os.close(write)
        waiting.join()
        os.close(read)  # not before, since each further signal is written as well
    # A KeyboardInterrupt that is raised inside an `exec` of source text, as in the decorator of dataclasses, counts as
    # unhandled, and Python would end by the signal instead of the status. The next `exec` resets that.
    exec("")
    if received:
        raise _stopped_by(received[0])


def _stopped_by(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
