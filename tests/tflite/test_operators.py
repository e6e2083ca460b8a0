"""`mim_export.tflite.operators`: models that not every runtime can run are rejected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED
from mim_export.tflite import flatbuffer, operators


def convert(function: Callable[[tf.Tensor], tf.Tensor]) -> bytes:
    concrete = tf.function(function, input_signature=[tf.TensorSpec([1, 3], tf.float32, "x")]).get_concrete_function()
    content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    return content


def needing(content: bytes, version: bytes) -> bytes:
    """The model with another minimum version of the runtime in its metadata."""
    model = flatbuffer.read(content)
    entry = next(entry for entry in model.metadata if entry.name == b"min_runtime_version")
    model.buffers[entry.buffer].data = np.frombuffer(version.ljust(16, b"\0"), np.uint8)
    return flatbuffer.write(model)


@pytest.fixture(scope="module")
def squared() -> bytes:
    """A model with MUL as its only operator."""
    return convert(lambda x: x * x)


def test_released_models_are_accepted() -> None:
    for path in RELEASED.glob("*.tflite"):
        operators.check(path.read_bytes(), operators.SCORE if path.name == "mim.tflite" else operators.MICRO)


def test_other_operators_are_refused(squared: bytes) -> None:
    operators.check(squared, operators.SCORE)
    with pytest.raises(MimError, match=r"^the converter wrote MUL, which not every runtime has; export with") as caught:
        operators.check(squared, operators.MICRO)
    assert "\n" not in str(caught.value)
    with pytest.raises(MimError, match=r"wrote COS, SIN, which"):
        operators.check(convert(lambda x: tf.sin(x) + tf.cos(x)), operators.SCORE)


@pytest.mark.parametrize("version", [b"1.5.0", b"2.3.0", b"2.9.0", b"2.14.0"])
def test_versions_that_a_runtime_of_2_14_has_are_accepted(squared: bytes, version: bytes) -> None:
    operators.check(needing(squared, version), operators.SCORE)


@pytest.mark.parametrize(("version", "named"), [(b"2.14.1", "2.14.1"), (b"2.100.0", "2.100.0"), (b"", "unknown")])
def test_newer_and_unknown_versions_are_refused(squared: bytes, version: bytes, named: str) -> None:
    with pytest.raises(MimError, match=f"^the model needs TensorFlow Lite {named}, newer than 2.14.0; export with"):
        operators.check(needing(squared, version), operators.SCORE)


def test_what_tflite_lacks_is_said_on_one_line() -> None:
    with pytest.raises(Exception, match="MatrixDeterminant") as caught:
        convert(lambda x: tf.linalg.det(tf.linalg.diag(x)))
    assert "\n" in str(caught.value)
    message = str(operators.missing(str(caught.value)))
    assert message == "TFLite has no operator for MatrixDeterminant; build the network from other layers"
    assert operators.missing("the disk is full") is None
