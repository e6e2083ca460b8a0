#!/usr/bin/env bash
# Installs the wheel of a release into a fresh environment, scores the golden images of a bundle there, and prints
# `N passed, M failed`:
#
#     export/fresh_python.sh OUT BUNDLE
set -euo pipefail
out=$(cd "$1" && pwd)
bundle=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$out"/mim_tf-*.whl
cd "$work"
venv/bin/python - "$bundle" <<'PYTHON'
import json
import sys
from pathlib import Path

from mim_export import Scorer

bundle = Path(sys.argv[1])
images = json.loads((bundle / "golden" / "golden.json").read_text())["images"]
scorer = Scorer(bundle)
right = 0
for number, image in enumerate(images):
    row = scorer.score(bundle / "golden" / f"{number:02d}_input.png")
    if (row["verdict"], row["reason"]) == (image["verdict"], image["reason"]):
        right += 1
    else:
        print(f"image {number}: {row['verdict']}, expected {image['verdict']}")
print(f"{right} passed, {len(images) - right} failed")
PYTHON
