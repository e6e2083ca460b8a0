"""Applies a function to many items in several processes, with the results in order and flat memory."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from .errors import MimError

State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items that are in progress or finished but not yet fetched, for each process.
_AHEAD = 4
#: Function, state and lock of a worker process.
_worker: dict[str, Any] = {}


def in_processes(
    function: Callable[[State, Item, Any], Result], state: State, items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Applies a function to items in several processes.

    Args:
        function: a function of a module. It receives the state, an item, and a lock that all processes share or None.
        state: is pickled once for each process. If it cannot be, or if the system has no processes to share locks with,
            the items are processed in this process.
        items: the arguments.
        workers: number of processes.

    Yields:
        The results in the order of `items`.

    If the caller stops early, or this process ends in any way, the processes end at once, amid an item.

    Raises:
        MimError: a process was stopped from outside, for example for lack of memory.
    """
    context = multiprocessing.get_context("spawn")  # fork copies locks that other threads hold
    try:
        pickle.dumps(state)
        turn = context.Lock()
        watched, held = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(workers, context, _start, (function, state, turn, watched))
    except (pickle.PicklingError, AttributeError, TypeError, ImportError, OSError):
        yield from (function(state, item, None) for item in items)
        return
    rest = iter(items)
    pending: deque[Future[Result]] = deque()
    try:
        with _interrupts_held_back():  # and inherited: only this process is interrupted
            pending += (pool.submit(_apply, item) for item in islice(rest, workers * _AHEAD))
        while pending:
            yield pending.popleft().result()
            pending += (pool.submit(_apply, item) for item in islice(rest, 1))
    except BaseException as error:
        held.close()
        if not isinstance(error, BrokenProcessPool):
            raise
        raise MimError("a process was stopped, perhaps for lack of memory", "use fewer processes") from None
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


def _start(function: Callable[..., Any], state: Any, turn: Any, watched: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    _worker.update(function=function, state=state, turn=turn)


def _end_with(watched: Connection) -> None:
    """Ends this process when the other end of a pipe is closed, which the parent alone holds."""
    with suppress(EOFError, OSError):
        watched.recv_bytes()
    os._exit(1)


def _apply(item: Any) -> Any:
    return _worker["function"](_worker["state"], item, _worker["turn"])


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Delays SIGINT to the end of the block. Processes that are started in it never receive it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
