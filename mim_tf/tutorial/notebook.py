"""What a lesson in a notebook needs: pictures that are shown and counted, a training to watch, source to read."""

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
from IPython.display import Image as Shown
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from PIL import Image

from mim_export.score.errors import MimError
from mim_export.score.files import read_json, write_json
from mim_tf import __version__
from mim_tf.evaluation.plots import COLOURS, save
from mim_tf.training.loop import fast_precision

#: Least deviation of the grey levels of a picture that shows something.
_LEAST = 3.0
#: Width in pixels of a preview that is shown while a model is trained.
_PREVIEW = 420
#: Curves of these losses stand apart: they are no errors, and do not fall.
_GAME = ("adversarial", "discriminator")


def machine() -> str:
    """Versions, processor or GPU, and the precision that a training takes here, in three lines."""
    found = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    names = ", ".join(details.get("device_name", "of unknown make") for details in found)
    return (
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"numpy {np.__version__}, mim-tf {__version__}\n"
        + (f"GPU: {names}" if found else f"CPU: {os.cpu_count()} cores, no GPU")
        + f"\ntraining computes in {fast_precision()}"
    )


def encoded(path: Path, width: int | None = None) -> tuple[bytes, str]:
    """A picture as a notebook should hold it: the smaller one of PNG and JPEG.

    Args:
        path: a PNG.
        width: in pixels, where it is to be shrunk.

    Returns:
        Its content and `png` or `jpeg`.

    Raises:
        MimError: there is no picture, or one of a single colour.
    """
    if not path.exists():
        raise MimError("was not drawn", "run the cells above again", path)
    picture = Image.open(path).convert("RGB")
    if np.asarray(picture.convert("L")).std() < _LEAST:
        raise MimError("shows nothing", "run the cells above again", path)
    if width is not None:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.BOX)
    found = []
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 80})):
        content = io.BytesIO()
        picture.save(content, kind, **options)
        found.append((content.getvalue(), kind))
    return min(found, key=lambda entry: len(entry[0]))


class Lesson:
    """The parts of a notebook: each begins, shows pictures, and takes its time.

    Args:
        folder: receives the pictures.
        minutes: of each part as measured before, in order; 0 where nobody should wait for it.

    Example:
        >>> lesson = Lesson(Path("figures"), {"masks": 0.1, "training": 4})
        >>> lesson.begin("masks")
        >>> lesson.show(grid_figure({"masks": masks}, lesson.path("masks")), "four masks")
        >>> lesson.finish()                     # fails: the part `training` has no picture
    """

    def __init__(self, folder: Path, minutes: Mapping[str, float]) -> None:
        self.folder = folder
        self.minutes = dict(minutes)
        self.pictures: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}
        self._part, self._began = "", time.monotonic()

    def begin(self, part: str) -> None:
        """Begins a part, or begins it again.

        Raises:
            MimError: there is no such part.
        """
        if part not in self.minutes:
            raise MimError(f"no part {part!r}", f"name one of {', '.join(self.minutes)}")
        self._end()
        self._part = part
        self.pictures[part], self.seconds[part] = [], 0.0

    def _end(self) -> None:
        if self._part:
            self.seconds[self._part] = time.monotonic() - self._began
        self._began = time.monotonic()

    def path(self, name: str) -> Path:
        """Where the picture of this name goes."""
        return self.folder / f"{name}.png"

    def show(self, path: Path, alt: str) -> None:
        """Shows a picture and counts it.

        Args:
            path: a PNG.
            alt: what it shows, in words, for readers who cannot see it.

        Raises:
            MimError: it was not made or shows nothing.
        """
        content, kind = encoded(path)
        display(Shown(content, format=kind, alt=alt))
        if self._part:
            self.pictures[self._part].append(path.name)

    def finish(self) -> dict[str, float]:
        """Ends the last part and prints the time and the pictures of each.

        Returns:
            Minutes of each part.

        Raises:
            MimError: a part was left out, or has no picture.
        """
        self._end()
        self._part = ""
        for part, stated in self.minutes.items():
            shown, minutes = len(self.pictures.get(part, [])), self.seconds.get(part, 0.0) / 60
            print(f"{part:32} {shown:2} pictures {minutes:5.1f} minutes (stated: {stated:g})")
        print(f"{'together':32} {'':11} {sum(self.seconds.values()) / 60:5.1f} minutes")
        missing = [part for part in self.minutes if not self.pictures.get(part)]
        if missing:
            raise MimError(f"no picture in {', '.join(missing)}", "run the cells of these parts")
        return {part: seconds / 60 for part, seconds in self.seconds.items()}


