"""The scorer in Kotlin: builds it and runs its own tests on a JVM."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

KOTLIN = Path(__file__).parents[1] / "export" / "kotlin"
#: Exit status of `test.sh` where a compiler or a library is missing.
MISSING = 77


def test_kotlin_scorer_passes_its_tests() -> None:
    """Golden vectors of each stage, laws, error messages, and both models run by LiteRT."""
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(["sh", KOTLIN / "test.sh"], env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode == MISSING:
        pytest.skip(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^OK \(\d+ tests\)$", done.stdout, re.MULTILINE)


def test_kotlin_core_needs_no_android() -> None:
    """What is compiled here is what an app compiles: nothing but Java's library and `org.json`, which Android has."""
    sources = list((KOTLIN / "src").rglob("*.kt"))
    assert sources
    imports = {line for path in sources for line in path.read_text().splitlines() if line.startswith("import ")}
    assert all(re.match(r"import (java|kotlin|org\.json)\.", line) for line in imports), imports
