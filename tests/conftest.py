"""Fixtures for several test files."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

# Each worker has a core: more threads would only wait for each other. Read when TensorFlow and OpenMP are loaded.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

# A shell ignores SIGINT in background jobs, and nohup ignores SIGHUP; commands that the tests stop would inherit it.
for _signal, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def skin() -> Path:
    """The folder of real photographs, which is not part of the project; MIM_DATA overrides it."""
    path = Path(os.environ.get("MIM_DATA", Path(__file__).parents[2] / "shared" / "data" / "skin"))
    if not path.is_dir():
        pytest.skip(f"no real photographs at {path}; MIM_DATA may name a folder of them")
    return path


@contextmanager
def _as_other_user() -> Iterator[None]:
    """Drops the privileges of root within the block, so that file permissions apply."""
    if os.geteuid() != 0:  # already an ordinary user, for whom file permissions apply
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def other_user() -> Callable[[], AbstractContextManager[None]]:
    """A context manager in which file permissions apply, even if the tests run as root.

    Everything that the call in it imports must be imported before, since the interpreter may be in a folder that only
    root can read.
    """
    if not hasattr(os, "setresuid"):
        pytest.skip("this system cannot change the user of a process and change it back")
    return _as_other_user


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user can enter, unlike those of `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in (folder, *folder.rglob("*")):  # parents before children
            path.chmod(0o755)
