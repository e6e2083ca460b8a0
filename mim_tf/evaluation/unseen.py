"""Checks that the photographs of an evaluation were not fitted or calibrated on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mim_export.score.errors import MimError
from mim_export.score.listing import named
from mim_export.score.scorer import Scorer
from mim_tf.data.content import UNREADABLE, digests
from mim_tf.data.folder import Warn, scan_folder
from mim_tf.data.splits import Photo, split_seed_of


def scan_for(judge: object, folder: str | os.PathLike[str], split_seed: int | None, warn: Warn) -> tuple[Photo, ...]:
    """Lists the photographs of a data folder; a plain folder is split by the seed of the training.

    Args:
        judge: a detector or a scorer.
        folder: the data folder.
        split_seed: the seed that the user gives; None = that of the training, or 0 if it had a folder with splits.
        warn: see `scan_folder`.

    Returns:
        The photographs.

    Raises:
        MimError: the user gives another seed than that of the training; or see `scan_folder`.
    """
    own = _about(judge).get("split_seed")
    photos = scan_folder(folder, split_seed=(own or 0) if split_seed is None else split_seed, warn=warn)
    _check_seed(judge, photos)
    return photos


def scan_all(
    judge: object, folders: Sequence[str | os.PathLike[str]], split_seed: int | None, warn: Warn
) -> tuple[Photo, ...]:
    """Lists the photographs of several data folders, see `scan_for`.

    Classes of one name are one class. The groups of different folders are different ones, also if they have one name.

    Raises:
        MimError: a photograph is in two of the folders, and would count as two patients; or see `scan_for`.
    """
    parts = [scan_for(judge, folder, split_seed, warn) for folder in folders]
    if len(parts) == 1:
        return parts[0]
    place: dict[str, tuple[int, Photo]] = {}
    for number, part in enumerate(parts):
        for photo, sha in zip(part, digests(part), strict=True):
            first, other = place.setdefault(sha, (number, photo))
            if first != number and sha != UNREADABLE:
                raise MimError(f"is the same photograph as {other.path}", "remove one of the two", photo.path)
    return tuple(replace(photo, group=f"{number}:{photo.group}") for number, part in enumerate(parts) for photo in part)


def check_unseen(judge: object, photos: Sequence[Photo], split: str, warn: Warn) -> None:
    """Checks that no photograph that is scored as test was fitted or calibrated on.

    Args:
        judge: a detector, which knows the photographs of its training; or a scorer, which knows its split seed alone,
            since digests in a bundle would tell everyone who has a photograph whether it was trained on.
        photos: the photographs of a data folder.
        split: the split that is scored; "train" and "val" are not checked.
        warn: receives a line if a run of an earlier version does not say what it was fitted on.

    Raises:
        MimError: a photograph was fitted or calibrated on, or the split of the plain folder is not that of the
            training.
    """
    if split != "test":
        return
    _check_seed(judge, photos)
    tested = [photo for photo in photos if photo.split == split]
    used = {sha: part for part, _, _, sha in getattr(judge, "photographs", ())}
    if used:
        seen = [photo for photo, sha in zip(tested, digests(tested), strict=True) if sha in used]
        if seen:
            files = named([os.fspath(photo.path) for photo in seen])
            problem = f"{len(seen)} photographs of test were fitted or calibrated on: {files}"
            raise MimError(problem, "remove them from test, or train again without them")
    elif split_seed_of(photos) is not None and "training" in _about(judge) and "split_seed" not in _about(judge):
        warn("this model does not record how its data were split, so photographs of test may have been trained on")


def _check_seed(judge: object, photos: Sequence[Photo]) -> None:
    own, found = _about(judge).get("split_seed"), split_seed_of(photos)
    if own is not None and found is not None and own != found:
        problem = f"a plain folder, split by split seed {found}, but the training used {own}"
        raise MimError(problem, f"leave out the split seed or set it to {own}")


def _about(judge: object) -> dict[str, Any]:
    """How the judge was trained; empty if it does not say."""
    about = judge.manifest.get("training", {}) if isinstance(judge, Scorer) else getattr(judge, "about", {})
    return dict(about)
