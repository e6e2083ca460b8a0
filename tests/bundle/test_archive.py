"""`mim_export.bundle.archive`: what an app ships, and everything."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_bundle import write_small_bundle

from mim_export.bundle.archive import write_zips
from mim_export.bundle.golden import tables_of
from mim_export.bundle.manifest_schema import Manifest
from mim_export.check.files import check_sums
from mim_export.score.decode import decode
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, read_manifest
from mim_export.score.scorer import Scorer

GOLDEN = RELEASED / "golden" / "00_input.png"


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zips")
    sizes = write_zips(RELEASED, folder)
    assert sizes["app.zip/manifest.json"] <= 12_000
    assert sizes["app.zip"] == (folder / "app.zip").stat().st_size < sizes["full.zip"]
    return folder


def extracted(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(folder)
    return folder


def test_an_app_gets_what_it_needs_and_scores_as_the_bundle_does(zips: Path, tmp_path: Path) -> None:
    app = extracted(zips / "app.zip", tmp_path / "app")
    names = sorted(path.name for path in app.iterdir())
    assert names == ["LICENSE", "LICENSE.EfficientNet-Lite0", "MODEL_CARD.md", "manifest.json", "mim.tflite"]
    assert (app / "manifest.json").stat().st_size < 0.25 * (RELEASED / "manifest.json").stat().st_size
    manifest = json.loads((app / "manifest.json").read_text())
    assert Manifest.model_validate(manifest).unknown() == []
    pixels = decode(GOLDEN)
    assert Scorer(app).score_pixels(pixels) == Scorer(RELEASED).score_pixels(pixels)


def test_its_tables_are_the_same_in_float32(zips: Path, tmp_path: Path) -> None:
    found, expected = map(tables_of, (read_manifest(extracted(zips / "app.zip", tmp_path)), read_manifest(RELEASED)))
    for slim, whole in zip(found, expected, strict=True):
        for key in ("similarities", "weights"):
            pair = (np.asarray(getattr(table, key), np.float32) for table in (slim, whole))
            np.testing.assert_array_equal(*pair)
        assert np.float32(slim.threshold) == np.float32(whole.threshold)


def test_everything_is_the_bundle(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    write_zips(bundle, tmp_path / "zips")
    full = extracted(tmp_path / "zips" / "full.zip", tmp_path / "full")
    check_sums(full, read_manifest(full))
    assert (full / "scorer" / "c" / "ssim.c").exists()
    # The firmware of a microcontroller needs all integer models and the head.
    app = extracted(tmp_path / "zips" / "app.zip", tmp_path / "app")
    assert {"head.f32", "mim_features.tflite", "mim_micro.tflite"} <= {path.name for path in app.iterdir()}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_checks_the_archives(zips: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=zips, capture_output=True, text=True, check=True)
    assert done.stdout == "app.zip: OK\nfull.zip: OK\n"


def test_archives_in_the_bundle_are_refused(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    (tmp_path / "link").symlink_to(bundle)
    before = sorted(bundle.rglob("*"))
    for out in (bundle, bundle / "zips", tmp_path / "link" / "zips"):
        with pytest.raises(MimError, match=r"is inside the bundle .*; choose a folder outside it"):
            write_zips(bundle, out)
    assert sorted(bundle.rglob("*")) == before


def test_the_same_bundle_gives_the_same_bytes(zips: Path, tmp_path: Path) -> None:
    write_zips(RELEASED, tmp_path)
    for name in ("app.zip", "full.zip", "SHA256SUMS"):
        assert (tmp_path / name).read_bytes() == (zips / name).read_bytes()


def test_a_changed_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    (bundle / "LICENSE").write_text("all rights")
    with pytest.raises(MimError, match="LICENSE"):
        write_zips(bundle, tmp_path / "zips")
    assert not (tmp_path / "zips").exists()
