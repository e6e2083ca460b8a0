"""Splits photographs by group, and selects photographs by split and class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.score.errors import MimError
from mim_export.score.listing import NAMED

SPLITS = ("train", "val", "test")
#: Classes that do not show skin: reported, but not part of means over other skin.
NOT_SKIN = ("abnormal", "no_skin")
#: Fractions of the groups of a plain folder that are assigned to train, val and test, on average.
SHARES = (0.60, 0.15, 0.25)
#: `split_of_group` assigns a group to train below the first limit, to val below the second one, else to test.
_LIMITS = (0.60, 0.75)


@dataclass(frozen=True)
class Photo:
    """One file of a data folder.

    Attributes:
        path: path of the file.
        split: "train", "val" or "test"; "negatives" for known negatives; "reference" for other skin beside
            the data folder; empty before the split.
        label: name of the class.
        group: name of the group; images of one patient, photograph or series have the same group.
        split_seed: seed of the split of a plain folder; None if the folder itself has splits.
        mask: image of the lesions, from the column `mask` of MANIFEST.csv, if any; see `mim_tf.data.lesion_masks`.
        columns: content of the other columns of MANIFEST.csv, by name in lower case, such as `skin_type`.
    """

    path: Path
    split: str
    label: str
    group: str
    split_seed: int | None = None
    mask: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)


def split_of_group(group: str, split_seed: int) -> str:
    """Assigns a group of a plain folder to a split, whatever other groups the folder has.

    Args:
        group: name of the group.
        split_seed: seed of the split.

    Returns:
        "train", "val" or "test": u < 0.60, u < 0.75 or neither, where u is the number of the first 8 bytes (the most
        significant one first) of the SHA-256 of "<split_seed>:<group>", divided by 2^64.
    """
    content = f"{split_seed}:{group}".encode(errors="surrogatepass")
    u = int.from_bytes(hashlib.sha256(content).digest()[:8], "big") / 2**64
    return SPLITS[sum(u >= limit for limit in _LIMITS)]


def split_by_group(photos: Sequence[Photo], split_seed: int) -> tuple[Photo, ...]:
    """Assigns each photograph to the split of its group, see `split_of_group`.

    Args:
        photos: photographs without a split.
        split_seed: seed of the split.

    Returns:
        The photographs with their splits. A class of few groups may have none in a split.
    """
    return tuple(
        replace(photo, split=split_of_group(photo.group, split_seed), split_seed=split_seed) for photo in photos
    )


def split_seed_of(photos: Iterable[Photo]) -> int | None:
    """Returns the seed with which a plain folder was split; None if the folder itself has splits."""
    return next((photo.split_seed for photo in photos), None)


def empty_split(photos: Sequence[Photo], split: str, label: str) -> MimError:
    """Returns the error to raise where a split lacks a class: it names the classes that exist.

    Example:
        "no photographs in train/mpox: the classes are Monkeypox, acne; rename the folder or choose another normal
        class"
    """
    problem = f"no photographs in {split}/{label}"
    classes = sorted({photo.label for photo in photos})
    if label not in classes:
        exist = ", ".join(classes)
        return MimError(f"{problem}: the classes are {exist}", "rename the folder or choose another normal class")
    if split_seed_of(photos) is not None:
        groups = len({photo.group for photo in photos if photo.label == label})
        problem += f" after the split of {groups} groups by split seed {split_seed_of(photos)}"
        return MimError(problem, "choose another split seed, add photographs, or sort them into train, val and test")
    exist = ", ".join(class_names(photos, split))
    return MimError(problem + (f": its classes are {exist}" if exist else ""), f"add them to {split}")


def check_groups_apart(photos: Sequence[Photo], used: Iterable[Photo]) -> None:
    """Checks that no group of the photographs that are fitted or calibrated on is in two splits.

    Otherwise calibration and evaluation would use patients that the model has seen, and the guarantee would not hold.

    Args:
        photos: the photographs of a data folder.
        used: those that are fitted or calibrated on.

    Raises:
        MimError: such a group is in two splits.
    """
    groups = {photo.group for photo in used}
    file_of: dict[str, dict[str, Path]] = {}
    for photo in photos:
        if photo.group in groups:
            file_of.setdefault(photo.group, {}).setdefault(photo.split, photo.path)
    torn = {group: files for group, files in sorted(file_of.items()) if len(files) > 1}
    if not torn:
        return
    places = [
        f"group {group} is in " + " and ".join(f"{split} ({files[split].name})" for split in SPLITS if split in files)
        for group, files in list(torn.items())[:NAMED]
    ]
    more = len(torn) - NAMED
    places += [f"{more} more groups are in two splits"] if more > 0 else []
    raise MimError(", ".join(places), "move the files of each group to one split, or correct MANIFEST.csv")


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


def fold_of(groups: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.int64]:
    """Assigns whole groups to folds whose numbers of groups differ by at most 1.

    Args:
        groups: group name of each image, (N,).
        folds: number of folds.
        seed: seed of the shuffle.

    Returns:
        int64 (N,), the fold of each image, 0 to folds - 1.
    """
    names, index = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % folds
    return fold[index]
