"""The golden images of a bundle for fresh.sh of the C and Swift packages: as PPM, and the comparison of verdicts.

python fresh_golden.py write BUNDLE DIR
python fresh_golden.py compare BUNDLE FILE...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image


def write(bundle: Path, folder: Path) -> None:
    """Writes each image as PPM, `00.ppm` and so on."""
    for path in sorted((bundle / "golden").glob("*_input.png")):
        with Image.open(path) as photo:
            photo.convert("RGB").save(folder / f"{path.name[:2]}.ppm")


def compare(bundle: Path, files: list[Path]) -> int:
    """Compares files with one line for each image, such as `mpox-like` or `cannot-judge: blank`.

    An image passes if all files have its golden verdict and reason, or the same other ones where the contract allows
    it: if similarity or novelty are within `tolerance` of a limit, since XNNPACK rounds differently.

    Returns:
        The exit status, 0 if all images pass. The last line of the output is `N passed, M failed`.
    """
    golden = json.loads((bundle / "golden" / "golden.json").read_text())
    manifest = json.loads((bundle / "manifest.json").read_text())
    limits = {
        "similarity": (manifest["calibration"]["threshold"], manifest["reference"]["threshold"]),
        "novelty": (manifest["gate"]["max_novelty"],),
    }

    def close(image: dict[str, Any]) -> bool:
        tolerance = golden["tolerance"]
        return any(
            limit is not None
            and abs(image[name] - limit) <= tolerance["deep"] + tolerance["deep_relative"] * abs(image[name])
            for name, values in limits.items()
            for limit in values
        )

    images, passed = golden["images"], 0
    columns = [(path.read_text().splitlines() + [""] * len(images))[: len(images)] for path in files]
    for image, *lines in zip(images, *columns, strict=True):
        expected = image["verdict"] + (f": {image['reason']}" if image["reason"] else "")
        if set(lines) == {expected} or (len(set(lines)) == 1 and lines[0] and close(image)):
            passed += 1
        else:
            print(f"{image['name']}: {lines}, expected {expected}", file=sys.stderr)
    print(f"{passed} passed, {len(images) - passed} failed")
    return int(passed != len(images))


if __name__ == "__main__":
    task, bundle, *paths = sys.argv[1:]
    if task == "compare":
        sys.exit(compare(Path(bundle), list(map(Path, paths))))
    write(Path(bundle), Path(paths[0]))
