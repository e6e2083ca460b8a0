"""`mim_tf.comparison.summary` and `mim_tf.comparison.page` on planted scores, against scikit-learn."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mim_export.score.errors import MimError
from mim_tf.comparison.page import page
from mim_tf.comparison.plan import Entry, Plan
from mim_tf.comparison.pool import job_folder
from mim_tf.comparison.summary import markdown_table, summarize, table, write_tables
from mim_tf.detectors.factory import model_names
from mim_tf.evaluation.plots import comparison_figure

DOCS = Path(__file__).parents[2] / "docs"
LABELS = {"mpox": 24, "measles": 30, "healthy": 20, "abnormal": 15}
#: Shift of the scores of mpox by row, in standard deviations.
ROWS = {"mim": 0.0, "good": 3.0, "same": 0.0, "seer": 1.0}
PLAN = Plan(Path("skin"), seeds=(0, 1), probes=False)


def planted(out: Path) -> None:
    for name, lift in ROWS.items():
        for seed in PLAN.seeds:
            rng = np.random.default_rng([seed, 1 if name == "same" else len(name)])
            images = [
                {
                    "file": f"test/{label}/{i}.jpg",
                    "label": label,
                    "group": f"{label}{i // 2}",
                    "similarity": float(np.float32(rng.normal(lift if label == "mpox" else 0.0))),
                }
                for label, count in sorted(LABELS.items())
                for i in range(count)
            ]
            entry = {
                "method": name,
                "options": {},
                "seed": seed,
                "measure": "planted",
                "summary": f"planted scores of {name}",
                "supervised": name == "seer",
                "parameters": 1234,
                "train_seconds": 60.0 + seed,
                "steps": 100 + seed,
                "machine": "abacus",
                "code": "0",
                "skipped": [],
                "images": images,
            }
            folder = job_folder(out, name, seed)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "scores.json").write_text(json.dumps(entry))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    planted(folder)
    return folder


@pytest.fixture(scope="module")
def result(out: Path) -> dict[str, Any]:
    found = summarize([Entry(name, name) for name in ROWS], PLAN, out, 7200.0)
    return {**found, "command": "mim-tf compare --data DIR", "jobs": 2}


def similarities(out: Path, name: str, seed: int, label: str) -> list[float]:
    images = json.loads((job_folder(out, name, seed) / "scores.json").read_text())["images"]
    return [image["similarity"] for image in images if image["label"] == label]


def test_auroc_is_the_mean_over_seeds_of_scikit_learns(out: Path, result: dict[str, Any]) -> None:
    for name, row in result["rows"].items():
        means = []
        for seed in PLAN.seeds:
            values = {}
            for label in ("measles", "healthy", "abnormal"):
                positive, negative = similarities(out, name, seed, "mpox"), similarities(out, name, seed, label)
                truth = [1] * len(positive) + [0] * len(negative)
                values[label] = roc_auc_score(truth, positive + negative)
            means.append(values)
        for label in ("measles", "healthy", "abnormal"):
            entry = row["classes"][label]
            found = [values[label] for values in means]
            assert entry["auroc"] == pytest.approx(np.mean(found), abs=1e-12)
            assert (entry["seed_low"], entry["seed_high"]) == pytest.approx((min(found), max(found)))
            assert entry["ci_low"] < entry["auroc"] < entry["ci_high"] or entry["auroc"] > 0.99
        # The class abnormal does not show skin and is not part of the mean.
        assert row["mean"]["auroc"] == pytest.approx(np.mean([[v["measles"], v["healthy"]] for v in means]))
        assert row["train_seconds"] == 60.5 and row["steps"] == [100, 101]


def test_the_difference_is_paired(result: dict[str, Any]) -> None:
    rows = result["rows"]
    assert result["reference"] == "mim" and rows["mim"]["against_reference"] is None
    good, same = rows["good"]["against_reference"], rows["same"]["against_reference"]
    assert good["difference"] == pytest.approx(rows["good"]["mean"]["auroc"] - rows["mim"]["mean"]["auroc"])
    assert good["ci_low"] > 0.2
    assert same["ci_low"] < 0 < same["ci_high"]


def test_a_row_against_itself_differs_by_nothing(out: Path) -> None:
    """Unpaired intervals would have a nonzero width."""
    again = job_folder(out, "twin", 0)
    for seed in PLAN.seeds:
        folder = job_folder(out, "twin", seed)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text((job_folder(out, "mim", seed) / "scores.json").read_text())
    assert again.exists()
    entries = [Entry("mim", "mim"), Entry("twin", "mim")]
    twin = summarize(entries, PLAN, out, 1.0)["rows"]["twin"]["against_reference"]
    assert set(twin.values()) == {0.0}


def test_intervals_are_by_group(result: dict[str, Any], out: Path) -> None:
    """The number of groups and of images by class."""
    assert result["groups"] == {"abnormal": 8, "healthy": 10, "measles": 15, "mpox": 12}
    assert result["images"] == LABELS


def test_names_are_neither_formulas_nor_columns(result: dict[str, Any], tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@x", "a|b", "a\nb", "plain"]
    rows = {name: {**result["rows"]["mim"], "classes": {}} for name in names}
    write_tables({"rows": rows}, "caf\udce9", tmp_path)
    cells = [line["method"] for line in csv.DictReader((tmp_path / "comparison.csv").read_text().splitlines())]
    assert cells == ["'=1+1", "'+1", "'-1", "'@x", "a|b", r"a\nb", "plain"]
    assert (tmp_path / "comparison.md").read_text() == r"caf\udce9"
    assert markdown_table(["a"], [["b|c"], ["d\ne"]]).splitlines()[2:] == [r"| b\|c |", r"| d\ne |"]


def test_files_agree_with_each_other(result: dict[str, Any], tmp_path: Path) -> None:
    text = page(result)
    write_tables(result, text, tmp_path)
    assert json.loads((tmp_path / "comparison.json").read_text()) == result
    lines = list(csv.DictReader((tmp_path / "comparison.csv").read_text().splitlines()))
    assert len(lines) == len(ROWS) * 4
    for line in lines:
        row = result["rows"][line["method"]]
        entry = row["mean"] if line["class"] == "mean over skin classes" else row["classes"][line["class"]]
        assert float(line["auroc"]) == pytest.approx(entry["auroc"], abs=5e-5)
    header, rows = table(result)
    assert [row[0] for row in rows][-1] == "seer (supervised)", "apart from the one-class rows, whatever its figure"
    assert rows[0][0] == "good"
    assert all(len(row) == len(header) for row in rows)
    assert markdown_table(header, rows) in text
    path = comparison_figure(result, tmp_path / "comparison.png")
    assert path.stat().st_size > 10_000


def test_sentences_follow_from_figures(result: dict[str, Any]) -> None:
    sentences = {line.split("**")[1]: line for line in page(result).splitlines() if line.startswith("* **")}
    assert "Better than chance" in sentences["good"] and "Better than `mim`" in sentences["good"]
    assert "Not distinguishable from `mim`" in sentences["same"]
    assert "not a one-class result" in sentences["seer"] and "one-class" not in sentences["good"]
    worse = {
        **result,
        "rows": {"mim": {**result["rows"]["mim"], "mean": {**result["rows"]["mim"]["mean"], "ci_high": 0.4}}},
    }
    assert "Worse than chance" in page(worse)
    assert "2.0 hours" in page(result)


def test_rows_of_other_images_are_not_compared(out: Path, tmp_path: Path) -> None:
    planted(tmp_path)
    path = job_folder(tmp_path, "good", 1) / "scores.json"
    entry = json.loads(path.read_text())
    entry["images"][3]["file"] = "test/abnormal/new.jpg"
    path.write_text(json.dumps(entry))
    with pytest.raises(
        MimError, match=r"good/seed1: was scored on other images .* remove it and run the same command again"
    ):
        summarize([Entry(name, name) for name in ROWS], PLAN, tmp_path, 1.0)


def test_a_seed_on_the_other_side_is_no_victory(result: dict[str, Any]) -> None:
    row = result["rows"]["good"]
    mixed = {**result, "rows": {"good": {**row, "mean": {**row["mean"], "seed_low": 0.45}}}}
    assert "Not distinguishable from chance" in page(mixed)
    other = {**result, "code": ["0", "1"], "skipped": ["a", "b"]}
    assert "2 versions of the code" in page(other) and "Unreadable files, left out: 2." in page(other)


def test_the_comparison_in_docs_is_what_its_figures_say(tmp_path: Path) -> None:
    """The page and its table are generated, not edited by hand."""
    result = json.loads((DOCS / "comparison.json").read_text())
    write_tables(result, page(result), tmp_path)
    for name in ("comparison.md", "comparison.csv"):
        assert (tmp_path / name).read_text() == (DOCS / name).read_text()
    # The comparison was made before the method biharmonic was added.
    assert set(model_names()) - set(result["rows"]) == {"biharmonic"}
    assert result["seeds"] == [0, 1, 2] and result["seconds_a_fit"] == 900
