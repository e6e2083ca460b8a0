"""`mim_export.check`: scorers in other languages, another Python, deviations on photographs."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from mim_export.bundle import golden
from mim_export.check import c_scorer, on_runtimes, verify
from mim_export.check import other_languages as scorers
from mim_export.check.c_scorer import c_scores
from mim_export.check.deviations import Deviation, deviation, deviations
from mim_export.check.on_runtimes import Row
from mim_export.check.programs import NotPresentError, run_scorer, tflite_runtime
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, masks_of, read_manifest
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer
from mim_tf.cli.tables import show_verification

MANIFEST = read_manifest(RELEASED)
ENTRIES, STAGES = golden.read(RELEASED)
NUMPY = scorers.numpy_scores(MANIFEST, ENTRIES, STAGES)


def _scikit(a: np.ndarray, b: np.ndarray) -> float:
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=1, channel_axis=-1, **window))


def test_similarity_is_that_of_scikit_image() -> None:
    rng = np.random.default_rng(0)
    black, white = np.zeros((16, 16, 3)), np.ones((16, 16, 3))
    assert scorers.ssim(black, white, MANIFEST["measure"]) == pytest.approx(0.0001 / 1.0001, abs=1e-12)
    for side in (11, 12, 40):
        a = rng.random((side, side, 3))
        for b in (a, 1 - a, np.clip(a + rng.normal(0, 0.1, a.shape), 0, 1)):
            assert scorers.ssim(a, b, MANIFEST["measure"]) == pytest.approx(_scikit(a, b), abs=1e-12)


def _expected(number: int) -> dict[str, Any]:
    """SSIM by scikit-image, the other values from golden.json."""
    labels, micro = masks_of(MANIFEST), STAGES[number]["micro"]
    hidden = (1 - labels) * np.stack(np.split(micro, len(labels), axis=1)).astype(np.float64)
    similar = _scikit(STAGES[number]["small"] / 255, hidden.sum(axis=0) / 255)
    return {"ssim": similar, **{key: ENTRIES[number][key] for key in ("contrast", "detail", "p_class", "p_other")}}


def test_numpy_and_c_give_the_golden_scores() -> None:
    found = {"numpy": NUMPY}
    compiler = shutil.which("cc")
    if compiler is not None:
        found["c"] = c_scores(compiler, MANIFEST, ENTRIES, STAGES)
    for rows in found.values():
        assert [(row["verdict"], row["reason"]) for row in rows] == [(e["verdict"], e["reason"]) for e in ENTRIES]
        for number in (0, 7, len(ENTRIES) - 1):
            for key, value in _expected(number).items():
                # Float32 sums of hundreds of weights differ by their order.
                allowed = 5e-6 if key in ("p_class", "p_other") else 1e-6
                assert rows[number][key] == pytest.approx(value, abs=allowed)


def test_scores_without_masks_have_no_ssim() -> None:
    without = scorers.numpy_scores({**MANIFEST, "mask_set": None}, ENTRIES[:1], STAGES[:1])
    assert without == [{**NUMPY[0], "ssim": None}]


def test_sources_that_do_not_compile_are_named() -> None:
    with pytest.raises(MimError, match="install another C compiler"):
        c_scores("false", MANIFEST, ENTRIES[:1], STAGES[:1])


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Without compiler and without built scorers. The scores of numpy are those computed above."""
    monkeypatch.setattr(scorers, "numpy_scores", lambda *arguments: NUMPY)
    monkeypatch.setattr(scorers.shutil, "which", lambda name: None)
    return monkeypatch


def test_scorers_that_are_not_present_say_what_to_install(alone: pytest.MonkeyPatch) -> None:
    rows = {row.runtime: row for row in scorers.scorer_rows(RELEASED)}
    assert rows["numpy"].status == "within tolerance" and rows["numpy"].verdicts == len(ENTRIES)
    assert rows["c"].status == "not present: install a C compiler as cc, such as gcc"
    assert rows["typescript"].status == f"not present: install Node 20 or newer and run npm install in {scorers.WEB}"
    assert rows["kotlin"].status == f"not present: run {scorers.KOTLIN / 'test.sh'}"
    assert not any(row.bad for row in rows.values())


