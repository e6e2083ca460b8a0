"""Finds the installed TFLite runtimes: LiteRT and tflite-runtime, each with XNNPACK and with reference kernels."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import MimError

#: Creates an interpreter from the content of a TFLite file.
MakeInterpreter = Callable[[bytes], Any]


#: Package and module of each runtime by name.
_RUNTIMES = {"litert": ("ai-edge-litert", "ai_edge_litert"), "tflite-runtime": ("tflite-runtime", "tflite_runtime")}


def package(name: str) -> str:
    """Returns the package of a runtime.

    Args:
        name: a key of `runtimes()`.

    Example:
        `package("litert-reference")` is "ai-edge-litert".
    """
    return _RUNTIMES[name.removesuffix("-reference")][0]


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
    for name, (_, module) in _RUNTIMES.items():
        try:
            interpreter = importlib.import_module(f"{module}.interpreter")
        except ImportError:
            continue
        resolvers = interpreter.OpResolverType
        for label, resolver in ((name, resolvers.AUTO), (f"{name}-reference", resolvers.BUILTIN_REF)):
            available[label] = _Maker(label, interpreter.Interpreter, resolver)
    return available


def runtime(name: str | None = None) -> MakeInterpreter:
    """Returns an installed TFLite runtime.

    Args:
        name: a key of `runtimes()`; the first installed one by default.

    Raises:
        MimError: no runtime is installed, or not this one.
    """
    available = runtimes()
    if not available:
        raise MimError("no TFLite runtime", "pip install ai-edge-litert (or tflite-runtime)")
    if name is None:
        return next(iter(available.values()))
    if name not in available:
        raise MimError(f"no TFLite runtime {name}", f"choose one of {', '.join(available)}")
    return available[name]


@dataclass(frozen=True)
class _Maker:
    """Creates interpreters of one runtime. Its name stands for it in another process."""

    name: str
    interpreter: Any
    resolver: Any

    def __call__(self, content: bytes) -> Any:
        return self.interpreter(model_content=content, experimental_op_resolver_type=self.resolver, num_threads=1)

    def __reduce__(self) -> tuple[Any, ...]:
        return runtime, (self.name,)
