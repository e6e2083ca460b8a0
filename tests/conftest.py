"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def skin() -> Path:
    """The folder of real photographs, which is not part of the project; MIM_DATA may name another."""
    path = Path(os.environ.get("MIM_DATA", Path(__file__).parents[2] / "shared" / "data" / "skin"))
    if not path.is_dir():
        pytest.skip(f"no real photographs at {path}; MIM_DATA may name a folder of them")
    return path
