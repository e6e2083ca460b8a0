"""Locks of output folders."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MimError, explain

#: Name of the file in a folder that is locked.
LOCK = ".lock"


@contextmanager
def exclusive_lock(out: Path, what: str) -> Iterator[int]:
    """Locks a folder, because two runs in it would overwrite each other's files.

    The system releases the lock when the process ends, however it ends.

    Args:
        out: the folder; created if it does not exist.
        what: what the folder is for, such as "training".

    Yields:
        The file descriptor of the lock. A child process that inherits it holds the lock, too.

    Raises:
        MimError: another process holds the lock, or the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / LOCK).open("w")
    except OSError as error:
        raise explain(error, out) or error from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MimError(f"in use by another {what}", "wait for its end or stop it", out) from error
        except OSError as error:
            raise explain(error, out) or error from error
        yield lock.fileno()
