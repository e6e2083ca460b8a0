"""How far runtimes deviate from the reference kernels on photographs: verdicts and similarities."""

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
    """A runtime against the reference kernels on the same photographs.

    Attributes:
        runtime: its name.
        images: photographs that could be read.
        verdicts: of how many of them the verdict is the same.
        near: of how many others the reference similarity lies within the stated tolerance of the threshold.
        gate: of how many others the gate decided differently: the foreignness deviates too.
        largest: absolute difference of similarities.
        percentile_99: of these differences.
        largest_share: `largest` as a share of the interquartile range of the calibration similarities.
        percentile_99_share: `percentile_99` likewise.
        close: on how many photographs similarities differ by no more than a hundredth of that range.
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


def deviations(bundle: Path, folder: Path) -> list[Deviation]:
    """Scores every image of a folder on every TFLite runtime that is present.

    Args:
        bundle: the folder of a bundle.
        folder: photographs, in folders of any depth.

    Returns:
        One for each runtime but LiteRT's reference kernels, which they are compared with.

    Raises:
        MimError: there are no images, or LiteRT is not installed.
    """
    with tflite_runtime(str(bundle), "--data", str(folder)) as other:
        told = photograph_scores(bundle, folder)
        reference = told.pop(golden.REFERENCE, None)
        if reference is None:
            raise MimError(f"no {golden.REFERENCE} to compare with", "pip install ai-edge-litert")
        with suppress(NotPresentError):  # which the rows of `verify` tell
            told |= other()
    told.pop(golden.REFERENCE, None)
    manifest = read_manifest(bundle)
    return [deviation(name, rows, reference, manifest) for name, rows in told.items()]


def deviation(
    name: str, rows: list[dict[str, Any]], reference: list[dict[str, Any]], manifest: dict[str, Any]
) -> Deviation:
    """Compares rows of `score_paths`, whose images are the same in the same order.

    Example:
        Similarities 1, 2 and 5 against 1, 2.5 and 5 give `largest` 0.5; where the quartiles of the calibration
        similarities are 0 and 2, `largest_share` is 0.25.
    """
    measure, table = manifest["measure"]["name"], manifest["calibration"]
    pairs = [pair for pair in zip(rows, reference, strict=True) if pair[1]["similarity"] is not None]
    if not pairs:
        raise MimError("none of the images could be read", "name a folder of photographs")
    differences = [abs(row["similarity"] - told["similarity"]) for row, told in pairs]
    others = [(row, told) for row, told in pairs if row["verdict"] != told["verdict"]]
    values = [told["similarity"] for _, told in others]
    limits = golden.tolerance(manifest)
    near = [abs(value - table["threshold"]) <= golden.allowed(limits, measure, value) for value in values]
    spread = float(np.subtract(*np.percentile(table["similarities"], [75, 25])))
    largest, most = max(differences), float(np.percentile(differences, 99))
    return Deviation(
        name,
        images=len(pairs),
        verdicts=len(pairs) - len(others),
        near=sum(near),
        gate=sum(row["reason"] != told["reason"] for row, told in others),
        largest=largest,
        percentile_99=most,
        largest_share=largest / spread,
        percentile_99_share=most / spread,
        close=sum(difference <= 0.01 * spread for difference in differences),
    )
