"""Figures in pixels of a comparison: from masks and anomaly maps to `scores.json`, tables and the page."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mim_export.score.errors import MimError
from mim_tf.cli.app import app
from mim_tf.comparison.page import page
from mim_tf.comparison.pixel_tables import PIXEL_TITLES, pixel_columns, pixel_level, pixel_table
from mim_tf.comparison.plan import Entry, Plan, run_plan
from mim_tf.comparison.pool import job_folder
from mim_tf.comparison.summary import table, write_tables
from mim_tf.comparison.worker import fit
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.lesion_masks import load_lesions
from mim_tf.data.splits import select
from mim_tf.detectors.factory import create_model
from mim_tf.evaluation.metrics import mean_estimate
from mim_tf.evaluation.pixel_level import aupro, from_json, pixel_auroc, pixel_figures, to_json
from mim_tf.synthetic import dataset

COUNTS = {"train": {"plain": 4}, "test": {"plain": 4, "mpox": 4, "scales": 4, "no_skin": 2}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("pixels") / "data", counts=COUNTS)


@pytest.fixture(scope="module")
def done(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of the command on two methods without training."""
    out = tmp_path_factory.mktemp("pixels") / "out"
    command = ["compare", "--data", str(folder), "--methods", "blur,biharmonic", "--seeds", "0", "--size", "32"]
    command += ["--normal-class", "plain", "--minutes", "0.1", "--jobs", "1", "--out", str(out)]
    answer = CliRunner().invoke(app, command, catch_exceptions=False)
    assert answer.exit_code == 0 and "pixel AUROC" in answer.output and "AUPRO" in answer.output
    return out


@pytest.mark.slow
def test_a_comparison_with_masks_has_figures_in_pixels(done: Path, folder: Path) -> None:
    photos = scan_folder(folder)
    result = json.loads((done / "comparison.json").read_text())
    for name in ("blur", "biharmonic"):
        found = result["rows"][name]["pixel_level"]
        assert set(found["classes"]) == {"mpox", "scales"}  # not no_skin, which has no masks
        maps, masks = {}, {}
        for label in ("plain", "mpox", "scales"):
            part = load_photos(select(photos, "test", label), 32, warn=print, what="")
            maps[label], masks[label] = create_model(name, 32).anomaly_maps(part.pixels), load_lesions(part.photos, 32)
        for labels, entry in (
            (["plain", "mpox"], found["classes"]["mpox"]),
            (["plain", "mpox", "scales"], found["pooled"]),
        ):
            joined = [np.concatenate([part[label] for label in labels]) for part in (maps, masks)]
            assert entry["auroc"]["value"] == pytest.approx(pixel_auroc(*joined), abs=1e-6)
            assert entry["aupro"]["value"] == pytest.approx(aupro(*joined), abs=1e-6)
            assert entry["aupro"]["ci_low"] < entry["aupro"]["value"] < entry["aupro"]["ci_high"]
    header, rows = table(result)
    assert [header.index(title) for title in PIXEL_TITLES] == [
        header.index("mean, skin") + 1,
        header.index("mean, skin") + 2,
    ]
    text = (done / "comparison.md").read_text()
    assert "## Anomaly detection in pixels" in text and all(" | ".join(row) in text for row in rows)
    lines = {(row["method"], row["class"]): row for row in csv.DictReader((done / "comparison.csv").open())}
    pooled = result["rows"]["blur"]["pixel_level"]["pooled"]["aupro"]
    assert lines["blur", "all classes with masks"]["pixel_aupro"] == f"{pooled['value']:.4f}"
    assert lines["blur", "no_skin"]["pixel_aupro"] == lines["blur", "mean over skin classes"]["pixel_auroc"] == ""


@pytest.mark.slow
def test_other_masks_are_another_comparison(done: Path, folder: Path, tmp_path: Path) -> None:
    plan = Plan(folder, size=32, normal_class="plain", seconds=6.0, seeds=(0,), probes=False)
    run_plan([Entry("blur", "blur")], plan, done, jobs=1, report=lambda *_: None)  # kept
    shutil.copytree(folder, tmp_path / "data")
    mask = next((tmp_path / "data/.masks/test/mpox").iterdir())
    Image.fromarray(np.zeros((128, 128), np.uint8)).save(mask)
    changed = Plan(tmp_path / "data", size=32, normal_class="plain", seconds=6.0, seeds=(0,), probes=False)
    with pytest.raises(MimError, match=r"other settings \(masks\)"):
        run_plan([Entry("blur", "blur")], changed, done, jobs=1, report=lambda *_: None)


