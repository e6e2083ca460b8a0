"""Finds the installed TFLite runtimes: LiteRT and tflite-runtime, each with XNNPACK and with reference kernels."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

#: Creates an interpreter from the content of a TFLite file.
MakeInterpreter = Callable[[bytes], Any]


def runtimes() -> dict[str, MakeInterpreter]:
    """Returns the installed TFLite runtimes.

    Returns:
        A function that creates an interpreter with one thread, by name: `litert` and `tflite-runtime` use the XNNPACK
        delegate, `litert-reference` and `tflite-runtime-reference` the reference kernels, for which the golden vectors
        are exact. The first entry is the default. Empty if no runtime is installed.

    Example:
        With LiteRT alone, `list(runtimes())` is `["litert", "litert-reference"]`.
    """
    available: dict[str, MakeInterpreter] = {}
    for name, module in (("litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime")):
        try:
            interpreter = importlib.import_module(f"{module}.interpreter")
        except ImportError:
            continue
        resolvers = interpreter.OpResolverType
        for label, resolver in ((name, resolvers.AUTO), (f"{name}-reference", resolvers.BUILTIN_REF)):
            available[label] = _maker(interpreter.Interpreter, resolver)
    return available


def _maker(interpreter: Any, resolver: Any) -> MakeInterpreter:
    return lambda content: interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
