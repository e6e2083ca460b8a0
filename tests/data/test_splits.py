"""`mim_tf.data.splits`: the split of a plain folder, empty splits, groups in two splits."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score.errors import MimError
from mim_tf.data.splits import (
    SHARES,
    SPLITS,
    Photo,
    check_groups_apart,
    empty_split,
    fold_of,
    split_by_group,
    split_of_group,
    split_seed_of,
)

names = st.text(min_size=1, max_size=12)


def plain(groups: list[str], label: str = "mpox") -> list[Photo]:
    return [Photo(Path(f"{label}/{number}.png"), "", label, group) for number, group in enumerate(groups)]


@given(names, st.integers(0, 2**32))
@settings(deadline=None)
def test_the_split_of_a_group_follows_its_definition(group: str, seed: int) -> None:
    number = int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()[:16], 16)
    share = Fraction(number, 2**64)
    expected = "train" if share < Fraction(60, 100) else "val" if share < Fraction(75, 100) else "test"
    assert split_of_group(group, seed) == expected


@given(st.lists(names, min_size=1, max_size=20), st.lists(names, max_size=20), st.integers(0, 5))
@settings(deadline=None)
def test_more_photographs_move_no_group(groups: list[str], more: list[str], seed: int) -> None:
    before = {photo.group: photo.split for photo in split_by_group(plain(groups), seed)}
    after = {photo.group: photo.split for photo in split_by_group([*plain(more, "acne"), *plain(groups)], seed)}
    assert before.items() <= after.items()


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.integers(0, 5))
@settings(deadline=None)
def test_whole_groups_are_split(groups: list[str], seed: int) -> None:
    photos = split_by_group([*plain(groups), *plain(groups[::2], "acne")], seed)
    assert len({(photo.group, photo.split) for photo in photos}) == len(set(groups))
    assert split_seed_of(photos) == seed and all(photo.split_seed == seed for photo in photos)


def test_shares_are_60_15_25_on_average() -> None:
    counts = Counter(split_of_group(f"patient {number}", seed) for number in range(1000) for seed in range(10))
    for split, share in zip(SPLITS, SHARES, strict=True):
        assert abs(counts[split] / 10_000 - share) < 0.02  # four standard deviations


def test_names_that_are_not_utf8_are_split() -> None:
    assert split_of_group("mpox/\udcff.png", 0) in SPLITS


def test_an_empty_split_is_named_with_a_remedy() -> None:
    photos = split_by_group(plain(["a", "b"]), 3)
    assert str(empty_split(photos, "val", "mpox")) == (
        "no photographs in val/mpox after the split of 2 groups by split seed 3; choose another split seed, add "
        "photographs, or sort them into train, val and test"
    )
    sorted_by_hand = [Photo(Path("x"), "test", "Monkeypox", "x"), Photo(Path("y"), "train", "acne", "y")]
    assert "the classes are Monkeypox, acne; rename" in str(empty_split(sorted_by_hand, "train", "mpox"))
    assert "train/Monkeypox: its classes are acne; add them to train" in str(
        empty_split(sorted_by_hand, "train", "Monkeypox")
    )


@given(st.lists(st.tuples(st.sampled_from(SPLITS), st.sampled_from("abcdef")), max_size=20))
@settings(deadline=None)
def test_groups_of_two_splits_are_refused_and_named(places: list[tuple[str, str]]) -> None:
    photos = [Photo(Path(f"{number}.png"), split, "mpox", group) for number, (split, group) in enumerate(places)]
    used = [photo for photo in photos if photo.split != "test"]
    relevant = {photo.group for photo in used}
    torn = sorted(g for g in relevant if len({split for split, group in places if group == g}) > 1)
    if not torn:
        check_groups_apart(photos, used)
        return
    with pytest.raises(MimError) as caught:
        check_groups_apart(photos, used)
    line = str(caught.value)
    assert all(f"group {group} is in " in line for group in torn[:3])
    assert ("more groups" in line) == (len(torn) > 3)
    first = next(p.path.name for p in photos if p.group == torn[0])
    assert first in line and "\n" not in line


@given(st.lists(st.integers(0, 15), min_size=1, max_size=40), st.integers(2, 5), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_folds_hold_whole_groups_in_nearly_equal_numbers(names: list[int], folds: int, seed: int) -> None:
    groups = np.array([f"g{name}" for name in names])
    dealt = fold_of(groups, folds, seed)
    of_group = {(name, fold) for name, fold in zip(groups, dealt, strict=True)}
    assert len(of_group) == len(set(groups)) and dealt.min() >= 0 and dealt.max() < folds
    sizes = [sum(fold == f for _, fold in of_group) for f in range(folds)]
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(dealt, fold_of(groups, folds, seed))


def test_the_seed_decides_the_folds() -> None:
    groups = np.array([f"g{i}" for i in range(30)])
    assert len({fold_of(groups, 3, seed).tobytes() for seed in range(5)}) == 5
