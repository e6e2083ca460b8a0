"""`mim_export.tflite.metadata`: metadata in the models against the output of tflite-support."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from metadata_reader import buffer_of, displayed, without

from mim_export.bundle import golden
from mim_export.check.on_runtimes import run_tflm
from mim_export.score.manifest import RELEASED
from mim_export.score.runtimes import runtimes
from mim_export.tflite import flatbuffer
from mim_export.tflite.metadata import with_metadata
from mim_export.tflite.metadata_schema import Table, encode

MODELS = ["mim.tflite", "mim_micro.tflite", "mim_features.tflite"]
#: Written by `tests/golden/make_tflite_metadata.py`.
ORACLE = json.loads((Path(__file__).parents[1] / "golden" / "tflite_metadata.json").read_text())["models"]
MANIFEST = json.loads((RELEASED / "manifest.json").read_text())


def both(name: str) -> tuple[bytes, bytes]:
    """A released model without metadata, and with the metadata that this version writes."""
    bundle = RELEASED.with_name("released_micro") if name == "mim_features.tflite" else RELEASED
    plain = without((bundle / name).read_bytes())
    return plain, with_metadata(plain, name, MANIFEST)


@pytest.mark.parametrize("name", MODELS)
def test_reader_of_these_tests_reads_what_tflite_support_displays(name: str) -> None:
    oracle = ORACLE[name]
    assert displayed(base64.b64decode(oracle["metadata"])) == oracle["displayed"]
    assert oracle["displayed"]["min_parser_version"] == oracle["min_parser_version"] == "1.0.0"


@pytest.mark.parametrize("name", MODELS)
def test_metadata_are_what_tflite_support_displays(name: str) -> None:
    _, content = both(name)
    buffer = buffer_of(content)
    assert buffer is not None and displayed(buffer) == ORACLE[name]["displayed"]
    files: dict[str, object] = {}
    if ORACLE[name]["files"]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            # Readers in C++ reject compressed files.
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
            files = {entry: archive.read(entry).decode() for entry in archive.namelist()}
            files["decision.json"] = list(json.loads(files["decision.json"]))
    assert files == ORACLE[name]["files"]


def test_labels_and_decision_are_those_of_the_manifest() -> None:
    _, content = both("mim.tflite")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        verdicts, reasons, decision = (archive.read(f) for f in ("verdicts.txt", "reasons.txt", "decision.json"))
    assert verdicts == b"mpox-like\nnot-mpox-like\nundecided\ncannot-judge\n"
    assert reasons == b"none\nblank\nblurred\nnot skin\ntoo small\nunreadable\ntoo large\n"
    entries = json.loads(decision)
    assert entries == {key: MANIFEST[key] for key in entries}
    assert entries["calibration"]["threshold"] and entries["calibration"]["alpha"] and entries["gate"]["min_side"]
    assert entries["reference"]["beta"] and entries["reference"]["conditions"] and "threshold" in entries["reference"]
    assert {"format", "version", "mask_set", "measure"} < set(entries)


@pytest.mark.parametrize("name", MODELS)
def test_tensors_are_described_in_the_order_of_the_runtime(name: str) -> None:
    """The schema identifies tensors by their index in subgraph 0."""
    _, content = both(name)
    graph = displayed(buffer_of(content) or b"")["subgraph_metadata"][0]
    interpreter = runtimes()["litert-reference"](content)
    for side, details in (("input", interpreter.get_input_details()), ("output", interpreter.get_output_details())):
        described = [tensor["name"] for tensor in graph[f"{side}_tensor_metadata"]]
        assert [detail["name"] for detail in details] == described
    assert next(iter(interpreter.get_signature_list())) == graph["name"]


@pytest.mark.parametrize("name", MODELS)
def test_normalization_and_quantization_give_the_documented_integers(name: str) -> None:
    """By the metadata, the input for a pixel of 200 is 200 for `mim.tflite` and 72 for the integer models."""
    _, content = both(name)
    source = displayed(buffer_of(content) or b"")["subgraph_metadata"][0]["input_tensor_metadata"][0]
    options = source["process_units"][0]["options"]
    value = (200 - options["mean"][0]) / options["std"][0]
    scale, zero_point = runtimes()["litert-reference"](content).get_input_details()[0]["quantization"]
    assert (round(value / scale) + zero_point if scale else value) == (200 if name == "mim.tflite" else 72)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_bit_equal_with_metadata_and_without(name: str) -> None:
    _, stages = golden.read(RELEASED)
    plain, content = both(name)
    assert plain != content
    inputs = np.random.default_rng(0).integers(-128, 128, (2, 96, 96, 4)).astype(np.int8)
    if name == "mim_features.tflite":
        inputs = np.random.default_rng(0).integers(-128, 128, (2, 64, 64, 3)).astype(np.int8)
    for make in runtimes().values():
        if name != "mim.tflite":
            np.testing.assert_array_equal(*(golden.run_micro(make(model), inputs) for model in (plain, content)))
            continue
        before, after = make(plain), make(content)
        for key, stage in product(("verdict", "explain"), stages[:2]):
            expected, found = (
                interpreter.get_signature_runner(key)(image=stage["resampled"][None]) for interpreter in (before, after)
            )
            assert {key: value.tobytes() for key, value in found.items()} == {
                key: value.tobytes() for key, value in expected.items()
            }
    if name != "mim.tflite":
        pytest.importorskip("tflite_micro", reason="the TFLM interpreter has wheels for x86-64 Linux only")
        np.testing.assert_array_equal(*(run_tflm(model, inputs) for model in (plain, content)))


@pytest.mark.parametrize(("name", "most"), [("mim.tflite", 49_152), ("mim_micro.tflite", 1024), (MODELS[2], 1024)])
def test_buffers_and_size_are_aligned_and_little_is_added(name: str, most: int) -> None:
    plain, content = both(name)
    assert len(plain) % 16 == len(content) % 16 == 0
    assert 0 < len(content) - len(plain) <= most
    assert content == with_metadata(plain, name, MANIFEST)  # deterministic
    root = flatbuffer.schema.Model.GetRootAsModel(content, 0)
    buffers = [root.Buffers(index) for index in range(root.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) > 20 and not any(start % 16 for start in starts)


def test_a_field_of_another_table_is_refused() -> None:
    with pytest.raises(ValueError):
        encode(Table("Stats", {"color_space": 1}))
