"""`mim_export.tflite.float16`: kernels are rounded to float16, other constants are stored exactly or not at all."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.runtimes import runtimes
from mim_export.tflite import flatbuffer, float16, operators

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(3, 3, 8, 8)).astype(np.float32)
#: Of 1152 values each; float16 holds the second one exactly.
NOISE, MASK = RNG.normal(size=(1, 12, 12, 8)).astype(np.float32), RNG.integers(0, 2, (1, 12, 12, 8)).astype(np.float32)
IMAGE = RNG.normal(size=(1, 12, 12, 8)).astype(np.float32)


class Module(tf.Module):
    """A convolution, a product and a sum with constants."""

    @tf.function(input_signature=[tf.TensorSpec([1, 12, 12, 8], tf.float32, "x")])
    def run(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.conv2d(x, KERNEL, 1, "SAME") * MASK + NOISE}


def expected(kernel: np.ndarray) -> np.ndarray:
    return (tf.nn.conv2d(IMAGE, kernel, 1, "SAME") * MASK + NOISE).numpy()


def run(content: bytes, make: str) -> np.ndarray:
    result: np.ndarray = runtimes()[make](content).get_signature_runner("run")(x=IMAGE)["y"]
    return result


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, bytes]:
    """The model, finished without and with float16."""
    module, folder = Module(), tmp_path_factory.mktemp("float16")
    tf.saved_model.save(module, str(folder), signatures={"run": module.run})
    content = tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()
    return {half: flatbuffer.finish(content, "run", ["layer"], half) for half in (False, True)}


def test_restored_constants_are_the_rounded_ones(models: dict[bool, bytes]) -> None:
    model = flatbuffer.read(models[True])
    float16.restore(model)
    names = [flatbuffer.op_name(model, operator) for operator in model.subgraphs[0].operators]
    assert "DEQUANTIZE" not in names and "CONV_2D" in names
    np.testing.assert_array_equal(run(flatbuffer.write(model), "litert"), run(models[True], "litert"))


@pytest.mark.parametrize("make", ["litert", "litert-reference"])
def test_outputs_are_those_of_a_rounded_kernel(models: dict[bool, bytes], make: str) -> None:
    half = KERNEL.astype(np.float16).astype(np.float32)
    assert np.abs(expected(half) - expected(KERNEL)).max() > 1e-3
    np.testing.assert_allclose(run(models[False], make), expected(KERNEL), atol=1e-5)
    np.testing.assert_allclose(run(models[True], make), expected(half), atol=1e-5)


def test_constants_are_stored_once_by_name(models: dict[bool, bytes]) -> None:
    model = flatbuffer.read(models[True])
    stored = {tensor.name: tensor for tensor in model.subgraphs[0].tensors if tensor.name.endswith(b"/float16")}
    values = [np.frombuffer(model.buffers[tensor.buffer].data.tobytes(), np.float16) for tensor in stored.values()]
    found = sorted(zip(stored, values, strict=True), key=lambda pair: len(pair[1]))
    assert found[0][0] == b"run/layer/kernel/float16" and len(found) == 2
    np.testing.assert_array_equal(found[0][1], KERNEL.transpose(3, 0, 1, 2).astype(np.float16).ravel())
    np.testing.assert_array_equal(found[1][1], MASK.ravel())
    assert {tensor.type for tensor in stored.values()} == {flatbuffer.schema.TensorType.FLOAT16}
    saved = len(models[False]) - len(models[True])
    assert 2 * (KERNEL.size + MASK.size) - 1000 < saved < 2 * (KERNEL.size + MASK.size)
    described = flatbuffer.describe(models[True])
    assert described["ops"]["DEQUANTIZE"] == 3  # the version that reads float16
    # TensorFlow's runtime_version.cc: CONV_2D 1 is of 1.5.0, DEQUANTIZE 3 of 1.15.0.
    assert flatbuffer.describe(models[False])["min_runtime_version"] == "1.5.0"
    assert described["min_runtime_version"] == "1.15.0"
    operators.check(models[True], operators.SCORE)


def test_kernels_beyond_the_range_of_float16_stay(models: dict[bool, bytes]) -> None:
    model = flatbuffer.read(models[False])
    index = next(t.buffer for t in model.subgraphs[0].tensors if t.name == b"run/layer/kernel")
    large = np.frombuffer(model.buffers[index].data.tobytes(), np.float32).copy()
    large[0] = 70_000
    model.buffers[index].data = np.frombuffer(large.tobytes(), np.uint8)
    again = flatbuffer.read(flatbuffer.finish(flatbuffer.write(model), "run", ["layer"], half=True))
    names = [tensor.name for tensor in again.subgraphs[0].tensors if tensor.name.endswith(b"/float16")]
    assert len(names) == 1 and b"kernel" not in names[0]
