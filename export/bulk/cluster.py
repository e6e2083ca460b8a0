"""Starts Ray on this machine, or joins a cluster, for a block. Comparisons and trainings use this as well."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError, explain, quiet_stderr

#: Seconds after which a cluster counts as one that does not answer.
ANSWER_SECONDS = 15.0
_START = "start one with `ray start --head`, set RAY_AUTH_MODE=token if it asks for a token, or name no address"
_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"


@contextmanager
def cluster(address: str | None = None, cpus: int | None = None) -> Iterator[Any]:
    """Connects to Ray, and disconnects at the end of the block.

    Args:
        address: None starts Ray on this machine and ends it with the block; "auto" joins the cluster of this machine
            or of the environment variable RAY_ADDRESS; else the address of a cluster, such as "10.0.0.1:6379".
        cpus: number of processors of a Ray that is started; None = all.

    Yields:
        The module `ray`, connected. Nothing is sent to Ray's authors, and no dashboard is started. In the block,
        nothing is printed on standard output.

    Raises:
        MimError: Ray is not installed, does not start, or no cluster answers at the address within 15 s.

    Example:
        >>> with cluster(cpus=2) as ray:
        ...     found = ray.get(ray.remote(abs).remote(-3))
        >>> found
        3
    """
    if importlib.util.find_spec("ray") is None:
        raise MimError("the engine ray needs Ray", "pip install 'mim-tf[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        _check_answer(address)
        quiet["address"] = address
    else:
        quiet |= {"address": "local", "num_cpus": cpus, "include_dashboard": False}
    stopped_by = signal.getsignal(signal.SIGTERM)
    with _ours_alone():
        try:
            ray.init(**quiet)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            what = "Ray does not start" if address is None else f"{address}: Ray does not connect"
            raise MimError(f"{what} ({_last_line(error)})", "look into /tmp/ray/session_latest/logs") from error
        with suppress(ValueError):  # in another thread, in which Ray cannot set its handler either
            signal.signal(signal.SIGTERM, stopped_by)  # Ray's would end the process without cleaning up
        try:
            yield ray
        finally:
            ray.shutdown()


def code_digest() -> str:
    """SHA-256 of the Python sources of both packages, to tell whether two machines run the same version.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in ("mim_tf", "mim_export"):
        spec = importlib.util.find_spec(name)
        for root in map(Path, () if spec is None else spec.submodule_search_locations or ()):
            for path in sorted(root.rglob("*.py")):
                digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def signature() -> str:
    """The version of mim-tf and the start of `code_digest`: all nodes of a cluster must have the same.

    Example:
        "0.2.0 (3f9a5b0c17de)"
    """
    return f"{version('mim-tf')} ({code_digest()[:12]})"


@contextmanager
def _ours_alone() -> Iterator[None]:
    """Shows what this program prints on standard error, and nothing else.

    Ray's libraries print to its descriptor, and threads of Ray to `sys.stdout`, where it would get into JSON.
    """
    encoding = getattr(sys.stderr, "encoding", None)
    with (
        open(os.dup(2), "w", buffering=1, encoding=encoding, errors="backslashreplace") as ours,
        open(os.devnull, "w") as nothing,
        redirect_stderr(ours),
        redirect_stdout(nothing),
        quiet_stderr(),
    ):
        yield


def _check_answer(address: str) -> None:
    """Connects in a process of its own: a connection that waits for an answer cannot be interrupted in this one."""
    command = [sys.executable, "-c", _PROBE, address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise MimError(f"{address}: no Ray cluster answers within {ANSWER_SECONDS:.0f} s", _START) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise MimError(f"{address}: no Ray cluster answers ({lines[-1]})", _START)


def of_gpus(gpus: float) -> dict[str, str]:
    """Environment variables of a task that uses so many GPUs.

    Without any, TensorFlow must not find one, since Ray hides them only from tasks that ask for some. With some, it
    takes memory as it needs it, so that several tasks can share one.

    Example:
        `of_gpus(0)` is {"CUDA_VISIBLE_DEVICES": "-1"}.
    """
    return {"TF_FORCE_GPU_ALLOW_GROWTH": "true"} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"}


def in_words(error: BaseException) -> MimError:
    """Says in one line what an error of Ray means; of an error in a task, that error.

    Args:
        error: an exception of Ray.

    Example:
        >>> print(in_words(RuntimeError("Traceback\n  ...\nActorDiedError: it died")))
        Ray gave up (ActorDiedError: it died); run the same command again, which continues
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception) and (told := explain(cause)) is not None:
        return told
    text = str(error)
    if "No module named 'mim_" in text:
        return MimError("a node has no mim-tf, or one of another version", "install this version on all nodes")
    if "ObjectStoreFull" in text or "OutOfDisk" in text:
        return MimError("the object store of Ray is full and cannot be written to disk", "free some space in /tmp")
    return MimError(f"Ray gave up ({_last_line(error)})", "run the same command again, which continues")


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else type(error).__name__
