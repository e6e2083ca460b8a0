"""Explanatory figures: image grids, similarity maps, histograms by class, scatter plots, bar charts.

They are used by the notebook and the documentation; `mim_tf.evaluation.plots` has the figures of a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mim_tf.evaluation.plots import COLOURS, save, text_of
from mim_tf.measures.ssim import error_map

#: Maximum width of a figure, in inches.
_PAGE = 10.0
#: Side of an image, in inches.
_CELL = 1.35


def grid_figure(
    rows: Mapping[str, Sequence[ArrayLike]],
    path: Path,
    *,
    captions: Mapping[str, Sequence[str]] | None = None,
    title: str = "",
) -> Path:
    """Draws labelled rows of images.

    Args:
        rows: by label, images (S, S, 3), uint8 or float in [0, 1], or maps (S, S) in [0, 1], drawn with a colour map.
        path: the PNG file to write.
        captions: by label, a text above each image of the row.
        title: title of the figure.

    Returns:
        `path`.
    """
    pictures = {name: [np.asarray(image) for image in images] for name, images in rows.items()}
    columns = max(len(images) for images in pictures.values())
    names = any(rows)
    lines = {name: max(text.count("\n") + 1 for text in texts) for name, texts in (captions or {}).items()}
    height = sum(_CELL + 0.22 * lines.get(name, 0) for name in rows)
    figure = Figure(figsize=(_CELL * columns + 0.4 * names, height + 0.35 * bool(title)), layout="constrained")
    if title:
        figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (name, images) in zip(axes, pictures.items(), strict=True):
        row[0].set_ylabel(text_of(name), fontsize=9)
        for place, axis in enumerate(row):
            axis.set(xticks=[], yticks=[])
            if place >= len(images):
                axis.set_visible(False)
                continue
            axis.imshow(images[place], cmap="magma", vmin=0, vmax=1)
            if captions and name in captions:
                axis.set_title(captions[name][place], fontsize=8)
    return save(figure, path)


def similarity_map_figure(columns: Mapping[str, tuple[ArrayLike, ArrayLike]], path: Path) -> Path:
    """Draws original, inpainting and their local SSIM, one column per image.

    Args:
        columns: by title, original and inpainting, each float32 (S, S, 3) in [0, 1].
        path: the PNG file to write.

    Returns:
        `path`. The SSIM in the third row is 1 where image and inpainting agree, 0 where they are unrelated and negative
        where they are anticorrelated.
    """
    figure = Figure(figsize=(_CELL * len(columns) + 1.0, 3 * _CELL + 0.3), layout="constrained")
    axes = figure.subplots(3, len(columns), squeeze=False)
    for place, (title, pair) in enumerate(columns.items()):
        original, inpainted = (np.asarray(image, np.float32) for image in pair)
        similarity = 1.0 - error_map(tf.constant(original[None]), tf.constant(inpainted[None])).numpy()[0, ..., 0]
        axes[0, place].set_title(text_of(title), fontsize=9)
        for row, picture in enumerate((original, inpainted, similarity)):
            mapped = axes[row, place].imshow(picture, cmap="viridis", vmin=-0.2, vmax=1)
            axes[row, place].set(xticks=[], yticks=[])
    for row, name in enumerate(("original", "inpainted", "SSIM")):
        axes[row, 0].set_ylabel(name, fontsize=9)
    figure.colorbar(mapped, ax=axes.ravel().tolist(), shrink=0.6)
    return save(figure, path)


def histogram_figure(
    measures: Mapping[str, Mapping[str, NDArray[np.float32]]],
    path: Path,
    *,
    outlined: str = "mpox",
    xlabel: str = "similarity",
    thresholds: Mapping[str, float] | None = None,
) -> Path:
    """Draws histograms, one row per class and one column per measure, with one class outlined in each row.

    Args:
        measures: by measure and class, values float32 (N,).
        path: the PNG file to write.
        outlined: the class whose outline is drawn in each row, for comparison.
        xlabel: label of the x axes.
        thresholds: thresholds by measure, drawn as lines.

    Returns:
        `path`.
    """
    names = list(next(iter(measures.values())))
    size = (min(_PAGE, 5.0 * len(measures) + 1), 0.6 * len(names) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(names), len(measures), squeeze=False, sharex="col")
    for column, (measure, classes) in enumerate(measures.items()):
        pooled = np.concatenate(list(classes.values()))
        bins = np.linspace(pooled.min(), pooled.max(), 31)
        for row, name in enumerate(names):
            axis = axes[row, column]
            shares = [np.full(len(classes[key]), 1 / len(classes[key])) for key in (name, outlined)]
            axis.hist(classes[name], bins, weights=shares[0], color=COLOURS[row % len(COLOURS)], alpha=0.75)
            axis.hist(classes[outlined], bins, weights=shares[1], histtype="step", color="0.3")
            axis.set(yticks=[])
            axis.spines[["top", "right", "left"]].set_visible(False)
            if thresholds and measure in thresholds:
                axis.axvline(thresholds[measure], color="black", linestyle="--", linewidth=1)
            if column == 0:
                axis.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
        axes[0, column].set_title(measure, fontsize=10)
        axes[-1, column].set_xlabel(f"{xlabel} (outline: {outlined})" if len(names) > 1 else xlabel, fontsize=9)
    return save(figure, path)


def scatter_figure(
    classes: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: Path,
    *,
    labels: tuple[str, str],
    title: str = "",
    thresholds: tuple[float, float] | None = None,
    equal: bool = False,
) -> Path:
    """Draws a scatter plot of two values per image, one colour per class.

    Args:
        classes: by class, x and y, (N,) each.
        path: the PNG file to write.
        labels: labels of the x and the y axis.
        title: title of the figure.
        thresholds: thresholds in x and y, drawn as lines.
        equal: whether to draw the diagonal, for two values that should be equal.

    Returns:
        `path`.
    """
    figure = Figure(figsize=(6.2, 4.6), layout="constrained")
    axis = figure.subplots()
    for place, (name, (x, y)) in enumerate(classes.items()):
        colour, marker = COLOURS[place % len(COLOURS)], "osv^DPX"[place % 7]
        axis.scatter(x, y, s=18, alpha=0.7, linewidths=0, label=text_of(name), color=colour, marker=marker)
    if equal:
        axis.axline((0, 0), slope=1, color="0.6", linewidth=1, zorder=0)
    if thresholds:
        axis.axvline(thresholds[0], color="0.3", linestyle="--", linewidth=1)
        axis.axhline(thresholds[1], color="0.3", linestyle="--", linewidth=1)
    axis.set(xlabel=labels[0], ylabel=labels[1], title=title)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return save(figure, path)


def bars_figure(
    series: Mapping[str, Mapping[str, float]], path: Path, *, xlabel: str, line: float | None = None, title: str = ""
) -> Path:
    """Draws a horizontal bar chart with the value at each bar, grouped by category, one colour per series.

    Args:
        series: values by series and category.
        path: the PNG file to write.
        xlabel: label of the x axis.
        line: x of a grey reference line, such as 0.5 for chance; the x axis is then 0 to 1.1.
        title: title of the figure.

    Returns:
        `path`.
    """
    categories = list(next(iter(series.values())))
    height = 0.26 * len(series) * len(categories) + 0.16 * len(categories) + 1.1
    figure = Figure(figsize=(7.6, height), layout="constrained")
    axis = figure.subplots()
    thickness = 0.84 / len(series)
    for place, (name, values) in enumerate(series.items()):
        offset = (place - (len(series) - 1) / 2) * thickness
        rows = [row + offset for row in range(len(categories))]
        numbers = [values[category] for category in categories]
        axis.barh(rows, numbers, 0.9 * thickness, color=COLOURS[place % len(COLOURS)], label=text_of(name))
        for row, number in zip(rows, numbers, strict=True):
            axis.annotate(f"{number:.2f}", (number, row), (3, 0), textcoords="offset points", va="center", fontsize=8)
    if line is not None:
        axis.axvline(line, color="0.5", linewidth=1)
    axis.set_yticks(range(len(categories)), [text_of(category) for category in categories])
    axis.invert_yaxis()
    axis.set(xlabel=xlabel, title=title)
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.12)
    if line is not None:
        axis.set_xlim(0, 1.1)
    if len(series) > 1:
        figure.legend(loc="outside lower center", ncols=len(series), fontsize=8, frameon=False)
    return save(figure, path)


def beside_figure(pictures: Mapping[str, Path], path: Path) -> Path:
    """Draws PNG files of the same size side by side, such as previews of an early and a late step.

    Args:
        pictures: PNG files by title.
        path: the PNG file to write.

    Returns:
        `path`.
    """
    images: dict[str, Any] = {title: np.asarray(Image.open(file).convert("RGB")) for title, file in pictures.items()}
    rows, columns = next(iter(images.values())).shape[:2]
    width = _PAGE / len(images)
    figure = Figure(figsize=(_PAGE, width * rows / columns + 0.3), layout="constrained")
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        axis.imshow(image)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return save(figure, path)
