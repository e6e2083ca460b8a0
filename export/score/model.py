"""Loads `mim.tflite` into a runtime and checks its signature `score`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MimError, quiet_stderr
from .manifest import REMEDY
from .runtimes import MakeInterpreter

#: What runtimes say about a model with an operator, or a version of one, that they do not have.
_LACKS_OPERATOR = re.compile(
    r"find op|unresolved|regist(er|ration)|unsupported|not supported|newer version", re.IGNORECASE
)


def load_score(make_interpreter: MakeInterpreter, content: bytes, size: int, path: Path) -> Any:
    """Returns the runner of the signature `score`.

    Args:
        make_interpreter: a value of `runtimes()`.
        content: content of `mim.tflite`.
        size: side S of the image that the model takes, in pixels.
        path: the file that is named in the error.

    Returns:
        A function from `image`, uint8 (1, S, S, 3), to a dict of the outputs by name.

    Raises:
        MimError: the runtime lacks an operator, the model is damaged, or its inputs or outputs are not those of the
            contract (`export/README.md`).
    """
    try:
        with quiet_stderr():
            runner = make_interpreter(content).get_signature_runner("score")
            inputs, outputs = runner.get_input_details(), runner.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise _refused(error, path) from None
    _check("input", inputs, {"image": ((1, size, size, 3), np.uint8)}, path)
    _check("output", outputs, _outputs(size), path)
    if len(inputs) > 1:
        raise MimError(f"has {len(inputs)} inputs, expected image alone", REMEDY, path)
    try:
        with quiet_stderr():
            # Errors of the delegate are raised at the first inference.
            found = runner(image=np.zeros((1, size, size, 3), np.uint8))
    except (ValueError, RuntimeError) as error:
        raise _refused(error, path) from None
    for name, (shape, _) in _outputs(size).items():
        if np.shape(found[name]) != shape:
            raise MimError(f"output {name} has the shape {np.shape(found[name])}, expected {shape}", REMEDY, path)
    return runner


def _outputs(size: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and dtype of each output."""
    return {
        **dict.fromkeys(("similarity", "p_value", "ssim", "foreignness"), ((1,), np.float32)),
        **dict.fromkeys(("verdict", "reason"), ((1,), np.int32)),
        "inpainted": ((1, size, size, 3), np.uint8),
        "error_map": ((1, size, size, 1), np.float32),
    }


def _check(side: str, details: dict[str, Any], expected: dict[str, tuple[tuple[int, ...], Any]], path: Path) -> None:
    """Compares shapes and dtypes with those of the contract. Further tensors are allowed."""
    for name, (shape, dtype) in expected.items():
        if name not in details:
            raise MimError(f"has no {side} {name} in the signature score", REMEDY, path)
        found, kind = tuple(int(length) for length in details[name]["shape"]), details[name]["dtype"]
        if found != shape or kind != dtype:
            wanted = f"{np.dtype(dtype).name} {shape}"
            raise MimError(f"{side} {name} is {np.dtype(kind).name} {found}, expected {wanted}", REMEDY, path)


def _refused(error: Exception, path: Path) -> MimError:
    reason = str(error).split("\n")[0][:120]
    if "signature_key" in reason:
        return MimError("has no signature score", REMEDY, path)
    if _LACKS_OPERATOR.search(str(error)):
        return MimError(f"this runtime cannot run it ({reason})", "install a newer ai-edge-litert", path)
    return MimError(f"is damaged ({reason})", REMEDY, path)
