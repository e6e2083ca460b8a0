"""The cluster of a training in several processes, as the environment variable TF_CONFIG describes it."""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from mim_export.score.errors import MimError

VARIABLE = "TF_CONFIG"
_REMEDY = (
    'set it to {"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": N}}, with N = 0 '
    "in the process at the first address, 1 in that at the second, and so on"
)
_JOBS = ("chief", "worker")
#: Seconds between two attempts to reach the chief.
_PAUSE = 0.5
_GO = b"go"


@dataclass(frozen=True)
class Cluster:
    """The processes of a training.

    Attributes:
        addresses: HOST:PORT of each, the chief first.
        number: the number of this process among them; 0 = the chief.
        task: its name for TensorFlow, such as "/job:worker/replica:0/task:1".
    """

    addresses: tuple[str, ...]
    number: int
    task: str


def read_cluster() -> Cluster:
    """Reads TF_CONFIG.

    Returns:
        The cluster. The chief is the task "chief" if there is one, else worker 0.

    Raises:
        MimError: the variable is not set, is no JSON, has other jobs than "chief" and "worker", an address that is not
            HOST:PORT or is there twice, or a task that is not in the cluster.

    Example:
        With {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}} the addresses are
        ("a:2222", "b:2222") and the number is 1.
    """
    text = os.environ.get(VARIABLE, "")
    if not text.strip():
        raise _wrong("is not set")
    try:
        entry = json.loads(text)
    except ValueError:
        raise _wrong("is not JSON") from None
    cluster, task = (entry.get(key) if isinstance(entry, dict) else None for key in ("cluster", "task"))
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise _wrong("lacks cluster or task")
    if not set(cluster) <= set(_JOBS):
        raise _wrong(f"has the job {sorted(set(cluster) - set(_JOBS))[0]}")
    jobs = {job: _addresses(job, cluster[job]) for job in _JOBS if job in cluster}
    if len(jobs.get("chief", [])) > 1:
        raise _wrong("has more than one chief")
    tasks = [(job, index) for job, listed in jobs.items() for index in range(len(listed))]
    addresses = tuple(address for listed in jobs.values() for address in listed)
    if len(set(addresses)) < len(addresses):
        raise _wrong("has an address twice")
    kind, index = task.get("type"), task.get("index")
    if isinstance(index, bool) or not isinstance(index, int) or (kind, index) not in tasks:
        raise _wrong(f"has the task {kind} {index}, which is not in its cluster")
    return Cluster(addresses, tasks.index((str(kind), index)), f"/job:{kind}/replica:0/task:{index}")


def _addresses(job: str, listed: Any) -> list[str]:
    if not isinstance(listed, list) or not listed:
        raise _wrong(f"has no list of addresses of the job {job}")
    for address in listed:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise _wrong(f"has the address {address}")
    return listed


def meet(cluster: Cluster, seconds: float) -> None:
    """Waits until all processes of a cluster have been started.

    TensorFlow waits by itself as well, but for an hour, in which a process cannot be stopped. The chief listens at its
    address, where TensorFlow does afterwards, and tells the others when all are there.

    Args:
        cluster: the cluster, of two processes or more.
        seconds: how long to wait.

    Raises:
        MimError: the port of this process is in use, or another process is missing at the end.
    """
    address = cluster.addresses[cluster.number]
    try:
        listener = socket.create_server(("", int(address.rpartition(":")[2])))
    except OSError as error:
        problem = f"{address}: the port cannot be used ({os.strerror(error.errno or 0).lower()})"
        raise MimError(problem, "end the program that uses it, or choose other ports in TF_CONFIG") from error
    end = time.monotonic() + seconds
    with listener:
        if cluster.number == 0:
            missing = _gather(listener, cluster, end)
        else:
            missing = () if _report(cluster, end) else cluster.addresses[:1]
    if missing:
        problem = f"{address}: not reached within {seconds:g} s: {', '.join(missing)}"
        raise MimError(problem, "start the same command on all workers at about the same time")


def _gather(listener: socket.socket, cluster: Cluster, end: float) -> tuple[str, ...]:
    """Waits in the chief; returns the addresses of the processes that are missing at the end."""
    lines = {_line(cluster, number): number for number in range(1, len(cluster.addresses))}
    there: dict[int, socket.socket] = {}
    with ExitStack() as connections:
        while len(there) < len(lines):
            readable, _, _ = select.select([listener, *there.values()], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                return tuple(cluster.addresses[number] for number in lines.values() if number not in there)
            # A process says nothing more while it waits, so that one that can be read has ended.
            there = {number: other for number, other in there.items() if other not in readable}
            if listener in readable:
                other = connections.enter_context(listener.accept()[0])
                other.settimeout(_PAUSE)
                with suppress(OSError):  # another program
                    if (number := lines.get(other.recv(256))) is not None:
                        there[number] = other
        for other in there.values():
            with suppress(OSError):
                other.sendall(_GO)
                other.recv(1)  # until it has closed the connection, so that the port is free
    return ()


def _report(cluster: Cluster, end: float) -> bool:
    """Waits in another process than the chief; returns whether all are there."""
    host, _, port = cluster.addresses[0].rpartition(":")
    while (left := end - time.monotonic()) > 0:
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=left) as chief:
            chief.sendall(_line(cluster, cluster.number))
            if chief.recv(len(_GO)) == _GO:
                return True
        time.sleep(_PAUSE)
    return False


def _line(cluster: Cluster, number: int) -> bytes:
    """What a process tells the chief: the cluster that it belongs to, and its number."""
    digest = hashlib.sha256(" ".join(cluster.addresses).encode()).hexdigest()
    return f"mim-tf {digest} {number}\n".encode()


def _wrong(problem: str) -> MimError:
    return MimError(f"{VARIABLE} {problem}", _REMEDY)
