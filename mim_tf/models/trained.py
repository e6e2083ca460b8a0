"""What methods share that train a Keras model, and those of them that reconstruct the image."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.files import new_file
from mim_tf.augment import batches, source_size
from mim_tf.measure import ssim
from mim_tf.method import Method, Progress, Training
from mim_tf.models.training import fast_precision, load_model, train
from mim_tf.report import preview_figure

#: Of Adam, for models with one optimizer: of 4e-4 and 2e-3 the one that rebuilt the normal class of `val` better.
LEARNING_RATE = 2e-3
_BATCH = 32
_PREVIEWS = 6


class Trained(Method):
    """A method whose `fit` trains a Keras model by gradient steps, with checkpoints.

    Args:
        size: side S of the images in pixels.
        options: fields of the model's configuration other than `size`, `precision` and `seed`.
    """

    #: What is trained; its `config_class` has the fields `size`, `precision` and `seed`.
    model_class: ClassVar[type[keras.Model]]

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(size)
        self.options = options
        self.config = self.make_config("float32", 0)
        self._model: keras.Model | None = None

    def make_config(self, precision: str, seed: int) -> Any:
        """The configuration with a dtype policy and a seed."""
        options = {key: tuple(value) if isinstance(value, list) else value for key, value in self.options.items()}
        return self.model_class.config_class(size=self.size, precision=precision, seed=seed, **options)

    @property
    def model(self) -> keras.Model:
        """The trained model."""
        if self._model is None:
            raise ValueError("Expected a fitted or loaded method. Received: one that has no model yet.")
        return self._model

    @property
    def source_size(self) -> int:
        """Training photographs are kept larger than the model's input, for crops."""
        return source_size(self.size)

    def make_model(self, config: Any) -> keras.Model:
        """A new compiled model."""
        model = self.model_class(config)
        model.compile(keras.optimizers.Adam(LEARNING_RATE))
        return model

    @property
    def parameters(self) -> int:
        """Of the networks that `similarity` uses."""
        return sum(network.count_params() for network in self.model.averages.values())

    def batches(
        self, pixels: NDArray[np.uint8], negatives: NDArray[np.uint8] | None, training: Training, start: int
    ) -> tf.data.Dataset:
        """What `model.train_step` takes, from the step `start` on; here float32 (B, S, S, 3) in [0, 1]."""
        return batches(
            pixels,
            size=self.size,
            batch_size=training.batch_size,
            seed=training.seed,
            start=start,
            steps=training.steps,
        )

    def preview(self, model: keras.Model, images: tf.Tensor, path: Path) -> None:
        """Draws what the model does with float32 (B, S, S, 3); a method that has nothing to show draws nothing."""

    def fit(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None = None,
    ) -> None:
        """Trains; see `Method.fit`."""
        precision = fast_precision() if training.precision == "auto" else training.precision
        shown = pixels[:: max(1, len(pixels) // _PREVIEWS)][:_PREVIEWS]
        shown = tf.image.resize(shown / np.float32(255), [self.size, self.size], antialias=True)
        self._model = train(
            lambda: self.make_model(self.make_config(precision, training.seed)),
            lambda start: self.batches(pixels, negatives, training, start),
            folder,
            training,
            progress,
            lambda model, path: self.preview(model, shown, path),
        )

    def save(self, folder: Path) -> None:
        """Writes `model.keras`."""
        with new_file(folder / "model.keras") as beside:
            self.model.save(beside)

    def load(self, folder: Path) -> None:
        """Reads `model.keras`."""
        self._model = load_model(folder / "model.keras")


class Reconstruction(Trained):
    """A method that predicts the image and measures how similar the prediction is."""

    measure = "ssim"

    @abc.abstractmethod
    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The model's version of float32 (B, S, S, 3) in [0, 1], the same shape and range."""

    def similarities(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """Similarity of float32 (B, S, S, 3) in [0, 1] to its reconstruction, float32 (B,)."""
        return ssim(images, self.reconstruct(model, images))

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Pictures of the way from the image to its reconstruction, by title, each float32 (B, S, S, 3)."""
        return {"reconstructed": self.reconstruct(model, images)}

    def preview(self, model: keras.Model, images: tf.Tensor, path: Path) -> None:
        """Draws original, the way to the reconstruction, and error."""
        preview_figure({"original": images, **self.columns(model, images)}, path)

    def similarity(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of image and reconstruction; see `Method.similarity`."""
        scores = []
        for start in range(0, len(pixels), _BATCH):
            images = tf.constant(pixels[start : start + _BATCH], tf.float32) / 255.0
            scores.append(self.similarities(self.model, images).numpy())
        return np.concatenate(scores)
