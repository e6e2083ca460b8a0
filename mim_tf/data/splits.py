"""Photographs by split, class and group: how a plain folder is split, and how parts of a folder are selected."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mim_export.score.errors import MimError

SPLITS = ("train", "val", "test")
#: Shares of the groups that a plain folder gives to train, val and test.
SHARES = (0.60, 0.15, 0.25)


@dataclass(frozen=True)
class Photo:
    """One file of a data folder: its path, split, class and group."""

    path: Path
    split: str
    label: str
    group: str


def split_by_group(photos: Sequence[Photo], seed: int) -> tuple[Photo, ...]:
    """Assigns whole groups to splits at random, class by class.

    Args:
        photos: photographs without a split.
        seed: of the random assignment.

    Returns:
        The photographs with their splits. A class of four groups or more has groups in all three splits.
    """
    split_of: dict[str, str] = {}
    rng = np.random.default_rng(seed)
    for label in sorted({photo.label for photo in photos}):
        groups = sorted({p.group for p in photos if p.label == label} - set(split_of))
        ends = np.floor(np.cumsum(SHARES) * len(groups) + 0.5).astype(int)
        for place, which in enumerate(rng.permutation(len(groups))):
            split_of[groups[which]] = SPLITS[int(np.searchsorted(ends, place, side="right"))]
    return tuple(replace(photo, split=split_of[photo.group]) for photo in photos)


def fingerprint(photos: Iterable[Photo]) -> str:
    """sha256 of the listing: split, class, group, name and size in bytes of each file, not its pixels."""
    listing = "\n".join(f"{p.split} {p.label} {p.group} {p.path.name} {p.path.stat().st_size}" for p in photos)
    return hashlib.sha256(listing.encode()).hexdigest()


def class_names(photos: Iterable[Photo], split: str) -> tuple[str, ...]:
    """The classes of a split, sorted."""
    return tuple(sorted({photo.label for photo in photos if photo.split == split}))


def select(photos: Sequence[Photo], split: str, label: str) -> list[Photo]:
    """The photographs of one class of one split."""
    return [photo for photo in photos if photo.split == split and photo.label == label]


def select_others(photos: Sequence[Photo], split: str, label: str) -> list[Photo]:
    """The photographs of every other class of one split: what a supervised method is shown.

    Raises:
        MimError: there are none.
    """
    others = [photo for photo in photos if photo.split == split and photo.label != label]
    if not others:
        raise MimError(f"no photographs in {split} beside {label}", f"add those of other classes to {split}")
    return others


def known_negatives(found: Sequence[Photo], photos: Sequence[Photo], normal_class: str) -> tuple[Photo, ...]:
    """Photographs of other diseases that a user has, as a split of their own.

    Args:
        found: a scanned folder of them.
        photos: the data folder that is trained on.
        normal_class: the class that is trained on.

    Raises:
        MimError: one is of the normal class, or one that the detector is going to be tested on.
    """
    tested = {photo.path.resolve() for photo in photos if photo.split == "test"}
    for photo in found:
        if photo.label == normal_class:
            raise MimError(f"is of the class {normal_class}, not of another", "take the class out", photo.path)
        if photo.path.resolve() in tested:
            raise MimError("is among the negatives and in test", "take test out of the negatives", photo.path)
    return tuple(replace(photo, split="negatives") for photo in found)
