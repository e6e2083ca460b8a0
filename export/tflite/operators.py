"""Checks which operators and which version of TensorFlow Lite a model file needs."""

from __future__ import annotations

import math
import re

from ..score.errors import MimError
from . import flatbuffer

#: The last release of the package tflite-runtime; bundles must run on it.
NEWEST_RUNTIME = "2.14.0"
#: Operators of `mim.tflite`. Each is a builtin operator (no Flex) with a kernel in LiteRT, in its reference kernels, in
#: tflite-runtime 2.14 and in LiteRT.js.
SCORE = frozenset(
    {
        *("ABS", "ADD", "AVERAGE_POOL_2D", "CAST", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D"),
        *(
            "DEPTH_TO_SPACE",
            "DEQUANTIZE",
            "DIV",
            "FLOOR",
            "FULLY_CONNECTED",
            "GREATER",
            "GREATER_EQUAL",
            "L2_NORMALIZATION",
            "LESS",
            "LESS_EQUAL",
        ),
        *("GATHER", "LOGISTIC", "MAXIMUM", "MEAN", "MINIMUM", "MUL", "QUANTIZE", "RELU"),
        *("RESHAPE", "RESIZE_BILINEAR", "SOFTMAX", "SQRT", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM"),
    }
)
#: Operators of the integer models. Their int8 reference kernels are bit-exact between LiteRT and TensorFlow Lite Micro.
#: A firmware must register each of them by name.
MICRO = frozenset({"ADD", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "STRIDED_SLICE"})


def check(content: bytes, allowed: frozenset[str]) -> None:
    """Checks that every supported runtime can run a model.

    Args:
        content: a TFLite file.
        allowed: `SCORE` or `MICRO`.

    Raises:
        MimError: the model has another operator (Flex operators are listed as `CUSTOM`), or needs a newer runtime than
            `NEWEST_RUNTIME`.

    Example:
        For a model with the operators ADD and GELU, the message of `check(content, SCORE)` is "the converter wrote
        GELU, which not every runtime has; export with TensorFlow 2.21".
    """
    described, remedy = flatbuffer.describe(content), "export with TensorFlow 2.21"
    others = sorted(set(described["ops"]) - allowed)
    if others:
        raise MimError(f"the converter wrote {', '.join(others)}, which not every runtime has", remedy)
    needed = described["min_runtime_version"]
    if _version(needed) > _version(NEWEST_RUNTIME):
        raise MimError(f"the model needs TensorFlow Lite {needed or 'unknown'}, newer than {NEWEST_RUNTIME}", remedy)


def missing(message: str) -> MimError | None:
    """Converts the converter's message about unsupported operators to a one-line error.

    Args:
        message: of a `ConverterError`.

    Returns:
        An error that names the operators, or None if the message is about something else.

    Example:
        "TFLite has no operator for MatrixDeterminant; build the network from other layers".
    """
    names = sorted(set(re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", message)))
    if not names:
        return None
    return MimError(f"TFLite has no operator for {', '.join(names)}", "build the network from other layers")


def _version(text: str) -> tuple[float, ...]:
    """Splits a version into numbers for comparison. A part that is not a number, as in "" (unknown), is infinite."""
    return tuple(int(part) if part.isdigit() else math.inf for part in text.split("."))
