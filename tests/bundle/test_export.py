"""`mim_export`: conversion, bundle, scorer, verification."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from model_outputs import EXPLAIN_OUTPUTS, VERDICT_OUTPUTS, own_outputs
from PIL import Image
from skimage.metrics import structural_similarity

from mim_export.bundle import golden
from mim_export.bundle.export import export_run
from mim_export.check.on_runtimes import run_tflm
from mim_export.check.verify import check_files, verify
from mim_export.convert.convert import convert
from mim_export.score import decide
from mim_export.score.decide import REASONS, VERDICTS
from mim_export.score.errors import MimError
from mim_export.score.manifest import masks_of
from mim_export.score.preprocess import resample
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer
from mim_export.tflite import flatbuffer, operators
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.detector import Detector
from mim_tf.evaluation.report import write_report
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at 64 px, trained for 60 steps."""
    root = tmp_path_factory.mktemp("export")
    counts = {"train": {"mpox": 16}, "val": {"mpox": 40, "plain": 8}, "test": {"mpox": 6, "plain": 6}}
    dataset.write_sample(root / "data", counts=counts)
    detector = Detector("mim", size=64, measure="ssim", width=8)
    detector.fit_folder(
        scan_folder(root / "data"),
        root / "run",
        alpha=0.05,
        training=Training(steps=60, batch_size=4, precision="float32"),
        warn=print,
        progress=lambda *line: None,
    )
    return root / "run"


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    export_run(run, run.parent / "bundle", run.parent / "data", None, print)
    return run.parent / "bundle"


def test_int8_scores_stay_close_to_keras(run: Path, bundle: Path) -> None:
    detector, scorer = Detector.load(run), Scorer(bundle)
    photos = load_photos(scan_folder(run.parent / "data"), 64, warn=print, what="all")
    pixels = photos.pixels[::4]
    keras, lite = detector.judge(pixels), scorer.judge(pixels)
    np.testing.assert_allclose(lite.similarity, keras.similarity, atol=0.02)
    # From the similarity of the model, numpy computes the same p-values, verdict and reason.
    again = decide.judge(lite.similarity, pixels, detector.tables, detector.gate)
    np.testing.assert_allclose(lite.p_class, again.p_class, atol=1e-6)
    np.testing.assert_allclose(lite.p_other, again.p_other, atol=1e-6)
    assert len(set(lite.p_other.tolist())) > 1 and detector.tables.reference.groups == 4
    np.testing.assert_array_equal(lite.verdict, again.verdict)
    np.testing.assert_array_equal(lite.reason, again.reason)


def test_graph_measures_as_scikit_image_does(bundle: Path) -> None:
    """SSIM and error map of the model against scikit-image on the output of the micro model, which is the same int8."""
    make = runtimes()["litert-reference"]
    scorer = Scorer(bundle, make)
    masks = masks_of(scorer.manifest)
    small = resample(dataset.render("mpox", [5])[0], 64)
    result = scorer.run(small)
    micro = golden.run_micro(make((bundle / "mim_micro.tflite").read_bytes()), golden.filled_int8(small, masks))
    inpainted = (((micro.astype(np.float64) + 128) / 255) * (1 - masks)).sum(0)
    expected, full = structural_similarity(
        small / 255.0,
        inpainted,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        full=True,
    )
    assert abs(float(result["similarity"][0]) - expected) < 1e-4
    np.testing.assert_allclose(result["error_map"][0, :, :, 0], 1 - full.mean(-1), atol=5e-4)


