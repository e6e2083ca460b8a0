"""The released bundles: contents, model card, metadata, results, and supported runtimes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from metadata_reader import buffer_of, displayed
from model_outputs import EXPLAIN_OUTPUTS, VERDICT_OUTPUTS, own_outputs
from PIL import Image

from mim_export.bundle import golden
from mim_export.bundle.card import model_card
from mim_export.bundle.manifest_schema import PUBLISHED
from mim_export.check.verify import verify
from mim_export.score.decide import VERDICTS
from mim_export.score.manifest import RELEASED, read_manifest
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer
from mim_export.tflite import operators
from mim_tf.data.folder import scan_folder
from mim_tf.evaluation.controls import CONTROLS
from mim_tf.evaluation.evaluate import evaluate
from mim_tf.synthetic import dataset

#: `RELEASED` is the bundle for phones and browsers, `MICRO` that for microcontrollers.
MICRO = RELEASED.with_name("released_micro")
BUNDLES = pytest.mark.parametrize("bundle", [RELEASED, MICRO], ids=["released", "micro"])


@BUNDLES
def test_released_bundle_verifies_and_is_small(bundle: Path) -> None:
    rows = verify(bundle)
    assert not any(row.bad for row in rows)
    sizes = {path.name: path.stat().st_size for path in bundle.rglob("*") if path.is_file()}
    assert sizes["mim.tflite"] <= 4_000_000
    assert sum(path.stat().st_size for path in (bundle / "golden").iterdir()) <= 4_000_000
    assert not (bundle / "scorer").exists()


def test_released_bundle_for_microcontrollers_fits() -> None:
    """Arena, models and head. The scorer in C and the runtime are additional (`export/micro/README.md`)."""
    models = read_manifest(MICRO)["models"]
    integer = [name for name in models if name != "mim.tflite"]
    assert integer == ["mim_micro.tflite", "mim_features.tflite"]
    assert all(models[name]["arena_bytes"] <= 256 * 1024 for name in integer)
    assert sum((MICRO / name).stat().st_size for name in (*integer, "head.f32")) <= 512 * 1024 - 8 * 1024
    assert "mim_features.tflite" not in read_manifest(RELEASED)["models"]


@BUNDLES
def test_released_bundle_states_its_terms(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    card = (bundle / "MODEL_CARD.md").read_text()
    assert manifest["licence"]["weights"].startswith("research only")
    assert "not a diagnosis" in manifest["statement"] and "not a diagnosis" in card
    assert "mim-tf train --data" in card
    assert card == model_card(manifest, json.loads((bundle / "metrics.json").read_text()))
    assert manifest["models"]["mim_micro.tflite"]["arena_bytes"] > 0


@BUNDLES
def test_released_models_hold_what_describes_them(bundle: Path) -> None:
    """Metadata as tflite-support displays them (`tests/golden/make_tflite_metadata.py`), labels, schema, alignment."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    oracle = json.loads((Path(__file__).parents[1] / "golden" / "tflite_metadata.json").read_text())["models"]
    assert set(oracle) >= set(manifest["models"])
    for name in manifest["models"]:
        content = (bundle / name).read_bytes()
        buffer = buffer_of(content)
        assert buffer is not None and displayed(buffer) == oracle[name]["displayed"], name
        assert len(content) % 16 == 0
        operators.check(content, operators.SCORE if name == "mim.tflite" else operators.MICRO)
    with zipfile.ZipFile(bundle / "mim.tflite") as archive:
        assert archive.namelist() == list(oracle["mim.tflite"]["files"])
        decision = json.loads(archive.read("decision.json"))
    assert decision == {key: manifest[key] for key in decision}
    content = (bundle / "mim.tflite").read_bytes()
    assert own_outputs(content, "verdict") == VERDICT_OUTPUTS and own_outputs(content, "explain") == EXPLAIN_OUTPUTS
    assert (bundle / PUBLISHED.name).read_text() == PUBLISHED.read_text()
    jsonschema.validate(manifest, json.loads(PUBLISHED.read_text()))


def test_released_bundle_can_say_no() -> None:
    """`not-mpox-like` is possible: the table has enough groups, and flat blotches get this verdict."""
    scorer = Scorer()
    calibration = scorer.manifest["calibration"]
    assert 1 / (calibration["groups"] + 1) <= calibration["alpha"] + 1e-9
    judgement = scorer.judge(dataset.render("macules", range(16), size=scorer.size))
    judged = judgement.reason == 0
    no_class = judgement.p_class <= calibration["alpha"] + 1e-5
    no_other = judgement.p_other <= scorer.manifest["reference"]["beta"] + 1e-5
    refused = judgement.verdict == VERDICTS.index("not-mpox-like")
    assert refused.any()
    np.testing.assert_array_equal(refused, judged & no_class & ~no_other)