def test_classes_older_than_their_sources_are_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scorers, "KOTLIN", tmp_path)
    monkeypatch.setattr(scorers.shutil, "which", lambda name: "/usr/bin/java")
    monkeypatch.setattr(scorers, "run_scorer", lambda command, folder, bundle: [command])
    main, test = "scorer/src/main/kotlin/A.kt", "scorer/src/test/kotlin/B.kt"
    for name in (main, test, "build/scores"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    os.utime(tmp_path / main, (1000, 1000))
    os.utime(tmp_path / test, (2000, 2000))
    os.utime(tmp_path / "build/scores", (1999, 1999))
    with pytest.raises(NotPresentError, match=r"test\.sh"):
        scorers._kotlin(RELEASED)
    os.utime(tmp_path / "build/scores", (2001, 2001))
    assert scorers._kotlin(RELEASED) == [["java", "@build/scores"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "exact"),
        ({"ssim": 0.9e-5}, "within tolerance"),
        ({"ssim": 1.1e-5}, "differs"),
        ({"contrast": -1.1e-5}, "differs"),
        ({"detail": 1.1e-5}, "differs"),
        ({"p_class": 1.1e-5}, "differs"),
        ({"p_other": -1.1e-5}, "differs"),
        ({"p_class": float("nan")}, "differs"),
        ({"p_other": float("nan")}, "differs"),
        ({"verdict": "mpox-like"}, "differs"),
        ({"verdict": "undecided"}, "differs"),
        ({"reason": "blank"}, "differs"),
    ],
)
def test_a_scorer_that_differs_is_told(change: dict[str, Any], status: str) -> None:
    judged = {"ssim": 0.5, "contrast": 0.1, "detail": 0.01, "p_class": 0.4, "p_other": 0.1}
    refused = {"ssim": 0.4, "contrast": 0.2, "detail": 0.02, "p_class": 0.1, "p_other": 0.9}
    expected: list[dict[str, Any]] = [
        {**judged, "verdict": "mpox-like", "reason": None},
        {**refused, "verdict": "cannot-judge", "reason": "not skin"},
    ]
    found = [dict(row) for row in expected]
    for key, value in change.items():
        found[1][key] = found[1][key] + value if isinstance(value, float) else value
    row = scorers._row("c", found, expected, expected, scorers.TOLERANCE)
    assert row.status == status and row.bad == (status == "differs")
    assert row.images == 2 and row.verdicts == (1 if {"verdict", "reason"} & set(change) else 2)
    if "contrast" in change:
        assert row.contrast == pytest.approx(1.1e-5, abs=1e-12) and row.detail == 0


def _program(path: Path, body: str) -> str:
    """An executable Python script."""
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("print('{}')", "failed: 1 scores of"),
        (f"print({len(ENTRIES)} * '{{}}\\n', end='')", "failed: 'ssim'"),
        ("print('no JSON')", "failed: "),
        ("raise OSError('no such\\nsource')", "failed: .*OSError: no such"),
        ("import sys; sys.exit(3)", "failed: .*it failed without a message; build and test it again"),
    ],
)
def test_a_program_that_fails_is_named(alone: pytest.MonkeyPatch, tmp_path: Path, body: str, complaint: str) -> None:
    command = [_program(tmp_path / "scores", body)]
    alone.setattr(scorers, "_typescript", lambda bundle: run_scorer(command, tmp_path, bundle))
    row = next(row for row in scorers.scorer_rows(RELEASED) if row.runtime == "typescript")
    assert re.match(complaint, row.status) and "\n" not in row.status and row.bad


@pytest.mark.parametrize(
    ("flags", "status", "bad"),
    [
        (os.ST_NOEXEC, "not present: .* does not allow execution, set TMPDIR to a folder that does", False),
        (0, "failed: .*c: .*: cannot be mapped; install another C compiler", True),
    ],
)
def test_a_temporary_folder_without_execution_is_named(
    alone: pytest.MonkeyPatch, tmp_path: Path, flags: int, status: str, bad: bool
) -> None:
    def refuse(name: str) -> None:
        raise OSError("cannot be mapped")

    alone.setattr(c_scorer.ctypes, "CDLL", refuse)
    alone.setattr(c_scorer.os, "statvfs", lambda folder: SimpleNamespace(f_flag=flags))
    row = _c_row(alone, _program(tmp_path / "cc", ""))
    assert re.fullmatch(status, row.status) and row.bad == bad