def test_signatures_and_the_micro_model_share_one_generator(bundle: Path) -> None:
    make = runtimes()["litert-reference"]
    interpreter = make((bundle / "mim.tflite").read_bytes())
    explain, inpaint = (interpreter.get_signature_runner(name) for name in ("explain", "inpaint"))
    manifest = json.loads((bundle / "manifest.json").read_text())
    masks = masks_of(manifest)
    small = resample(dataset.render("wheals", [3])[0], 64)
    pieces = [
        (1 - mask) * inpaint(image=small[None], mask=mask[None].astype(np.uint8))["inpainted"][0] for mask in masks
    ]
    np.testing.assert_array_equal(sum(pieces), explain(image=small[None])["inpainted"][0])
    micro = golden.run_micro(make((bundle / "mim_micro.tflite").read_bytes()), golden.filled_int8(small, masks))
    np.testing.assert_array_equal(((micro.astype(np.int16) + 128) * (1 - masks)).sum(0), sum(pieces))
    scorer = Scorer(bundle, make)
    for found in (scorer.inpaint(small[None]), scorer.inpaint(small[None], masks)):
        assert found is not None
        np.testing.assert_array_equal(np.round(found.inpainted[0] * 255), sum(pieces))


def test_operators_types_names_and_alignment(bundle: Path) -> None:
    for name, allowed in (("mim.tflite", operators.SCORE), ("mim_micro.tflite", operators.MICRO)):
        content = (bundle / name).read_bytes()
        operators.check(content, allowed)
        assert len(content) % flatbuffer.ALIGNMENT == 0
        model = flatbuffer.read(content)
        assert [entry.name for entry in model.metadata].count(b"TFLITE_METADATA") == 1
        names = [tensor.name.decode() for graph in model.subgraphs for tensor in graph.tensors]
        assert all(names) and not any("StatefulPartitionedCall" in n or "keras_tensor" in n for n in names)
        for graph in model.subgraphs:
            inside = [tensor.name for tensor in graph.tensors]
            assert len(set(inside)) == len(inside)
        root = flatbuffer.schema.Model.GetRootAsModel(content, 0)
        for index in range(root.BuffersLength()):
            buffer = root.Buffers(index)
            if buffer.DataLength():
                assert buffer._tab.Vector(buffer._tab.Offset(4)) % flatbuffer.ALIGNMENT == 0
    model = flatbuffer.read((bundle / "mim.tflite").read_bytes())
    assert {s.signatureKey for s in model.signatureDefs} == {b"verdict", b"explain", b"inpaint"}
    assert sorted(s.subgraphIndex for s in model.signatureDefs) == [0, 1, 2]
    assert {s.subgraphIndex: s.signatureKey for s in model.signatureDefs}[0] == b"verdict"
    types = flatbuffer.schema.TensorType
    micro = flatbuffer.read((bundle / "mim_micro.tflite").read_bytes())
    assert {t.type for t in micro.subgraphs[0].tensors} <= {types.INT8, types.INT32}


def test_outputs_of_the_measure_ssim_are_tensors_of_their_own(bundle: Path) -> None:
    """The converter merges equal tensors. Some runtimes then find only one of the names."""
    content = (bundle / "mim.tflite").read_bytes()
    assert own_outputs(content, "verdict") == VERDICT_OUTPUTS and own_outputs(content, "explain") == EXPLAIN_OUTPUTS
    scorer, pixels = Scorer(bundle), resample(dataset.render("mpox", [5])[0], 64)
    result = scorer.run(pixels)
    assert result["similarity"] == result["ssim"]
    assert result["novelty"].tobytes() == scorer.run(pixels, "verdict")["novelty"].tobytes() == bytes(4)


def test_an_operator_that_is_not_allowed_is_said_on_one_line(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "SCORE", operators.SCORE - {"GATHER", "SQRT"})
    with pytest.raises(MimError, match=r"^the converter wrote GATHER, SQRT, which not every runtime has; export"):
        export_run(run, run.parent / "refused", None, None, print)
    assert not (run.parent / "refused").exists()


