"""Heat maps of an evaluation: shares of the verdicts, and changes of the AUROC by alterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mim_tf.evaluation.alterations import ALTERATIONS
from mim_tf.evaluation.plots import save, text_of

#: Change of an AUROC at which the colour is saturated.
_STRONG = 0.25


def verdict_figure(verdicts: Mapping[str, Any], title: str, path: Path) -> Path:
    """Draws how many of 100 photographs of each class, and of each value of a column, get each verdict.

    Args:
        verdicts: result of `mim_tf.evaluation.verdicts.verdicts`.
        title: title of the figure.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    names = verdicts["names"]
    tables = [("", dict(verdicts["classes"]))]
    if verdicts["other_skin"]:
        tables[0][1]["all other skin"] = verdicts["other_skin"]
    tables += [(f"other skin by {column}", entry["values"]) for column, entry in verdicts["by"].items()]
    heights = [len(entries) + 1 for _, entries in tables]
    figure = Figure(figsize=(1.5 * len(names) + 3.4, 0.3 * sum(heights) + 1.0), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = np.ravel(figure.subplots(len(tables), 1, height_ratios=heights))
    for axis, (subtitle, entries) in zip(axes, tables, strict=True):
        values = np.array([[100 * entry["shares"][name]["value"] for name in names] for entry in entries.values()])
        labels = [f"{label} ({entry['images']})" for label, entry in entries.items()]
        _heat_map(axis, values, labels, names, "Blues", (0, 100), "{:.0f}")
        axis.set_title(subtitle, fontsize=9)
    axes[-1].set_xlabel("of 100 photographs", fontsize=8)
    return save(figure, path)


def alteration_figure(found: Mapping[str, Any], title: str, path: Path) -> Path:
    """Draws the AUROC of each class, and its change if the photographs of one side are altered.

    Args:
        found: result of `mim_tf.evaluation.alterations.altered_aurocs`, with at least one class.
        title: title of the figure.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    classes = {**found["classes"], "mean": found["mean"]}
    figure = Figure(figsize=(1.2 * len(ALTERATIONS) + 3.6, 0.62 * len(classes) + 2.6), layout="constrained")
    figure.suptitle(title, fontsize=10)
    sides = {"other": "the other class altered", "normal": f"{found['normal_class']} altered"}
    axes = figure.subplots(2, 1)
    labels = [f"{name}: {entry['auroc']:.2f}" for name, entry in classes.items()]
    for axis, (side, subtitle) in zip(axes, sides.items(), strict=True):
        changes = np.array([[entry[side][key] - entry["auroc"] for key in ALTERATIONS] for entry in classes.values()])
        _heat_map(axis, changes, labels, list(ALTERATIONS), "RdBu", (-_STRONG, _STRONG), "{:+.2f}")
        axis.set_title(f"change of the AUROC, {text_of(subtitle)}", fontsize=9)
    return save(figure, path)


def _heat_map(
    axis: Any,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    colours: str,
    limits: tuple[float, float],
    form: str,
) -> None:
    """Draws numbers on coloured cells, dark on light cells and light on dark ones."""
    axis.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    axis.set_xticks(range(len(columns)), [text_of(name) for name in columns], fontsize=8)
    axis.set_yticks(range(len(rows)), [text_of(name) for name in rows], fontsize=8)
    axis.tick_params(length=0)
    diverging = limits[0] < 0
    for (row, column), value in np.ndenumerate(values):
        # Adding 0.0 turns -0.0 into 0.0.
        dark = abs(value) > 0.7 * limits[1] if diverging else value > 0.6 * limits[1]
        text = form.format(round(value, 2) + 0.0)
        axis.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else "black")
