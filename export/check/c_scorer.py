"""Runs the C scorer on the golden images: compiles it with `cc` and calls it through ctypes."""

from __future__ import annotations

import ctypes
import math
import os
import subprocess
import tempfile
from ctypes import c_double, c_float, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..score.errors import MimError
from ..score.manifest import PACKAGE
from .programs import NotPresentError

SOURCES = PACKAGE / "c"
_REMEDY = "install another C compiler"


class _MaskSet(ctypes.Structure):
    _fields_ = [(name, c_size_t) for name in ("size", "cell", "count", "step")]


class _Limits(ctypes.Structure):
    _fields_ = [("contrast", c_float), ("detail", c_float), ("side", c_size_t), ("novelty", c_float)]


class _Table(ctypes.Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("similarities", "weights")),
        *((name, c_size_t) for name in ("count", "groups")),
    ]

    def __init__(self, table: dict[str, Any]) -> None:
        # ctypes does not keep the arrays alive.
        self.arrays = [np.array(table[key], np.float32) for key in ("similarities", "weights")]
        super().__init__(*(array.ctypes.data for array in self.arrays), len(self.arrays[0]), table["groups"])


class _Ssim(ctypes.Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("columns", "x", "q")),
        *((name, c_size_t) for name in ("width", "height", "channels", "pushed")),
        ("sum", c_double),
    ]


def c_scores(
    compiler: str, manifest: dict[str, Any], entries: list[dict[str, Any]], stages: list[dict[str, NDArray[Any]]]
) -> list[dict[str, Any]]:
    """Compiles the sources into a temporary folder and scores the golden images.

    Args:
        compiler: a C compiler that accepts gcc's options.
        manifest: manifest of the bundle.
        entries: from `golden.read`.
        stages: from `golden.read`.

    Returns:
        For each image: `ssim` (None without masks), `contrast`, `detail`, `p_class`, `p_other`, `verdict` and
        `reason`.

    Raises:
        NotPresentError: the temporary folder is on a file system that does not allow execution.
        MimError: compilation fails, or a function rejects an argument.

    Example:
        Image 0 of the released bundle: `{"ssim": 0.5163, "contrast": 0.0616, "detail": 0.0096, ...}`.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libmim.so"
        options = ["-std=c99", "-O2", "-shared", "-fPIC", f"-I{SOURCES / 'include'}"]
        command: list[str | Path] = [compiler, *options, *sorted((SOURCES / "src").glob("*.c")), "-lm", "-o", library]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise MimError(f"{compiler}: {done.stderr[:200]}", _REMEDY, SOURCES)
            scorer = _Scorer(ctypes.CDLL(str(library)), manifest)
        except OSError as error:  # the compiler cannot be run, or the library cannot be loaded
            if os.statvfs(folder).f_flag & os.ST_NOEXEC:
                place = tempfile.gettempdir()
                raise NotPresentError(f"{place} does not allow execution, set TMPDIR to a folder that does") from None
            raise MimError(f"{compiler}: {error}", _REMEDY, SOURCES) from None
        return [scorer.scores(entry, stage) for entry, stage in zip(entries, stages, strict=True)]


class _Scorer:
    def __init__(self, library: ctypes.CDLL, manifest: dict[str, Any]) -> None:
        self.library, self.size, self.mask_set = library, manifest["size"], manifest["mask_set"]
        for name in ("mim_status_text", "mim_verdict_name", "mim_reason_name"):
            getattr(library, name).restype = ctypes.c_char_p
        for name in ("mim_resample_bytes", "mim_ssim_bytes"):
            getattr(library, name).restype = c_size_t
        limits, calibration, reference = (manifest[key] for key in ("gate", "calibration", "reference"))
        max_novelty = math.inf if limits["max_novelty"] is None else limits["max_novelty"]
        self.limits = _Limits(limits["min_contrast"], limits["min_detail"], limits["min_side"], max_novelty)
        self.calibration, self.reference = _Table(calibration), _Table(reference)
        self.levels = c_double(calibration["alpha"]), c_double(reference["beta"])

    def scores(self, entry: dict[str, Any], stage: dict[str, NDArray[Any]]) -> dict[str, Any]:
        image = self._resample(stage["input"], self.size)
        contrast, detail, p_class, p_other = c_float(), c_float(), c_float(), c_float()
        for name, value in (("mim_contrast", contrast), ("mim_detail", detail)):
            self._call(name, _pointer(image), c_size_t(self.size), ctypes.byref(value))
        side, novelty = c_size_t(min(stage["input"].shape[:2])), c_float(entry["novelty"])
        reason, verdict = c_int(), c_int()
        arguments = (side, contrast, detail, novelty, ctypes.byref(reason))
        self._call("mim_gate", ctypes.byref(self.limits), *arguments)
        similarity = c_float(entry["similarity"])
        self._call("mim_p_class", ctypes.byref(self.calibration), similarity, ctypes.byref(p_class))
        self._call("mim_p_other", ctypes.byref(self.reference), similarity, ctypes.byref(p_other))
        self._call("mim_verdict", p_class, p_other, reason, *self.levels, ctypes.byref(verdict))
        return {
            "ssim": None if self.mask_set is None else self._ssim(image, stage["micro"]),
            "contrast": contrast.value,
            "detail": detail.value,
            "p_class": p_class.value,
            "p_other": p_other.value,
            "verdict": self.library.mim_verdict_name(verdict).decode(),
            "reason": self.library.mim_reason_name(reason).decode() or None,
        }

    def _resample(self, pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        source, target = np.ascontiguousarray(pixels), np.zeros((size, size, 3), np.uint8)
        needed = self.library.mim_resample_bytes(c_size_t(size))
        work = np.zeros(needed // 8 + 1, np.uint64)
        sides = [c_size_t(value) for value in (width, height, 3 * width)]
        written = (_pointer(target), c_size_t(size), c_size_t(target.nbytes))
        self._call("mim_resample", _pointer(source), *sides, c_int(1), *written, _pointer(work), c_size_t(needed))
        return target

    def _ssim(self, image: NDArray[np.uint8], micro: NDArray[np.uint8]) -> float:
        """SSIM of the reference inpainting. `micro` is as in golden.py: q + 128 of all masks, side by side."""
        masks = _MaskSet(*(self.mask_set[name] for name in ("size", "cell", "count", "step")))
        side = masks.size
        small, inpainted = self._resample(image, side), np.zeros((side, side, 3), np.int8)
        for number, part in enumerate(np.split(micro, masks.count, axis=1)):
            output = (part.astype(np.int16) - 128).astype(np.int8)
            target = (_pointer(inpainted), c_size_t(inpainted.nbytes))
            self._call("mim_assemble", ctypes.byref(masks), _pointer(output), c_size_t(number), *target)
        state, result = _Ssim(), c_float()
        needed = self.library.mim_ssim_bytes(c_size_t(side), c_size_t(3))
        work = np.zeros(needed // 8 + 1, np.uint64)
        shape = [c_size_t(value) for value in (side, side, 3)]
        self._call("mim_ssim_begin", ctypes.byref(state), *shape, _pointer(work), c_size_t(needed))
        for x, q in zip(small, inpainted, strict=True):
            self._call("mim_ssim_push", ctypes.byref(state), _pointer(x), _pointer(q))
        self._call("mim_ssim_end", ctypes.byref(state), ctypes.byref(result))
        return result.value

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.library, name)(*arguments)
        if status:
            raise MimError(f"{name}: {self.library.mim_status_text(status).decode()}", "report it", SOURCES)


def _pointer(array: NDArray[Any]) -> c_void_p:
    return c_void_p(array.ctypes.data)
