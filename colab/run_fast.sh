#!/usr/bin/env bash
# Executes the notebook with FAST=1 in an environment that its own first cell makes, twice, for students run all cells
# again; fails on errors and on pictures that were not made. As in Colab, a TensorFlow in range is there before, and
# must stay untouched, or a student would have to restart. PYTHON and TENSORFLOW name others, such as PYTHON=python3.13
# TENSORFLOW='tensorflow==2.20.*'.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --upgrade pip
"$venv/bin/pip" install --quiet jupytext nbclient ipykernel "${TENSORFLOW:-tensorflow==2.19.*}"
"$venv/bin/pip" install --quiet --dry-run --report "$venv/report.json" --editable '.[train]'
"$venv/bin/python" - "$venv/report.json" <<'PYTHON'
import json
import sys
from importlib.metadata import version

with open(sys.argv[1], encoding="utf-8") as report:
    names = {entry["metadata"]["name"].lower() for entry in json.load(report)["install"]}
touched = names & {"tensorflow", "keras", "numpy"}
if touched or "mim-tf" not in names:
    sys.exit(f"installing mim-tf would touch {', '.join(sorted(touched)) or 'nothing, it is there'}")
print("stay untouched:", ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy")))
PYTHON
FAST=1 "$venv/bin/python" colab/execute.py "$venv/fast.ipynb"
FAST=1 "$venv/bin/python" colab/execute.py "$venv/again.ipynb" --again
