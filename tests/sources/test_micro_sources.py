"""Sources for microcontrollers: what is written from a bundle, the application around it, and what both may take."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.bundle import golden
from mim_export.bundle.write import arena_bytes
from mim_export.check.on_runtimes import run_tflm
from mim_export.convert.quantize import activation_ranges, int8_twin
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, masks_of, read_manifest
from mim_export.score.runtimes import runtimes
from mim_export.sources import golden_header, micro_sources
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.detectors.factory import create_model

#: The bundle that is written as C.
MICRO = RELEASED.with_name("released_micro")
SOURCES = Path(__file__).parents[2] / "export"
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"]

#: A stand-in for TensorFlow Lite Micro: models return the golden outputs, for the golden inputs only.
RUNTIME = """
#pragma once
#include <stdio.h>
#include <string.h>
#include "golden.h"
#include "mim_models.h"
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
enum TfLiteType { kTfLiteInt8 = 9 };
struct TfLiteTensor { TfLiteType type; size_t bytes; struct { int8_t *int8; } data; };
namespace tflite {
struct Model;
inline const Model *GetModel(const void *content) { return static_cast<const Model *>(content); }
class MicroOpResolver {};
template <unsigned int count>
class MicroMutableOpResolver : public MicroOpResolver {
    unsigned int added = 0;
    TfLiteStatus add() { return added++ < count ? kTfLiteOk : kTfLiteError; }
 public:
    TfLiteStatus AddAdd() { return add(); }
    TfLiteStatus AddConcatenation() { return add(); }
    TfLiteStatus AddConv2D() { return add(); }
    TfLiteStatus AddDepthwiseConv2D() { return add(); }
    TfLiteStatus AddLogistic() { return add(); }
    TfLiteStatus AddReshape() { return add(); }
    TfLiteStatus AddStridedSlice() { return add(); }
};
class MicroInterpreter {
    static int photos() { static int count = 0; return count++ / 2; }
    static void read(const char *name, size_t image, size_t place, int8_t *values, size_t bytes) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%02d_%s", FOLDER, static_cast<int>(image), name);
        FILE *file = fopen(path, "rb");
        if (!file || fseek(file, static_cast<long>(place * bytes), SEEK_SET) || !fread(values, bytes, 1, file))
            values[0]++;
        if (file) fclose(file);
    }
    bool features;
    size_t bytes, image, invoked = 0;
    int8_t expected[3 * 64 * 64];
    TfLiteTensor in, out;
 public:
    MicroInterpreter(const Model *model, const MicroOpResolver &, uint8_t *arena, size_t arena_bytes)
        : features(static_cast<const void *>(model) == mim_features_model), bytes(arena_bytes),
          image(golden_images[photos()].number) {
        int8_t *start = reinterpret_cast<int8_t *>(arena);
        in = {kTfLiteInt8, static_cast<size_t>(features ? 3 * 64 * 64 : 4 * 32 * 32), {start}};
        out = {kTfLiteInt8, static_cast<size_t>(features ? 16 * 80 : 3 * 32 * 32), {start + in.bytes}};
    }
    TfLiteStatus AllocateTensors() { return bytes >= 140000 ? kTfLiteOk : kTfLiteError; }
    size_t arena_used_bytes() { return features ? 3000 : 2000; }
    TfLiteTensor *input(int) { return &in; }
    TfLiteTensor *output(int) { return &out; }
    TfLiteStatus Invoke() {
        read(features ? "features_in" : "micro_in", image, invoked, expected, in.bytes);
        read(features ? "features_out" : "micro_out", image, invoked++, out.data.int8, out.bytes);
        const bool equal = memcmp(expected, in.data.int8, in.bytes) == 0;
        memset(in.data.int8, 85, in.bytes);
        return equal ? kTfLiteOk : kTfLiteError;
    }
};
}
"""


def _run(*command: Any) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("micro")
    for name, text in micro_sources.sources(MICRO).items():
        (folder / name).write_text(text, encoding="ascii")
    (folder / "golden.h").write_text(golden_header.header(MICRO), encoding="ascii")
    return folder


def test_arrays_hold_the_files_and_are_aligned(written: Path) -> None:
    _run("gcc", "-std=c99", *STRICT, "-shared", "-fPIC", written / "mim_models.c", "-o", written / "models.so")
    library = ctypes.CDLL(str(written / "models.so"))
    files = {**micro_sources.MODELS, "mim_head_values": "head.f32"}
    for name, file in files.items():
        content = (MICRO / file).read_bytes()
        array = (ctypes.c_uint8 * len(content)).in_dll(library, name)
        assert bytes(array) == content and ctypes.addressof(array) % 16 == 0


def test_sources_are_cxx_too(written: Path) -> None:
    (written / "all.cc").write_text('#include "mim_bundle.h"\nsize_t count() { return mim_bundle_head.count; }\n')
    include = ["-I", SOURCES / "c" / "include"]
    for name in ("all.cc", "mim_models.c"):
        _run("g++", "-x", "c++", "-std=c++11", *STRICT, "-fsyntax-only", *include, written / name)


def test_constants_are_those_of_the_manifest(written: Path) -> None:
    text = (written / "mim_bundle.h").read_text() + (written / "mim_config.h").read_text()
    found = dict(re.findall(r"^#define MIM_(?:BUNDLE|CONFIG)_(\w+) \(?([-\d.]+)", text, re.MULTILINE))
    manifest = read_manifest(MICRO)
    features = manifest["models"]["mim_features.tflite"]
    quantized = features["tensors"]["features"]
    assert {key: int(found[key]) for key in ("SIZE", "SMALL", "POSITIONS", "CHANNELS", "FEATURES_ZERO")} == {
        **{"SIZE": 64, "SMALL": 32, "POSITIONS": 16, "CHANNELS": 80, "FEATURES_ZERO": quantized["zero_point"][0]}
    }
    assert np.float32(found["FEATURES_SCALE"]) == np.float32(quantized["scale"][0])
    # The larger one, not the sum, and 4096 bytes more.
    assert 4096 <= int(found["ARENA"]) - features["arena_bytes"] < 4096 + 16


def test_operators_are_those_of_the_models(written: Path) -> None:
    text = (written / "mim_ops.h").read_text()
    make = runtimes()["litert"]
    names = set()
    for file in micro_sources.MODELS.values():
        details = make((MICRO / file).read_bytes())._get_ops_details()
        names |= {entry["op_name"].replace("_", "").lower() for entry in details} - {"delegate"}
    added = re.findall(r"resolver->Add(\w+)\(\)", text)
    assert sorted(name.lower() for name in added) == sorted(names)
    assert f"MicroMutableOpResolver<{len(names)}>" in text


def test_application_judges_golden_images(written: Path) -> None:
    """With a stand-in for the runtime, which requires the exact inputs."""
    manifest = read_manifest(MICRO)
    masks = masks_of(manifest)
    assert masks is not None
    _, stages = golden.read(MICRO)
    for number, stage in enumerate(stages):
        outputs = np.stack(np.split(stage["micro"], len(masks), axis=1)).astype(np.int16) - 128
        content = {
            "micro_in": golden.filled_int8(stage["small"], masks),
            "micro_out": outputs.astype(np.int8),
            "features_in": golden.centred(stage["resampled"]),
            "features_out": stage["features"],
        }
        for name, values in content.items():
            (written / f"{number:02d}_{name}").write_bytes(values.tobytes())
    for name in ("micro/micro_mutable_op_resolver.h", "micro/micro_interpreter.h", "schema/schema_generated.h"):
        (written / "tensorflow" / "lite" / name).parent.mkdir(parents=True, exist_ok=True)
        (written / "tensorflow" / "lite" / name).write_text('#include "runtime.h"\n')
    (written / "runtime.h").write_text(RUNTIME)
    micro, objects = SOURCES / "micro", []
    names = [micro / f"{name}.cc" for name in ("scorer", "responder", "golden_images", "test_golden", "main")]
    include = ["-I", written, "-I", SOURCES / "c" / "include", f'-DFOLDER="{written}"']
    for source in names:
        objects.append(written / f"{source.stem}.o")
        _run("g++", "-std=c++11", "-O1", *STRICT, *include, "-c", source, "-o", objects[-1])
    library = sorted((SOURCES / "c" / "src").glob("*.c"))
    library.append(written / "mim_models.c")
    _run("gcc", "-std=c99", "-O2", "-shared", "-fPIC", *library, "-lm", "-o", written / "c.so")
    for program in (objects[3], objects[4]):
        _run("g++", *objects[:3], program, written / "c.so", "-Wl,-rpath", written, "-o", program.with_suffix(".elf"))
    printed = _run(str(written / "test_golden.elf"))
    assert "3 of 3 golden images agree" in printed and "arena: 3000 bytes used" in printed
    assert len(_run(str(written / "main.elf")).splitlines()) == 3


def test_the_makefile_compiles_the_kernels_of_the_released_bundle() -> None:
    text = (SOURCES / "micro" / "Makefile").read_text()
    kernels = set(re.findall(r"(\w+)\.cc", text[text.index("KERNELS =") : text.index("UNUSED =")]))
    models = read_manifest(MICRO)["models"]
    used = {op.lower() for name in ("mim_micro.tflite", "mim_features.tflite") for op in models[name]["ops"]}
    kinds = {"kernel_util", *(f"{name.removesuffix('_2d')}{kind}" for name in used for kind in ("", "_common"))}
    assert {name.removesuffix("_2d") for name in used} <= kernels <= kinds


def test_what_fits_a_microcontroller(tmp_path: Path) -> None:
    """Of 64 px, width 14 and block 5, untrained: sizes are those of the architecture. Both networks are exact there."""
    pytest.importorskip("tflite_micro")
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))
    made = create_model("mim", 64, "deep", block=5, width=14)
    generator = made.inpainting.make_model(made.inpainting.make_config("float32", 0)).ema_generator
    rng = np.random.default_rng(0)
    photos, masked = rng.uniform(0, 255, (4, 64, 64, 3)), rng.uniform(0, 1, (4, 32, 32, 4))
    *_, rounded, network = int8_twin(made.backbone, activation_ranges(made.backbone, [np.float32(photos)])).layers
    scaled = keras.Input(photos.shape[1:])
    twins = [keras.Model(scaled, network(rounded(scaled)))]
    twins += [int8_twin(generator, activation_ranges(generator, [np.float32(masked)]))]
    # 160 statistics and 30 components: linear weights, class distance and novelty, with offsets and scales.
    flash, arenas = 4 * (161 + 30 * 161 + 2 + 160 * 161 + 2), []
    for twin in twins:
        content = _convert(twin)
        flash += len(content)
        arenas.append(arena_bytes(content))
        inputs = rng.integers(-128, 128, (2, *twin.input_shape[1:]), np.int8)
        reference = golden.run_micro(runtimes()["litert-reference"](content), inputs)
        np.testing.assert_array_equal(run_tflm(content, inputs), reference)
    # In addition to the arena: the scorer's buffers, 21 440 bytes, and its stack.
    assert max(arenas) + 32 * 1024 <= 256 * 1024
    assert flash > 460_000 and flash + _text_of_scorer(tmp_path) <= 512 * 1024


def _convert(network: keras.Model) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


def _text_of_scorer(folder: Path) -> int:
    """Bytes of code and constants on a Cortex-M4F; without its compiler, the number in `export/c/README.md`."""
    if shutil.which("arm-none-eabi-gcc") is None:
        return 10106
    target = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
    sources = sorted((SOURCES / "c" / "src").glob("*.c"))
    _run("arm-none-eabi-gcc", *target, "-std=c99", "-O2", "-r", "-nostdlib", *sources, "-o", folder / "scorer.o")
    return int(_run("arm-none-eabi-size", folder / "scorer.o").splitlines()[1].split()[0])


def test_what_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    manifest = read_manifest(MICRO)

    def refused(problem: str) -> None:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(MimError, match=problem):
            micro_sources.sources(tmp_path)

    refused("mim_micro.tflite: no such file")
    manifest["models"]["mim_features.tflite"]["arena_bytes"] = None
    refused("does not say the arena of mim_features.tflite; pip install tflite-micro, export again")
    del manifest["models"]["mim_features.tflite"]
    refused("has no mim_features.tflite; export a run of the measure deep with --micro")
    monkeypatch.setattr("sys.argv", ["micro_sources", str(tmp_path), "--out", str(tmp_path / "out")])
    assert micro_sources.main() == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "out").exists()
