"""The scorers in other languages on the golden images, given what the models gave; they have to agree with numpy.

A scorer's program reads the bundle that the environment variable MIM_BUNDLE names, and prints a line of JSON for each
golden image: `ssim` (null without masks), `contrast`, `detail`, `p_value`, `verdict` and `reason`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import golden
from ..score.decide import (
    REASONS,
    VERDICTS,
    Calibration,
    Gate,
    contrast,
    detail,
    gate,
    p_value,
    verdict,
)
from ..score.errors import MimError
from ..score.manifest import PACKAGE, masks_of, read_manifest
from .c_scorer import c_scores
from .on_runtimes import Row
from .programs import NotPresentError, printed

WEB, KOTLIN = PACKAGE / "web" / "scorer", PACKAGE / "kotlin"
#: Largest difference between two scorers that are given the same inpainting.
TOLERANCE = 1e-5
#: Largest difference of SSIM from the graph's, whose moments are float32.
GRAPH_TOLERANCE = 1e-4

Scores = list[dict[str, Any]]


def scorer_rows(bundle: Path) -> Iterator[Row]:
    """Scores the golden images in each language.

    Returns:
        A row for numpy, compared with `golden.json`, and one for each other scorer, compared with numpy.

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
            found = scorer()
            if len(found) != len(entries):
                raise MimError(f"{len(found)} scores of {len(entries)} images", "build it again")
            yield _row(name, found, expected, entries, TOLERANCE)
        except NotPresentError as remedy:
            yield Row(name, "scorer", f"not present: {remedy}")
        except (MimError, KeyError, TypeError) as error:  # the last two: it printed something else
            yield Row(name, "scorer", f"failed: {error}")


def _row(name: str, found: Scores, expected: Scores, entries: Scores, ssim: float) -> Row:
    worst = {
        # Numpy's maximum, for Python's may lose a NaN.
        key: float(np.max([abs(f[key] - e[key]) for f, e in zip(found, expected, strict=True)]))
        for key in ("ssim", "contrast", "detail", "p_value")
        if found[0][key] is not None
    }
    agree = [f["verdict"] == e["verdict"] and f["reason"] == e["reason"] for f, e in zip(found, entries, strict=True)]
    near = all(value <= (ssim if key == "ssim" else TOLERANCE) for key, value in worst.items()) and all(agree)
    status = "exact" if near and not any(worst.values()) else "within tolerance" if near else "differs"
    differences: dict[str, Any] = {**worst, "verdicts": sum(agree)}
    return Row(name, "scorer", status, images=len(entries), **differences)


def numpy_scores(manifest: dict[str, Any], entries: Scores, stages: list[dict[str, NDArray[Any]]]) -> Scores:
    """The scores by the definitions, SSIM in float64; arguments and result as of `c_scores`."""
    table, limits = Calibration.from_dict(manifest["calibration"]), Gate.from_dict(manifest["gate"])
    masks = masks_of(manifest)
    rows = []
    for entry, stage in zip(entries, stages, strict=True):
        image = stage["resampled"][None]
        novelty = np.array([entry["foreignness"]], np.float32)
        reason = int(gate(image, limits, novelty)[0])
        if min(stage["input"].shape[:2]) < limits.min_side:
            reason = REASONS.index("too small")
        p = float(p_value(entry["similarity"], table))
        similar = None
        if masks is not None:
            outputs = np.stack(np.split(stage["micro"].astype(np.float64), len(masks), axis=1))
            inpainted = (outputs * (1 - masks)).sum(axis=0)  # each pixel is hidden by one mask
            similar = ssim(stage["small"] / 255.0, inpainted / 256.0, manifest["measure"])
        rows.append(
            {
                "ssim": similar,
                "contrast": float(contrast(image)[0]),
                "detail": float(detail(image)[0]),
                "p_value": p,
                "verdict": VERDICTS[int(verdict([p], [reason], table.alpha)[0])],
                "reason": REASONS[reason],
            }
        )
    return rows


def ssim(a: NDArray[np.float64], b: NDArray[np.float64], measure: dict[str, Any]) -> float:
    """Mean structural similarity in float64, by the definition.

    Args:
        a: (s, s, 3) in [0, 1], s at least `window`.
        b: the same.
        measure: `window`, `sigma`, `c1` and `c2` of a manifest.

    Returns:
        At most 1; 1 of an image and itself, 0.0001 / 1.0001 of black and white.
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
    if shutil.which("node") is None or not (WEB / "node_modules").is_dir():
        raise NotPresentError(f"install Node 20 or newer and run npm ci in {WEB}")
    return printed(["node", "test/scores.mjs"], WEB, bundle)


def _kotlin(bundle: Path) -> Scores:
    built = KOTLIN / "build" / "scores"
    newest = max(path.stat().st_mtime for part in ("src", "test") for path in (KOTLIN / part).rglob("*.kt"))
    if shutil.which("java") is None or not built.exists() or built.stat().st_mtime < newest:
        raise NotPresentError(f"run {KOTLIN / 'test.sh'}")
    return printed(["java", "@build/scores"], KOTLIN, bundle)