def scored(folder: Path, out: Path, method: str, normal: str) -> dict[str, Any]:
    """What a worker writes, in this process."""
    from mim_tf.comparison.plan import Job

    job_folder(out, method, 0).mkdir(parents=True)
    plan = Plan(folder, size=32, normal_class=normal, seconds=None, steps=1, seeds=(0,), probes=False)
    Job(plan, Entry(method, method), 0).write(job_folder(out, method, 0))
    fit(job_folder(out, method, 0))
    found: dict[str, Any] = json.loads((job_folder(out, method, 0) / "scores.json").read_text())
    return found


def test_without_maps_or_masks_there_are_no_figures(folder: Path, tmp_path: Path) -> None:
    assert "pixel_level" in scored(folder, tmp_path / "blur", "blur", "plain")
    assert "pixel_level" not in scored(folder, tmp_path / "colour", "colour", "plain")
    shutil.copytree(folder, tmp_path / "data")
    (tmp_path / "data/MANIFEST.csv").unlink()
    assert "pixel_level" not in scored(tmp_path / "data", tmp_path / "bare", "blur", "plain")


def test_a_mask_that_is_not_possible_is_found_before_the_fit(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "data")
    mask = next((tmp_path / "data/.masks/test/scales").iterdir())
    Image.fromarray(np.zeros((64, 128), np.uint8)).save(mask)
    with pytest.raises(MimError, match=rf"{mask.name}: a mask of 128 x 64 px for a photograph of 128 x 128 px"):
        scored(tmp_path / "data", tmp_path / "out", "blur", "plain")


def planted(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    masks = np.zeros((16, 8, 8), np.bool_)
    masks[8:, 2:5, 3:7] = True
    groups, labels = np.array([f"g{i // 2}" for i in range(16)]), np.repeat(["plain", "acne"], 8)
    figures = pixel_figures(rng.normal(size=masks.shape) + masks, masks, groups, labels)
    assert figures is not None
    entry = {"auroc": to_json(figures.auroc), "aupro": to_json(figures.aupro)}
    found: dict[str, Any] = json.loads(json.dumps({"pixel_level": {"pooled": entry, "classes": {"acne": entry}}}))
    return found


def test_figures_are_means_over_seeds() -> None:
    fits = [planted(0), planted(1)]
    assert pixel_level([{}, {}], Path("out")) == {}
    found = pixel_level(fits, Path("out"))["pixel_level"]["classes"]["acne"]["aupro"]
    estimates = [from_json(fit["pixel_level"]["pooled"]["aupro"]) for fit in fits]
    assert found["value"] == np.mean([one.value for one in estimates])
    assert (found["seed_low"], found["seed_high"]) == tuple(sorted(one.value for one in estimates))
    assert (found["ci_low"], found["ci_high"]) == mean_estimate(estimates).interval()


@pytest.mark.parametrize("second", [{}, {"pixel_level": {"pooled": {}, "classes": {}}}, {"pixel_level": []}])
def test_damaged_figures_are_one_line(second: dict[str, Any]) -> None:
    with pytest.raises(MimError, match=r"out: damaged figures in pixels .*; remove it and run mim-tf compare again"):
        pixel_level([planted(0), second], Path("out"))


def test_tables_leave_methods_without_maps_blank(tmp_path: Path) -> None:
    """Without any figures in pixels the files are those of earlier versions, which `test_summary` compares."""
    result = json.loads((Path(__file__).parents[2] / "docs/comparison.json").read_text())
    plain_header, _ = table(result)
    assert not set(PIXEL_TITLES) & set(plain_header) and "in pixels" not in page(result)
    result["rows"]["mim"] |= pixel_level([planted(0)], Path("out"))
    header, rows = table(result)
    place = header.index("AUPRO")
    assert {row[0]: bool(row[place]) for row in rows} == {row[0]: row[0] == "mim" for row in rows}
    assert all(len(row) == len(header) for row in rows)
    write_tables(result, page(result), tmp_path)
    lines = list(csv.DictReader((tmp_path / "comparison.csv").open()))
    assert [line["class"] for line in lines if line["pixel_auroc"]] == ["all classes with masks"]
    assert set(pixel_columns()) <= set(lines[0])
    names, cells = pixel_table(result["rows"])
    assert names == ["method", "acne: pixel AUROC", "acne: AUPRO"] and [row[0] for row in cells] == ["mim"]