@BUNDLES
def test_released_golden_images_get_every_verdict(bundle: Path) -> None:
    """`mpox-like` needs a reference of enough groups for beta."""
    reference = read_manifest(bundle)["reference"]
    assert reference["threshold"] is not None and 1 / (reference["groups"] + 1) <= reference["beta"]
    entries, _ = golden.read(bundle)
    assert {entry["verdict"] for entry in entries} == set(VERDICTS)


def _drawn(kind: str, number: int, side: int) -> np.ndarray:
    """Synthetic images without skin, in random colours."""
    rng = np.random.default_rng(number)
    first, second = rng.integers(0, 256, (2, 3)).astype(float)
    y, x = np.mgrid[:side, :side] / side
    if kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        share = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
        share = (share - share.min()) / np.ptp(share)
    elif kind == "checkerboard":
        cells = (2, 4, 8, 16, 32, 64)[number % 6]
        share = (np.floor(x * cells) + np.floor(y * cells)) % 2
    else:
        share = np.floor(x * (4, 8, 16, 32, 64)[number % 5]) % 2
    return (first + (second - first) * share[..., None] + 0.5).astype(np.uint8)


@pytest.mark.parametrize("kind", ["blank", "noise", "text", "gradient", "checkerboard", "stripes"])
def test_a_picture_that_shows_no_skin_is_never_mpox_like(kind: str) -> None:
    scorer = Scorer()
    if kind in CONTROLS:
        images = CONTROLS[kind](24, scorer.size, np.random.default_rng(0))
    else:
        images = np.stack([_drawn(kind, number, scorer.size) for number in range(24)])
    verdicts = scorer.judge(images).verdict
    assert not (verdicts == VERDICTS.index("mpox-like")).any()


@BUNDLES
def test_released_metrics_are_measured_again(skin: Path, bundle: Path) -> None:
    """AUROC of the released bundle on the photographs."""
    stored = json.loads((bundle / "metrics.json").read_text())["TFLite"]
    again = evaluate(Scorer(bundle), scan_folder(skin), "test", warn=print).metrics
    assert again["mean_auroc"] == pytest.approx(stored["mean_auroc"], abs=0.005)
    assert again["mean_auroc_ci"] == pytest.approx(stored["mean_auroc_ci"], abs=0.01)


def test_released_scores_on_tflite_runtime_equal_the_golden_ones() -> None:
    """Against scores by tflite-runtime 2.14; see `tests/golden/make_tflite_runtime.py`."""
    golden_scores = json.loads((Path(__file__).parents[1] / "golden" / "tflite_runtime.json").read_text())
    digest = hashlib.sha256((RELEASED / "mim.tflite").read_bytes()).hexdigest()
    assert golden_scores["mim_sha256"] == digest
    scorer = Scorer(RELEASED, runtimes()["litert"])
    _, stages = golden.read(RELEASED)
    limits = golden.tolerance(scorer.manifest)
    similarities = scorer.judge(np.stack([stage["resampled"] for stage in stages])).similarity
    for found, expected in zip(similarities, golden_scores["similarities"], strict=True):
        assert found == pytest.approx(expected, abs=golden.allowed(limits, "deep", expected))


def test_scorer_runs_where_only_numpy_pillow_and_tflite_runtime_are(tmp_path: Path) -> None:
    python = os.environ.get("MIM_TFLITE_PYTHON")
    if not python:
        pytest.skip("MIM_TFLITE_PYTHON names no Python with numpy 1.26, Pillow, tflite-runtime 2.14 and mim-tf")
    Image.fromarray(dataset.render("mpox", [9])[0]).save(tmp_path / "photo.jpg")
    done = subprocess.run(
        [python, "-m", "mim_export.score", "photo.jpg", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ours = Scorer().score(tmp_path / "photo.jpg")
    theirs = json.loads(done.stdout)[0]
    assert theirs["verdict"] == ours["verdict"]
    allowed = golden.allowed(golden.tolerance(read_manifest(RELEASED)), "deep", ours["similarity"])
    assert theirs["similarity"] == pytest.approx(ours["similarity"], abs=allowed)
