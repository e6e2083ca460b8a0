"""Finds copies among the pictures of all sources: exact ones are left out, near ones join the groups of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_tf.data.budget import PixelBudget
from mim_tf.prepare import features, hashes, records
from mim_tf.prepare.candidates import Tables
from mim_tf.prepare.features import Features
from mim_tf.prepare.names import VAGUE, agree
from mim_tf.prepare.pixels import read_small
from mim_tf.prepare.records import LeftOut, Picture, Progress


@dataclass(frozen=True)
class Read:
    """A picture that has been read.

    Attributes:
        picture: what its collection says.
        path: the file.
        sha256: of the content of the file.
    """

    picture: Picture
    path: Path
    sha256: str


@dataclass(frozen=True)
class Look:
    """What a picture is compared by, in 20 kB.

    Attributes:
        hashes: uint8 (8, 32), see `mim_tf.prepare.hashes.variant_hashes`.
        plain: its local features.
        mirrored: those of its mirror image.
    """

    hashes: NDArray[np.uint8]
    plain: Features
    mirrored: Features


@dataclass(frozen=True)
class Copies:
    """Two pictures of one photograph that are both kept.

    Attributes:
        first: a picture.
        second: the other one.
        how: how they were found, such as "9 of 256 bits differ".
        joined: whether their groups were different ones and are joined.
        conflict: whether their classes contradict each other.
    """

    first: Picture
    second: Picture
    how: str
    joined: bool
    conflict: bool


class Groups:
    """Joins groups. A joined group has the first of the names of its groups in alphabetical order.

    Example:
        >>> groups = Groups()
        >>> groups.join("msld-v2:MKP_17", "msid:mpox/monkeypox1.png")
        True
        >>> groups.name("msld-v2:MKP_17")
        'msid:mpox/monkeypox1.png'
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def name(self, group: str) -> str:
        """Returns the name of the joined group of a group."""
        top = group
        while self._parent.get(top, top) != top:
            top = self._parent[top]
        while self._parent.get(group, group) != top:  # so that the next search is short
            self._parent[group], group = top, self._parent.get(group, top)
        return top

    def join(self, first: str, second: str) -> bool:
        """Joins two groups; returns whether they were different ones."""
        low, high = sorted((self.name(first), self.name(second)))
        self._parent[high] = low
        return low != high


def leave_out_exact(read: Sequence[Read], groups: Groups) -> tuple[list[Read], list[LeftOut], list[Copies]]:
    """Leaves out exact copies of the same class, and joins the groups of all exact copies.

    Of `chickenpox_or_measles` and one of the two diseases, the disease is kept. Exact copies of classes that contradict
    each other are all kept.

    Args:
        read: pictures that have been read.
        groups: receives the groups to join.

    Returns:
        The pictures that are kept, those that are left out, and pairs of contradictory classes.
    """
    by_content: dict[str, list[Read]] = {}
    for one in sorted(read, key=lambda one: (one.picture.label == VAGUE, one.picture.source, one.picture.name)):
        by_content.setdefault(one.sha256, []).append(one)
    kept, left_out, conflicts = [], [], []
    for copies in by_content.values():
        apart: list[Picture] = []
        for one in copies:
            picture = one.picture
            joined = groups.join(copies[0].picture.group, picture.group)
            same = next((other for other in apart if agree(other.label, picture.label)), None)
            if same is not None:
                where = f"{same.source}: {same.name}"
                left_out.append(LeftOut(picture.source, picture.label, picture.name, records.EXACT, where))
                continue
            if apart:
                conflicts.append(Copies(apart[0], picture, "the same content", joined, True))
            apart.append(picture)
            kept.append(one)
    kept.sort(key=lambda one: (one.picture.source, one.picture.name, one.sha256))
    return kept, left_out, conflicts


def look_at(path: Path, cut: float, budget: PixelBudget) -> tuple[Look, int]:
    """Decodes a picture once, and computes what it is compared by.

    Args:
        path: a JPEG, PNG or WebP file.
        cut: share of the height that is cut off at the bottom.
        budget: pixels that all threads may decode at once.

    Returns:
        What it is compared by, and its shorter side in pixels.

    Raises:
        MimError: the file cannot be decoded.
    """
    (tiny, small), side = read_small(path, cut, [hashes.SIDE, features.SIDE], budget)
    found = features.find_features(small), features.find_features(small[:, ::-1])
    return Look(hashes.variant_hashes(tiny), *found), side


def join_near(read: Sequence[Read], looks: Sequence[Look], groups: Groups, progress: Progress) -> list[Copies]:
    """Joins the groups of near-duplicates.

    Args:
        read: pictures without exact copies.
        looks: what each is compared by.
        groups: receives the groups to join.
        progress: is told of the pictures that have been compared.

    Returns:
        The pairs by which groups were joined, and those of contradictory classes.
    """
    bits = np.array([look.hashes for look in looks])
    found = [
        _join(read, pair.first, pair.second, f"{pair.bits} of 256 bits differ", groups)
        for pair in hashes.near_pairs(bits, lambda done: progress("compare", done, len(read), {}))
    ]
    plain, mirrored = [look.plain for look in looks], [look.mirrored for look in looks]
    tables = Tables([one.descriptors for one in plain])
    for others in (plain, mirrored):
        for i, j in tables.candidates([one.descriptors for one in others]):
            first, second = read[i].picture, read[j].picture
            if groups.name(first.group) == groups.name(second.group) and agree(first.label, second.label):
                continue  # it would say nothing new
            count = features.count_agreeing(plain[i], others[j])
            if count:
                found.append(_join(read, i, j, f"{count} local features agree", groups))
    return [copies for copies in found if copies.joined or copies.conflict]


def _join(read: Sequence[Read], i: int, j: int, how: str, groups: Groups) -> Copies:
    first, second = read[i].picture, read[j].picture
    joined = groups.join(first.group, second.group)
    return Copies(first, second, how, joined, not agree(first.label, second.label))
