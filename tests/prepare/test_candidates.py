"""`mim_tf.prepare.candidates`: pairs of pictures that share descriptors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.prepare import candidates
from mim_tf.prepare.candidates import Tables


def descriptors(rng: np.random.Generator, *counts: int) -> list[np.ndarray]:
    return [rng.integers(0, 256, (count, 32), np.uint8) for count in counts]


@given(st.lists(st.integers(0, 40), min_size=2, max_size=20), st.integers(0, 2**32 - 1), st.integers(1, 7))
@settings(deadline=None, max_examples=20)
def test_pictures_that_share_descriptors_are_proposed(counts: list[int], seed: int, block: int) -> None:
    """Random descriptors seldom share a key of 22 bits. One picture gets 20 of another one, with 10 bits changed."""
    rng = np.random.default_rng(seed)
    known = descriptors(rng, *counts, 60)
    bits = np.unpackbits(known[-1][:20], axis=1)
    for row in bits:
        row[rng.choice(256, 10, replace=False)] ^= 1
    known[0] = np.concatenate([known[0], np.packbits(bits, axis=1)])
    last = len(known) - 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_BLOCK", block)
        tables = Tables(known)
        assert tables.candidates(known) == [(0, last), (last, 0)]
        others = descriptors(rng, *(len(rows) for rows in known))
        others[1] = known[-1]
        assert tables.candidates(others) == [(0, 1), (last, 1)]


def test_descriptors_that_many_pictures_have_say_nothing() -> None:
    rng = np.random.default_rng(0)
    (shared,) = descriptors(rng, 30)
    few, many = [[np.concatenate([shared, own]) for own in descriptors(rng, *[5] * count)] for count in (6, 80)]
    assert len(Tables(few).candidates(few)) == 6 * 5
    assert Tables(many).candidates(many) == []


def test_no_descriptors_give_no_pairs() -> None:
    none = [np.zeros((0, 32), np.uint8)] * 3
    assert Tables(none).candidates(none) == []
    assert Tables(none[:1]).candidates(none[:1]) == []
