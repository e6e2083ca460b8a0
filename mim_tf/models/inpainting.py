"""The method `mim`: trains a `MIM` and measures the similarity of its inpainting to the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.files import new_file
from mim_export.preprocess import mask_set
from mim_tf.augment import source_size
from mim_tf.measure import ssim
from mim_tf.method import Method, Progress, Training
from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.models.training import fast_precision, load_model, train
from mim_tf.report import preview_figure

_LEARNING_RATE = 4e-4
_BATCH = 32


class Inpainting(Method):
    """Mask, inpaint, measure.

    Args:
        size: side S of the images in pixels.
        options: fields of `MIMConfig` other than `size`, `precision` and `seed`.
    """

    measure = "ssim"

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(size, **options)
        self.config = MIMConfig.from_dict({"losses": {}, **options, "size": size})
        self.model: MIM | None = None

    @property
    def source_size(self) -> int:
        """Training photographs are kept larger than the model's input, for crops."""
        return source_size(self.size)

    def fit(self, pixels: NDArray[np.uint8], folder: Path, training: Training, progress: Progress) -> None:
        """Trains the GAN; see `Method.fit`."""
        precision = fast_precision() if training.precision == "auto" else training.precision
        shown = pixels[:: max(1, len(pixels) // 6)][:6]
        shown = tf.image.resize(shown / np.float32(255), [self.size, self.size], antialias=True).numpy()

        def make_model() -> MIM:
            options = {**self.options, "size": self.size, "precision": precision, "seed": training.seed}
            model = MIM(MIMConfig.from_dict({"losses": {}, **options}))
            model.compile(
                g_optimizer=keras.optimizers.Adam(_LEARNING_RATE, beta_1=0.5),
                d_optimizer=keras.optimizers.Adam(_LEARNING_RATE, beta_1=0.5),
            )
            return model

        def preview(model: MIM, path: Path) -> None:
            preview_figure(shown, model.inpaint(shown, self.masks).numpy(), self.masks, path)

        self.model = train(make_model, pixels, folder, training, progress, preview)

    @property
    def masks(self) -> NDArray[np.float32]:
        """The fixed mask set, float32 (n, S, S, 1)."""
        return mask_set(self.size, self.config.cell, self.config.count)

    @property
    def network(self) -> keras.Model:
        """The averaged generator, float32."""
        if self.model is None:
            raise ValueError("Expected a fitted or loaded method. Received: one that has no model yet.")
        return self.model.ema_generator

    def similarity(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Mean SSIM of image and inpainting; see `Method.similarity`."""
        return np.concatenate([scores for _, scores in self.inpaint(pixels)])

    def inpaint(self, pixels: NDArray[np.uint8]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Inpainted batches with their similarities.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            For each batch float32 (B, S, S, 3) in [0, 1] and float32 (B,).
        """
        assert self.model is not None
        results = []
        for start in range(0, len(pixels), _BATCH):
            images = tf.constant(pixels[start : start + _BATCH], tf.float32) / 255.0
            inpainted = self.model.inpaint(images, self.masks)
            results.append((inpainted.numpy(), ssim(images, inpainted).numpy()))
        return results

    def save(self, folder: Path) -> None:
        """Writes `model.keras`."""
        assert self.model is not None
        with new_file(folder / "model.keras") as beside:
            self.model.save(beside)

    def load(self, folder: Path) -> None:
        """Reads `model.keras`."""
        self.model = load_model(folder / "model.keras")
