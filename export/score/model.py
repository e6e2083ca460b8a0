"""Loads `mim.tflite` into a runtime and checks its signatures `verdict` and `explain`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MimError, quiet_stderr
from .manifest import REMEDY
from .runtimes import MakeInterpreter

#: The signatures that judge an image: `explain` has the outputs of `verdict` and what they are based on.
SIGNATURES = ("verdict", "explain")
#: What runtimes say about a model with an operator, or a version of one, that they do not have.
_LACKS_OPERATOR = re.compile(
    r"find op|unresolved|regist(er|ration)|unsupported|not supported|newer version", re.IGNORECASE
)


def load_runners(make_interpreter: MakeInterpreter, content: bytes, size: int, path: Path) -> dict[str, Any]:
    """Returns the runners of the signatures `verdict` and `explain`.

    Args:
        make_interpreter: a value of `runtimes()`.
        content: content of `mim.tflite`.
        size: side S of the image that the model takes, in pixels.
        path: the file that is named in the error.

    Returns:
        For each signature a function from `image`, uint8 (1, S, S, 3), to a dict of the outputs by name.

    Raises:
        MimError: the runtime lacks an operator, the model is damaged, or its inputs or outputs are not those of the
            contract (`export/README.md`).
    """
    try:
        with quiet_stderr():
            interpreter = make_interpreter(content)
            runners = {name: interpreter.get_signature_runner(name) for name in SIGNATURES}
    except (ValueError, RuntimeError) as error:
        raise _refused(error, path) from None
    for name, runner in runners.items():
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        _check(f"{name}: input", inputs, {"image": ((1, size, size, 3), np.uint8)}, path)
        _check(f"{name}: output", outputs, _outputs(name, size), path)
        if len(inputs) > 1:
            raise MimError(f"{name} has {len(inputs)} inputs, expected image alone", REMEDY, path)
        try:
            with quiet_stderr():
                # Errors of the delegate are raised at the first inference.
                found = runner(image=np.zeros((1, size, size, 3), np.uint8))
        except (ValueError, RuntimeError) as error:
            raise _refused(error, path) from None
        for output, (shape, _) in _outputs(name, size).items():
            if np.shape(found[output]) != shape:
                what = f"{name}: output {output} has the shape {np.shape(found[output])}"
                raise MimError(f"{what}, expected {shape}", REMEDY, path)
    return runners


def _outputs(signature: str, size: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and dtype of each output."""
    verdict: dict[str, tuple[tuple[int, ...], Any]] = {
        **dict.fromkeys(("similarity", "p_class", "p_other", "novelty"), ((1,), np.float32)),
        **dict.fromkeys(("verdict", "reason"), ((1,), np.int32)),
    }
    if signature == "verdict":
        return verdict
    return {
        **verdict,
        "ssim": ((1,), np.float32),
        "inpainted": ((1, size, size, 3), np.uint8),
        "error_map": ((1, size, size, 1), np.float32),
    }


def _check(side: str, details: dict[str, Any], expected: dict[str, tuple[tuple[int, ...], Any]], path: Path) -> None:
    """Compares shapes and dtypes with those of the contract. Further tensors are allowed."""
    for name, (shape, dtype) in expected.items():
        if name not in details:
            raise MimError(f"{side} {name} is missing", REMEDY, path)
        found, kind = tuple(int(length) for length in details[name]["shape"]), details[name]["dtype"]
        if found != shape or kind != dtype:
            wanted = f"{np.dtype(dtype).name} {shape}"
            raise MimError(f"{side} {name} is {np.dtype(kind).name} {found}, expected {wanted}", REMEDY, path)


def _refused(error: Exception, path: Path) -> MimError:
    reason = str(error).split("\n")[0][:120]
    if "signature_key" in reason:
        return MimError("lacks the signature verdict or explain", REMEDY, path)
    if _LACKS_OPERATOR.search(str(error)):
        return MimError(f"this runtime cannot run it ({reason})", "install a newer ai-edge-litert", path)
    return MimError(f"is damaged ({reason})", REMEDY, path)
