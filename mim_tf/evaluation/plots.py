"""Figures of an evaluation and a comparison, drawn with Matplotlib without a display."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from mim_export.score.atomic_files import new_file
from mim_export.score.text import printable
from mim_tf.evaluation.evaluate import Evaluation
from mim_tf.evaluation.metrics import interval_text
from mim_tf.evaluation.shortcuts import MATCHED_ON

#: Colour-blind safe palette (Okabe and Ito). ROC curves also differ in line style, for printing in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = ("-", "--", "-.", ":")
_BLUE, _ORANGE, _GREEN, _PINK, _SKY, _AMBER = COLOURS[:6]
_LABELS = {"jpeg_quality": "JPEG quality", "jointly": "first three jointly"}


def save(figure: Figure, path: Path, dpi: int = 110) -> Path:
    """Writes a figure as PNG, atomically.

    Args:
        figure: a Matplotlib figure.
        path: the PNG file to write.
        dpi: resolution in pixels per inch.

    Returns:
        `path`.
    """
    FigureCanvasAgg(figure)
    with new_file(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png")
    return path


def text_of(name: str) -> str:
    r"""Returns the text that shows a name, such as that of a class, in a figure.

    Args:
        name: any text.

    Returns:
        The name with escapes for characters that are not printable or that the font does not have. Dollar signs do not
        start a formula, and a leading underscore does not hide the name from a legend.

    Example:
        `text_of("a$b")` is `a\$b`.
    """
    glyphs = _glyphs()
    shown = "".join(
        c if ord(c) in glyphs else c.encode("unicode_escape").decode("ascii") for c in printable(name)
    ).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Code points of the font of the figures."""
    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def error_image(original: NDArray[np.float32], inpainted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Absolute error averaged over channels.

    Args:
        original: float32 (..., S, S, 3) in [0, 1].
        inpainted: float32 (..., S, S, 3) in [0, 1].

    Returns:
        float32 (..., S, S) in [0, 1].
    """
    return np.abs(original - inpainted).mean(-1)


def _with_error(pictures: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    original, *_, reconstructed = pictures.values()
    return {**pictures, "error": error_image(original, reconstructed)}


def _show(axis: Any, picture: NDArray[np.float32]) -> None:
    axis.imshow(np.clip(picture, 0, 1), cmap="magma", vmin=0, vmax=0.3)
    axis.set(xticks=[], yticks=[])


def roc_figure(evaluation: Evaluation, title: str, path: Path) -> Path:
    """Draws ROC curves of the normal class against each other class, with AUROC and interval.

    Args:
        evaluation: result of `evaluate`.
        title: title of the figure.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    normal = evaluation.metrics["normal_class"]
    positive = evaluation.scores[normal].judgement.similarity
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="chance")
    for i, (name, entry) in enumerate(evaluation.metrics["classes"].items()):
        negative = evaluation.scores[name].judgement.similarity
        truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
        false_rate, true_rate, _ = roc_curve(truth, np.concatenate([positive, negative]))
        label = f"{text_of(name)} {entry['auroc']:.2f} {interval_text(entry)}"
        axis.plot(
            false_rate,
            true_rate,
            color=COLOURS[i % len(COLOURS)],
            linestyle=_STYLES[i % len(_STYLES)],
            label=label,
        )
    axis.set(
        xlabel="fraction of the other class above the threshold",
        ylabel=f"fraction of {text_of(normal)} above the threshold",
        title=title,
    )
    axis.set_aspect("equal")
    axis.legend(fontsize=8, loc="best", title="AUROC [95 %, by group]", title_fontsize=8)
    return save(figure, path)


