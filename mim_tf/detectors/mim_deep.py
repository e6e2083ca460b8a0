"""The method `mim` with the measure `deep`: a head on image features, weighted by the error of the GAN's inpainting."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.atomic_files import new_file
from mim_export.score.errors import MimError, check_whole
from mim_export.score.preprocess import Inpainted, resample
from mim_tf import negatives as pseudo_negatives
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.data.splits import fold_of
from mim_tf.detectors.base import Measures, OneClassModel
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.measures import deep
from mim_tf.measures.head import Head, HeadSample, fit_head
from mim_tf.measures.ssim import ssim
from mim_tf.negatives.views import POSITIVE_KINDS, make_views
from mim_tf.training.config import Progress, Training
from mim_tf.training.run_folder import SCRATCH

_HEAD = "head.npz"
#: Number of heads for each GAN of an out-of-fold calibration; a head is fitted in seconds.
HEAD_FOLDS = 3
#: Ratio of the side of training images to the model's input, so that most crops need no upsampling.
_MARGIN = 4 / 3
_BATCH = 16
#: Side in pixels to which larger images of the feature network are limited.
BAND = 128


class DeepInpaintingModel(OneClassModel):
    """Similarity = output of a head on features of the image and of its inpainting.

    Args:
        size: side S of the images in pixels, a multiple of 32, at least 64. The GAN inpaints at S / 2.
        views: rounds of augmented views per photograph on which the head is fitted, see `views.make_views`.
        block: index of the EfficientNet-Lite0 block whose features are used, see `deep.backbone`.
        band: side in px to which the image of the feature network is limited, a multiple of 32; S = it is not. None =
            at most `BAND`. With a limit the similarity depends less on how sharp a photograph is, which differs between
            sources (`benchmarks/band_limits.py`).
        options: options of the GAN, see `InpaintingModel`.

    Raises:
        MimError: the size or block is not supported, or the weights of the backbone are missing.
    """

    measure = "deep"
    takes_negatives = True
    trains_network = True
    default_steps = InpaintingModel.default_steps
    #: `benchmarks/left_out.py` compares the scores of these shorter fits with those of the final one.
    left_out_share = 0.1
    summary = "features of the image, weighted by the error of the GAN's inpainting, against pseudo-negatives"

    def __init__(
        self, size: int, *, views: int = 2, block: int = deep.BLOCK, band: int | None = None, **options: Any
    ) -> None:
        super().__init__(size)
        weights_file()  # raises before anything is computed if the weights are missing
        check_whole("size", size, 64, multiple_of=32)
        check_whole("number of rounds of views", views, 1)
        if check_whole("block", block, 0) not in deep.BLOCKS:
            problem = f"block {block} has no features at 1/{deep.CELL} of the resolution"
            raise MimError(problem, f"choose {deep.BLOCKS[0]} to {deep.BLOCKS[-1]}")
        band = check_whole("band", min(size, BAND) if band is None else band, 32, size, multiple_of=32)
        self.options = {"views": views, "block": block, "band": band, **options}
        self.inpainting = InpaintingModel(self.size // deep.SCALE, **options)
        self.head: Head
        self._compute_vectors: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

    @classmethod
    def option_names(cls) -> frozenset[str]:
        """`views`, `block`, `band` and the options of the GAN."""
        return frozenset({"views", "block", "band"}) | InpaintingModel.option_names()

    @property
    def steps(self) -> int | None:
        """Gradient steps of the last fit of the GAN; None before it."""
        return self.inpainting.steps

    @property
    def source_size(self) -> int:
        """Side in pixels of the images from which views are cropped."""
        return round(self.size * _MARGIN)

    @cached_property
    def backbone(self) -> keras.Model:
        """The frozen feature network; not saved by `save`."""
        return deep.backbone(self.size, self.options["block"])

    @property
    def parameters(self) -> int:
        """Number of parameters of the generator, the backbone up to its block and the head."""
        return self.inpainting.parameters + int(self.backbone.count_params()) + self.head.parameters

    def vectors(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Computes the input of the head, and the SSIM of the inpainting.

        Args:
            pixels: uint8 (N, S, S, 3).

        Returns:
            Feature vectors, float64 (N, D), and SSIM, float32 (N,).
        """
        starts = range(0, len(pixels), _BATCH)
        parts = [self._compute_vectors(tf.constant(pixels[start : start + _BATCH], tf.float32)) for start in starts]
        vectors, ssims = (np.concatenate([part.numpy() for part in column]) for column in zip(*parts, strict=True))
        return vectors.astype(np.float64), ssims

    def _trace_vectors(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """Traces a graph of the current networks; an earlier graph would hold the networks of an earlier fit."""
        backbone, generator, band = self.backbone, self.inpainting.keras_model, self.options["band"]

        def compute(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            original = deep.halved(images) / 255.0
            inpainted = self.inpainting.reconstruct(generator, original)
            return deep.vectors(backbone, images, original, inpainted, band), ssim(original, inpainted)

        return tf.function(compute, input_signature=[tf.TensorSpec([None, self.size, self.size, 3], tf.float32)])

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
        """Trains the GAN, then fits the head on views; see `OneClassModel.fit`."""
        self._fit_gan(pixels, folder, training, progress, callbacks)
        names = np.arange(len(pixels)).astype(np.str_) if groups is None else groups
        self.head = fit_head(*self._head_sample(pixels, names, folder, training, progress, negatives))

    def watch(self, pixels: NDArray[np.uint8]) -> None:
        """Sets the images whose inpainting is measured while the GAN is trained; see `OneClassModel.watch`."""
        self.inpainting.watch(_halved(pixels))

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
        """Trains one GAN without the groups, and a head for each of `HEAD_FOLDS` parts of them.

        Each head is fitted on all photographs but those of its part, so that it knows nearly as many as the head of the
        final fit. See `OneClassModel.measure_left_out`.
        """
        self._fit_gan(pixels[~left_out], folder, training, progress)
        sample, known = self._head_sample(pixels, groups, folder, training, progress, negatives)
        parts = np.full(len(pixels), -1)
        parts[left_out] = fold_of(groups[left_out], HEAD_FOLDS, training.seed)
        measures = np.empty((3, len(pixels)), np.float32)
        for part in np.unique(parts[left_out]):
            self.head = fit_head(sample.subset(parts != part), known)
            measures[:, parts == part] = self.measures(small[parts == part])
        return Measures(*measures[:, left_out])

    def _fit_gan(
        self,
        pixels: NDArray[np.uint8],
        folder: Path,
        training: Training,
        progress: Progress,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        small = np.stack([resample(photo, self.inpainting.source_size) for photo in pixels])
        self.inpainting.fit(small, folder, training, progress, callbacks=callbacks)
        self._compute_vectors = self._trace_vectors()

    def _head_sample(
        self,
        pixels: NDArray[np.uint8],
        groups: NDArray[np.str_],
        folder: Path,
        training: Training,
        progress: Progress,
        negatives: NDArray[np.uint8] | None,
    ) -> tuple[HeadSample, NDArray[np.float64] | None]:
        """Computes the vectors of all photographs and their views, and those of the known negatives."""
        sides: tuple[list[NDArray[np.float64]], ...] = ([], [], [])
        for number, views in enumerate(self._views(pixels, folder.parent / SCRATCH, training.seed), 1):
            computed, _ = self.vectors(np.concatenate(list(views.values())))
            kinds = np.repeat(list(views), [len(images) for images in views.values()])
            side = np.select([kinds == "photo", np.isin(kinds, POSITIVE_KINDS)], [0, 1], 2)
            for which, rows in enumerate(sides):
                rows.append(computed[side == which])
            if number % 10 == 0 or number == len(pixels):
                progress(f"{folder.name}, head", number, len(pixels), {})
        known = None
        if negatives is not None:
            known, _ = self.vectors(np.stack([resample(photo, self.size) for photo in negatives]))
        plain, positives, pseudo = (np.concatenate(rows) for rows in sides)
        sources = (np.repeat(np.arange(len(pixels)), [len(part) for part in rows]) for rows in sides[1:])
        return HeadSample(plain, positives, pseudo, groups, *sources), known

    def _views(self, pixels: NDArray[np.uint8], folder: Path, seed: int) -> Iterator[dict[str, NDArray[np.uint8]]]:
        """Views of each photograph, computed in threads and cached in `folder` for all fits of a run."""
        folder.mkdir(parents=True, exist_ok=True)

        def views(photo: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
            path = folder / _cache_name(photo, self.size, self.options["views"], seed)
            if path.exists() and (stored := _read_views(path)) is not None:
                return stored
            computed = make_views(photo, self.size, self.options["views"], seed)
            with new_file(path) as temporary, temporary.open("wb") as stream:
                np.savez(stream, **computed)  # type: ignore[arg-type]
            return computed

        with ThreadPoolExecutor(2) as pool:
            for start in range(0, len(pixels), 8):  # in chunks, to limit the memory
                yield from pool.map(views, pixels[start : start + 8])

    def score_samples(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Output of the head, float32 (N,), standard deviation about 1.3 on held-out images of the class."""
        return self.measures(pixels).similarity

    def measures(self, pixels: NDArray[np.uint8]) -> Measures:
        """Output of the head, SSIM of the same inpainting, and novelty; see `OneClassModel.measures`."""
        vectors, ssims = self.vectors(pixels)
        return Measures(self.head.score(vectors), ssims, self.head.novelty.score(vectors).astype(np.float32))

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Original, masked image and inpainting; the latter two are upsampled from S / 2 to S."""
        images = deep.halved(tf.constant(pixels, tf.float32)) / 255.0
        columns = self.inpainting.columns(self.inpainting.keras_model, images)
        enlarged = {title: np.repeat(np.repeat(half, 2, axis=1), 2, axis=2) for title, half in columns.items()}
        return {"original": pixels.astype(np.float32) / np.float32(255), **enlarged}

    def anomaly_maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The error of the inpainting, which weights the features, enlarged bilinearly from S / 2; in [0, 2]."""
        errors = self.inpainting.anomaly_maps(_halved(pixels))[..., None]
        return tf.image.resize(errors, [self.size, self.size]).numpy()[..., 0]

    def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted:
        """Inpaintings at S / 2; see `OneClassModel.inpaint`."""
        return self.inpainting.inpaint(_halved(pixels), masks)

    def save(self, folder: Path) -> None:
        """Writes `generator.weights.h5` and `head.npz`."""
        self.inpainting.save(folder)
        self.head.save(folder / _HEAD)

    def load(self, folder: Path) -> None:
        """Reads `generator.weights.h5` and `head.npz`."""
        self.inpainting.load(folder)
        self.head = Head.load(folder / _HEAD)
        if len(self.head.linear_weights) != 2 * self.backbone.output_shape[-1]:
            raise MimError("is of another network", "train again into a new folder", folder / _HEAD)
        self._compute_vectors = self._trace_vectors()


def _halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    batches = (pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH))
    return np.concatenate([deep.halved(tf.constant(batch, tf.float32)).numpy() for batch in batches]).astype(np.uint8)


@cache
def _code() -> str:
    """SHA-256 of the sources that make views."""
    digest = hashlib.sha256()
    for folder in pseudo_negatives.__path__:
        for path in sorted(Path(folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _cache_name(photo: NDArray[np.uint8], size: int, rounds: int, seed: int) -> str:
    """Name of the file of the views of a photograph: a digest of all that they depend on."""
    settings = f"{photo.shape} {size} {rounds} {seed} {_code()}"
    return hashlib.sha256(settings.encode() + photo.tobytes()).hexdigest() + ".npz"


def _read_views(path: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The views in a file, or None if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {kind: stored[kind] for kind in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
