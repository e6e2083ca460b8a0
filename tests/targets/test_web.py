"""The npm package in Chromium against Python; its own tests are in `export/web/scorer`."""

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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None
        or not (WEB / "node_modules").is_dir()
        or not any(map(shutil.which, (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome"))),
        reason="needs Node, npm ci in export/web, and Chromium; export/test_all.sh installs them",
    ),
]


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


def _compare(paths: list[Path], timeout: float) -> set[str]:
    """Asserts that Chromium and Python give the same verdicts, within the tolerance of the bundle; returns these."""
    scorer = Scorer(RELEASED)
    expected = [scorer.score(path) for path in paths]
    command = ["node", "test/photos.mjs", *map(str, paths)]
    environment = {**os.environ, "MIM_BUNDLE": str(RELEASED)}
    done = subprocess.run(
        command, cwd=WEB / "scorer", env=environment, capture_output=True, text=True, timeout=timeout, check=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(paths)
    thresholds = scorer.manifest["calibration"]["threshold"], scorer.manifest["reference"]["threshold"]
    tolerance = json.loads((RELEASED / "golden" / "golden.json").read_text())["tolerance"]
    for path, one, python in zip(paths, found, expected, strict=True):
        assert one["reason"] == python["reason"], path
        if one["reason"] == "too small":  # nothing was computed, whereas Python computes the similarity anyway
            assert one["similarity"] is None, path
            continue
        allowed = tolerance["deep"] + tolerance["deep_relative"] * abs(python["similarity"])
        assert abs(one["similarity"] - python["similarity"]) <= allowed, path
        near = any(limit is not None and abs(python["similarity"] - limit) <= allowed for limit in thresholds)
        assert near or one["verdict"] == python["verdict"], path
    return {one["verdict"] for one in found}


def test_verdicts_of_200_made_photographs_in_chromium_are_those_of_python(tmp_path: Path) -> None:
    assert _compare(_photographs(tmp_path), timeout=240) >= {"mpox-like", "not-mpox-like", "undecided"}


@pytest.mark.parametrize("folder", ["skin", "other_skin"])
def test_verdicts_of_real_photographs_in_chromium_are_those_of_python(skin: Path, folder: str) -> None:
    paths = sorted(path for path in (skin.parent / folder).rglob("*") if path.suffix in {".jpg", ".jpeg", ".png"})
    if not paths:
        pytest.skip(f"no photographs in {skin.parent / folder}")
    assert _compare(paths, timeout=1200) >= {"mpox-like", "not-mpox-like", "undecided"}
