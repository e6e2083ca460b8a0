"""Figures of anomaly detection in pixels of a comparison, as numbers, cells and columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mim_export.score.errors import MimError
from mim_tf.evaluation.metrics import bounds, interval_text, mean_estimate
from mim_tf.evaluation.pixel_level import from_json

#: Titles of the columns of the figures of all classes with masks together.
PIXEL_TITLES = ("pixel AUROC", "AUPRO")
#: The same figures in results.
_FIGURES = ("auroc", "aupro")
_KEYS = ("value", "ci_low", "ci_high", "seed_low", "seed_high")


def pixel_level(fits: Sequence[dict[str, Any]], out: Path) -> dict[str, Any]:
    """Summarizes the figures in pixels of the fits of a row.

    Args:
        fits: contents of `scores.json` by seed.
        out: the folder of the comparison, for error messages.

    Returns:
        The entry `pixel_level` of the row: by class under `classes`, and of all classes together under `pooled`, each
        with `auroc` and `aupro`: mean over seeds, interval and range. Empty if there are no such figures.

    Raises:
        MimError: the figures of a fit are damaged or missing.
    """
    if not any("pixel_level" in fit for fit in fits):
        return {}
    try:
        parts = [fit["pixel_level"] for fit in fits]
        pooled = _over_fits([part["pooled"] for part in parts])
        classes = {label: _over_fits([part["classes"][label] for part in parts]) for label in parts[0]["classes"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MimError(f"damaged figures in pixels ({error})", "remove it and run mim-tf compare again", out) from error
    return {"pixel_level": {"pooled": pooled, "classes": classes}}


def _over_fits(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for figure in _FIGURES:
        estimates = [from_json(entry[figure]) for entry in entries]
        values = [one.value for one in estimates]
        seeds = {"value": float(np.mean(values)), "seed_low": min(values), "seed_high": max(values)}
        found[figure] = {**seeds, **bounds(mean_estimate(estimates))}
    return found


def pixel_cells(row: dict[str, Any]) -> list[str]:
    """Returns the cells of `PIXEL_TITLES` of a row; empty ones if the method has no anomaly maps.

    Example:
        `["0.81 [0.78, 0.84]", "0.43 [0.39, 0.47]"]`.
    """
    if "pixel_level" not in row:
        return ["" for _ in _FIGURES]
    pooled = row["pixel_level"]["pooled"]
    return [f"{pooled[figure]['value']:.2f} {interval_text(pooled[figure])}" for figure in _FIGURES]


def pixel_columns() -> list[str]:
    """Titles of the columns of `comparison.csv`, such as `pixel_aupro_ci_low`; the figure itself is `pixel_aupro`."""
    return [f"pixel_{figure}" + (f"_{key}" if key != "value" else "") for figure in _FIGURES for key in _KEYS]


def pixel_numbers(entry: dict[str, Any] | None) -> list[str]:
    """Returns the cells of `pixel_columns`.

    Args:
        entry: figures of a class or of all; None = empty cells.
    """
    if entry is None:
        return ["" for _ in pixel_columns()]
    numbers = [entry[figure][key] for figure in _FIGURES for key in _KEYS]
    return ["" if number is None else f"{number:.4f}" for number in numbers]


def pixel_table(rows: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Builds the table of the figures by class.

    Args:
        rows: rows of the result of `summarize`.

    Returns:
        The header and the rows of the methods with figures in pixels, in descending order of the pooled pixel AUROC.
    """
    kept = {name: row["pixel_level"] for name, row in rows.items() if "pixel_level" in row}
    labels = list(next(iter(kept.values()))["classes"])
    header = ["method", *(f"{label.replace('_', ' ')}: {title}" for label in labels for title in PIXEL_TITLES)]
    lines = []
    for name, entry in sorted(kept.items(), key=lambda item: -item[1]["pooled"]["auroc"]["value"]):
        figures = [entry["classes"][label][figure] for label in labels for figure in _FIGURES]
        lines.append([name, *(f"{figure['value']:.2f} {interval_text(figure)}" for figure in figures)])
    return header, lines
