"""The figures, drawn without a screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_curve

from mim_export.files import new_file
from mim_tf.evaluate import Evaluation

#: Colour-blind safe (Okabe and Ito), with line styles for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = ("-", "--", "-.", ":")


def save(figure: Figure, path: Path, dpi: int = 110) -> Path:
    """Writes a figure as PNG, beside first, then renamed."""
    FigureCanvasAgg(figure)
    with new_file(path) as beside:
        figure.savefig(beside, dpi=dpi, format="png")
    return path


def error_image(original: NDArray[np.float32], inpainted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Absolute error averaged over channels, float32 (..., S, S)."""
    return np.abs(original - inpainted).mean(-1)


def preview_figure(columns: Mapping[str, ArrayLike], path: Path) -> Path:
    """A row for each image: the pictures on the way from the original to its reconstruction, and the error.

    Args:
        columns: by title float32 (B, S, S, 3) in [0, 1]; the original first, its reconstruction last.
        path: the PNG to write.
    """
    pictures = _with_error({title: np.asarray(images, np.float32) for title, images in columns.items()})
    rows = len(pictures["error"])
    figure = Figure(figsize=(1.6 * len(pictures), 1.6 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, len(pictures), squeeze=False)
    for column, (title, images) in enumerate(pictures.items()):
        axes[0, column].set_title(title, fontsize=9)
        for row in range(rows):
            _show(axes[row, column], images[row])
    return save(figure, path)


def _with_error(pictures: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    original, *_, reconstructed = pictures.values()
    return {**pictures, "error": error_image(original, reconstructed)}


def _show(axis: Any, picture: NDArray[np.float32]) -> None:
    axis.imshow(np.clip(picture, 0, 1), cmap="magma", vmin=0, vmax=0.3)
    axis.set(xticks=[], yticks=[])


def roc_figure(evaluation: Evaluation, title: str, path: Path) -> Path:
    """ROC curves of the normal class against each other class, with AUROC and interval."""
    normal = evaluation.metrics["normal_class"]
    positive = evaluation.scores[normal].judgement.similarity
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="chance")
    for i, (name, entry) in enumerate(evaluation.metrics["classes"].items()):
        negative = evaluation.scores[name].judgement.similarity
        truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
        false_rate, true_rate, _ = roc_curve(truth, np.concatenate([positive, negative]))
        label = f"{name} {entry['auroc']:.2f} [{entry['ci_low']:.2f}, {entry['ci_high']:.2f}]"
        axis.plot(
            false_rate,
            true_rate,
            color=COLOURS[i % len(COLOURS)],
            linestyle=_STYLES[i % len(_STYLES)],
            label=label,
        )
    axis.set(
        xlabel="share of the other class above the threshold",
        ylabel=f"share of {normal} above it",
        title=title,
    )
    axis.set_aspect("equal")
    axis.legend(fontsize=8, loc="best", title="AUROC [95 %, by group]", title_fontsize=8)
    return save(figure, path)


def similarity_figure(evaluation: Evaluation, threshold: float, title: str, path: Path) -> Path:
    """Every image's similarity by class, as a strip, with the threshold."""
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
    axis.axvline(threshold, color="0.3", linewidth=1, linestyle="--", label=f"threshold {threshold:.3f}")
    axis.set_yticks(range(len(evaluation.scores)), list(evaluation.scores))
    axis.invert_yaxis()
    axis.set(xlabel=f"similarity ({evaluation.metrics['measure']})", title=title)
    axis.legend(fontsize=8, loc="best")
    return save(figure, path)


def example_figure(classes: Mapping[str, tuple[dict[str, NDArray[np.float32]], float]], path: Path) -> Path:
    """A column for each class: one image of it, the way to its reconstruction, the error.

    Args:
        classes: by name, pictures as float32 (S, S, 3) in [0, 1] by title, the original first and its
            reconstruction last, and the similarity.
        path: the PNG to write.
    """
    columns = {name: (_with_error(pictures), similarity) for name, (pictures, similarity) in classes.items()}
    titles = list(next(iter(columns.values()))[0])
    figure = Figure(figsize=(1.6 * len(columns), 1.6 * len(titles) + 0.2), layout="constrained")
    axes = figure.subplots(len(titles), len(columns), squeeze=False)
    for column, (name, (pictures, similarity)) in enumerate(columns.items()):
        axes[0, column].set_title(f"{name}\n{similarity:.3f}", fontsize=9)
        for row, title in enumerate(titles):
            _show(axes[row, column], pictures[title])
            if column == 0:
                axes[row, 0].set_ylabel(title, fontsize=9)
    return save(figure, path)


def comparison_figure(result: Mapping[str, Any], path: Path) -> Path:
    """Mean AUROC of each row with its interval, and a mark for each class.

    Args:
        result: what `mim_tf.comparison.collect` gave.
        path: the PNG to write.
    """
    order = sorted(result["rows"].items(), key=lambda item: (item[1]["supervised"], -item[1]["mean"]["auroc"]))
    rows = dict(order)
    figure = Figure(figsize=(7.2, 0.42 * len(rows) + 1.6), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0.5, color="0.6", linewidth=1)
    for place, row in enumerate(rows.values()):
        mean = row["mean"]
        axis.plot([mean["ci_low"], mean["ci_high"]], [place, place], color="0.3", linewidth=5, alpha=0.35)
        axis.plot(mean["auroc"], place, "D", color="black", markersize=6, label=None if place else "mean, skin [95 %]")
    for i, label in enumerate(next(iter(rows.values()))["classes"]):
        values = [row["classes"][label]["auroc"] for row in rows.values()]
        axis.scatter(
            values,
            range(len(rows)),
            s=28,
            label=label.replace("_", " "),
            zorder=3,
            alpha=0.85,
            color=COLOURS[i % len(COLOURS)],
            marker="osv^P*X"[i % 7],
        )
    names = [f"{name} (supervised)" if row["supervised"] else name for name, row in rows.items()]
    axis.set_yticks(range(len(rows)), names)
    axis.set(
        ylim=(len(rows) - 0.4, -0.6),
        xlim=(0, 1.02),
        xlabel=f"AUROC of {result['normal_class']} against each class (0.5 = chance)",
    )
    figure.legend(fontsize=8, loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path)