def similarity_figure(evaluation: Evaluation, thresholds: tuple[float, float | None], title: str, path: Path) -> Path:
    """Draws the similarity of each image as a strip plot by class, with the limits of the verdicts.

    Args:
        evaluation: result of `evaluate`.
        thresholds: similarity below which the class is excluded, and the one above which other skin is, if there is
            one.
        title: title of the figure.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    figure = Figure(figsize=(6.4, 0.5 * len(evaluation.scores) + 1.3), layout="constrained")
    axis = figure.subplots()
    rng = np.random.default_rng(0)
    for row, part in enumerate(evaluation.scores.values()):
        values = part.judgement.similarity
        axis.scatter(
            values,
            row + rng.uniform(-0.25, 0.25, len(values)),
            s=9,
            alpha=0.6,
            linewidths=0,
            color=COLOURS[row % len(COLOURS)],
        )
    normal, (low, high) = text_of(evaluation.metrics["normal_class"]), thresholds
    axis.axvline(low, color="0.3", linewidth=1, linestyle="--", label=f"below {low:.3f}: {normal} is excluded")
    if high is not None:
        axis.axvline(high, color="0.3", linewidth=1, linestyle=":", label=f"above {high:.3f}: other skin is excluded")
    axis.set_yticks(range(len(evaluation.scores)), [text_of(name) for name in evaluation.scores])
    axis.invert_yaxis()
    axis.set(xlabel=f"similarity ({evaluation.metrics['measure']})", title=title)
    axis.legend(fontsize=8, loc="best")
    return save(figure, path)


def example_figure(classes: Mapping[str, tuple[dict[str, NDArray[np.float32]], float]], path: Path) -> Path:
    """Draws one column per class: an image, the steps to its reconstruction, and the error.

    Args:
        classes: by class, the images by title, each float32 (S, S, 3) in [0, 1], the original first and the
            reconstruction last, and the similarity.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    columns = {name: (_with_error(pictures), similarity) for name, (pictures, similarity) in classes.items()}
    titles = list(next(iter(columns.values()))[0])
    figure = Figure(figsize=(1.6 * len(columns), 1.6 * len(titles) + 0.2), layout="constrained")
    axes = figure.subplots(len(titles), len(columns), squeeze=False)
    for column, (name, (pictures, similarity)) in enumerate(columns.items()):
        axes[0, column].set_title(f"{text_of(name)}\n{similarity:.3f}", fontsize=9)
        for row, title in enumerate(titles):
            _show(axes[row, column], pictures[title])
            if column == 0:
                axes[row, 0].set_ylabel(title, fontsize=9)
    return save(figure, path)


