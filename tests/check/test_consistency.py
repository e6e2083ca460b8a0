"""`mim_export.check.consistency`: a bundle that was edited and given new sums contradicts itself."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_bundle import edit, put, sign, write_small_bundle

from mim_export.check.verify import check_files, verify
from mim_export.score.errors import MimError
from mim_export.tflite import flatbuffer


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("check") / "small")


@pytest.fixture
def bundle(small: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(small, tmp_path / "bundle"))


def _complaint(folder: Path) -> str:
    with pytest.raises(MimError) as caught:
        check_files(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


FEATURES = "models/mim_features.tflite/signatures/features/outputs/features"


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("format", True, "bundle format true"),
        ("format", 3, "bundle format 3, this version reads 4"),
        ("format", 4.0, "bundle format 4.0"),
        ("format", "4", 'bundle format "4"'),
        ("size", "64", 'size is "64", expected a whole number'),
        ("size", True, "size is true"),
        ("size", 64.0, "size is 64.0"),
        ("size", 10**9, "size is 1000000000"),
        ("size", 128, "measure.network.size is not size|mask_set.size is not 64"),
        ("version", 1, "version: Input should be a valid string"),
        ("version", "0.1.1", "version in manifest.json is not that of decision.json"),
        ("statement", "A diagnosis.", "statement in manifest.json"),
        ("normal_class", "acne", "guarantee is not that of alpha, method and normal_class"),
        ("licence", {"code": 1}, "licence.code"),
        ("method", "proxyano", "method in manifest.json"),
        ("training", [], "training: "),
        ("verdicts", ["mpox-like"], "verdicts is "),
        ("verdicts/0", "not-mpox-like", "verdicts is "),
        ("reasons/0", "none", "reasons is "),
        ("mask_set/step", 2, "mask_set.step is 2"),
        ("mask_set/cell", 16, "mask_set.cell in manifest.json"),
        ("mask_set/cell", 7, "mask_set.cell 7 does not divide"),
        ("mask_set", None, "mim_micro.tflite is there without mask_set"),
        ("measure/name", "ssim", "network belongs to the measure deep"),
        ("measure/network", None, "network belongs to the measure deep"),
        ("measure/window", 9, "border is not half of window"),
        ("measure/c1", 0.0002, "measure.c1 in manifest.json"),
        ("measure/network/block", 4, "measure.network.block in manifest.json"),
        ("measure/network/components", 29, "head.f32: has "),
        ("measure/network/novelty_range", True, "measure.network.novelty_range is true"),
        ("calibration/threshold", 5.0, "threshold is not that of the table"),
        ("calibration/guarantee", "of all images", "guarantee is not that of alpha"),
        ("calibration/alpha", 1.0, "calibration.alpha is 1.0"),
        ("calibration/alpha", 0.0, "calibration.alpha is 0.0"),
        ("calibration/alpha", 0.01, "cannot support alpha 0.01"),
        ("calibration/alpha", 0.0501, "guarantee is not that"),
        ("calibration/method", "cross-fold", "calibration.method is"),
        ("calibration/groups", 1000, "calibration.weights sums to "),
        ("calibration/groups", 1000.0, "calibration.groups is 1000.0"),
        ("calibration/similarities", [], "calibration.similarities is"),
        ("calibration/similarities/3", 9.0, "calibration.similarities is not ascending"),
        ("calibration/similarities/3", [1.0], "calibration.similarities is"),
        ("calibration/similarities/-1", 1e300, "calibration.similarities is"),
        ("calibration/similarities/-1", 9.0, "calibration.similarities in manifest.json"),
        ("calibration/weights/0", 2, "not in .0, 1."),
        ("calibration/weights/0", 0, "not in .0, 1."),
        ("calibration/weights/0", False, "calibration.weights is"),
        ("calibration/weights", [1.0], "calibration.weights has 1 values for "),
        ("reference", [], "reference is "),
        ("reference/threshold", 5.0, "threshold is not that of the table"),
        ("reference/threshold", None, "threshold is not that of the table"),
        ("reference/threshold", "0", "reference.threshold is"),
        ("reference/guarantee", "of all images", "reference.guarantee is not that of the table and normal_class"),
        ("reference/beta", 1.0, "reference.beta is 1.0"),
        ("reference/beta", 0.0, "reference.beta is 0.0"),
        ("reference/beta", 0.999999, "beta 0.999999 is too near to 1"),
        ("reference/beta", 0.001, "threshold is not that of the table, None"),
        ("reference/beta", 0.20001, "reference.guarantee is not that of|reference.beta in manifest.json is not that"),
        ("reference/groups", 1000, "reference.weights sums to "),
        ("reference/groups", 1000.0, "reference.groups is 1000.0"),
        ("reference/groups", -1, "reference.groups is -1"),
        ("reference/similarities", None, "reference.similarities is"),
        ("reference/similarities", [], "reference.weights has "),
        ("reference/similarities/3", 9.0, "reference.similarities is not ascending"),
        ("reference/similarities/3", [1.0], "reference.similarities is"),
        ("reference/similarities/-1", 1e300, "reference.similarities is"),
        ("reference/similarities/-1", 9.0, "reference.similarities in manifest.json is not that of decision.json"),
        ("reference/weights/0", 0, "reference.weights has a value that is not positive"),
        ("reference/weights/0", 2.5, "reference.weights sums to "),
        ("reference/weights/0", False, "reference.weights is"),
        ("reference/weights", [1.0], "reference.weights has 1 values for "),
        ("reference/conditions", [], "reference: groups is not that of conditions"),
        ("reference/conditions", None, "reference.conditions: "),
        ("reference/conditions/0", "acne", "reference.conditions.0: "),
        ("reference/conditions/0/images", 0, "reference.conditions.0.images: "),
        ("reference/conditions/0/images", 1000, "images of the conditions are not as many as the similarities"),
        ("reference/conditions/0/groups", 1000, "groups is not that of conditions"),
        ("reference/conditions/0/name", "another", "reference.conditions in manifest.json is not that of decision"),
        ("gate/min_side", "64", 'gate.min_side is "64"'),
        ("gate/min_side", 1e9, "gate.min_side is 1000000000.0"),
        ("gate/min_side", 10**9, "gate.min_side is 1000000000, expected"),
        ("gate/min_side", 63, "gate.min_side in manifest.json is not that of decision.json"),
        ("gate/min_contrast", 0.6, "min_contrast is more than 0.5"),
        ("gate/min_detail", 1.5, "min_detail is more than 1"),
        ("gate/max_novelty", 5, "gate.max_novelty in manifest.json"),
        ("gate/max_novelty", "5", "gate.max_novelty is"),
        ("models/mim.tflite/ops/ADD", 3, "models.mim.tflite.ops.ADD is not that of the file"),
        ("models/mim.tflite/ops/EXP", 1, "models.mim.tflite.ops.EXP is not"),
        ("models/mim.tflite/min_runtime_version", "1.5.0", "models.mim.tflite.min_runtime_version is not"),
        ("models/mim_micro.tflite/arena_bytes", "1", "arena_bytes"),
        (f"{FEATURES}/scale", [0.5], "features.scale is not that of the file"),
        (f"{FEATURES}/shape", [1, 4, 4, 81], "features.shape is not that of the file"),
        (f"{FEATURES}/zero_point", [1, 2], "scale and zero_point differ in length"),
        ("models", {}, "models does not list mim.tflite"),
        ("files/LICENSE", 1, "files.LICENSE.sha256"),
        ("files/LICENSE/bytes", True, "files.LICENSE.bytes is true"),
        ("files/LICENSE/bytes", -1, "files.LICENSE.bytes is -1"),
        ("files/LICENSE/sha256", "0" * 64, "LICENSE: differs from its sha256"),
        ("files/LICENSE/sha256", "F" * 64, "files.LICENSE.sha256 is not"),
    ],
)
def test_an_edited_manifest_is_named(bundle: Path, place: str, value: Any, complaint: str) -> None:
    edit_manifest = json.loads((bundle / "manifest.json").read_text())
    put(edit_manifest, place, value)
    (bundle / "manifest.json").write_text(json.dumps(edit_manifest))
    if isinstance(edit_manifest["files"]["LICENSE"], dict):
        sign(bundle)
    with pytest.raises(MimError, match=complaint) as caught:
        check_files(bundle)
    assert len(str(caught.value).splitlines()) == 1 and ("manifest.json" in str(caught.value) or "LICENSE" in complaint)


@pytest.mark.parametrize(
    "place",
    [
        *("format", "version", "statement", "licence", "normal_class", "size", "mask_set", "measure", "calibration"),
        *("reference", "gate", "verdicts", "reasons", "models", "training", "data", "files", "measure/network"),
        *("measure/sigma", "mask_set/count", "calibration/alpha", "gate/min_side", "gate/max_novelty"),
        *("reference/similarities", "reference/weights", "reference/groups", "reference/beta", "reference/threshold"),
        *("reference/conditions", "reference/guarantee", "models/mim.tflite"),
        *("models/mim.tflite/ops", "files/LICENSE/bytes", "measure/network/statistics"),
    ],
)
def test_a_missing_entry_is_named(bundle: Path, place: str) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    *parents, last = place.split("/")
    entry = manifest
    for name in parents:
        entry = entry[name]
    del entry[last]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    message = _complaint(bundle)
    assert "manifest.json: " in message and last in message.replace("bundle format null", "format")


def _archive(change: Callable[[dict[str, bytes]], Any]) -> Callable[[Path], None]:
    """Changes the texts inside `mim.tflite`."""

    def harm(folder: Path) -> None:
        content = (folder / "mim.tflite").read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = {name: archive.read(name) for name in archive.namelist()}
            start = min(entry.header_offset for entry in archive.infolist())
        change(texts)
        stream = io.BytesIO(content[:start])
        stream.seek(0, io.SEEK_END)
        if texts:
            with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
                for name, text in texts.items():
                    archive.writestr(name, text)
        (folder / "mim.tflite").write_bytes(stream.getvalue())
        sign(folder, files=True)

    return harm


def _decision(place: str, value: Any) -> Callable[[Path], None]:
    def change(texts: dict[str, bytes]) -> None:
        decision = json.loads(texts["decision.json"])
        put(decision, place, value)
        texts["decision.json"] = json.dumps(decision).encode()

    return _archive(change)


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (_decision("calibration/similarities/-1", 9.0), "calibration.similarities in manifest.json is not that of"),
        (_decision("reference/similarities/-1", 9.0), "reference.similarities in manifest.json is not that of"),
        (_decision("reference/conditions/0/name", "x"), "reference.conditions in manifest.json is not that of"),
        (_decision("reference/beta", 0.9), "decision.json inside it: reference: threshold is not that of the table"),
        (_decision("reference/threshold", None), "decision.json inside it: reference: threshold is not that of the"),
        (_decision("gate/min_side", 63), "gate.min_side in manifest.json is not that of decision.json"),
        (_decision("gate/min_side", "64"), "decision.json inside it: gate.min_side"),
        (_decision("size", True), "decision.json inside it: size"),
        (_archive(lambda texts: texts.clear()), "has no readable archive"),
        (_archive(lambda texts: texts.pop("decision.json")), "lacks a file in its archive"),
        (_archive(lambda texts: texts.update({"decision.json": b"{}"})), "lacks one of format"),
        (_archive(lambda texts: texts.update({"decision.json": b"[NaN]"})), "decision.json: not JSON"),
        (_archive(lambda texts: texts.update({"decision.json": 17_000_000 * b" "})), "is too large"),
        (_archive(lambda texts: texts.update({"verdicts.txt": b"a\n"})), "verdicts.txt inside it is not verdicts"),
        (_archive(lambda texts: texts.update({"reasons.txt": b""})), "reasons.txt inside it is not reasons"),
    ],
)
def test_other_constants_inside_the_model_are_named(bundle: Path, harm: Callable[[Path], None], complaint: str) -> None:
    harm(bundle)
    message = _complaint(bundle)
    assert "mim.tflite" in message and complaint in message


def test_a_reference_that_was_edited_in_manifest_and_model_is_not_that_of_the_golden_decisions(bundle: Path) -> None:
    """The highest similarity becomes 9, which contradicts nothing in the two: the threshold is lower."""
    _decision("reference/similarities/-1", 9.0)(bundle)
    edit(bundle, lambda manifest: put(manifest, "reference/similarities/-1", 9.0))
    assert re.search(r"golden\.json: decisions\.\d+\.p_other is \S+, by the table in manifest", _complaint(bundle))


@pytest.mark.parametrize("table", ["calibration", "reference"])
@pytest.mark.parametrize("towards", [-np.inf, np.inf])
def test_a_threshold_next_to_that_of_the_table_is_named(bundle: Path, table: str, towards: float) -> None:
    def change(manifest: Any) -> None:
        threshold = np.nextafter(np.float32(manifest[table]["threshold"]), np.float32(towards))
        manifest[table]["threshold"] = float(threshold)

    edit(bundle, change)
    assert "threshold is not that of the table" in _complaint(bundle)


def test_weights_of_the_reference_that_were_exchanged_are_named(bundle: Path) -> None:
    """They sum to groups all the same."""

    def change(manifest: Any) -> None:
        weights = manifest["reference"]["weights"]
        other = next(number for number, weight in enumerate(weights) if weight != weights[0])
        weights[0], weights[other] = weights[other], weights[0]

    edit(bundle, change)
    assert re.search("reference.weights in manifest.json|threshold is not that of the table", _complaint(bundle))


def test_entries_that_were_added_need_not_be_inside_the_model(bundle: Path) -> None:
    edit(bundle, lambda manifest: manifest["reference"].update(comment="a later version"))
    check_files(bundle)
    _decision("gate/comment", "a later version")(bundle)
    check_files(bundle)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("mim.tflite", b"", "mim.tflite: is not a TFLite file"),
        ("mim_micro.tflite", b"x" * 1000, "mim_micro.tflite: is not a TFLite file"),
        ("head.f32", b"1234", "head.f32: has 4 bytes, but measure.network in manifest.json says"),
        ("golden/00_input.png", b"no picture", "00_input.png: is no PNG file"),
        ("golden/00_error_map.f32", b"1234", "00_error_map.f32: has 4 bytes, expected 4096"),
        ("golden/01_features.i8", b"1234", "01_features.i8: has 4 bytes, expected 1280"),
        ("golden/golden.json", b"[]", "golden.json: Input should be"),
        ("golden/golden.json", b"{", "golden.json: not JSON"),
    ],
)
def test_files_of_another_kind_are_named(bundle: Path, name: str, content: bytes, complaint: str) -> None:
    (bundle / name).write_bytes(content)
    sign(bundle, files=True)
    assert complaint in _complaint(bundle)


def test_a_model_with_another_output_is_named(bundle: Path) -> None:
    model = flatbuffer.read((bundle / "mim_micro.tflite").read_bytes())
    model.signatureDefs[0].outputs[0].name = b"result"
    content = flatbuffer.write(model)
    (bundle / "mim_micro.tflite").write_bytes(content)
    sign(bundle, files=True)
    assert "models.mim_micro.tflite.signatures.inpaint.outputs.output is not" in _complaint(bundle)
    entry = flatbuffer.describe(content)
    edit(bundle, lambda manifest: manifest["models"]["mim_micro.tflite"].update(entry))
    assert "mim_micro.tflite: lacks inpaint.outputs.output" in _complaint(bundle)


def test_pictures_of_another_size_are_named(bundle: Path) -> None:
    for name, side, mode in (("01_resampled", 65, "RGB"), ("00_small", 64, "RGB"), ("00_micro", 32, "L")):
        path = bundle / "golden" / f"{name}.png"
        content = path.read_bytes()
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).convert(mode).save(path)
        sign(bundle, files=True)
        assert f"{name}.png: is {mode} of {side} x {side} px, expected RGB of" in _complaint(bundle)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("images", [], "images: "),
        ("images/0/similarity", "1", "images.0.similarity: "),
        ("images/0/similarity", 1e300, "images.0.similarity: "),
        ("images/0/similarity", 9.0, "images.0.p_class is"),
        ("images/1/p_class", 0.0, "images.1.p_class is 0, by the table"),
        ("images/1/p_other", 2.0, "images.1.p_other is 2, by the table"),
        ("images/0/p_class", True, "images.0.p_class: "),
        ("images/0/p_other", None, "images.0.p_other: "),
        ("images/0/novelty", "1", "images.0.novelty: "),
        ("images/0/verdict", "benign", "images.0 has an unknown verdict"),
        ("images/0/reason", 3, "images.0.reason: "),
        ("decisions", [], "decisions: "),
        ("decisions/0/p_class", 0.9, "decisions.0.p_class is 0.9, by the table"),
        ("decisions/0/p_other", 0.1, "decisions.0.p_other is 0.1, by the table"),
        ("decisions/-1/p_other", 0.9, ".p_other is 0.9, by the table"),
        ("decisions/0/verdict", "mpox-like", "decisions.0.verdict is not that of the tables"),
        ("decisions/-1/verdict", "undecided", ".verdict is not that of the tables"),
        ("decisions/0/similarity", -99.0, "decisions lacks a value of a table"),
        ("decisions/-1/similarity", 99.0, "decisions lacks a value of a table"),
        ("decoded/0/file", "../../LICENSE", "decoded.0 names '../../LICENSE'"),
        ("decoded/0/expected", "/etc/hostname", "decoded.0 names '/etc/hostname'"),
        ("decoded/0/expected", "missing.png", "decoded.0 names 'missing.png', which is not listed"),
        ("decoded/0/tolerance", 255, "decoded.0.tolerance: "),
    ],
)
def test_edited_golden_vectors_are_named(bundle: Path, place: str, value: Any, complaint: str) -> None:
    edit(bundle, lambda vectors: put(vectors, place, value), "golden/golden.json")
    message = _complaint(bundle)
    assert "golden.json: " in message and complaint in message


def test_a_reason_that_contradicts_the_verdict_is_named(bundle: Path) -> None:
    def change(vectors: Any) -> None:
        image = vectors["images"][0]
        image["reason"] = "blank" if image["reason"] is None else None

    edit(bundle, change, "golden/golden.json")
    assert "golden.json: images.0 has a reason that contradicts its verdict" in _complaint(bundle)


@pytest.mark.parametrize("number", [0, 1])
def test_of_an_image_that_can_be_judged_only_the_verdict_of_the_tables_is_accepted(bundle: Path, number: int) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    image = json.loads((bundle / "golden" / "golden.json").read_text())["images"][number]
    no_class = image["similarity"] < manifest["calibration"]["threshold"]
    no_other = image["similarity"] > manifest["reference"]["threshold"]
    right = {(True, False): "not-mpox-like", (False, True): "mpox-like"}.get((no_class, no_other), "undecided")
    for verdict in ("mpox-like", "not-mpox-like", "undecided"):

        def change(vectors: Any, verdict: str = verdict) -> None:
            vectors["images"][number].update(verdict=verdict, reason=None)

        edit(bundle, change, "golden/golden.json")
        if verdict == right:
            check_files(bundle)
        else:
            assert f"golden.json: images.{number}.verdict is not that of the tables" in _complaint(bundle)


@pytest.mark.parametrize("table", ["calibration", "reference"])
def test_a_missing_decision_beside_a_threshold_is_named(bundle: Path, table: str) -> None:
    threshold = json.loads((bundle / "manifest.json").read_text())[table]["threshold"]
    for towards in (-np.inf, threshold, np.inf):
        value = float(np.nextafter(np.float32(threshold), np.float32(towards)))
        original = (bundle / "golden" / "golden.json").read_text()

        def change(vectors: Any, value: float = value) -> None:
            count = len(vectors["decisions"])
            vectors["decisions"] = [entry for entry in vectors["decisions"] if entry["similarity"] != value]
            assert len(vectors["decisions"]) == count - 1

        edit(bundle, change, "golden/golden.json")
        assert "golden.json: decisions lacks a value of a table in manifest.json or" in _complaint(bundle)
        (bundle / "golden" / "golden.json").write_text(original)


def test_stages_of_preprocessing_are_compared(bundle: Path) -> None:
    path = bundle / "golden" / "01_small.png"
    content = path.read_bytes()
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    sign(bundle, files=True)
    with pytest.raises(MimError, match=r"01_small\.png: resample\(\) gives different pixels"):
        verify(bundle)
    path.write_bytes(content)
    edit(bundle, lambda vectors: put(vectors, "images/1/filled_crc32", 7), "golden/golden.json")
    with pytest.raises(MimError, match=r"golden\.json: images\.1\.filled_crc32 is not"):
        verify(bundle)


def test_more_golden_images_than_files_are_named(bundle: Path) -> None:
    edit(bundle, lambda vectors: vectors["images"].append(vectors["images"][0]), "golden/golden.json")
    assert "does not list golden/02_input.png, which golden/golden.json needs" in _complaint(bundle)