def test_a_compiler_that_cannot_be_run_is_named(alone: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cc").write_text("")
    row = _c_row(alone, str(tmp_path / "cc"))
    assert row.bad and "Permission denied" in row.status and row.status.endswith("install another C compiler")


def _c_row(alone: pytest.MonkeyPatch, compiler: str) -> Row:
    """The row of the C scorer with this compiler."""
    alone.setattr(scorers, "_c", lambda *bundle: c_scores(compiler, *bundle))
    return next(row for row in scorers.scorer_rows(RELEASED) if row.runtime == "c")


def test_a_program_is_told_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(RELEASED.parent)
    command = [sys.executable, "-c", "import json, os; print(json.dumps([os.environ['MIM_BUNDLE'], os.getcwd()]))"]
    assert run_scorer(command, tmp_path, Path(RELEASED.name)) == [[str(RELEASED.resolve()), str(tmp_path)]]


def test_another_python_gives_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "import json, sys; print(json.dumps(sys.argv[1:]))"
    monkeypatch.setenv("MIM_TFLITE_PYTHON", _program(tmp_path / "python", body))
    with tflite_runtime("BUNDLE", "--data", "DIR") as other:
        assert other() == ["-m", "mim_export.check.on_runtimes", "BUNDLE", "--data", "DIR"]


@pytest.mark.parametrize("body", [None, "raise ModuleNotFoundError(\"No module named 'tflite_runtime'\")"])
def test_another_python_that_lacks_something_is_not_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str | None
) -> None:
    monkeypatch.setenv("MIM_TFLITE_PYTHON", "" if body is None else _program(tmp_path / "python", body))
    with tflite_runtime("BUNDLE") as other:
        with pytest.raises(NotPresentError, match="set MIM_TFLITE_PYTHON to a Python with 'numpy<2', Pillow, tflite-"):
            other()
        rows = verify._other_rows(other)
        assert [row.runtime for row in rows] == ["tflite-runtime"] and not rows[0].bad


def test_another_python_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIM_TFLITE_PYTHON", _program(tmp_path / "python", "raise ValueError('no bundle')"))
    with tflite_runtime("BUNDLE") as other:
        (row,) = verify._other_rows(other)
    assert row.bad and row.status.endswith("ValueError: no bundle; install this version of mim-tf there")


def test_a_model_that_cannot_be_run_is_a_row(tmp_path: Path) -> None:
    """The sums are checked before; here the model is damaged all the same."""
    (tmp_path / "mim_micro.tflite").write_bytes((RELEASED / "mim_micro.tflite").read_bytes()[:2000])
    difference = on_runtimes._inpainting(masks_of(MANIFEST))
    rows = {row.runtime: row for row in on_runtimes._integer_rows(tmp_path, "mim_micro.tflite", STAGES, difference, 8)}
    assert rows["litert"].bad and rows["litert"].status.startswith("failed: ")
    assert "\n" not in rows["litert"].status


def test_numbers_that_are_not_finite_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Scorer.run

    def run(self: Scorer, pixels: np.ndarray) -> dict[str, Any]:
        outputs = dict(real(self, pixels))
        if np.array_equal(pixels, STAGES[1]["resampled"]):
            outputs["ssim"] = np.array([np.nan], np.float32)
        return outputs

    monkeypatch.setattr(Scorer, "run", run)
    row = on_runtimes._graph_row(RELEASED, "litert", runtimes()["litert"], ENTRIES[:3], STAGES[:3])
    assert row.status == "differs" and np.isnan(row.ssim)


