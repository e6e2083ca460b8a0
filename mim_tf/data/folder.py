"""Reads folders of photographs: layout, groups, splits, decoding.

A data folder is `DIR/<split>/<class>/photo.jpg` with the splits `train`, `val` and `test`, or a plain folder
`DIR/<class>/photo.jpg`, which is split by a hash of each group and a seed (60/15/25 on average). The optional
`DIR/MANIFEST.csv` (columns `file`, `group` and, if there is one, `mask`) assigns each file to a group: images of one
patient, photograph or series. Its other columns, such as `skin_type`, divide the results of an evaluation.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decode import Photograph
from mim_export.score.errors import MimError, explain
from mim_export.score.listing import Warn, list_images
from mim_tf.data.budget import AT_ONCE, PixelBudget
from mim_tf.data.manifest import read_manifest_csv
from mim_tf.data.splits import SPLITS, Photo, split_by_group

_LAYOUT = "expected DIR/<split>/<class>/photo.jpg with splits train, val, test, or DIR/<class>/photo.jpg"


@dataclass(frozen=True)
class Photos:
    """Decoded photographs with their files and original sizes.

    Attributes:
        pixels: uint8 (N, S, S, 3), resampled photographs, RGB.
        photos: the N files.
        sides: int64 (N,), shorter side of each photograph before resampling, in pixels.
    """

    pixels: NDArray[np.uint8]
    photos: tuple[Photo, ...]
    sides: NDArray[np.int64] = field(repr=False)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Group name of each photograph, str (N,)."""
        return np.array([photo.group for photo in self.photos], dtype=np.str_)

    def __len__(self) -> int:
        return len(self.photos)


def to_stderr(line: str) -> None:
    """Prints a warning."""
    print(line, file=sys.stderr)


def scan_folder(
    folder: str | os.PathLike[str], *, split_seed: int | None = 0, warn: Warn = to_stderr
) -> tuple[Photo, ...]:
    """Lists the photographs of a data folder without decoding them.

    Args:
        folder: a data folder in either layout.
        split_seed: seed of the split of a plain folder, see `split_of_group`; None = it is not split, and each
            `Photo.split` is empty. Without effect on a folder with splits.
        warn: receives one line for each kind of content that is left out, for each fault of MANIFEST.csv, and for
            classes of a plain folder that have no photograph in test.

    Returns:
        The photographs, sorted by path.

    Raises:
        MimError: the folder does not exist, holds no image, cannot be read, or has another layout.

    Example:
        `len(scan_folder("skin"))` is 500 for a folder of 500 photographs in `skin/train/mpox`, `skin/val/...`.
    """
    root = Path(folder)
    try:
        if not root.is_dir():
            raise MimError("no such folder", "name a data folder: " + _LAYOUT, folder)
        listing = list_images(root)
        if listing.closed:  # it may hold a class, which would be missing from the figures
            raise PermissionError(13, "permission denied", str(listing.closed[0]))
        has_splits = any((root / split).is_dir() for split in SPLITS)
    except OSError as error:
        raise explain(error, folder) or error from None
    for line in listing.warnings(root):
        warn(line)
    if not listing.images:
        raise MimError("no images in it", _LAYOUT, folder)
    depth = 3 if has_splits else 2
    names = {path: path.relative_to(root).as_posix() for path in listing.images}
    for path, name in names.items():
        parts = name.split("/")
        if len(parts) != depth or (has_splits and parts[0] not in SPLITS):
            raise MimError("is outside the layout", _LAYOUT, path)
    rows = read_manifest_csv(root, names.values(), warn)
    photos = []
    for path, name in names.items():
        split, row = name.split("/")[0] if has_splits else "", rows.get(name)
        if row is None:
            photos.append(Photo(path, split, path.parent.name, name))
        else:
            photos.append(Photo(path, split, path.parent.name, row.group or name, mask=row.mask, columns=row.columns))
    if has_splits or split_seed is None:
        return tuple(photos)
    divided = split_by_group(photos, split_seed)
    # Without a photograph in train or val a training fails or calibrates out of fold; a class without one in test is
    # merely missing from the figures.
    tested = {photo.label for photo in divided if photo.split == "test"}
    empty = [f"test/{label}" for label in sorted({photo.label for photo in photos} - tested)]
    if empty:
        remedy = "train with another split seed, add photographs, or sort them into train, val and test"
        warn(f"{root}: split seed {split_seed} leaves {', '.join(empty)} empty; {remedy}")
    return divided


def load_photos(photos: Sequence[Photo], size: int, *, warn: Warn, what: str) -> Photos:
    """Decodes and resamples photographs to one size.

    Args:
        photos: the files to read.
        size: side S of the result in pixels.
        warn: receives one line for each file that cannot be read; the file is skipped.
        what: name of the photographs in an error message, such as "train/mpox".

    Returns:
        The readable photographs in the same order.

    Raises:
        MimError: no file is readable.

    Example:
        `load_photos(select(photos, "val", "mpox"), 96, warn=print, what="val/mpox").pixels.shape` is (19, 96, 96, 3)
        for 19 readable photographs.
    """
    return load_at_sizes(photos, (size,), warn=warn, what=what)[0]


def load_at_sizes(photos: Sequence[Photo], sizes: Sequence[int], *, warn: Warn, what: str) -> list[Photos]:
    """Decodes each photograph once and resamples it to several sizes.

    Photographs are decoded in several threads, of at most 100 million pixels together; a larger one is decoded alone.

    Args:
        photos: the files to read.
        sizes: side of each result in pixels.
        warn: receives one line for each file that cannot be read; the file is skipped.
        what: name of the photographs in an error message, such as "train/mpox".

    Returns:
        For each size, the readable photographs in the same order.

    Raises:
        MimError: no file is readable.
    """

    def read(photo: Photo) -> tuple[Photo, list[NDArray[np.uint8]], int] | MimError:
        try:
            opened = Photograph(photo.path)
            with budget.take(opened.width * opened.height), opened:  # pixels are released before the next ones fit
                return photo, opened.resampled(sizes), min(opened.width, opened.height)
        except MimError as error:
            return error

    budget = PixelBudget(AT_ONCE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow releases the GIL while it decodes
        results = list(pool.map(read, photos))
    kept = [result for result in results if not isinstance(result, MimError)]
    for result in results:
        if isinstance(result, MimError):
            warn(f"skipped {result}")
    if not kept:
        path = photos[0].path.parent if photos else None
        raise MimError(f"no readable image for {what}", "add JPEG, PNG or WebP photographs", path)
    files = tuple(photo for photo, _, _ in kept)
    sides = np.array([side for _, _, side in kept])
    return [Photos(np.stack([images[i] for _, images, _ in kept]), files, sides) for i in range(len(sizes))]
