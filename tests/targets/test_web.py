"""The npm package in Chromium against Python, on made photographs; its own tests are in `export/web/scorer`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export import Scorer
from mim_export.score.manifest import RELEASED
from mim_tf.synthetic.dataset import CLASSES, render

WEB = Path(__file__).parents[2] / "export" / "web"
COUNT = 200


def _photographs(folder: Path) -> list[Path]:
    """Made photographs of all classes, sides of 150 to 800 pixels, and formats; every third is turned by its EXIF."""
    rng = np.random.default_rng(7)
    paths = []
    for number in range(COUNT):
        width, height = (int(side) for side in rng.integers(150, 800, 2))
        made = Image.fromarray(render(CLASSES[number % len(CLASSES)], [number], size=256)[0])
        image = made.resize((width, height), Image.Resampling.BICUBIC)
        exif = Image.Exif()
        if number % 3 == 0:
            exif[0x0112] = 1 + number % 8
        path = folder / f"{number:03}.{('png', 'webp', 'jpg')[number % 3]}"
        image.save(path, quality=95, exif=exif, **({"lossless": True} if path.suffix == ".webp" else {}))
        paths.append(path)
    return paths


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("node") is None
    or not (WEB / "node_modules").is_dir()
    or not any(map(shutil.which, (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome"))),
    reason="needs Node, npm ci in export/web, and Chromium",
)
def test_verdicts_of_200_photographs_in_chromium_are_those_of_python(tmp_path: Path) -> None:
    paths = _photographs(tmp_path)
    scorer = Scorer(RELEASED)
    expected = [scorer.score(path) for path in paths]
    command = ["node", "test/photos.mjs", *map(str, paths)]
    environment = {**os.environ, "MIM_BUNDLE": str(RELEASED)}
    done = subprocess.run(
        command, cwd=WEB / "scorer", env=environment, capture_output=True, text=True, timeout=240, check=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == COUNT
    tables = scorer.manifest["calibration"]["threshold"], scorer.manifest["reference"]["threshold"]
    tolerance = json.loads((RELEASED / "golden" / "golden.json").read_text())["tolerance"]
    for path, one, python in zip(paths, found, expected, strict=True):
        assert one["reason"] == python["reason"], path.name
        if one["reason"] == "too small":
            assert one["similarity"] is None, path.name
            continue
        allowed = tolerance["deep"] + tolerance["deep_relative"] * abs(python["similarity"])
        assert abs(one["similarity"] - python["similarity"]) <= allowed, path.name
        near = any(limit is not None and abs(python["similarity"] - limit) <= allowed for limit in tables)
        assert near or one["verdict"] == python["verdict"], path.name
    assert {"mpox-like", "not-mpox-like", "undecided"} <= {one["verdict"] for one in found}
