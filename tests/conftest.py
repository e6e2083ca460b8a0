"""Fixtures that several test files share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def skin() -> Path:
    """The folder of real photographs, which is not part of the project; MIM_DATA may name another."""
    path = Path(os.environ.get("MIM_DATA", Path(__file__).parents[2] / "shared" / "data" / "skin"))
    if not path.is_dir():
        pytest.skip(f"no real photographs at {path}; MIM_DATA may name a folder of them")
    return path


@contextmanager
def _as_other_user() -> Iterator[None]:
    """Gives up root's right to read everything: a call inside sees files as an ordinary user does."""
    if os.geteuid() != 0:  # an ordinary user already, whom chmod binds
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def other_user() -> Callable[[], AbstractContextManager[None]]:
    """What a test wraps around a call that has to meet the permissions of files.

    Everything that the call imports has to be imported before, for the interpreter may lie in a folder of root's.
    """
    if not hasattr(os, "setresuid"):
        pytest.skip("this system cannot change the user of a process and change it back")
    return _as_other_user


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter, which those of `tmp_path` are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in (folder, *folder.rglob("*")):  # parents come first
            path.chmod(0o755)
