"""Base classes of the methods that train a Keras model, and of those that reconstruct the image."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.atomic_files import new_file
from mim_tf.data.augment import batches, source_size
from mim_tf.detectors.base import OneClassModel
from mim_tf.measures.ssim import error_map, ssim
from mim_tf.training.checkpoint import load_weights
from mim_tf.training.config import Progress, Training
from mim_tf.training.loop import chosen_precision, train
from mim_tf.training.previews import write_preview

#: Learning rate of Adam for models with one optimizer. Of 4e-4 and 2e-3, it reconstructed the normal class of `val`
#: better.
LEARNING_RATE = 2e-3
#: Images per batch of inference.
BATCH = 32
_PREVIEWS = 6


class NetworkModel(OneClassModel):
    """Base class of methods whose `fit` trains a Keras model by gradient steps, with checkpoints.

    Args:
        size: side S of the images, in pixels.
        options: fields of the Keras model's configuration other than `size`, `precision` and `seed`.
    """

    #: Class of the Keras model; its `config_class` has the fields `size`, `precision` and `seed`.
    model_class: ClassVar[type[keras.Model]]
    #: Smallest side of a crop of a training photograph, see `mim_tf.data.augment.augment`.
    smallest_crop: ClassVar[float] = 0.8
    #: Fraction of training views with each artefact of a camera, see `mim_tf.data.augment.augment`.
    camera: ClassVar[float] = 0.3
    trains_network = True

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(size)
        self.options = options
        self.config = self.make_config("float32", 0)
        self._keras_model: keras.Model | None = None
        self._steps: int | None = None

    @classmethod
    def option_names(cls) -> frozenset[str]:
        """Names of the fields of the Keras model's configuration, except those that `fit` sets."""
        return frozenset(inspect.signature(cls.model_class.config_class).parameters) - {"size", "precision", "seed"}

    def make_config(self, precision: str, seed: int) -> Any:
        """The configuration of the Keras model for a dtype policy and a seed."""
        options = {key: tuple(value) if isinstance(value, list) else value for key, value in self.options.items()}
        return self.model_class.config_class(size=self.size, precision=precision, seed=seed, **options)

    @property
    def keras_model(self) -> keras.Model:
        """The trained Keras model."""
        if self._keras_model is None:
            raise ValueError("Expected a fitted or loaded model. Received: one that is not fitted; call fit or load.")
        return self._keras_model

    @property
    def steps(self) -> int | None:
        """Gradient steps of the last fit; None before it."""
        return self._steps

    @property
    def source_size(self) -> int:
        """Side R of the input of `fit`, in pixels; larger than S, so that crops need no upsampling."""
        return source_size(self.size)

    @property
    def view_size(self) -> int:
        """Side of the images of `batches`, in pixels."""
        return self.size

    def make_model(self, config: Any, steps: int | None = None) -> keras.Model:
        """Creates and compiles the Keras model for a training of `steps` steps; None = their number is not known."""
        model = self.model_class(config)
        model.compile(keras.optimizers.Adam(LEARNING_RATE))
        return model

    @property
    def parameters(self) -> int:
        """Number of parameters of the networks that `score_samples` runs."""
        return sum(network.count_params() for network in self.keras_model.averages.values())

    def batches(
        self, pixels: NDArray[np.uint8], negatives: NDArray[np.uint8] | None, training: Training, start: int
    ) -> tf.data.Dataset:
        """Batches for `train_step` from the step `start` on; by default float32 (B, V, V, 3), V = `view_size`."""
        return batches(
            pixels,
            smallest=self.smallest_crop,
            camera=self.camera,
            size=self.view_size,
            batch_size=training.batch_size,
            seed=training.seed,
            start=start,
            steps=training.steps,
        )

    def scheduled(self, pixels: NDArray[np.uint8], folder: Path, training: Training) -> Training:
        """The training with the number of steps that a schedule of the model is made for; by default as it is."""
        return training

    def preview(self, model: keras.Model, images: tf.Tensor, path: Path) -> None:
        """Writes a preview of the model on float32 (B, S, S, 3) in [0, 1] as PNG; does nothing by default."""

    def held_out(self, model: keras.Model) -> dict[str, float]:
        """Metrics of the model during `fit` on the images of `watch`; by default none."""
        return {}

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
        """Trains the network; see `OneClassModel.fit`."""
        training = self.scheduled(pixels, folder, training)
        precision = chosen_precision(training)
        chosen = pixels[:: max(1, len(pixels) // _PREVIEWS)][:_PREVIEWS]
        previewed = tf.image.resize(chosen / np.float32(255), [self.size, self.size], antialias=True)
        self._keras_model, self._steps = train(
            lambda: self.make_model(self.make_config(precision, training.seed), training.steps or None),
            lambda start: self.batches(pixels, negatives, training, start),
            folder,
            training,
            progress,
            lambda model, path: self.preview(model, previewed, path),
            callbacks,
            self.held_out,
        )

    def save(self, folder: Path) -> None:
        """Writes `<network>.weights.h5` for each network that `score_samples` runs; the files hold arrays only."""
        for name, network in self.keras_model.averages.items():
            with new_file(folder / f"{name}.weights.h5") as temporary:
                network.save_weights(temporary)

    def load(self, folder: Path) -> None:
        """Builds the networks from the options and loads the weights that `save` wrote."""
        model = self.make_model(self.config)
        for name, network in model.averages.items():
            load_weights(network, folder / f"{name}.weights.h5")
        self._keras_model = model


class ReconstructionModel(NetworkModel):
    """Base class of methods whose similarity compares the image with its reconstruction."""

    measure = "ssim"

    @abc.abstractmethod
    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Reconstruction of float32 (B, S, S, 3) in [0, 1], same shape and range."""

    def similarities(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Similarity of float32 (B, S, S, 3) in [0, 1] and its reconstruction, float32 (B,)."""
        return ssim(images, self.reconstruct(model, images))

    def errors(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Anomaly maps of float32 (B, S, S, 3) in [0, 1], float32 (B, S, S, 1): by default 1 - SSIM, in [0, 2]."""
        return error_map(images, self.reconstruct(model, images))

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Images of the steps from the input to its reconstruction, by title, each float32 (B, S, S, 3) in [0, 1]."""
        return {"reconstructed": self.reconstruct(model, images)}

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Original, intermediate images and reconstruction; see `OneClassModel.reconstruction_steps`."""
        images = tf.constant(pixels, tf.float32) / 255.0
        steps = {"original": images, **self.columns(self.keras_model, images)}
        return {title: np.asarray(pictures) for title, pictures in steps.items()}

    def preview(self, model: keras.Model, images: tf.Tensor, path: Path) -> None:
        """Writes the steps from the original to the reconstruction, and the error, as PNG."""
        write_preview({"original": images, **self.columns(model, images)}, path)

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of image and reconstruction, float32 (N,); see `OneClassModel.score_samples`."""
        return self._by_batch(self.similarities, pixels)

    def anomaly_maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The error of the reconstruction at each pixel, see `errors` and `OneClassModel.anomaly_maps`."""
        return self._by_batch(self.errors, pixels)[..., 0]

    def _by_batch(
        self, compute: Callable[[keras.Model, tf.Tensor], tf.Tensor], pixels: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(pixels), BATCH):
            images = tf.constant(pixels[start : start + BATCH], tf.float32) / 255.0
            parts.append(compute(self.keras_model, images).numpy())
        return np.concatenate(parts)
