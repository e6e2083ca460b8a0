"""The figures, drawn without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from mim_export.files import new_file
from mim_tf.evaluate import Evaluation

#: Colour-blind safe (Okabe and Ito), with line styles for print.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
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


def preview_figure(
    originals: NDArray[np.float32], inpainted: NDArray[np.float32], masks: NDArray[np.float32], path: Path
) -> Path:
    """Rows of original, masked (the first mask of the set), inpainted, error.

    Args:
        originals: float32 (B, S, S, 3) in [0, 1].
        inpainted: float32 (B, S, S, 3).
        masks: float32 (n, S, S, 1).
        path: the PNG to write.
    """
    rows = len(originals)
    figure = Figure(figsize=(6.4, 1.6 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False)
    for row, (image, guess) in enumerate(zip(originals, inpainted, strict=True)):
        shown = (image, image * masks[0], guess, error_image(image, guess))
        for column, (picture, title) in enumerate(
            zip(shown, ("original", "under one mask", "inpainted", "error"), strict=True)
        ):
            axis = axes[row, column]
            axis.imshow(np.clip(picture, 0, 1), cmap="magma", vmin=0, vmax=0.3)
            axis.set_axis_off()
            if row == 0:
                axis.set_title(title, fontsize=9)
    return save(figure, path)


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
            color=_COLOURS[i % len(_COLOURS)],
            linestyle=_STYLES[i % len(_STYLES)],
            label=label,
        )
    axis.set(
        xlabel="share of the other class above the threshold",
        ylabel=f"share of {normal} above it",
        title=title,
    )
    axis.set_aspect("equal")
    axis.legend(fontsize=8, loc="lower right", title="AUROC [95 %, by group]", title_fontsize=8)
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
            color=_COLOURS[row % len(_COLOURS)],
        )
    axis.axvline(threshold, color="0.3", linewidth=1, linestyle="--", label=f"threshold {threshold:.3f}")
    axis.set_yticks(range(len(evaluation.scores)), list(evaluation.scores))
    axis.invert_yaxis()
    axis.set(xlabel=f"similarity ({evaluation.metrics['measure']})", title=title)
    axis.legend(fontsize=8, loc="best")
    return save(figure, path)


def example_figure(
    classes: dict[str, tuple[NDArray[np.uint8], NDArray[np.float32], float]],
    masks: NDArray[np.float32],
    path: Path,
) -> Path:
    """One image of each class: original, masked, inpainted, error, with its similarity.

    Args:
        classes: by name, the image uint8 (S, S, 3), its inpainting float32 (S, S, 3) and its similarity.
        masks: float32 (n, S, S, 1).
        path: the PNG to write.
    """
    figure = Figure(figsize=(1.6 * len(classes), 6.6), layout="constrained")
    axes = figure.subplots(4, len(classes), squeeze=False)
    for column, (name, (pixels, guess, similarity)) in enumerate(classes.items()):
        image = pixels.astype(np.float32) / np.float32(255)
        for row, picture in enumerate((image, image * masks[0], guess, error_image(image, guess))):
            axes[row, column].imshow(np.clip(picture, 0, 1), cmap="magma", vmin=0, vmax=0.3)
            axes[row, column].set(xticks=[], yticks=[])
        axes[0, column].set_title(f"{name}\n{similarity:.3f}", fontsize=9)
    for row, label in enumerate(("original", "under one mask", "inpainted", "error")):
        axes[row, 0].set_ylabel(label, fontsize=9)
    return save(figure, path)
