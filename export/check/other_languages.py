"""Runs the scorers in other languages on the golden images and compares them with numpy.

They get the golden outputs of the models and compute SSIM, gate, p-value and verdict. The program of a scorer reads the
bundle named by the environment variable MIM_BUNDLE and prints one line of JSON for each golden image: `ssim` (null
without masks), `contrast`, `detail`, `p_class`, `p_other`, `verdict` and `reason`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import golden
from ..score.conformal import p_class, p_other
from ..score.decide import (
    REASONS,
    VERDICTS,
    Gate,
    contrast,
    detail,
    gate,
    verdict,
)
from ..score.errors import MimError
from ..score.manifest import PACKAGE, masks_of, read_manifest
from .c_scorer import c_scores
from .on_runtimes import Row
from .programs import NotPresentError, run_scorer

WEB, KOTLIN = PACKAGE / "web" / "scorer", PACKAGE / "kotlin"
#: Largest allowed difference between two scorers for the same inpainting.
TOLERANCE = 1e-5
#: Largest allowed difference of SSIM from that of the model, which computes moments in float32.
GRAPH_TOLERANCE = 1e-4

#: One entry per golden image, with the keys above.
Scores = list[dict[str, Any]]


def scorer_rows(bundle: Path) -> Iterator[Row]:
    """Scores the golden images in each language.

    Args:
        bundle: the folder of a bundle.

    Yields:
        A row for numpy, compared with `golden.json`, and a row for each other scorer, compared with numpy.

    Example:
        `Row("c", "scorer", "within tolerance", images=17, ssim=1.2e-07, ...)`.
    """
    manifest, (entries, stages) = read_manifest(bundle), golden.read(bundle)
    expected = numpy_scores(manifest, entries, stages)
    yield _row("numpy", expected, entries, entries, GRAPH_TOLERANCE)
    scorers = {
        "c": lambda: _c(manifest, entries, stages),
        "typescript": lambda: _typescript(bundle),
        "kotlin": lambda: _kotlin(bundle),
    }
    for name, scorer in scorers.items():
        try:
            scores = scorer()
            if len(scores) != len(entries):
                raise MimError(f"{len(scores)} scores of {len(entries)} images", "build it again")
            yield _row(name, scores, expected, entries, TOLERANCE)
        except NotPresentError as remedy:
            yield Row(name, "scorer", f"not present: {remedy}")
        except (MimError, KeyError, TypeError) as error:  # the last two: the program printed other JSON
            yield Row(name, "scorer", f"failed: {error}")


def _row(name: str, scores: Scores, expected: Scores, entries: Scores, ssim: float) -> Row:
    """Compares numbers with `expected`, within `TOLERANCE` or `ssim`, and verdicts with the golden `entries`."""
    worst = {
        # The maximum of numpy, since that of Python may ignore NaN.
        key: float(np.max([abs(s[key] - e[key]) for s, e in zip(scores, expected, strict=True)]))
        for key in ("ssim", "contrast", "detail", "p_class", "p_other")
        if scores[0][key] is not None
    }
    agree = [s["verdict"] == e["verdict"] and s["reason"] == e["reason"] for s, e in zip(scores, entries, strict=True)]
    near = all(value <= (ssim if key == "ssim" else TOLERANCE) for key, value in worst.items()) and all(agree)
    status = "exact" if near and not any(worst.values()) else "within tolerance" if near else "differs"
    differences: dict[str, Any] = {**worst, "verdicts": sum(agree)}
    return Row(name, "scorer", status, images=len(entries), **differences)


def numpy_scores(manifest: dict[str, Any], entries: Scores, stages: list[dict[str, NDArray[Any]]]) -> Scores:
    """Scores the golden images with numpy, with SSIM in float64.

    Args:
        manifest: content of `manifest.json`.
        entries: entries of `golden.json`, from `golden.read`.
        stages: arrays by stage, from `golden.read`.

    Returns:
        For each image `ssim` (None without masks), `contrast`, `detail`, `p_class`, `p_other`, `verdict` and `reason`.
    """
    tables, limits = golden.tables_of(manifest), Gate.from_dict(manifest["gate"])
    masks = masks_of(manifest)
    rows = []
    for entry, stage in zip(entries, stages, strict=True):
        image = stage["resampled"][None]
        novelty = np.array([entry["novelty"]], np.float32)
        reason = int(gate(image, limits, novelty)[0])
        if min(stage["input"].shape[:2]) < limits.min_side:
            reason = REASONS.index("too small")
        own = float(p_class(entry["similarity"], tables.calibration))
        other = float(p_other(entry["similarity"], tables.reference))
        similar = None
        if masks is not None:
            outputs = np.stack(np.split(stage["micro"].astype(np.float64), len(masks), axis=1))
            inpainted = (outputs * (1 - masks)).sum(axis=0)  # each pixel is hidden by one mask
            similar = ssim(stage["small"] / 255.0, inpainted / 255.0, manifest["measure"])
        rows.append(
            {
                "ssim": similar,
                "contrast": float(contrast(image)[0]),
                "detail": float(detail(image)[0]),
                "p_class": own,
                "p_other": other,
                "verdict": VERDICTS[int(verdict([own], [other], [reason], tables)[0])],
                "reason": REASONS[reason],
            }
        )
    return rows


def ssim(a: NDArray[np.float64], b: NDArray[np.float64], measure: dict[str, Any]) -> float:
    """Computes the mean structural similarity in float64 (Wang et al. 2004).

    Args:
        a: float64 (s, s, 3) in [0, 1], s >= `window`.
        b: the same.
        measure: entry `measure` of a manifest, of which `window`, `sigma`, `c1` and `c2` are used.

    Returns:
        The mean over windows and channels, in [-1, 1].

    Example:
        1 for two equal images, 0.0001 / 1.0001 for black and white.
    """
    width, c1, c2 = measure["window"], measure["c1"], measure["c2"]
    taps = np.exp(-0.5 * ((np.arange(width) - width // 2) / measure["sigma"]) ** 2)
    windows = len(a) - width + 1
    band = np.stack([np.pad(taps / taps.sum(), (i, windows - 1 - i)) for i in range(windows)])

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth: NDArray[np.float64] = np.einsum("ij,jkc,lk->ilc", band, values, band, optimize=True)
        return smooth

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * (2 * covariance + c2) / (variances + c2)).mean())


def _c(manifest: dict[str, Any], entries: Scores, stages: list[dict[str, NDArray[Any]]]) -> Scores:
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotPresentError("install a C compiler as cc, such as gcc")
    return c_scores(compiler, manifest, entries, stages)


def _typescript(bundle: Path) -> Scores:
    # In the repository the packages of the workspace are installed in the folder above.
    installed = any((folder / "node_modules" / "vite").is_dir() for folder in (WEB, WEB.parent))
    if shutil.which("node") is None or not installed:
        raise NotPresentError(f"install Node 20 or newer and run npm install in {WEB}")
    return run_scorer(["node", "test/scores.mjs"], WEB, bundle)


def _kotlin(bundle: Path) -> Scores:
    built = KOTLIN / "build" / "scores"
    newest = max(path.stat().st_mtime for path in (KOTLIN / "scorer" / "src").rglob("*.kt"))
    if shutil.which("java") is None or not built.exists() or built.stat().st_mtime < newest:
        raise NotPresentError(f"run {KOTLIN / 'test.sh'}")
    return run_scorer(["java", "@build/scores"], KOTLIN, bundle)
