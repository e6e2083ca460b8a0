"""Free addresses of this machine, for tests of several processes."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_addresses(count: int) -> tuple[str, ...]:
    """Returns different addresses HOST:PORT that no program listens at."""
    with ExitStack() as sockets:
        bound = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in bound)
