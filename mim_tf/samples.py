"""The images of a fit: those of the class, known negatives, and the reference of other skin, from arrays or folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mim_export.score.errors import MimError
from mim_tf.data.arrays import array_fingerprint, check_groups, check_images, resample_all
from mim_tf.data.content import first_shared
from mim_tf.data.duplicates import SIDE as THUMBNAIL
from mim_tf.data.duplicates import join_near_duplicates, warn_of_duplicates
from mim_tf.data.folder import Photos, Warn, load_at_sizes
from mim_tf.data.splits import NOT_SKIN, Photo, check_groups_apart, empty_split, select, select_others
from mim_tf.detectors.base import OneClassModel

Images = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class Sample:
    """Images of the class, at the two sizes that a fit needs.

    Attributes:
        large: uint8 (N, R, R, 3), R the model's `source_size`.
        small: uint8 (N, S, S, 3).
        groups: group of each image, (N,).
    """

    large: NDArray[np.uint8]
    small: NDArray[np.uint8]
    groups: NDArray[np.str_]


@dataclass(frozen=True)
class OtherSkin:
    """Images of other skin that nothing is trained on: the reference of the verdict.

    Attributes:
        pixels: uint8 (N, S, S, 3); N may be 0.
        groups: group of each image, (N,).
        conditions: condition of each image, (N,).
    """

    pixels: NDArray[np.uint8]
    groups: NDArray[np.str_]
    conditions: NDArray[np.str_]

    @classmethod
    def none(cls, size: int) -> OtherSkin:
        """No images of other skin."""
        return cls(np.empty((0, size, size, 3), np.uint8), np.empty(0, np.str_), np.empty(0, np.str_))


@dataclass(frozen=True)
class FitData:
    """All images of a fit.

    Attributes:
        train: images of the class that are fitted on.
        val: images of the class that are not; None if there are none.
        negatives: images of other classes that are fitted on, uint8 (N, R, R, 3); None if there are none.
        reference: images of other skin that are not fitted on.
    """

    train: Sample
    val: Sample | None
    negatives: NDArray[np.uint8] | None
    reference: OtherSkin


def data_of_arrays(
    model: OneClassModel,
    images: Images,
    groups: ArrayLike | None,
    negatives: Images | None,
    reference: Images | None,
    reference_groups: ArrayLike | None,
    conditions: ArrayLike | None,
) -> tuple[FitData, dict[str, Any]]:
    """Checks and resamples the arrays of `Detector.fit`.

    Args:
        model: the model that is fitted, for its sizes.
        images: as of `Detector.fit`.
        groups: as of `Detector.fit`.
        negatives: as of `Detector.fit`.
        reference: as of `Detector.fit`.
        reference_groups: as of `Detector.fit`.
        conditions: as of `Detector.fit`.

    Returns:
        The images, and fingerprints of them for the settings of the run.

    Raises:
        MimError: wrong images, groups or conditions, or groups or conditions without a reference.
    """
    photographs = check_images(images)
    names = check_groups(groups, len(photographs))
    train = Sample(resample_all(photographs, model.source_size), resample_all(photographs, model.size), names)
    shown = None if negatives is None else resample_all(check_images(negatives), model.source_size)
    other = OtherSkin.none(model.size)
    if reference is not None:
        others = check_images(reference)
        own = check_groups(reference_groups, len(others), "reference group")
        alike = np.full(len(others), "other skin")
        if conditions is not None:
            alike = check_groups(conditions, len(others), "condition")
        other = OtherSkin(resample_all(others, model.size), own, alike)
    elif reference_groups is not None or conditions is not None:
        raise MimError("groups or conditions of a reference, but no reference", "pass the images as reference")
    by_number = (np.unique(values, return_inverse=True)[1] for values in (names, other.groups, other.conditions))
    own_groups, other_groups, other_conditions = by_number
    return FitData(train, None, shown, other), {
        "data": array_fingerprint([train.large, own_groups]),
        "negatives": None if shown is None else array_fingerprint([shown]),
        "reference": array_fingerprint([other.pixels, other_groups, other_conditions]),
    }


@dataclass(frozen=True)
class FitFiles:
    """The files of a fit, as `FitData` has their images.

    Attributes:
        train: of the class.
        val: of the class, not fitted on.
        negatives: of other classes, fitted on.
        reference: of other skin, not fitted on.
    """

    train: list[Photo]
    val: list[Photo]
    negatives: list[Photo]
    reference: list[Photo]


def files_of_folder(
    model: OneClassModel, photos: Sequence[Photo], normal: str, known: Sequence[Photo], reference: Sequence[Photo]
) -> FitFiles:
    """Selects the files of `Detector.fit_folder`.

    Args:
        model: the model that is fitted; a supervised one is fitted on the other classes of `val`.
        photos: the photographs of a data folder.
        normal: the class that is fitted.
        known: known negatives.
        reference: photographs of other skin beside the other classes of `val`.

    Raises:
        MimError: no photographs of the class, a group is in two splits, or a photograph of the reference is among the
            negatives.
    """
    train, val = select(photos, "train", normal), select(photos, "val", normal)
    if not train:
        raise empty_split(photos, "train", normal)
    others = [photo for photo in photos if photo.split == "val" and photo.label != normal]
    shown = select_others(photos, "val", normal) if model.supervised else []
    skin = [] if model.supervised else [photo for photo in others if photo.label not in NOT_SKIN]
    check_groups_apart(photos, [*train, *val, *shown, *skin])
    skin += [photo for photo in reference if photo.label not in NOT_SKIN]
    fitted = first_shared(skin, [*shown, *known])
    if fitted:
        raise MimError("is in the reference and in the negatives", "remove it from one of them", fitted.path)
    return FitFiles(train, val, [*shown, *known], skin)


def load_files(
    files: FitFiles, photos: Sequence[Photo], model: OneClassModel, normal: str, warn: Warn
) -> tuple[FitData, list[Photo]]:
    """Decodes the photographs of a fit, each once, and looks for near-duplicates.

    Args:
        files: the files.
        photos: all photographs of the data folder, among which near-duplicates are looked for.
        model: the model that is fitted, for its sizes.
        normal: the class that is fitted.
        warn: receives a line for each file that is skipped, and for near-duplicates; near-duplicates within a split are
            joined to one group.

    Returns:
        The images, and the photographs that were read.

    Raises:
        MimError: no photograph of a part is readable.
    """
    sizes = (model.source_size, model.size, THUMBNAIL)

    def load(part: list[Photo], sides: tuple[int, ...], what: str) -> list[Photos]:
        return load_at_sizes(part, sides, warn=warn, what=what) if part else []

    large, small, thumbnails = load(files.train, sizes, f"train/{normal}")
    held = load(files.val, sizes[1:], f"val/{normal}")
    shown = load(files.negatives, sizes[::2], "the other classes")
    other = load(files.reference, sizes[1:], "the reference")
    seen = {photo.path for part in (files.train, files.val, files.negatives, files.reference) for photo in part}
    # Unreadable files among the rest concern nobody here: the command that uses them names them.
    rest = [photo for photo in photos if photo.path not in seen]
    rest_loaded = load_at_sizes(rest, sizes[2:], warn=lambda _: None, what="the rest") if rest else []
    warn_of_duplicates([thumbnails, *held[1:], *shown[1:], *other[1:], *rest_loaded], warn)
    reference = OtherSkin.none(model.size)
    if other:
        conditions = np.array([photo.label for photo in other[0].photos], np.str_)
        reference = OtherSkin(other[0].pixels, join_near_duplicates(other[1], warn), conditions)
    data = FitData(
        Sample(large.pixels, small.pixels, join_near_duplicates(thumbnails, warn)),
        Sample(held[0].pixels, held[0].pixels, join_near_duplicates(held[1], warn)) if held else None,
        shown[0].pixels if shown else None,
        reference,
    )
    return data, [photo for part in (large, *held[:1], *shown[:1], *other[:1]) for photo in part.photos]
