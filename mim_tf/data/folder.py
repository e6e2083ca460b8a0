"""Reads folders of photographs: layout, groups, splits, decoding.

A data folder is `DIR/<split>/<class>/*.{jpg,jpeg,png,webp}` with the splits `train`, `val` and `test`,
or a plain folder `DIR/<class>/*`, which is split at random by group (60/15/25, with a seed). The optional
`DIR/MANIFEST.csv` (columns `file` and `group`, others are ignored) assigns each file to a group: images of one
patient, photograph or series.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.score.decode import MAX_PIXELS, SUFFIXES, Photograph
from mim_export.score.errors import MimError, explain
from mim_tf.data.budget import PixelBudget
from mim_tf.data.splits import SPLITS, Photo, split_by_group

_LAYOUT = "expected DIR/<split>/<class>/photo.jpg with splits train, val, test, or DIR/<class>/photo.jpg"

Warn = Callable[[str], None]


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


def scan_folder(folder: str | os.PathLike[str], *, seed: int = 0) -> tuple[Photo, ...]:
    """Lists the photographs of a data folder without decoding them.

    Args:
        folder: a data folder in either layout.
        seed: seed of the random split of a plain folder; without effect on a folder with splits.

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
        names = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        files = [
            path
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in SUFFIXES
            and not path.is_dir()
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        ]
        # rglob skips folders that may not be entered, without an error.
        for path in sorted(root.rglob("*")):
            if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
                raise PermissionError(13, "permission denied", str(path))
    except OSError as error:
        raise explain(error, folder) or error from None
    if not files:
        raise MimError("no images in it", _LAYOUT, folder)
    groups = _manifest_groups(root)
    has_splits = bool(set(names) & set(SPLITS))
    depth = 3 if has_splits else 2
    photos = []
    for path in files:
        parts = path.relative_to(root).parts
        if len(parts) != depth or (has_splits and parts[0] not in SPLITS):
            raise MimError("is outside the layout", _LAYOUT, path)
        name = path.relative_to(root).as_posix()
        photos.append(Photo(path, parts[0] if has_splits else "", parts[-2], groups.get(name, name)))
    return tuple(photos) if has_splits else split_by_group(photos, seed)


def _manifest_groups(root: Path) -> dict[str, str]:
    """Reads the group of each file from MANIFEST.csv; empty if there is no such file."""
    path = root / "MANIFEST.csv"
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if rows.fieldnames is None or not {"file", "group"} <= set(rows.fieldnames):
                raise MimError("lacks the columns file and group", "add them or delete the file", path)
            return {row["file"]: row["group"] for row in rows if row["group"]}
    except OSError as error:
        raise explain(error, path) or error from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise MimError(f"not a CSV file in UTF-8 ({error})", "save it as UTF-8 CSV or delete it", path) from None


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

    Photographs are decoded in several threads, of at most 100 million pixels together.

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

    budget = PixelBudget(MAX_PIXELS)  # the memory of the largest permitted photograph, on any number of cores
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
