"""Helpers of a notebook: figures that are displayed and counted, live training curves, source code listings."""

from __future__ import annotations

import inspect
import io
import os
import platform
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from IPython.display import Image as NotebookImage
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from PIL import Image

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError
from mim_tf import __version__
from mim_tf.evaluation.plots import COLOURS, save
from mim_tf.training.loop import fast_precision

#: Minimum standard deviation of the grey levels of a figure that is not empty.
_MIN_DEVIATION = 3.0
#: Width in pixels of the preview that is displayed during a training.
_PREVIEW = 420
#: Titles of the panels of a training, and the metrics in each of them; `_ERRORS` has all others. Those that depend on
#: the discriminator are no errors and need not decrease.
_ERRORS = "errors: lower is better"
_PANELS: Mapping[str, tuple[str, ...]] = {
    "PSNR in dB: higher is better": ("val_psnr", "val_biharmonic", "val_push_pull", "hidden"),
    _ERRORS: (),
    "losses that the discriminator decides": ("matching", "adversarial", "discriminator"),
}
#: Width of a panel, in inches.
_PANEL = 3.8
#: Values that do not change, drawn as a line to compare with.
_CONSTANT = ("val_biharmonic", "val_push_pull")
#: The loss that is minus a PSNR, and its label.
_MINUS_PSNR, _MINUS_PSNR_LABEL = "hidden", "minus hidden (training)"


def machine() -> str:
    """Versions, processor or GPU, and the precision of a training on this machine, in three lines."""
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    names = ", ".join(details.get("device_name", "unknown model") for details in gpus)
    return (
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"numpy {np.__version__}, mim-tf {__version__}\n"
        + (f"GPU: {names}" if gpus else f"CPU: {os.cpu_count()} cores, no GPU")
        + f"\ntraining computes in {fast_precision()}"
    )


def encoded(path: Path, width: int | None = None) -> tuple[bytes, str]:
    """Encodes a figure as PNG and JPEG and returns the smaller one, to keep the notebook small.

    Args:
        path: a PNG file.
        width: width in pixels to which it is downsampled; None = unchanged.

    Returns:
        The content, and its format `png` or `jpeg`.

    Raises:
        MimError: the file does not exist, or the figure is empty (almost constant).
    """
    if not path.exists():
        raise MimError("does not exist", "run the cells above again", path)
    picture = Image.open(path).convert("RGB")
    if np.asarray(picture.convert("L")).std() < _MIN_DEVIATION:
        raise MimError("is an empty figure", "run the cells above again", path)
    if width is not None:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.BOX)
    encodings = []
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 80})):
        content = io.BytesIO()
        picture.save(content, kind, **options)
        encodings.append((content.getvalue(), kind))
    return min(encodings, key=lambda entry: len(entry[0]))


class Lesson:
    """Displays the figures of a notebook and measures the time of its parts.

    Args:
        folder: output folder of the figures.
        minutes: expected minutes of each part, in order; 0 for parts without waiting time.

    Example:
        >>> lesson = Lesson(Path("figures"), {"masks": 0.1, "training": 4})
        >>> lesson.begin("masks")
        >>> lesson.show(grid_figure({"masks": masks}, lesson.path("masks")), "two masks")
        >>> lesson.finish()                     # raises: the part `training` has no figure
    """

    def __init__(self, folder: Path, minutes: Mapping[str, float]) -> None:
        self.folder = folder
        self.minutes = dict(minutes)
        self.pictures: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}
        self._part, self._began = "", time.monotonic()

    def begin(self, part: str) -> None:
        """Begins a part, or restarts it.

        Args:
            part: a key of `minutes`.

        Raises:
            MimError: the part does not exist.
        """
        if part not in self.minutes:
            raise MimError(f"no part {part!r}", f"name one of {', '.join(self.minutes)}")
        self._end()
        self._part = part
        self.pictures[part], self.seconds[part] = [], 0.0

    def _end(self) -> None:
        """Records the time of the current part."""
        if self._part:
            self.seconds[self._part] = time.monotonic() - self._began
        self._began = time.monotonic()

    def path(self, name: str) -> Path:
        """Path of the figure of this name: `<folder>/<name>.png`."""
        return self.folder / f"{name}.png"

    def show(self, path: Path, alt: str) -> None:
        """Displays a figure and counts it.

        Args:
            path: a PNG file.
            alt: alternative text for screen readers.

        Raises:
            MimError: the file does not exist, or the figure is empty.
        """
        content, kind = encoded(path)
        display(NotebookImage(content, format=kind, alt=alt))
        if self._part:
            self.pictures[self._part].append(path.name)

    def finish(self) -> dict[str, float]:
        """Ends the last part and prints the time and the number of figures of each part.

        Returns:
            Minutes by part.

        Raises:
            MimError: a part was not run, or has no figure.
        """
        self._end()
        self._part = ""
        for part, expected in self.minutes.items():
            count, minutes = len(self.pictures.get(part, [])), self.seconds.get(part, 0.0) / 60
            print(f"{part:32} {count:2} pictures {minutes:5.1f} minutes (stated: {expected:g})")
        print(f"{'together':32} {'':11} {sum(self.seconds.values()) / 60:5.1f} minutes")
        missing = [part for part in self.minutes if not self.pictures.get(part)]
        if missing:
            raise MimError(f"no figure in {', '.join(missing)}", "run the cells of these parts")
        return {part: seconds / 60 for part, seconds in self.seconds.items()}


