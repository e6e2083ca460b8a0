"""The method `mim` with the measure `ssim`: trains a `MIM`, scores the SSIM of the image and its inpainting."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError, check_whole
from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.detectors.reconstruction import BATCH, ReconstructionModel
from mim_tf.models.distillation import teaching
from mim_tf.models.mim import CELLS, MIM, MIMConfig
from mim_tf.training import pretrained
from mim_tf.training.config import Training
from mim_tf.training.held_out import HeldOutPSNR
from mim_tf.training.loop import chosen_precision
from mim_tf.training.strategy import connect

#: Learning rates of Adam for the generator and the discriminator. That of the generator has fallen below the other one
#: when the adversarial steps begin: two time scales.
_GENERATOR_RATE, _DISCRIMINATOR_RATE = 2e-3, 4e-4
#: Steps in which the learning rate of the generator rises, and the rate at the end, as a fraction of the highest one.
_WARM_UP, _LAST = 100, 0.02
#: Fraction of the steps before the adversarial ones.
_RECONSTRUCTION = 0.75
#: Steps of each kind whose time is measured where the time of a training is limited, and the file of the result.
_TIMED, _FITTING = 3, "steps.json"
#: Side of training photographs divided by the size of the model, for crops of many scales.
_MARGIN = 8 / 3


class InpaintingModel(ReconstructionModel):
    """Similarity = SSIM of the image and its inpainting by a GAN.

    Args:
        size: side S of the images in pixels, a multiple of 16, at least 32.
        start: name of the generator whose weights the training starts from, see `training.pretrained`; None = random
            weights. It has seen photographs of public collections, which must then not be in a test set.
        teacher: name of the generator that this one learns from; None = none. S must divide the teacher's side.
        options: fields of `MIMConfig` other than `size`, `precision` and `seed`.

    Raises:
        MimError: no generator has the name, or the size does not divide that of the teacher.
    """

    model_class = MIM
    default_steps = 2000
    smallest_crop = 0.35
    camera = 0.1
    _watched: HeldOutPSNR | None = None
    summary = "SSIM of the image and the inpainting of a GAN: the published method"

    def __init__(self, size: int, *, start: str | None = None, teacher: str | None = None, **options: Any) -> None:
        for name in (start, teacher):
            if name is not None:
                pretrained.check_name(name)
        self._start, self._teacher = start, teacher
        chosen = {"start": start, "teacher": teacher}
        super().__init__(size, **options, **{key: name for key, name in chosen.items() if name is not None})
        if teacher is not None and pretrained.SIZE % size:
            raise MimError(f"a size of {size} px has no teacher", f"use a divisor of {pretrained.SIZE}, such as 32")
        if start is not None and self.config.width != pretrained.WIDTH:
            raise MimError(f"no weights for a width of {self.config.width}", f"use {pretrained.WIDTH}, or start=None")

    @classmethod
    def option_names(cls) -> frozenset[str]:
        """`start`, `teacher` and the fields of `MIMConfig`, except those that `fit` sets."""
        return frozenset({"start", "teacher"}) | super().option_names()

    def make_config(self, precision: str, seed: int) -> MIMConfig:
        """The configuration; the option `losses` may be a dict, as JSON stores it. The image has 8 x 8 cells."""
        options = {key: value for key, value in self.options.items() if key not in ("start", "teacher")}
        fitted = {"size": self.size, "precision": precision, "seed": seed}
        return MIMConfig.from_dict({"losses": {}, "cell": self.size // CELLS, **options, **fitted})

    @property
    def source_size(self) -> int:
        """Side R of the input of `fit`, in pixels: crops of many scales are taken from it."""
        return round(_MARGIN * self.view_size)

    @property
    def view_size(self) -> int:
        """Side of the images of `batches`, in pixels: those of the teacher, if there is one."""
        return self.size if self._teacher is None else pretrained.SIZE

    def make_model(self, config: MIMConfig, steps: int | None = None) -> MIM:
        """Creates a GAN and compiles it with two optimizers; the learning rate falls if the steps are known."""
        rate: float | keras.optimizers.schedules.LearningRateSchedule = _GENERATOR_RATE
        if steps is not None:
            rising = min(_WARM_UP, steps // 4)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, steps - rising, alpha=_LAST, warmup_target=_GENERATOR_RATE, warmup_steps=rising
            )
        model = MIM(config)
        if self._start is not None:
            weights = pretrained.pretrained_generator(self._start, self.size).get_weights()
            for network in (model.generator, model.ema_generator):
                network.set_weights(weights)
        teach = None
        if self._teacher is not None:
            teacher = pretrained.pretrained_generator(self._teacher)
            teach = teaching(teacher, pretrained.SIZE // self.size)
        model.compile(
            g_optimizer=keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=5.0),
            d_optimizer=keras.optimizers.Adam(_DISCRIMINATOR_RATE, beta_1=0.5, beta_2=0.99),
            adversarial_from=0 if steps is None else round(_RECONSTRUCTION * steps),
            teach=teach,
        )
        return model

    def scheduled(self, pixels: NDArray[np.uint8], folder: Path, training: Training) -> Training:
        """Sets the steps that fit into a time limit; see `NetworkModel.scheduled`.

        Learning rate and discriminator follow the number of steps, and the training should not end in the middle.
        """
        if training.seconds is None or training.steps == 0:
            return training
        fitting = self._steps_that_fit(pixels, folder, training, training.seconds)
        return replace(training, steps=min(fitting, training.steps or fitting))

    def _steps_that_fit(self, pixels: NDArray[np.uint8], folder: Path, training: Training, seconds: float) -> int:
        """The number of steps that take `seconds`, at least 1; a continued training gets that of its first start."""
        path, group, steps = folder / _FITTING, connect(training.strategy), 0
        if group.chief and path.exists():
            steps = check_whole("steps.json", read_json(path, "remove the folder and train again"), 1)
        (known,) = group.of_chief(steps)
        if known:
            return int(known)
        config = self.make_config(chosen_precision(training), training.seed)
        models = group.copies(lambda: self.make_model(config, training.steps or self.default_steps))
        (batch,) = self.batches(pixels, None, replace(training, steps=1), 0)
        step = group.step(models)
        began = time.monotonic()
        step(batch)
        tracing, per_step = time.monotonic() - began, 0.0
        for first, share in ((0, _RECONSTRUCTION), (models[0].adversarial_from, 1.0 - _RECONSTRUCTION)):
            for model in models:
                model.g_optimizer.iterations.assign(first)
            step(batch)
            began = time.monotonic()
            for _ in range(_TIMED):
                step(batch)
            per_step += share * (time.monotonic() - began) / _TIMED
        (fitting,) = group.of_chief(max(1, int((seconds - tracing) / per_step)))
        if group.chief:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, int(fitting))
        return int(fitting)

    def watch(self, pixels: NDArray[np.uint8]) -> None:
        """Sets the images whose inpainting is measured during `fit`; see `OneClassModel.watch`."""
        self._watched = HeldOutPSNR(pixels, self.masks)

    def held_out(self, model: keras.Model) -> dict[str, float]:
        """The PSNR on the images of `watch`; see `NetworkModel.held_out`."""
        return {} if self._watched is None else self._watched(model)

    @property
    def masks(self) -> NDArray[np.float32]:
        """The fixed mask set, float32 (n, S, S, 1)."""
        return mask_set(self.size, self.config.cell, self.config.count)

    @property
    def network(self) -> keras.Model:
        """The generator with averaged weights, float32."""
        return self.keras_model.ema_generator

    @property
    def parameters(self) -> int:
        """Number of parameters of the generator; the discriminator is used in training only."""
        return self.network.count_params()

    def reconstruct(self, model: keras.Model, images: tf.Tensor) -> tf.Tensor:
        """The inpainting: each pixel is predicted while it is masked; see `MIM.inpaint`."""
        return model.inpaint(images, self.masks)

    def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted:
        """Inpaintings by the generator; see `OneClassModel.inpaint`."""
        masks = self.masks if masks is None else masks
        starts = range(0, len(pixels), BATCH)
        batches = (tf.constant(pixels[start : start + BATCH], tf.float32) / 255.0 for start in starts)
        parts = [np.asarray(self.keras_model.inpaint(images, masks)) for images in batches]
        return Inpainted(pixels, np.concatenate(parts), masks)

    def columns(self, model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The image under the first mask, and the inpainting."""
        return {"under one mask": images * self.masks[0], "inpainted": self.reconstruct(model, images)}
