"""The TFLite runtimes that are installed: LiteRT and tflite-runtime, with XNNPACK and with the reference kernels."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

#: Creates an interpreter from the content of a model file.
MakeInterpreter = Callable[[bytes], Any]


def runtimes() -> dict[str, MakeInterpreter]:
    """The TFLite runtimes that are installed here, by name; the first one is the default.

    `litert` and `tflite-runtime` use XNNPACK; the names ending in `-reference` use the reference kernels, to
    which golden vectors are exact.
    """
    found: dict[str, MakeInterpreter] = {}
    for name, module in (("litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime")):
        try:
            interpreter = importlib.import_module(f"{module}.interpreter")
        except ImportError:
            continue
        resolvers = interpreter.OpResolverType
        for label, resolver in ((name, resolvers.AUTO), (f"{name}-reference", resolvers.BUILTIN_REF)):
            found[label] = _maker(interpreter.Interpreter, resolver)
    return found


def _maker(interpreter: Any, resolver: Any) -> MakeInterpreter:
    return lambda content: interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
