"""Makes `skimage_ssim.npz` and `skimage_ssim.json`: structural similarity by scikit-image, as golden vectors.

    python3.11 -m venv ORACLE
    ORACLE/bin/pip install scikit-image==0.26.0 numpy==2.4.6
    ORACLE/bin/python tests/golden/make_skimage.py

Both files are written next to this script. `skimage_ssim.json` says which versions made them, from which
seed, and what each array is. The images are kept as uint8; the scores are those of the images divided by
255 in float64, with the window of Wang et al. (2004): Gaussian, sigma 1.5, 11 x 11, population covariance,
a border that repeats the edge pixel (d c b a | a b c d), K1 = 0.01, K2 = 0.03.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

SEED = 20240301
HERE = Path(__file__).parent
SIZES = (32, 96)
OPTIONS = {
    "data_range": 1.0,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
    "channel_axis": -1,
    "full": True,
}


def quantised(image: np.ndarray) -> np.ndarray:
    """Values in [0, 1] of any shape -> uint8, rounded, values outside clipped."""
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def image_pairs(size: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Six pairs of uint8 (size, size, 3)."""
    rng = np.random.default_rng([SEED, size])
    shape = (size, size, 3)
    y, x = np.mgrid[:size, :size] / (size - 1)
    gradient = np.stack([x, y, (x + y) / 2], axis=-1)
    waves = 0.5 + 0.4 * np.sin(2 * np.pi * (2 * x + 3 * y))[..., None] * np.array([1.0, -1.0, 0.5])
    squares = (np.indices((size, size)) // 4).sum(axis=0) % 2
    checkers = np.broadcast_to(squares[..., None], shape).astype(np.float64)
    return {
        # Without variance only the luminance term counts, a closed form.
        "constant": (
            quantised(np.broadcast_to([0.2, 0.5, 0.9], shape)),
            quantised(np.broadcast_to([0.7, 0.45, 0.1], shape)),
        ),
        "identical": (quantised(waves), quantised(waves)),
        "noise": (quantised(rng.random(shape)), quantised(rng.random(shape))),
        "gradient": (quantised(gradient), quantised(gradient + 0.05 * rng.standard_normal(shape))),
        # Values of 0 to 6 of 255: the constants C1 and C2 dominate, and E[x^2] - E[x]^2 cancels.
        "dark": (quantised(0.02 * gradient), quantised(0.02 * gradient + 0.004 * rng.random(shape))),
        "checkers": (quantised(checkers), quantised(gaussian_filter(checkers, (1.5, 1.5, 0)))),
    }


def main() -> None:
    """Writes the arrays and where they come from."""
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, str] = {}

    def keep(name: str, array: np.ndarray, text: str) -> None:
        arrays[name], texts[name] = array, f"{array.dtype} {array.shape}: {text}"

    for size in SIZES:
        # The whole maps at 96 px would take 440 KB: every third row and column is kept, and the last.
        lines = np.arange(size) if size == SIZES[0] else np.unique(np.append(np.arange(0, size, 3), size - 1))
        keep(f"lines_{size}", lines.astype(np.uint8), f"rows, and columns, of the maps that map_{size}_* has")
        for name, (first, second) in image_pairs(size).items():
            score, ssim_map = structural_similarity(first / 255.0, second / 255.0, **OPTIONS)
            assert ssim_map.dtype == np.float64 and ssim_map.shape == (size, size, 3)
            key = f"{size}_{name}"
            keep(f"a_{key}", first, "first image")
            keep(f"b_{key}", second, "second image")
            keep(f"score_{key}", np.float64(score), "the score: the map's mean without 5 px at each edge")
            keep(f"map_mean_{key}", ssim_map.mean(axis=(0, 1)), "mean of the whole map, edges included")
            kept = ssim_map[np.ix_(lines, lines)].astype(np.float32)
            keep(f"map_{key}", kept, f"the map at the rows and columns lines_{size}")

    path = HERE / "skimage_ssim.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type, unused-ignore]
    provenance = {
        "made_by": "tests/golden/make_skimage.py",
        "python": platform.python_version(),
        "scikit-image": version("scikit-image"),
        "scipy": version("scipy"),
        "numpy": np.__version__,
        "seed": SEED,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "images": "uint8, to be divided by 255 in float64",
        "call": "skimage.metrics.structural_similarity",
        "options": OPTIONS,
        "arrays": texts,
    }
    (HERE / "skimage_ssim.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