def test_metadata_and_schema_are_in_the_bundle(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    with zipfile.ZipFile(bundle / "mim.tflite") as archive:
        decision = json.loads(archive.read("decision.json"))
        assert archive.read("verdicts.txt").decode().splitlines() == manifest["verdicts"]
    assert decision == {key: manifest[key] for key in decision}
    for table in ("calibration", "reference"):
        assert decision[table]["threshold"] == manifest[table]["threshold"]
    assert not zipfile.is_zipfile(bundle / "mim_micro.tflite")
    schema = json.loads((bundle / "manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema)
    assert "manifest.schema.json" in manifest["files"]


def test_micro_model_is_bit_identical_in_tflm_and_reference_kernels(bundle: Path) -> None:
    pytest.importorskip("tflite_micro", reason="the TFLM interpreter has wheels for x86-64 Linux only")
    content = (bundle / "mim_micro.tflite").read_bytes()
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 64, 64, 4)).astype(np.int8)
    reference = golden.run_micro(runtimes()["litert-reference"](content), inputs)
    np.testing.assert_array_equal(run_tflm(content, inputs), reference)


def test_input_and_output_quantization_is_the_documented_one(bundle: Path) -> None:
    signature = json.loads((bundle / "manifest.json").read_text())["models"]["mim_micro.tflite"]["signatures"]
    source, target = signature["inpaint"]["inputs"]["filled"], signature["inpaint"]["outputs"]["output"]
    assert source["zero_point"] == target["zero_point"] == [-1]
    assert source["scale"] == target["scale"] == [1 / 128]


def test_verify_is_exact_on_reference_kernels(bundle: Path) -> None:
    rows = {(row.runtime, row.part): row for row in verify(bundle)}
    assert rows["litert-reference", "mim.tflite"].status == "exact"
    assert rows["litert-reference", "mim_micro.tflite"].status == "exact"
    assert not any(row.bad for row in rows.values())


def test_checksums_are_readable_by_sha256sum(bundle: Path) -> None:
    for folder in (bundle, bundle / "scorer"):
        done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda b: _flip(b / "mim.tflite"), r"mim\.tflite: differs from its sha256"),
        (lambda b: _flip(b / "golden" / "00_input.png"), r"00_input\.png: differs from its sha256"),
        (lambda b: (b / "LICENSE").unlink(), r"LICENSE: no such file"),
        (lambda b: (b / "manifest.json").unlink(), r"manifest\.json: no such file"),
        (lambda b: (b / "manifest.json").write_text("{"), r"manifest\.json: not JSON"),
        (lambda b: _edit(b, format=99), r"bundle format 99, this version reads 4"),
        (lambda b: _edit(b, size="large"), r"manifest\.json: size"),
        (lambda b: (b / "extra.txt").write_text("x"), r"extra\.txt: is not listed"),
    ],
)
def test_harmed_bundles_are_named(bundle: Path, tmp_path: Path, harm: Callable[[Path], Any], complaint: str) -> None:
    harmed = tmp_path / "bundle"
    shutil.copytree(bundle, harmed)
    harm(harmed)
    with pytest.raises(MimError, match=complaint) as caught:
        check_files(harmed)
    assert "\n" not in str(caught.value)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _edit(folder: Path, **fields: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **fields}))


def test_bundle_is_not_written_over_anything(run: Path, bundle: Path) -> None:
    before = sorted(path.name for path in bundle.parent.iterdir())
    with pytest.raises(MimError, match="exists and is not an empty folder"):
        export_run(run, bundle, None, None, print)
    assert sorted(path.name for path in bundle.parent.iterdir()) == before


def test_pages_of_the_scorer_lead_to_pages_that_are_there(bundle: Path) -> None:
    pages = list((bundle / "scorer").rglob("*.md"))
    assert bundle / "scorer" / "README.md" in pages  # the specification
    texts = {page: re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE) for page in pages}
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", texts[page])]
    assert links and not [(page, link) for page, link in links if not (page.parent / link).exists()]


