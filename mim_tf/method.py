"""What a detector is made of: a method gives each image a similarity to the class that it was fitted on."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mim_export.errors import MimError

#: Where each method's class is; it is imported when it is asked for.
METHODS = {
    "mim": "mim_tf.models.inpainting:Inpainting",
    "blur": "mim_tf.baselines.blur:Blur",
    "colour": "mim_tf.baselines.colour:Colour",
}


@dataclass(frozen=True)
class Training:
    """How long and how a method is fitted.

    Attributes:
        steps: gradient steps of each network.
        batch_size: images a step.
        seconds: stop earlier after this much training time, summed over resumed runs; None = no limit.
        precision: dtype policy, or "auto": mixed_bfloat16 where the processor computes in it.
        seed: of weights, order, augmentation and masks.
    """

    steps: int = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0


#: Receives (what is being fitted, steps done, steps in all, metrics by name).
Progress = Callable[[str, int, int, dict[str, float]], None]


class Method(abc.ABC):
    """Fits on images of one class and gives every image a similarity to it.

    Args:
        size: side S in pixels of the images that `similarity` takes.
        options: further arguments of the constructor, as JSON can hold them.
    """

    #: Name of the measure behind `similarity`.
    measure: ClassVar[str]

    def __init__(self, size: int, **options: Any) -> None:
        self.size = size
        self.options = options

    @property
    def source_size(self) -> int:
        """Side in pixels of the images that `fit` takes."""
        return self.size

    @abc.abstractmethod
    def fit(self, pixels: NDArray[np.uint8], folder: Path, training: Training, progress: Progress) -> None:
        """Fits on uint8 (N, R, R, 3), R = `source_size`; a stopped fit in `folder` is continued."""

    @abc.abstractmethod
    def similarity(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of uint8 (N, S, S, 3) as float32 (N,), higher = more like the fitted class."""

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what `load` reads into an existing folder."""

    @abc.abstractmethod
    def load(self, folder: Path) -> None:
        """Reads what `save` wrote."""


def make(name: str, size: int, **options: Any) -> Method:
    """A new method by its name.

    Example:
        `make("blur", 96).measure` is "ssim".

    Raises:
        MimError: there is no such method.
    """
    if name not in METHODS:
        raise MimError(f"no method {name!r}", f"choose one of {', '.join(sorted(METHODS))}")
    module, _, attribute = METHODS[name].partition(":")
    method: Method = getattr(importlib.import_module(module), attribute)(size, **options)
    return method