def show_source(function: Callable[..., Any], first: str, last: str) -> None:
    """Shows a piece of a function as it is in the library.

    Args:
        function: of which the source can be read.
        first: words in the first line of the piece.
        last: words in its last line, from the first line on.

    Raises:
        MimError: the function has no such lines any more.
    """
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    begin = next((place for place, line in enumerate(lines) if first in line), None)
    end = next((place for place, line in enumerate(lines) if last in line and place >= (begin or 0)), None)
    if begin is None or end is None:
        raise MimError(f"{function.__qualname__} has no lines from {first!r} to {last!r}", "read the whole function")
    piece = textwrap.dedent("\n".join(lines[begin : end + 1]))
    display(Markdown(f"```python\n{piece}\n```"))


class LiveTraining:
    """Shows a training while it runs: curves of its losses and the newest preview, drawn anew in their place.

    What it was told is kept beside the picture, so that the curves of a run that was stopped go on.

    Args:
        run: the run folder that `Detector.fit` is given.
        path: the PNG of the curves.

    Example:
        >>> detector.fit(photos, run, ..., progress=LiveTraining(run, Path("curves.png")))
    """

    def __init__(self, run: Path, path: Path) -> None:
        self.run, self.path = run, path
        self._kept = path.with_suffix(".json")
        self.told: dict[str, dict[str, dict[str, float]]] = {}
        if self._kept.exists():
            self.told = read_json(self._kept, "remove it")
        self._line, self._curves, self._preview = (display(Markdown(""), display_id=True) for _ in range(3))

    def __call__(self, name: str, step: int, steps: int | None, values: dict[str, float]) -> None:
        """Is told as `mim_tf.detectors.base.Progress`."""
        line = ", ".join(f"{key} {value:.3f}" for key, value in values.items())
        self._line.update(Markdown(f"`{name}` {step} of {steps or 'as many as time allows'} {line}"))
        if not values:
            return
        self.told.setdefault(name, {})[str(step)] = values
        write_json(self._kept, self.told)
        pictures = {self._curves: loss_figure(self.told[name], self.path)}
        previews = sorted((self.run / name / "previews").glob("*.png"))
        if previews:
            pictures[self._preview] = previews[-1]
        for place, picture in pictures.items():
            content, kind = encoded(picture, None if place is self._curves else _PREVIEW)
            place.update(Shown(content, format=kind, alt=f"{picture.stem} at step {step}"))


def loss_figure(told: Mapping[str, Mapping[str, float]], path: Path) -> Path:
    """Curves of the losses; those of the two players of a GAN in a panel of their own.

    Args:
        told: losses by name, by step.
        path: the PNG to write.

    Returns:
        `path`.
    """
    names = list(next(iter(told.values())))
    panels = {
        "errors: lower is better": [name for name in names if name not in _GAME],
        "the two players": [name for name in names if name in _GAME],
    }
    panels = {title: members for title, members in panels.items() if members}
    figure = Figure(figsize=(4.4 * len(panels), 2.8), layout="constrained")
    steps = [int(step) for step in told]
    for axis, (title, members) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for place, name in enumerate(members):
            axis.plot(steps, [values[name] for values in told.values()], ".-", color=COLOURS[place], label=name)
        axis.set(xlabel="step", title=title)
        axis.legend(fontsize=8)
    return save(figure, path)
