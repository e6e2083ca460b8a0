"""Plots the results of `detection.py`: variants, effect of each kind of pseudo-negative, learning curve.

python benchmarks/detection_figure.py --results RUNS/variants.json --out docs/detection.png
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from detection_bench import CHOSEN
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mim_export.score.atomic_files import read_json
from mim_export.score.errors import MimError
from mim_tf.evaluation.plots import save

#: Mean AUROC reported by the papers, for other diseases and photographs.
_PUBLISHED = 0.8237
#: Colour of each approach.
_COLOURS = {
    "0": "#555555",
    "1": "#e69f00",
    "2": "#009e73",
    "3": "#56b4e9",
    "4": "#cc79a7",
    "6": "#f0a48a",
    "7": "#0072b2",
}


def _dots(axes: Axes, rows: dict[str, dict[str, float]]) -> None:
    """Plots mean and range over the seeds of each row, with the first row on top."""
    for place, (name, values) in enumerate(reversed(rows.items())):
        approach = re.match(r"(\d)(?:, (\d))?", name)
        colour = _COLOURS[(approach[2] or approach[1]) if approach else "0"]
        axes.plot([values["low"], values["high"]], [place, place], color=colour, linewidth=3, alpha=0.4)
        axes.plot(values["mean, skin"], place, "o", color=colour, markersize=5)
    axes.set_yticks(range(len(rows)), [re.sub(r"^[\d, ]+ ", "", name) for name in reversed(rows)], fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("mean AUROC, skin classes of val")


def main() -> None:
    """Draws the three panels."""
    parser = argparse.ArgumentParser(description="figure of the variants")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        results = read_json(options.results, "run benchmarks/detection.py")
    except MimError as error:
        sys.exit(str(error))
    chosen = results[CHOSEN]
    without = {name: values for name, values in results.items() if name.startswith("7 without")}
    curve = {int(name.split()[3]): values for name, values in results.items() if name.startswith("9 ")}
    constants = ("7 regularity", "7 components", "7 class distance weight")
    main_rows = {
        name: values
        for name, values in results.items()
        if name not in without and not name.startswith(("9 ", *constants))
    }
    figure = Figure(figsize=(11, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1], height_ratios=[1.6, 1])
    axes = figure.add_subplot(grid[:, 0])
    _dots(axes, main_rows)
    axes.axvline(0.5, color="0.6", linestyle="--", linewidth=1)
    axes.axvline(_PUBLISHED, color="0.6", linestyle=":", linewidth=1)
    axes.set_title("Variants; dashed: chance, dotted: published", fontsize=10)
    axes = figure.add_subplot(grid[0, 1])
    _dots(axes, without)
    axes.axvline(chosen["mean, skin"], color="#0072b2", linestyle="--", linewidth=1)
    axes.set_title("Without one kind of negative; dashed: with all", fontsize=10)
    axes = figure.add_subplot(grid[1, 1])
    counts = [*curve, "29 or 30"]
    values = [*curve.values(), chosen]
    means, low, high = ([row[key] for row in values] for key in ("mean, skin", "low", "high"))
    axes.fill_between(range(len(counts)), low, high, color="#0072b2", alpha=0.2)
    axes.plot(range(len(counts)), means, "o-", color="#0072b2")
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    axes.set(xlabel="groups of mpox that the head is fitted on", ylabel="mean AUROC")
    axes.grid(alpha=0.3)
    save(figure, options.out)


if __name__ == "__main__":
    main()
