"""Processor time and memory of judging photographs of 12 to 200 million pixels, as phones take them.

    python benchmarks/large_photographs.py --out FOLDER

Writes made pictures into FOLDER (synthetic skin, enlarged, with noise; about 600 MB). Measures three things for each,
every one in a process of its own: Pillow's `load` of the file, which no scorer based on Pillow can avoid; decoding and
resampling to 192 px; and scoring with the released bundle. Memory is the peak of the resident set above that of the
process before it opened the file (in scoring: before it loaded the bundle). Pictures above the limit of their format
are left out. Needs Linux and 2 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mim_export.score.decode import MAX_JPEG_PIXELS, MAX_PNG_PIXELS, Photograph
from mim_export.score.scorer import Scorer
from mim_tf.synthetic import dataset

#: Width and height by name.
SIZES = {"12 MP": (4000, 3000), "48 MP": (8000, 6000), "108 MP": (12_000, 9000), "200 MP": (16_320, 12_240)}
#: Largest number of pixels that are read, by suffix.
LIMITS = {"jpg": MAX_JPEG_PIXELS, "png": MAX_PNG_PIXELS}
STAGES = ("load", "decode", "score")
_TILE = 1000


def write_picture(path: Path, size: tuple[int, int]) -> None:
    """Writes a picture that is as hard to compress as a photograph: tiles of enlarged synthetic skin, with noise.

    Args:
        path: the file; its suffix is its format.
        size: width and height in pixels.
    """
    skin = Image.fromarray(dataset.render("mpox", [0])[0]).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
    rng, picture = np.random.default_rng(0), Image.new("RGB", size)
    for top in range(0, size[1], _TILE):
        for left in range(0, size[0], _TILE):
            noise = rng.integers(-6, 7, (_TILE, _TILE, 3), np.int16)
            tile = (np.asarray(skin) + noise).clip(0, 255).astype(np.uint8)
            picture.paste(Image.fromarray(tile), (left, top))
    picture.save(path, quality=90, compress_level=1)


def measure(stage: str, path: Path) -> dict[str, float]:
    """Does one of `STAGES` in this process.

    Returns:
        `seconds` of processor time, and `megabytes` of memory at its peak.
    """
    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes the present resident set
    before, start = _resident("VmHWM"), time.process_time()
    if stage == "load":
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(path) as picture:
            picture.load()
    elif stage == "decode":
        with Photograph(path) as photo:
            photo.resampled([192])
    else:
        scorer = Scorer()
        start = time.process_time()
        scorer.score(path)
    return {"seconds": time.process_time() - start, "megabytes": (_resident("VmHWM") - before) / 1000}


def _resident(entry: str) -> int:
    """Returns an entry of the status of this process, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(entry)).split()[1])


def main() -> None:
    """Prints a row of a Markdown table for each picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--measure", nargs=2, metavar=("STAGE", "FILE"), help="measure one stage of one picture")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure[0], Path(arguments.measure[1]))))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    print("| picture | load | decode and resample | score |\n|---|---:|---:|---:|")
    for name, size in SIZES.items():
        for suffix, limit in LIMITS.items():
            if size[0] * size[1] > limit:
                print(f"| {name} {suffix.upper()} | `too large` | | |", flush=True)
                continue
            path = arguments.out / f"{size[0]}x{size[1]}.{suffix}"
            if not path.exists():
                write_picture(path, size)
            cells = []
            for stage in STAGES:
                command = [sys.executable, __file__, "--out", str(arguments.out), "--measure", stage, str(path)]
                found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
                cells.append(f"{found['seconds']:.2f} s, {found['megabytes']:.0f} MB")
            print(f"| {name} {suffix.upper()} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
