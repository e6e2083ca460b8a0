"""`benchmarks/hostile.py`: its inputs are what they are said to be, and a short run finds no fault."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import hostile_files
from hostile_bundles import harm
from hostile_manifests import manifest
from hostile_names import NAMES
from hostile_pictures import pixels

from mim_export.score.decode import decode
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED


def test_inputs_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    kinds = set()
    for number in range(40):
        kind, made = hostile_files.draw(3, number)
        assert hostile_files.draw(3, number) == (kind, made)
        assert made.expect in ("unreadable", "whole", "hidden", "any")
        kinds.add(kind)
    assert kinds == {kind.__name__ for kind in hostile_files.KINDS}
    rows = [["file", "group"], ["train/mpox/a.png", "g"]]
    assert [manifest(rows, 0, n) for n in range(9)] == [manifest(rows, 0, n) for n in range(9)]
    assert harm(RELEASED, tmp_path / "a", 0, 1) == harm(RELEASED, tmp_path / "b", 0, 1)
    assert len(set(NAMES)) == len(NAMES) and not any(b"/" in name or b"\0" in name for name in NAMES)


@pytest.mark.parametrize("number", range(0, 120, 3))
def test_whole_and_unreadable_files_are_told_apart(number: int, tmp_path: Path) -> None:
    kind, made = hostile_files.draw(1, number)
    path = tmp_path / f"a{made.suffix}"
    path.write_bytes(made.content)
    if made.expect == "whole":
        assert decode(path).ndim == 3, kind
    elif made.expect == "unreadable":
        with pytest.raises(MimError):
            decode(path)


def test_photographs_of_the_benchmark_are_whole() -> None:
    rng = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "WEBP"):
        _, content = hostile_files.photo(rng, kind)
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == kind and np.asarray(image).shape == pixels(rng).shape


def test_a_short_run_finds_no_fault(tmp_path: Path) -> None:
    words = ["--seed", "2", "--count", "12", "--out", str(tmp_path / "out"), "--only", "files"]
    script = str(Path(__file__).parents[2] / "benchmarks" / "hostile.py")
    done = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| tracebacks | 0 |" in done.stdout and "Traceback" not in done.stderr
