"""Compares verdicts and similarities of photographs on each runtime with those of the reference kernels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle import golden
from ..score.errors import MimError
from ..score.manifest import read_manifest
from .on_runtimes import photograph_scores
from .programs import NotPresentError, tflite_runtime


@dataclass(frozen=True)
class Deviation:
    """Differences between a runtime and the reference kernels on the same photographs.

    Attributes:
        runtime: name of the runtime.
        images: number of photographs that could be read.
        verdicts: number of photographs with the same verdict.
        near: number of photographs with another verdict whose reference similarity is within the tolerance of the
            threshold (see `golden.allowed`).
        gate: number of photographs with another verdict whose reason differs too, because the novelty differs.
        largest: largest absolute difference of similarities.
        percentile_99: 99th percentile of the absolute differences.
        largest_share: `largest` divided by the interquartile range of the calibration similarities.
        percentile_99_share: `percentile_99` divided by the same range.
        close: number of photographs whose similarities differ by at most a hundredth of that range.
        judged: number of photographs that the gate of the reference accepts.
        largest_judged: largest absolute difference on these; 0 if there are none.
    """

    runtime: str
    images: int
    verdicts: int
    near: int
    gate: int
    largest: float
    percentile_99: float
    largest_share: float
    percentile_99_share: float
    close: int
    judged: int
    largest_judged: float


def deviations(bundle: Path, folder: Path) -> list[Deviation]:
    """Scores every image of a folder on every available TFLite runtime.

    Args:
        bundle: the folder of a bundle.
        folder: photographs, in folders of any depth.

    Returns:
        One item per runtime, except LiteRT's reference kernels, which are the reference.

    Raises:
        MimError: there are no images, or LiteRT is not installed.
    """
    with tflite_runtime(str(bundle), "--data", str(folder)) as other_python:
        scores = photograph_scores(bundle, folder)
        reference = scores.pop(golden.REFERENCE, None)
        if reference is None:
            raise MimError(f"no {golden.REFERENCE} to compare with", "pip install ai-edge-litert")
        with suppress(NotPresentError):  # `verify` reports a missing runtime
            scores |= other_python()
    scores.pop(golden.REFERENCE, None)
    manifest = read_manifest(bundle)
    return [deviation(name, rows, reference, manifest) for name, rows in scores.items()]


def deviation(
    name: str, rows: list[dict[str, Any]], reference: list[dict[str, Any]], manifest: dict[str, Any]
) -> Deviation:
    """Compares the scores of a runtime with those of the reference kernels.

    Args:
        name: name of the runtime.
        rows: rows of `score_paths` on the runtime.
        reference: rows of `score_paths` on the reference kernels, for the same images in the same order.
        manifest: content of `manifest.json`.

    Raises:
        MimError: none of the images could be read.

    Example:
        Similarities 1, 2 and 5 with references 1, 2.5 and 5 give `largest` 0.5. If the quartiles of the calibration
        similarities are 0 and 2, `largest_share` is 0.25.
    """
    measure, table = manifest["measure"]["name"], manifest["calibration"]
    pairs = [pair for pair in zip(rows, reference, strict=True) if pair[1]["similarity"] is not None]
    if not pairs:
        raise MimError("none of the images could be read", "name a folder of photographs")
    differences = [abs(row["similarity"] - expected["similarity"]) for row, expected in pairs]
    judged = [d for d, (_, row) in zip(differences, pairs, strict=True) if row["verdict"] != "cannot-judge"]
    others = [(row, expected) for row, expected in pairs if row["verdict"] != expected["verdict"]]
    values = [expected["similarity"] for _, expected in others]
    limits = golden.tolerance(manifest)
    bounds = [bound for bound in (table["threshold"], manifest["reference"]["threshold"]) if bound is not None]
    near = [min(abs(value - bound) for bound in bounds) <= golden.allowed(limits, measure, value) for value in values]
    spread = float(np.subtract(*np.percentile(table["similarities"], [75, 25])))
    largest, percentile = max(differences), float(np.percentile(differences, 99))
    return Deviation(
        name,
        images=len(pairs),
        verdicts=len(pairs) - len(others),
        near=sum(near),
        gate=sum(row["reason"] != expected["reason"] for row, expected in others),
        largest=largest,
        percentile_99=percentile,
        largest_share=largest / spread,
        percentile_99_share=percentile / spread,
        close=sum(difference <= 0.01 * spread for difference in differences),
        judged=len(judged),
        largest_judged=max(judged, default=0.0),
    )
