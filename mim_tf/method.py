"""What a detector is made of: a method gives each image a similarity to the class that it was fitted on."""

from __future__ import annotations

import abc
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mim_export.errors import MimError

#: The two systems of the project; every module of `mim_tf.baselines` is one more method, of the module's name.
_MODELS = {"mim": "mim_tf.models.inpainting", "proxyano": "mim_tf.models.bridging"}
#: Where a method is measured in another way than its own, by method and measure.
_MEASURED = {("mim", "deep"): "mim_tf.models.deep_inpainting"}


#: Folder beside a fit's own, for what the fits of a run share; it is removed when the run has ended.
SCRATCH = "scratch"


@dataclass(frozen=True)
class Training:
    """How long and how a method is fitted.

    Attributes:
        steps: gradient steps of each network; None = as many as `seconds` allow.
        batch_size: images a step.
        seconds: stop earlier after this much training time, summed over resumed runs; None = no limit.
        precision: dtype policy, or "auto": mixed_bfloat16 where the processor computes in it.
        seed: of weights, order, augmentation and masks.
    """

    steps: int | None = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0


#: Receives (what is being fitted, steps done, steps in all or None, metrics by name).
Progress = Callable[[str, int, int | None, dict[str, float]], None]


class Measures(NamedTuple):
    """What a method says of N images.

    Attributes:
        similarity: float32 (N,).
        ssim: float32 (N,), SSIM of image and reconstruction; None where nothing is reconstructed.
        foreignness: float32 (N,), how unlike any photograph of the class an image is; None where nobody asks.
    """

    similarity: NDArray[np.float32]
    ssim: NDArray[np.float32] | None
    foreignness: NDArray[np.float32] | None


class Method(abc.ABC):
    """Fits on images of one class and gives every image a similarity to it.

    Args:
        size: side S in pixels of the images that `similarity` takes.
    """

    #: Name of the measure behind `similarity`.
    measure: ClassVar[str]
    #: Whether `fit` has to see other classes. A one-class method never does.
    supervised: ClassVar[bool] = False
    #: Whether `fit` can use photographs of other classes that a user has, without needing any.
    takes_negatives: ClassVar[bool] = False
    #: What it is, in one line of a table.
    summary: ClassVar[str]

    def __init__(self, size: int) -> None:
        self.size = size
        #: Further arguments of a subclass's constructor, as JSON can hold them.
        self.options: dict[str, Any] = {}

    @property
    def source_size(self) -> int:
        """Side in pixels of the images that `fit` takes."""
        return self.size

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """Number of values that `similarity` uses and that `fit` or an earlier training has set."""

    @abc.abstractmethod
    def fit(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
    ) -> None:
        """Fits on one class; a stopped fit in `folder` is continued.

        Args:
            pixels: uint8 (N, R, R, 3), R = `source_size`.
            folder: for checkpoints and logs; `SCRATCH` may be made beside it.
            training: how long.
            progress: told the metrics.
            negatives: images of other classes, the same shape; given where the method is `supervised`, or
                where it `takes_negatives` and there are some.
        """

    @abc.abstractmethod
    def similarity(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of uint8 (N, S, S, 3) as float32 (N,), higher = more like the fitted class."""

    def measures(self, pixels: NDArray[np.uint8]) -> Measures:
        """All that it says of uint8 (N, S, S, 3)."""
        similarity = self.similarity(pixels)
        return Measures(similarity, similarity if self.measure == "ssim" else None, None)

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what `load` reads into an existing folder."""

    @abc.abstractmethod
    def load(self, folder: Path) -> None:
        """Reads what `save` wrote."""


def names() -> tuple[str, ...]:
    """The methods that there are: the project's two, then the baselines by alphabet."""
    from mim_tf import baselines

    found = (module.name for module in pkgutil.iter_modules(baselines.__path__))
    return (*_MODELS, *sorted(name for name in found if not name.startswith("_")))


def make(name: str, size: int, measure: str | None = None, **options: Any) -> Method:
    """A new method by its name.

    Args:
        name: one of `names()`.
        size: side S of the images in pixels.
        measure: name of the measure; None = the one that the method was published with.
        options: further arguments of the method.

    Example:
        `make("blur", 96).measure` is "ssim", `make("mim", 192, "deep").measure` is "deep".

    Raises:
        MimError: there is no such method, or it has no such measure or option.
    """
    if name not in names():
        raise MimError(f"no method {name!r}", f"choose one of {', '.join(names())}")
    path = _MEASURED.get((name, measure or ""), _MODELS.get(name, f"mim_tf.baselines.{name}"))
    module = importlib.import_module(path)
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Method) and value.__module__ == module.__name__
    )
    if measure not in (None, found.measure):
        known = sorted({found.measure, *(other for of, other in _MEASURED if of == name)})
        raise MimError(f"the method {name} has no measure {measure!r}", f"choose one of {', '.join(known)}")
    try:
        method: Method = found(size, **options)
    except TypeError:
        if not options:
            raise
        listed = ", ".join(options)
        raise MimError(f"the method {name} does not know one of: {listed}", "leave it out") from None
    return method
