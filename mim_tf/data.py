"""Folders of photographs -> arrays: the data folder contract, groups, splits.

A data folder is `DIR/<split>/<class>/*.{jpg,jpeg,png,webp}` with the splits `train`, `val` and `test`,
or a plain folder `DIR/<class>/*`, which is split by group (60/15/25, seeded). `MANIFEST.csv` in DIR
(columns `file,group`, others ignored) names the groups: images of one patient, photograph or series.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.errors import MimError, explain
from mim_export.preprocess import SUFFIXES, decode, resample

SPLITS = ("train", "val", "test")
#: Shares of the groups that a plain folder gives to train, val and test.
SHARES = (0.60, 0.15, 0.25)
_LAYOUT = "expected DIR/<split>/<class>/photo.jpg with splits train, val, test, or DIR/<class>/photo.jpg"

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Photo:
    """One file of a data folder: its path, split, class and group."""

    path: Path
    split: str
    label: str
    group: str


@dataclass(frozen=True)
class Photos:
    """Decoded photographs of one kind, with what evaluation needs to know of them.

    Attributes:
        pixels: uint8 (N, S, S, 3), resampled.
        photos: the N files.
        sides: int (N,), shorter side of each decoded photograph before resampling, in pixels.
    """

    pixels: NDArray[np.uint8]
    photos: tuple[Photo, ...]
    sides: NDArray[np.int64] = field(repr=False)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Group name of each image, (N,)."""
        return np.array([photo.group for photo in self.photos], dtype=np.str_)

    def __len__(self) -> int:
        return len(self.photos)


def scan(folder: str | os.PathLike[str], *, seed: int = 0) -> tuple[Photo, ...]:
    """Lists a data folder without decoding anything.

    Args:
        folder: a data folder in either layout.
        seed: of the split of a plain folder.

    Returns:
        The photographs, sorted by path.

    Raises:
        MimError: the folder is missing, empty, may not be read, or has another layout.

    Example:
        `len(scan("skin"))` is 500 for a folder of 500 photographs in `skin/train/mpox`, `skin/val/...`.
    """
    root = Path(folder)
    try:
        if not root.is_dir():
            raise MimError("no such folder", "name a data folder: " + _LAYOUT, folder)
        names = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        files = [
            path
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in SUFFIXES
            and not path.is_dir()
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        ]
        # rglob passes over folders it may not enter without a word.
        for path in sorted(root.rglob("*/")):
            if not os.access(path, os.R_OK | os.X_OK):
                raise PermissionError(13, "permission denied", str(path))
    except OSError as error:
        raise explain(error, folder) or error from None
    if not files:
        raise MimError("no images in it", _LAYOUT, folder)
    groups = _manifest_groups(root)
    ready = set(names) & set(SPLITS)
    depth = 3 if ready else 2
    photos = []
    for path in files:
        parts = path.relative_to(root).parts
        if len(parts) != depth or (ready and parts[0] not in SPLITS):
            raise MimError("lies outside the layout", _LAYOUT, path)
        name = path.relative_to(root).as_posix()
        photos.append(Photo(path, parts[0] if ready else "", parts[-2], groups.get(name, name)))
    return tuple(photos) if ready else _split(photos, seed)


def _manifest_groups(root: Path) -> dict[str, str]:
    path = root / "MANIFEST.csv"
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if rows.fieldnames is None or not {"file", "group"} <= set(rows.fieldnames):
                raise MimError("lacks the columns file and group", "add them or remove the file", path)
            return {row["file"]: row["group"] for row in rows if row["group"]}
    except OSError as error:
        raise explain(error, path) or error from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise MimError(f"not a CSV file in UTF-8 ({error})", "save it again or remove it", path) from None


def _split(photos: Sequence[Photo], seed: int) -> tuple[Photo, ...]:
    """Deals whole groups to the splits, class by class; four groups of a class are met in all three."""
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


def labels(photos: Iterable[Photo], split: str) -> tuple[str, ...]:
    """The classes of a split, sorted."""
    return tuple(sorted({photo.label for photo in photos if photo.split == split}))


def load(photos: Sequence[Photo], size: int, *, warn: Warn, what: str) -> Photos:
    """Decodes and resamples photographs.

    Args:
        photos: what to read.
        size: side S of the result, in pixels.
        warn: receives one line for each file that cannot be read; the file is skipped.
        what: how to call the photographs in an error, such as "train/mpox".

    Returns:
        The readable ones, in the same order.

    Raises:
        MimError: none is readable.
    """

    def read(photo: Photo) -> tuple[Photo, NDArray[np.uint8], int] | MimError:
        try:
            pixels = decode(photo.path)
        except MimError as error:
            return error
        return photo, resample(pixels, size), min(pixels.shape[:2])

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
        results = list(pool.map(read, photos))
    kept = [result for result in results if not isinstance(result, MimError)]
    for result in results:
        if isinstance(result, MimError):
            warn(f"skipped {result}")
    if not kept:
        path = photos[0].path.parent if photos else None
        raise MimError(f"no readable image for {what}", "add JPEG, PNG or WebP photographs", path)
    return Photos(
        np.stack([pixels for _, pixels, _ in kept]),
        tuple(photo for photo, _, _ in kept),
        np.array([side for _, _, side in kept]),
    )


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
