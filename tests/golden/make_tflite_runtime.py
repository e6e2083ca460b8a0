"""Scores of the released bundle's golden images by tflite-runtime 2.14, in an environment of its own.

    python3.11 -m venv ORACLE
    ORACLE/bin/pip install 'tflite-runtime==2.14.0' 'numpy==1.26.4' Pillow
    ORACLE/bin/pip install --no-deps .
    ORACLE/bin/python tests/golden/make_tflite_runtime.py

Writes `tflite_runtime.json` beside this file.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mim_export.bundle.golden import read
from mim_export.score.manifest import RELEASED
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer


def main() -> None:
    """Scores the images and writes the file."""
    found = runtimes()
    assert set(found) == {"tflite-runtime", "tflite-runtime-reference"}, "another runtime is installed here"
    _, stages = read(RELEASED)
    pixels = np.stack([stage["resampled"] for stage in stages])
    entry = {
        "versions": {name: version(name) for name in ("tflite-runtime", "numpy", "Pillow")},
        "python": platform.python_version(),
        "mim_sha256": hashlib.sha256((RELEASED / "mim.tflite").read_bytes()).hexdigest(),
        "similarities": [float(s) for s in Scorer(RELEASED, found["tflite-runtime"]).judge(pixels).similarity],
    }
    path = Path(__file__).with_name("tflite_runtime.json")
    path.write_text(json.dumps(entry, indent=1) + "\n")


if __name__ == "__main__":
    main()
