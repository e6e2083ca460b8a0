"""Makes `aupro.npz` and `aupro.json`: area under the per-region overlap curve by adeval, as golden vectors.

    python3.11 -m venv ORACLE
    ORACLE/bin/pip install --no-deps adeval==1.1.0
    ORACLE/bin/pip install numpy==2.4.6 scipy==1.17.1 opencv-python-headless==5.0.0.93
    ORACLE/bin/python tests/golden/make_aupro.py

Both files are written next to this script. `adeval.au_pro` is the evaluation code of the MVTec AD dataset (Bergmann et
al., 2021). The other modules of adeval can use PyTorch, which is not needed here. It takes as thresholds values of
normal pixels alone, all of them here, so that its area differs from that of all thresholds by less than one pixel's
false positive rate.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from adeval.au_pro import calculate_au_pro
from scipy.ndimage import gaussian_filter

SEED = 20240302
HERE = Path(__file__).parent
LIMITS = (0.05, 0.3, 1.0)


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Anomaly maps, float32 (N, H, W) without ties, and masks, bool (N, H, W)."""
    rng = np.random.default_rng(SEED)
    found = {}
    for name, count, side, level, lift in (
        ("weak", 5, 40, 0.55, 0.5),
        ("strong", 5, 40, 0.6, 3.0),
        ("diagonal", 3, 32, 0.0, 1.0),
        ("random", 4, 36, 0.5, 0.0),
    ):
        smooth = gaussian_filter(rng.normal(size=(count, side, side)), (0, 2, 2))
        masks = smooth > np.quantile(smooth, level + 0.3)
        masks[0] = False  # a normal image
        if name == "diagonal":  # pixels that touch at corners are one region
            masks = np.broadcast_to(np.eye(side, dtype=bool) & (np.arange(side) > 9), (count, side, side)).copy()
        maps = rng.normal(size=masks.shape) + lift * masks
        found[name] = (maps.astype(np.float32), masks)
        assert len(np.unique(found[name][0])) == masks.size, "ties"
    return found


def main() -> None:
    """Writes the arrays and where they come from."""
    arrays: dict[str, np.ndarray] = {}
    for name, (maps, masks) in cases().items():
        normal = int((~masks).sum())
        areas = [calculate_au_pro(list(masks.astype(int)), list(maps), limit, normal)[0] for limit in LIMITS]
        arrays |= {f"maps_{name}": maps, f"masks_{name}": masks, f"aupro_{name}": np.array(areas)}
    path = HERE / "aupro.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type, unused-ignore]
    provenance = {
        "made_by": "tests/golden/make_aupro.py",
        "python": platform.python_version(),
        "adeval": version("adeval"),
        "scipy": version("scipy"),
        "numpy": np.__version__,
        "seed": SEED,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "call": "adeval.au_pro.calculate_au_pro",
        "limits": LIMITS,
        "arrays": {name: f"{array.dtype} {array.shape}" for name, array in arrays.items()},
    }
    (HERE / "aupro.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
