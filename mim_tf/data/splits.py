"""Splits photographs by group, and selects photographs by split and class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mim_export.score.errors import MimError

SPLITS = ("train", "val", "test")
#: Fractions of the groups of a plain folder that are assigned to train, val and test.
SHARES = (0.60, 0.15, 0.25)


@dataclass(frozen=True)
class Photo:
    """One file of a data folder.

    Attributes:
        path: path of the file.
        split: "train", "val" or "test"; "negatives" for known negatives; empty before the split.
        label: name of the class.
        group: name of the group; images of one patient, photograph or series have the same group.
    """

    path: Path
    split: str
    label: str
    group: str


def split_by_group(photos: Sequence[Photo], seed: int) -> tuple[Photo, ...]:
    """Assigns whole groups to splits at random, separately for each class.

    Args:
        photos: photographs without a split.
        seed: seed of the random assignment.

    Returns:
        The photographs with their splits. A class with at least four groups has groups in all three splits.

    Example:
        20 groups of one class give 12 groups in train, 3 in val and 5 in test.
    """
    split_of: dict[str, str] = {}
    rng = np.random.default_rng(seed)
    for label in sorted({photo.label for photo in photos}):
        groups = sorted({p.group for p in photos if p.label == label} - set(split_of))
        ends = np.floor(np.cumsum(SHARES) * len(groups) + 0.5).astype(int)
        for rank, index in enumerate(rng.permutation(len(groups))):
            split_of[groups[index]] = SPLITS[int(np.searchsorted(ends, rank, side="right"))]
    return tuple(replace(photo, split=split_of[photo.group]) for photo in photos)


def fingerprint(photos: Iterable[Photo]) -> str:
    """Computes the SHA-256 of a listing of photographs, as 64 hexadecimal digits.

    The listing has the split, class, group, name and size in bytes of each file, but not its pixels.
    """
    listing = "\n".join(f"{p.split} {p.label} {p.group} {p.path.name} {p.path.stat().st_size}" for p in photos)
    return hashlib.sha256(listing.encode()).hexdigest()


def class_names(photos: Iterable[Photo], split: str) -> tuple[str, ...]:
    """Returns the sorted names of the classes of a split."""
    return tuple(sorted({photo.label for photo in photos if photo.split == split}))


def select(photos: Sequence[Photo], split: str, label: str) -> list[Photo]:
    """Returns the photographs of one class in one split."""
    return [photo for photo in photos if photo.split == split and photo.label == label]


def select_others(photos: Sequence[Photo], split: str, label: str) -> list[Photo]:
    """Returns the photographs of all other classes in one split, on which a supervised method is trained.

    Raises:
        MimError: there are no such photographs.
    """
    others = [photo for photo in photos if photo.split == split and photo.label != label]
    if not others:
        raise MimError(f"no photographs in {split} beside {label}", f"add those of other classes to {split}")
    return others


def known_negatives(found: Sequence[Photo], photos: Sequence[Photo], normal_class: str) -> tuple[Photo, ...]:
    """Validates known negatives and assigns them to the split "negatives".

    Known negatives are photographs of other classes that a user provides for the training.

    Args:
        found: the photographs of the folder of known negatives.
        photos: the photographs of the data folder.
        normal_class: the class on which the detector is trained.

    Returns:
        The known negatives with the split "negatives".

    Raises:
        MimError: a photograph has the normal class, or is in the test split of the data folder.
    """
    tested = {photo.path.resolve() for photo in photos if photo.split == "test"}
    for photo in found:
        if photo.label == normal_class:
            raise MimError(f"is of the class {normal_class}, not of another", "remove this class", photo.path)
        if photo.path.resolve() in tested:
            raise MimError("is among the negatives and in test", "remove it from the negatives", photo.path)
    return tuple(replace(photo, split="negatives") for photo in found)
