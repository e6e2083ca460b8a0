"""Compares SSIM of the C scorer with scikit-image: time, size of the workspace, largest difference.

    python benchmarks/c_ssim.py

Compiles `export/c/src` with `cc -std=c99 -O3`, without processor-specific options. All implementations get the same
images of 96 px and three channels and run alternately in one thread. The minimum of 300 times is reported, since other
processes only increase the time.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

C = Path(__file__).parents[1] / "export" / "c"
SIDE, CHANNELS, TIMES = 96, 3, 300


def load(folder: Path) -> tuple[cffi.FFI, Any]:
    """Compiles the C sources to a shared library in `folder` and loads it."""
    library = folder / "libmim.so"
    sources = sorted((C / "src").glob("*.c"))
    subprocess.run(["cc", "-std=c99", "-O3", "-shared", "-fPIC", *sources, "-lm", "-o", library], check=True)
    ffi = cffi.FFI()
    for name in ("status", "ssim"):
        text = (C / "include" / f"mim_{name}.h").read_text()
        text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
        ffi.cdef(re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    return ffi, ffi.dlopen(str(library))


def scorer(ffi: cffi.FFI, lib: Any, name: str, x: NDArray[np.uint8], q: NDArray[np.int8]) -> Callable[[], float]:
    """Returns a function that runs one of the two C implementations on a pair of images.

    Its time includes 98 calls through cffi.

    Args:
        ffi: with the declarations of the library.
        lib: the library.
        name: `mim_ssim` (float) or `mim_ssim_fixed` (fixed point).
        x: uint8 (96, 96, 3).
        q: int8 (96, 96, 3).
    """
    begin, push, end = (getattr(lib, f"{name}_{verb}") for verb in ("begin", "push", "end"))
    bytes_ = lib.mim_ssim_bytes(SIDE, CHANNELS)
    state, workspace = ffi.new(f"{name} *"), ffi.new("uint64_t []", bytes_ // 8)
    fixed = name == "mim_ssim_fixed"
    result = ffi.new("int32_t *" if fixed else "float *")
    rows = [(ffi.from_buffer("uint8_t *", a), ffi.from_buffer("int8_t *", b)) for a, b in zip(x, q, strict=True)]

    def run() -> float:
        begin(state, SIDE, SIDE, CHANNELS, workspace, bytes_)
        for a, b in rows:
            push(state, a, b)
        end(state, result)
        return result[0] / 65536 if fixed else result[0]

    return run


def main() -> None:
    """Prints one line per implementation."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (SIDE, SIDE, CHANNELS), np.uint8)
    q = (np.clip(x + rng.normal(0, 20, x.shape), 0, 255).astype(np.uint8) ^ 128).view(np.int8)
    floats = x / 255.0, (q + 128.0) / 256

    def oracle(kind: type[np.floating]) -> Callable[[], float]:
        a, b = (image.astype(kind) for image in floats)
        window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return lambda: structural_similarity(a, b, data_range=1, channel_axis=-1, **window)

    with tempfile.TemporaryDirectory() as folder:
        ffi, lib = load(Path(folder))
        runs = {
            "scikit-image, float64": oracle(np.float64),
            "scikit-image, float32": oracle(np.float32),
            "C, float": scorer(ffi, lib, "mim_ssim", x, q),
            "C, fixed point": scorer(ffi, lib, "mim_ssim_fixed", x, q),
        }
        fastest = dict.fromkeys(runs, float("inf"))
        for _ in range(TIMES):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                fastest[name] = min(fastest[name], time.perf_counter() - start)
        values = {name: run() for name, run in runs.items()}
        print(f"{SIDE} x {SIDE} x {CHANNELS}; workspace in C {lib.mim_ssim_bytes(SIDE, CHANNELS)} bytes")
    first = next(iter(runs))
    for name, seconds in fastest.items():
        times, difference = fastest[first] / seconds, abs(values[name] - values[first])
        print(f"{name:22} {1e3 * seconds:7.3f} ms  {times:5.1f} times as fast  SSIM differs by {difference:.1e}")


if __name__ == "__main__":
    main()
