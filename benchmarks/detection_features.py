"""Computes the features and measures of photographs, views and inpaintings that the variants of `detection.py` use.

Each photograph is inpainted by GANs that were not trained on it. Results are stored in a folder, so that a stopped run
continues. Photographs of `test` are not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from mim_export.score.atomic_files import new_file
from mim_export.score.preprocess import resample
from mim_tf.backbones.efficientnet import feature_network
from mim_tf.data.content import fingerprint
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import fold_of
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.evaluation.image_properties import smoothness
from mim_tf.measures import deep
from mim_tf.measures.fills import blur
from mim_tf.measures.ssim import error_map, msgms_map, ssim
from mim_tf.negatives.views import make_views
from mim_tf.training.config import Training
from mim_tf.training.run_folder import FORMAT

SIZE, ROUNDS, FOLDS, SEEDS, STEPS = 192, 2, 5, (0, 1, 2), 800
_BATCH = 16


@dataclass(frozen=True)
class Set:
    """Photographs: the normal class of `train` and `val`, and the other classes of `val`.

    Attributes:
        pixels: uint8 (N, 256, 256, 3).
        labels: class of each.
        groups: group of each.
        names: file name of each.
    """

    pixels: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    names: np.ndarray


def load(folder: Path, normal: str) -> Set:
    """Reads the photographs of a data folder; `normal` is the normal class."""
    chosen = [p for p in scan_folder(folder) if p.split == "val" or (p.split == "train" and p.label == normal)]
    photos = load_photos(chosen, 256, warn=print, what="train and val")
    labels = np.array([photo.label for photo in photos.photos])
    return Set(photos.pixels, labels, photos.groups, np.array([photo.path.name for photo in photos.photos]))


def settings(folder: Path, normal: str) -> dict[str, object]:
    """Returns the settings that a continued run must share with the stopped one.

    They do not include the code that paints pseudo-negatives: remove the folder after changing it.
    """
    constants = {"size": SIZE, "rounds": ROUNDS, "folds": FOLDS, "seeds": list(SEEDS), "steps": STEPS}
    return {"format": FORMAT, **constants, "normal_class": normal, "data": fingerprint(scan_folder(folder))}


def views(photos: Set, normal: str, folder: Path, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns all photographs, and views and pseudo-negatives of those of the normal class.

    Args:
        photos: the photographs.
        normal: name of the normal class.
        folder: folder for the images of each photograph.
        size: side in pixels.

    Returns:
        Images, uint8 (M, size, size, 3); kind of each (M,); index of its photograph (M,).
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, kinds, sources = [], [], []
    for index, photo in enumerate(photos.pixels):
        path = folder / f"{size}_{index}.npz"
        if not path.exists():
            own = photos.labels[index] == normal
            arrays = make_views(photo, size, ROUNDS, 0) if own else {"photo": resample(photo, size)[None]}
            _save(path, **arrays)
        with np.load(path) as stored:
            for kind in stored.files:
                images.append(stored[kind])
                kinds += [kind] * len(stored[kind])
                sources += [index] * len(stored[kind])
    return np.concatenate(images), np.array(kinds), np.array(sources)


def at_side(images: np.ndarray, side: int) -> np.ndarray:
    """Resamples images (N, S, S, 3) to another side in pixels."""
    return np.stack([resample(image, side) for image in images])


def _save(path: Path, **arrays: np.ndarray) -> None:
    """Writes an `.npz` file atomically."""
    with new_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def _mapped(function: tf.types.experimental.PolymorphicFunction, images: np.ndarray) -> list[np.ndarray]:
    """Applies a function to all images in batches and concatenates each of its outputs."""
    parts = [
        [value.numpy() for value in function(tf.constant(images[start : start + _BATCH], tf.float32))]
        for start in range(0, len(images), _BATCH)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def unweighted(features: tf.Tensor) -> tf.Tensor:
    """Mean and standard deviation over all positions with equal weights: (B, H, W, C) -> (B, 2 C)."""
    height, width = features.shape[1:3]
    return deep.statistics(features, tf.fill([1, height, width, 1], 1.0 / (height * width)))


def own_features(path: Path, made: Callable[[], np.ndarray]) -> np.ndarray:
    """Returns statistics of the features of the images that `made` returns, (M, 224), which are stored in `path`."""
    if not path.exists():
        images = made()
        network = feature_network(images.shape[1], deep.BLOCK, enlarge=False)
        function = tf.function(lambda batch: [unweighted(network(batch))])
        _save(path, features=_mapped(function, images)[0])
    with np.load(path) as stored:
        return stored["features"]


def gan(photos: Set, normal: str, seed: int, fold: int, folder: Path) -> InpaintingModel:
    """Returns a GAN that was trained without the photographs of a fold; it is stored in `folder`."""
    model = create_model("mim", SIZE // deep.SCALE)
    if not (folder / "generator.weights.h5").exists():
        own = photos.labels == normal
        kept = photos.pixels[own][fold_of(photos.groups[own], FOLDS, seed) != fold]
        small = np.stack([resample(photo, model.source_size) for photo in kept])
        training = Training(steps=STEPS, seed=10 * seed + fold)
        model.fit(small, folder / "fit", training, lambda *line: print(folder.name, *line[1:3], flush=True))
        model.save(folder)
    model.load(folder)
    assert isinstance(model, InpaintingModel)
    return model


def inpainted_features(
    path: Path, made: Callable[[], tuple[np.ndarray, InpaintingModel | None]]
) -> dict[str, np.ndarray]:
    """Returns features and measures of images and their inpaintings by name, which are stored in `path`.

    Args:
        path: an `.npz` file.
        made: returns images, uint8 (M, S, S, 3), and a GAN, or None for inpainting by a blur, which has no learned
            weights.

    Returns:
        `inpainted` (M, 224): statistics of the features of the inpainting. `pooled` (M, 224): statistics of the
        features of the image, each position weighted by the error of the inpainting. Of shape (M,): `ssim`, `worst`
        (mean of the largest tenth of the error map), `msgms`, `l1`, `distance` (1 - mean cosine of the features).
    """
    if path.exists():
        with np.load(path) as stored:
            return dict(stored)
    images, inpainting = made()
    network: keras.Model = deep.backbone(SIZE, deep.BLOCK)
    masks = create_model("blur", SIZE // deep.SCALE).masks

    def measures(batch: tf.Tensor, filled: tf.Tensor) -> list[tf.Tensor]:
        small = deep.halved(batch) / 255.0
        own, other = network(batch), network(255.0 * tf.image.resize(filled, [SIZE, SIZE]))
        worst = tf.sort(tf.reshape(error_map(small, filled), [len(batch), -1]), direction="DESCENDING")
        cosine = tf.reduce_sum(tf.nn.l2_normalize(own, -1) * tf.nn.l2_normalize(other, -1), axis=-1)
        return [
            unweighted(other),
            deep.statistics(own, deep.error_weights(small, filled)),
            ssim(small, filled),
            tf.reduce_mean(worst[:, : worst.shape[1] // 10], axis=1),
            tf.reduce_mean(msgms_map(small, filled), axis=[1, 2, 3]),
            tf.reduce_mean(tf.abs(small - filled), axis=[1, 2, 3]),
            1.0 - tf.reduce_mean(cosine, axis=[1, 2]),
        ]

    columns: list[list[np.ndarray]] = []
    inpaint = None
    if inpainting is not None:
        model = inpainting.keras_model
        inpaint = tf.function(lambda small: inpainting.reconstruct(model, small))
    measure = tf.function(measures)
    for start in range(0, len(images), _BATCH):
        batch = tf.constant(images[start : start + _BATCH], tf.float32)
        halves = deep.halved(batch)
        filled = blur(halves.numpy().astype(np.uint8), masks) if inpaint is None else inpaint(halves / 255.0)
        columns.append([value.numpy() for value in measure(batch, tf.constant(filled))])
    names = ("inpainted", "pooled", "ssim", "worst", "msgms", "l1", "distance")
    results = {name: np.concatenate(parts) for name, parts in zip(names, zip(*columns, strict=True), strict=True)}
    _save(path, **results)
    return results


def smoothness_of(images: np.ndarray) -> np.ndarray:
    """Returns the smoothness of each image, (M,), at the side of the inpainting."""
    return smoothness(at_side(images, SIZE // deep.SCALE))