def comparison_figure(result: Mapping[str, Any], path: Path) -> Path:
    """Draws the mean AUROC of each row with its interval, and a marker for each class.

    Args:
        result: result of `mim_tf.comparison.summary.summarize`.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    order = sorted(result["rows"].items(), key=lambda item: (item[1]["supervised"], -item[1]["mean"]["auroc"]))
    rows = dict(order)
    figure = Figure(figsize=(7.2, 0.42 * len(rows) + 1.6), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0.5, color="0.6", linewidth=1)
    for place, row in enumerate(rows.values()):
        mean = row["mean"]
        if mean["ci_low"] is not None:
            axis.plot([mean["ci_low"], mean["ci_high"]], [place, place], color="0.3", linewidth=5, alpha=0.35)
        axis.plot(mean["auroc"], place, "D", color="black", markersize=6, label=None if place else "mean, skin [95 %]")
    for i, label in enumerate(next(iter(rows.values()))["classes"]):
        values = [row["classes"][label]["auroc"] for row in rows.values()]
        axis.scatter(
            values,
            range(len(rows)),
            s=28,
            label=text_of(label.replace("_", " ")),
            zorder=3,
            alpha=0.85,
            color=COLOURS[i % len(COLOURS)],
            marker="osv^P*X"[i % 7],
        )
    names = [f"{name} (supervised)" if row["supervised"] else name for name, row in rows.items()]
    axis.set_yticks(range(len(rows)), [text_of(name) for name in names])
    axis.set(
        ylim=(len(rows) - 0.4, -0.6),
        xlim=(0, 1.02),
        xlabel=f"AUROC of {text_of(result['normal_class'])} against each class (0.5 = chance)",
    )
    figure.legend(fontsize=8, loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path)


def probe_figure(probe: Mapping[str, Any], title: str, path: Path) -> Path:
    """Draws bars: the correlation of the score with each property, and AUROCs: raw, matched and against controls.

    Args:
        probe: result of `mim_tf.evaluation.shortcuts.probe`.
        title: title of the figure.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    figure = Figure(figsize=(10.4, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    figure.suptitle(title)
    _correlations(left, probe)
    _aurocs(right, probe)
    return save(figure, path)


def inpainting_figure(metrics: Mapping[str, Any], path: Path) -> Path:
    """Draws the quality of the inpaintings of the normal class: a panel for each measure, a bar for model and fills.

    Args:
        metrics: of an evaluation with `inpainting`.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    normal, result = metrics["normal_class"], metrics["inpainting"]
    rows = result["classes"][normal]["rows"]
    panels = {
        "psnr": "PSNR in dB (higher is better)",
        "ssim": "SSIM (higher is better)",
        "perceptual_distance": "perceptual distance (lower is better)",
        "sharpness": "sharpness (1 is that of the photographs)",
    }
    figure = Figure(figsize=(10.4, 2.6), layout="constrained")
    where = f"{metrics['split']}, {result['size']} px, {result['masks']} masks"
    figure.suptitle(f"Hidden pixels of {text_of(normal)}: {where}", fontsize=10)
    for axis, (key, label) in zip(figure.subplots(1, 4, sharey=True), panels.items(), strict=True):
        values = [entry[key]["value"] for entry in rows.values()]
        axis.barh(range(len(rows)), values, 0.7, color=[_ORANGE if name == "model" else _SKY for name in rows])
        for row, entry in enumerate(rows.values()):
            if entry[key]["ci_low"] is not None:
                axis.plot([entry[key]["ci_low"], entry[key]["ci_high"]], [row, row], color="0.2", linewidth=1)
        axis.set_yticks(range(len(rows)), [name.replace("_", "-") for name in rows], fontsize=8)
        axis.set_title(label, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="x", labelsize=8)
        if key == "psnr":  # a PSNR has no zero that means anything
            axis.set_xlim(left=min(values) - 10.0)
        if key == "sharpness":
            axis.axvline(1.0, color="0.3", linewidth=1, linestyle=":")
    figure.axes[0].invert_yaxis()
    return save(figure, path)


def _correlations(axis: Any, probe: Mapping[str, Any]) -> None:
    properties = list(probe["correlation"]["pooled"])
    normal = probe["normal_class"]
    parts = (("pooled", "all skin images", _BLUE, -0.19), ("normal", text_of(f"{normal} only"), _ORANGE, 0.19))
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
            # A mean over fewer classes is not comparable with the raw bar: label it.
            note = f" ({entry['classes']} of {mean['classes']} classes)" if entry["classes"] < mean["classes"] else ""
            bars.append((f"matched: {_LABELS.get(key, key)}", entry["auroc"], _SKY, note))
    bars += [(f"{name} images", entry["auroc"], _AMBER, "") for name, entry in probe["made"].items()]
    bars += [(f"altered: {name}", entry["auroc"], _PINK, "") for name, entry in probe["altered"].items()]
    for row, (_, value, colour, note) in enumerate(bars):
        # Bars start at 0.5: a bar to the left means that the other images score higher than the normal class.
        axis.barh(row, 0 if value is None else value - 0.5, 0.7, left=0.5, color=colour)
        _write(axis, row, value, 0.5, note)
    _finish(axis, [label for label, *_ in bars], 0.5, (-0.15, 1.4), (0, 0.25, 0.5, 0.75, 1))
    axis.set(xlabel=f"AUROC of {text_of(normal)} images against ...")


def _write(axis: Any, row: float, value: float | None, base: float, note: str = "") -> None:
    """Writes a value next to the end of its bar."""
    # Adding 0.0 turns -0.0 into 0.0.
    label = "none" if value is None else f"{round(value, 2) + 0.0:.2f}{note}"
    end = base if value is None else value
    right = end >= base
    axis.annotate(
        label,
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