def test_scorer_and_definitions_import_no_tensorflow(bundle: Path, tmp_path: Path) -> None:
    """The copy of the scorer in a bundle needs no other package of the project."""
    Image.fromarray(dataset.render("mpox", [9])[0]).save(tmp_path / "photo.png")
    program = (
        "import sys, mim_export.score.scorer as r\n"
        "row = r.Scorer(sys.argv[1]).score(sys.argv[2])\n"
        "assert not {'tensorflow', 'keras', 'pydantic', 'typer', 'mim_tf'} & set(sys.modules)\n"
        "assert 'scorer' in r.__file__\n"
        "print(row['verdict'])\n"
    )
    # Compiled files would be unlisted files of the bundle.
    environment = {**os.environ, "PYTHONPATH": str(bundle / "scorer" / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle), str(tmp_path / "photo.png")],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in VERDICTS


def test_small_and_blank_photographs_cannot_be_judged(bundle: Path, tmp_path: Path) -> None:
    scorer = Scorer(bundle)
    Image.new("RGB", (200, 200), (180, 140, 120)).save(tmp_path / "blank.png")
    Image.fromarray(dataset.render("mpox", [9])[0][:40, :40]).save(tmp_path / "small.png")
    rows = [scorer.score(tmp_path / name) for name in ("blank.png", "small.png")]
    assert [row["verdict"] for row in rows] == ["cannot-judge"] * 2
    assert [row["reason"] for row in rows] == [REASONS[1], REASONS[4]]


def test_proxyano_scores_on_a_device_as_in_keras(tmp_path: Path) -> None:
    """Its network predicts the proxy, so the model has only builtin operators. It is float32, without a micro model."""
    counts = {"train": {"mpox": 8}, "val": {"mpox": 40}, "test": {"mpox": 2, "plain": 2}}
    photos = scan_folder(dataset.write_sample(tmp_path / "data", counts=counts))
    detector = Detector("proxyano", size=48, width=4)
    training, quiet = Training(steps=10, batch_size=4, precision="float32"), lambda *line: None
    detector.fit_folder(photos, tmp_path / "run", alpha=0.05, training=training, warn=print, progress=quiet)
    manifest = export_run(tmp_path / "run", tmp_path / "bundle", tmp_path / "data", None, print)
    assert manifest["method"] == "proxyano" and manifest["mask_set"] is None
    assert set(manifest["models"]) == {"mim.tflite"}
    assert set(manifest["models"]["mim.tflite"]["ops"]) <= operators.SCORE
    content = (tmp_path / "bundle" / "mim.tflite").read_bytes()
    assert own_outputs(content, "verdict") == VERDICT_OUTPUTS and own_outputs(content, "explain") == EXPLAIN_OUTPUTS
    scorer, pixels = Scorer(tmp_path / "bundle"), dataset.render("mpox", range(6), size=48)
    np.testing.assert_allclose(scorer.judge(pixels).similarity, detector.score_samples(pixels), atol=1e-4)
    np.testing.assert_array_equal(scorer.judge(pixels).verdict, detector.judge(pixels).verdict)
    # Without other skin in val the reference is empty: p_other is 1, which is an output all the same, not a constant.
    assert len(manifest["reference"]["similarities"]) == 0 and manifest["reference"]["threshold"] is None
    np.testing.assert_array_equal(scorer.judge(pixels).p_other, np.ones(6, np.float32))
    assert not (scorer.judge(pixels).verdict == VERDICTS.index("mpox-like")).any()
    rebuilt = detector.model.reconstruct(detector.model.keras_model, pixels / np.float32(255)).numpy()
    assert np.abs(scorer.reconstruction_steps(pixels[:1])["reconstructed"] - rebuilt[:1]).max() <= 0.51 / 255
    assert not any(row.bad for row in verify(tmp_path / "bundle"))
    write_report(scorer, photos, "test", tmp_path / "evaluation", 0, print)
    assert (tmp_path / "evaluation" / "examples.png").exists()
    with pytest.raises(MimError, match=r"colour has no reconstruction that SSIM compares; export a run of mim"):
        convert(Detector("colour", size=48), pixels, False)
