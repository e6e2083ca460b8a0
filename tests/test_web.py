"""The scorer in TypeScript: its own tests, where Node and its packages are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCORER = Path(__file__).parents[1] / "export" / "web" / "scorer"


def test_scorer_passes_its_own_tests() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node is not installed")
    if not (SCORER / "node_modules").is_dir():
        pytest.skip(f"the packages that the tests need are not installed: npm ci in {SCORER}")
    done = subprocess.run([npm, "test"], cwd=SCORER, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert re.search(r"Tests .*\d+ passed", done.stdout)
