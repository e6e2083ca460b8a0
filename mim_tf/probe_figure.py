"""The shortcut probes as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mim_tf.probes import MATCHED_ON
from mim_tf.report import COLOURS, save

_BLUE, _ORANGE, _GREEN, _PINK, _SKY, _AMBER = COLOURS[:6]
_LABELS = {"jpeg_quality": "JPEG quality", "jointly": "first three jointly"}


def probe_figure(probe: Mapping[str, Any], title: str, path: Path) -> Path:
    """Bars: the score's correlation with each property, and AUROC raw, matched, and against made images.

    Args:
        probe: what `mim_tf.probes.probe` returned.
        title: of the figure.
        path: the PNG to write.
    """
    figure = Figure(figsize=(10.4, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    figure.suptitle(title)
    _correlations(left, probe)
    _aurocs(right, probe)
    return save(figure, path)


def _correlations(axis: Any, probe: Mapping[str, Any]) -> None:
    properties = list(probe["correlation"]["pooled"])
    normal = probe["normal_class"]
    parts = (("pooled", "all skin images", _BLUE, -0.19), ("normal", f"{normal} alone", _ORANGE, 0.19))
    for part, label, colour, offset in parts:
        values = [probe["correlation"][part][name] for name in properties]
        axis.barh(
            [row + offset for row in range(len(values))], [v or 0 for v in values], 0.36, color=colour, label=label
        )
        for row, value in enumerate(values):
            _write(axis, row + offset, value, 0.0)
    _finish(axis, [_LABELS.get(name, name) for name in properties], 0.0, (-1.25, 1.25), (-1, -0.5, 0, 0.5, 1))
    axis.set(xlabel="Spearman correlation with the score")
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def _aurocs(axis: Any, probe: Mapping[str, Any]) -> None:
    normal, mean = probe["normal_class"], probe["mean"]
    bars: list[tuple[str, float | None, str, str]] = []
    if mean is not None:
        bars.append(("other skin classes (mean)", mean["auroc"], _GREEN, ""))
        for key in MATCHED_ON:
            entry = mean["matched"][key]
            # A mean over fewer classes is no match for the raw bar: say so.
            some = f" ({entry['classes']} of {mean['classes']} classes)" if entry["classes"] < mean["classes"] else ""
            bars.append((f"matched: {_LABELS.get(key, key)}", entry["auroc"], _SKY, some))
    bars += [(f"{name} images", entry["auroc"], _AMBER, "") for name, entry in probe["made"].items()]
    bars += [(f"themselves, {name}", entry["auroc"], _PINK, "") for name, entry in probe["altered"].items()]
    for row, (_, value, colour, note) in enumerate(bars):
        # From 0.5: a bar to the left is a score that prefers the other images.
        axis.barh(row, 0 if value is None else value - 0.5, 0.7, left=0.5, color=colour)
        _write(axis, row, value, 0.5, note)
    _finish(axis, [label for label, *_ in bars], 0.5, (-0.15, 1.4), (0, 0.25, 0.5, 0.75, 1))
    axis.set(xlabel=f"AUROC of {normal} images against ...")


def _write(axis: Any, row: float, value: float | None, base: float, note: str = "") -> None:
    """The value beside the end of its bar."""
    # Adding 0 turns a negative zero into a plain one.
    shown = "none" if value is None else f"{round(value, 2) + 0.0:.2f}{note}"
    end = base if value is None else value
    right = end >= base
    axis.annotate(
        shown,
        (end, row),
        xytext=(3 if right else -3, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=7,
    )


def _finish(axis: Any, labels: list[str], base: float, limits: tuple[float, float], ticks: tuple[float, ...]) -> None:
    axis.axvline(base, color="0.3", linewidth=1)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.invert_yaxis()
    axis.set(xlim=limits, xticks=ticks)
    axis.spines[["top", "right"]].set_visible(False)