def show_source(function: Callable[..., Any], first: str, last: str) -> None:
    """Displays an excerpt of the source code of a function of the library.

    Args:
        function: a Python function.
        first: substring of the first line of the excerpt.
        last: substring of its last line, searched from the first line on.

    Raises:
        MimError: the function has no such lines.
    """
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    begin = next((i for i, line in enumerate(lines) if first in line), None)
    end = next((i for i, line in enumerate(lines) if last in line and i >= (begin or 0)), None)
    if begin is None or end is None:
        raise MimError(f"{function.__qualname__} has no lines from {first!r} to {last!r}", "read the whole function")
    excerpt = textwrap.dedent("\n".join(lines[begin : end + 1]))
    display(Markdown(f"```python\n{excerpt}\n```"))


class LiveTraining:
    """A progress callback that displays the curves of the metrics and the newest preview, updated in place.

    The metrics are stored in a JSON file next to the PNG, so that the curves of an interrupted run continue.

    Args:
        run: the run folder that is passed to `Detector.fit`.
        path: the PNG file of the curves.

    Example:
        >>> detector.fit_folder(photos, run, progress=LiveTraining(run, Path("curves.png")))
    """

    def __init__(self, run: Path, path: Path) -> None:
        self.run, self.path = run, path
        self._file = path.with_suffix(".json")
        #: Metrics by network, by step, by name.
        self.history: dict[str, dict[str, dict[str, float]]] = {}
        if self._file.exists():
            self.history = read_json(self._file, "remove it")
        self._line, self._curves, self._preview = (display(Markdown(""), display_id=True) for _ in range(3))

    def __call__(self, name: str, step: int, steps: int | None, values: dict[str, float]) -> None:
        """Updates the display; see `mim_tf.training.config.Progress`."""
        line = ", ".join(f"{key} {value:.3f}" for key, value in values.items())
        self._line.update(Markdown(f"`{name}` {step} of {steps or 'unlimited'} {line}"))
        if not values:
            return
        self.history.setdefault(name, {})[str(step)] = values
        write_json(self._file, self.history)
        figures = {self._curves: loss_figure(self.history[name], self.path)}
        previews = sorted((self.run / name / "previews").glob("*.png"))
        if previews:
            figures[self._preview] = previews[-1]
        for output, file in figures.items():
            content, kind = encoded(file, None if output is self._curves else _PREVIEW)
            output.update(NotebookImage(content, format=kind, alt=f"{file.stem} at step {step}"))


def loss_figure(history: Mapping[str, Mapping[str, float]], path: Path) -> Path:
    """Draws the metrics of a training: those in dB, other errors, and the losses that a discriminator decides.

    Args:
        history: by step, the metrics by name. A metric may be missing at some steps, as the losses of a discriminator
            are before its first one.
        path: the PNG file to write.

    Returns:
        `path`. The loss `hidden` is minus a PSNR; its sign is changed, so that it can be compared with `val_psnr`. A
        dotted line marks the step before the discriminator starts.
    """
    names = list(dict.fromkeys(name for values in history.values() for name in values))
    panel_of = {name: title for title, members in _PANELS.items() for name in members}
    grouped = {title: [name for name in names if panel_of.get(name, _ERRORS) == title] for title in _PANELS}
    panels = {title: members for title, members in grouped.items() if members}
    figure = Figure(figsize=(_PANEL * len(panels), 2.8), layout="constrained")
    without = [int(step) for step, values in history.items() if "discriminator" not in values]
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True)[0]
    for axis, (title, members) in zip(axes, panels.items(), strict=True):
        for index, name in enumerate(members):
            curve = {int(step): values[name] for step, values in history.items() if name in values}
            label, sign = (_MINUS_PSNR_LABEL, -1) if name == _MINUS_PSNR else (name, 1)
            style = "--" if name in _CONSTANT else ".-"
            axis.plot(list(curve), [sign * value for value in curve.values()], style, color=COLOURS[index], label=label)
        if without and "discriminator" in names:
            axis.axvline(without[-1], color="0.5", linestyle=":", linewidth=1)
        axis.set(xlabel="step", title=title)
        axis.legend(fontsize=8)
    return save(figure, path)
