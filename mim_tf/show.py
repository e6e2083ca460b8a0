"""What the commands print."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def warn(line: str) -> None:
    """Prints a line on stderr as it is."""
    err.print(line, markup=False)


def show(entry: Any, as_json: bool, line: str) -> None:
    """Prints the entry as JSON, or the line."""
    if as_json:
        out.print_json(json.dumps(entry))
    else:
        out.print(line, markup=False, highlight=False)


def show_metrics(metrics: dict[str, Any], as_json: bool) -> None:
    """Prints what `mim_tf.evaluate.evaluate` found."""
    if as_json:
        out.print_json(json.dumps(metrics))
        return
    title = f"AUROC of {metrics['normal_class']} against each class, {metrics['split']}, measure {metrics['measure']}"
    beside = metrics["ssim"] if metrics["measure"] != "ssim" else None
    extra = ["by SSIM"] if beside else []
    lines = Table("class", "AUROC", "95 % interval", *extra, "images", "groups", title=title)
    for name, entry in metrics["classes"].items():
        bounds = f"{entry['ci_low']:.3f} to {entry['ci_high']:.3f}"
        other = [f"{beside['classes'][name]['auroc']:.3f}"] if beside else []
        lines.add_row(name, f"{entry['auroc']:.3f}", bounds, *other, str(entry["images"]), str(entry["groups"]))
    if metrics["mean_auroc"] is not None:
        low, high = metrics["mean_auroc_ci"]
        bounds, other = f"{low:.3f} to {high:.3f}", [f"{beside['mean_auroc']:.3f}"] if beside else []
        lines.add_row("mean over skin classes", f"{metrics['mean_auroc']:.3f}", bounds, *other, "", "")
    out.print(lines)
    kept = metrics["sensitivity"]
    out.print(f"sensitivity at the threshold {kept['value']:.3f} [{kept['ci_low']:.3f}, {kept['ci_high']:.3f}]")


def show_comparison(result: dict[str, Any], as_json: bool) -> None:
    """Prints what `mim_tf.comparison.collect` found."""
    if as_json:
        out.print_json(json.dumps(result))
        return
    # Late, for it brings scikit-learn, which most commands do without.
    from mim_tf.comparison import MEAN, table

    seeds = len(result["seeds"])
    title = f"AUROC of {result['normal_class']} against each class, {result['split']}, mean of {seeds} seeds"
    header, rows = table(result)
    mean, ends = header.index(MEAN), len(header)
    by_class = [i for i in range(1, ends - 6) if i != mean]
    # Three tables of 80 columns rather than one that no terminal holds.
    for columns in (by_class, [mean, ends - 6, ends - 5], [ends - 4, ends - 3, ends - 2, ends - 1]):
        lines = Table(*(header[i] for i in (0, *columns)), title=title, box=None)
        for row in rows:
            lines.add_row(row[0], *(row[i].partition(" [")[0] if i in by_class else row[i] for i in columns))
        out.print(lines)
        title = ""
    out.print(f"run time {result['run_seconds'] / 60:.1f} minutes, earlier and stopped runs included")
