"""What the model files may ask of a runtime: which operators, and which version of TensorFlow Lite."""

from __future__ import annotations

import math
import re

from ..score.errors import MimError
from . import flatbuffer

#: The last TensorFlow Lite that was a package of its own, tflite-runtime; bundles have to run on it.
NEWEST_RUNTIME = "2.14.0"
#: Operators of `mim.tflite`. Each has a kernel in LiteRT, in its reference kernels, in tflite-runtime 2.14 and in
#: LiteRT.js, without Flex.
SCORE = frozenset(
    {
        *("ABS", "ADD", "AVERAGE_POOL_2D", "CAST", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE"),
        *("DIV", "FLOOR", "FULLY_CONNECTED", "GREATER", "GREATER_EQUAL", "L2_NORMALIZATION", "LESS", "LESS_EQUAL"),
        *("GATHER", "LOGISTIC", "MAXIMUM", "MEAN", "MINIMUM", "MUL", "QUANTIZE", "RESHAPE"),
        *("SOFTMAX", "SQRT", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM"),
    }
)
#: Operators of the integer models: their int8 reference kernels give the same bits on LiteRT and TensorFlow Lite Micro,
#: where a firmware registers each of them by name.
MICRO = frozenset({"ADD", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "LOGISTIC", "RESHAPE"})


def check(content: bytes, allowed: frozenset[str]) -> None:
    """Refuses a model that not every runtime could run.

    Args:
        content: a TFLite file.
        allowed: `SCORE` or `MICRO`.

    Raises:
        MimError: it has another operator (`CUSTOM` stands for all of Flex), or needs a newer runtime than
            `NEWEST_RUNTIME`.

    Example:
        Of a model with the operators ADD and GELU, `check(content, SCORE)` says "the converter wrote GELU, which not
        every runtime has; export with TensorFlow 2.21".
    """
    described, remedy = flatbuffer.describe(content), "export with TensorFlow 2.21"
    others = sorted(set(described["ops"]) - allowed)
    if others:
        raise MimError(f"the converter wrote {', '.join(others)}, which not every runtime has", remedy)
    needed = described["min_runtime_version"]
    if _version(needed) > _version(NEWEST_RUNTIME):
        raise MimError(f"the model needs TensorFlow Lite {needed or 'unknown'}, newer than {NEWEST_RUNTIME}", remedy)


def missing(message: str) -> MimError | None:
    """Turns the converter's message on operators that TFLite lacks into one line; None where it says something else."""
    found = sorted(set(re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", message)))
    if not found:
        return None
    return MimError(f"TFLite has no operator for {', '.join(found)}", "make the network of other layers")


def _version(text: str) -> tuple[float, ...]:
    """Numbers to compare; what is none, such as the empty text that stands for an unknown version, is the newest."""
    return tuple(int(part) if part.isdigit() else math.inf for part in text.split("."))
