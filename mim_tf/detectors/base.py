"""The interface of one-class models: `fit` on images of one class, `score_samples` on any image."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mim_export.score.errors import check_whole
from mim_export.score.preprocess import Inpainted
from mim_tf.training.config import Progress, Training

if TYPE_CHECKING:
    import keras


#: Smallest side of an image in pixels; most methods need more.
_MIN_SIZE = 8


def check_size(size: object) -> int:
    """Checks the side S of the images in pixels, as far as no method takes another one.

    Raises:
        MimError: it is no integer, or less than 8.
    """
    return check_whole("size", size, _MIN_SIZE)


class Measures(NamedTuple):
    """Outputs of a one-class model for N images.

    Attributes:
        similarity: float32 (N,), higher = more similar to the fitted class.
        ssim: SSIM of image and reconstruction, float32 (N,) in [-1, 1]; None if the model reconstructs nothing.
        novelty: distance of the image's features from those of the training images and their views, in standard
            deviations, float32 (N,); None if the measure has no novelty.
    """

    similarity: NDArray[np.float32]
    ssim: NDArray[np.float32] | None
    novelty: NDArray[np.float32] | None


class OneClassModel(abc.ABC):
    """Base class: fits on images of one class and scores the similarity of images to it.

    It has no threshold; `mim_tf.Detector` adds the calibration, p-values and verdicts.

    Args:
        size: side S of the input of `score_samples`, in pixels.

    Raises:
        MimError: the size is no integer or less than 8.
    """

    #: Name of the measure that computes the similarity.
    measure: ClassVar[str]
    #: Whether `fit` requires images of other classes. False for one-class methods.
    supervised: ClassVar[bool] = False
    #: Whether `fit` accepts images of other classes (known negatives).
    takes_negatives: ClassVar[bool] = False
    #: Whether `fit` trains a network by gradient steps, so that Keras callbacks are called.
    trains_network: ClassVar[bool] = False
    #: Gradient steps of a fit from the command line; more do not fit into about 40 minutes on two cores.
    default_steps: ClassVar[int] = 1200
    #: Length of a fit of `measure_left_out` as a fraction of that of `fit`. Below 1 only where the similarity hardly
    #: depends on it.
    left_out_share: ClassVar[float] = 1.0
    #: One-line description for tables.
    summary: ClassVar[str]

    def __init__(self, size: int) -> None:
        self.size = check_size(size)
        #: Keyword arguments of the subclass's constructor other than `size`, JSON-serializable.
        self.options: dict[str, Any] = {}

    @classmethod
    def option_names(cls) -> frozenset[str]:
        """Names of the keyword arguments of the constructor other than `size`.

        A class whose constructor takes `**options` overrides this.
        """
        return frozenset(inspect.signature(cls).parameters) - {"size"}

    @property
    def steps(self) -> int | None:
        """Gradient steps of the last fit; None if it trains no network."""
        return None

    @property
    def source_size(self) -> int:
        """Side R of the input of `fit`, in pixels."""
        return self.size

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """Number of fitted or pretrained values that `score_samples` uses."""

    @abc.abstractmethod
    def fit(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        groups: NDArray[np.str_] | None = None,
    ) -> None:
        """Fits on images of one class, or resumes the fit in `folder`.

        Args:
            pixels: uint8 (N, R, R, 3), R = `source_size`.
            folder: folder for checkpoints and logs; a model may create `run_folder.SCRATCH` next to it.
            training: training configuration.
            progress: called with the metrics.
            negatives: images of other classes, uint8 (M, R, R, 3). Required if the model is `supervised`, optional if
                it `takes_negatives`, else ignored.
            callbacks: Keras callbacks, see `mim_tf.training.loop.train`; ignored by models that do not train a
                network.
            groups: group of each image, (N,); None = each image is a group. Models that standardize a score by left-out
                groups use it.
        """

    def watch(self, pixels: NDArray[np.uint8]) -> None:
        """Sets held-out images of the class, on which `fit` reports metrics; a model without such metrics ignores them.

        Args:
            pixels: uint8 (N, S, S, 3).
        """
        return

    def measure_left_out(
        self,
        pixels: NDArray[np.uint8],
        small: NDArray[np.uint8],
        groups: NDArray[np.str_],
        left_out: NDArray[np.bool_],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
    ) -> Measures:
        """Fits without some groups, and measures their images. The fitted state is not meant for other images.

        A model with a cheap last stage overrides this to leave out fewer groups at a time there.

        Args:
            pixels: uint8 (N, R, R, 3), R = `source_size`.
            small: the same images, uint8 (N, S, S, 3).
            groups: group of each image, (N,).
            left_out: bool (N,), the images to measure, all images of some groups.
            folder: see `fit`.
            training: see `fit`; of `left_out_share` of its length.
            progress: see `fit`.
            negatives: see `fit`.

        Returns:
            The measures of the images that are left out, in their order.
        """
        self.fit(pixels[~left_out], folder, training, progress, negatives, groups=groups[~left_out])
        return self.measures(small[left_out])

    @abc.abstractmethod
    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Computes the similarity of images to the fitted class.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            float32 (N,), higher = more similar to the fitted class.
        """

    def measures(self, pixels: NDArray[np.uint8]) -> Measures:
        """Computes the similarity, and SSIM and novelty if the model has them.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            The measures, each float32 (N,) or None.
        """
        similarity = self.score_samples(pixels)
        return Measures(similarity, similarity if self.measure == "ssim" else None, None)

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Images of the steps from the input to its reconstruction.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            Images by title, each float32 (N, S, S, 3) in [0, 1], the original first and the reconstruction last; an
            empty dict if the model reconstructs nothing.
        """
        return {}

    def anomaly_maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Computes how anomalous each pixel is.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            float32 (N, S, S), higher = more anomalous; the range depends on the method. None if the model does not
            locate anomalies.

        Example:
            `create_model("blur", 96).anomaly_maps(pixels)` is 1 - SSIM at each pixel, in [0, 2]: 0 for an image of one
            colour.
        """
        return None

    def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted | None:
        """Inpaints images with a fixed mask set.

        Args:
            pixels: uint8 (N, S, S, 3).
            masks: another mask set, float32 (n, s, s, 1), 1 = kept, s the side at which they are inpainted; default:
                that of the model.

        Returns:
            The images at the side at which they are inpainted, with their inpaintings; None if the model has no fixed
            mask set.
        """
        return None

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Saves the fitted model into an existing folder."""

    @abc.abstractmethod
    def load(self, folder: Path) -> None:
        """Loads the model that `save` wrote."""