def test_deviation_counts_verdicts_and_quartiles() -> None:
    table = {"similarities": [0.0, 1.0, 2.0, 3.0, 4.0], "threshold": 1.0}  # quartiles 1 and 3
    manifest = {**MANIFEST, "calibration": table, "reference": {"threshold": None}}
    reference = [
        {"similarity": 1.06, "verdict": "mpox-like", "reason": None},  # within 0.1 + 0.0106 of the threshold
        {"similarity": 2.0, "verdict": "mpox-like", "reason": None},  # not within 0.1 + 0.02
        {"similarity": 3.0, "verdict": "mpox-like", "reason": None},
        {"similarity": None, "verdict": "cannot-judge", "reason": "unreadable"},
    ]
    rows = [
        {"similarity": 0.56, "verdict": "not-mpox-like", "reason": None},
        {"similarity": 1.0, "verdict": "cannot-judge", "reason": "not skin"},
        *reference[2:],
    ]
    found = deviation("litert", rows, reference, manifest)
    assert (found.images, found.verdicts, found.near, found.gate, found.close) == (3, 1, 1, 1, 1)
    assert found.largest == 1.0 and found.largest_share == 0.5
    # The 99th percentile of 0, 0.5 and 1 is 0.5 + 0.98 * 0.5.
    assert found.percentile_99 == pytest.approx(0.99) and found.percentile_99_share == pytest.approx(0.495)
    # The second one is within 0.12 of the threshold of other skin, if that is 1.885, but not if it is 1.875.
    for threshold, near in ((1.875, 1), (1.885, 2), (2.115, 2), (2.125, 1)):
        with_other = {**manifest, "reference": {"threshold": threshold}}
        assert deviation("litert", rows, reference, with_other).near == near
    refused = {"similarity": -9.0, "verdict": "cannot-judge", "reason": "not skin"}
    more = deviation("litert", [*rows, {**refused, "similarity": -4.0}], [*reference, refused], manifest)
    assert (more.largest, more.images, more.judged, more.largest_judged) == (5.0, 4, 3, 1.0)
    with pytest.raises(MimError, match="none of the images could be read"):
        deviation("litert", rows[3:], reference[3:], manifest)


def test_deviations_on_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIM_TFLITE_PYTHON", raising=False)
    for number in (0, 7):
        shutil.copy(RELEASED / "golden" / f"{number:02d}_input.png", tmp_path)
    (found,) = [entry for entry in deviations(RELEASED, tmp_path) if entry.runtime == "litert"]
    scorer = Scorer(RELEASED, runtimes()["litert"])
    similarities = [scorer.score_pixels(STAGES[number]["input"])["similarity"] for number in (0, 7)]
    expected = [abs(value - ENTRIES[number]["similarity"]) for value, number in zip(similarities, (0, 7), strict=True)]
    assert found.images == 2 and found.largest == pytest.approx(max(expected), abs=1e-6)
    with pytest.raises(MimError, match="no images in it"):
        deviations(RELEASED, RELEASED.parent / "c")


def test_tables_and_json_name_what_is_not_present(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Row("litert", "mim.tflite", "within tolerance", images=17, levels=6, similarity=1.5, verdicts=17),
        Row("c", "scorer", "within tolerance", images=17, ssim=2.9e-8, verdicts=16),
        Row("kotlin", "scorer", "not present: run test.sh"),
    ]
    found = [Deviation("litert", 500, 490, 8, 1, 2.0, 1.0, 0.5, 0.25, 480, 363, 0.125)]
    show_verification(rows, found, False)
    text = capsys.readouterr().out
    assert re.search(r"^litert +6 +1.5 +17/17 +within tolerance", text, re.MULTILINE)
    assert re.search(r"^c +2.9e-08 +16/17 +within tolerance", text, re.MULTILINE)
    assert "kotlin: not present: run test.sh\n" in text
    assert "490 verdicts agree, of 10 others 8 lie within tolerance of a threshold, 1 in the gate;" in text
    assert "2 at most and by 1 at the 99th percentile, 50% and 25% of" in text
    assert text.endswith("(by no more than 1% on 480 photographs); by 0.12 at most on the 363 that the gate accepts\n")
    show_verification(rows, found, True)
    printed = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in printed["golden"]] == [row.status for row in rows]
    assert printed["photographs"][0]["near"] == 8
