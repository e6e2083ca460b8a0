"""The scorer in Kotlin; `export/test_all.sh` builds it and runs its own tests."""

from __future__ import annotations

import re
from pathlib import Path

KOTLIN = Path(__file__).parents[2] / "export" / "kotlin"


def test_kotlin_core_needs_no_android() -> None:
    """The sources import only Java's library and `org.json`, which Android has, so an app compiles the same code."""
    sources = list((KOTLIN / "src").rglob("*.kt"))
    assert sources
    imports = {line for path in sources for line in path.read_text().splitlines() if line.startswith("import ")}
    assert all(re.match(r"import (java|kotlin|org\.json)\.", line) for line in imports), imports
