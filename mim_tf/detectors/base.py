"""The interface of a one-class model: `fit` on images of one class, then a similarity to that class for every image."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mim_tf.training.config import Progress, Training

if TYPE_CHECKING:
    import keras


class Measures(NamedTuple):
    """What a one-class model computes for N images.

    Attributes:
        similarity: float32 (N,), higher = more like the fitted class.
        ssim: float32 (N,), SSIM of image and reconstruction; None where nothing is reconstructed.
        novelty: float32 (N,), distance from everything that was fitted on, in standard deviations; None where the
            measure has no such distance.
    """

    similarity: NDArray[np.float32]
    ssim: NDArray[np.float32] | None
    novelty: NDArray[np.float32] | None


class OneClassModel(abc.ABC):
    """Fits on images of one class and gives every image a similarity to it, without a threshold.

    A `Detector` adds calibration: p-values and verdicts.

    Args:
        size: side S in pixels of the images that `score_samples` takes.
    """

    #: Name of the measure behind the similarity.
    measure: ClassVar[str]
    #: Whether `fit` needs images of other classes. A one-class method never does.
    supervised: ClassVar[bool] = False
    #: Whether `fit` can use images of other classes where a user has some.
    takes_negatives: ClassVar[bool] = False
    #: One line for tables.
    summary: ClassVar[str]

    def __init__(self, size: int) -> None:
        self.size = size
        #: Further arguments of the subclass's constructor, as JSON can hold them.
        self.options: dict[str, Any] = {}

    @property
    def source_size(self) -> int:
        """Side in pixels of the images that `fit` takes."""
        return self.size

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """Number of values behind `score_samples` that `fit` or an earlier training has set."""

    @abc.abstractmethod
    def fit(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Fits on one class; a stopped fit in `folder` is continued.

        Args:
            pixels: uint8 (N, R, R, 3), R = `source_size`.
            folder: for checkpoints and logs; `SCRATCH` may be made beside it.
            training: how long and how.
            progress: receives the metrics.
            negatives: images of other classes, the same shape; given where the model is `supervised`, or where it
                `takes_negatives` and there are some.
            callbacks: called while a network is trained, see `mim_tf.training.loop.train`; models that train no
                network ignore them.
        """

    @abc.abstractmethod
    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of uint8 (N, S, S, 3) as float32 (N,), higher = more like the fitted class."""

    def measures(self, pixels: NDArray[np.uint8]) -> Measures:
        """Similarity of uint8 (N, S, S, 3), with SSIM and novelty where the model has them."""
        similarity = self.score_samples(pixels)
        return Measures(similarity, similarity if self.measure == "ssim" else None, None)

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Pictures of the steps from the images to their reconstructions.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            By title float32 (N, S, S, 3) in [0, 1], the original first and the reconstruction last; empty for a model
            that reconstructs nothing.
        """
        return {}

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what `load` reads into an existing folder."""

    @abc.abstractmethod
    def load(self, folder: Path) -> None:
        """Reads what `save` wrote."""
