"""`mim_tf.prepare.hashes`: pairs of pictures whose hashes are similar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_collections import picture

from mim_export.score.preprocess import resample
from mim_tf.data.duplicates import perceptual_hash
from mim_tf.prepare import hashes
from mim_tf.prepare.hashes import NEAR, SIDE, VARIANTS, Pair, near_pairs, variant_hashes

PICTURES = [picture(seed, 128) for seed in range(12)]


def hashed(*pictures: np.ndarray) -> np.ndarray:
    return np.array([variant_hashes(resample(pixels, SIDE)) for pixels in pictures])


def test_the_first_hash_is_that_of_the_data_folder_checks() -> None:
    pixels = resample(PICTURES[0], SIDE)
    found = variant_hashes(pixels)
    assert found.shape == (VARIANTS, 32)
    assert np.array_equal(np.unpackbits(found[0]), perceptual_hash(pixels))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_copies_are_near(turn: int, mirrored: bool) -> None:
    changed = np.rot90(PICTURES[0][:, ::-1] if mirrored else PICTURES[0], turn)
    (pair,) = near_pairs(hashed(PICTURES[0], changed))
    assert pair[:2] == (0, 1) and pair.bits <= NEAR


def test_different_pictures_are_no_pairs() -> None:
    assert near_pairs(hashed(*PICTURES)) == []


def test_many_pictures_of_one_hash_are_a_chain_and_not_all_pairs() -> None:
    found = near_pairs(hashed(PICTURES[0], *[PICTURES[1]] * 40))
    assert found == [Pair(1, n, 0) for n in range(2, 41)]


def test_a_hash_of_few_ones_says_nothing() -> None:
    """Skin in shade and a wall have the hash of a ramp at one of the quarter turns."""
    ramp = np.broadcast_to(np.linspace(90, 200, SIDE).astype(np.uint8)[:, None], (SIDE, SIDE, 3)).copy()
    wall = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert near_pairs(hashed(ramp, np.rot90(ramp), wall, wall)) == []


@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.integers(1, 17))
@settings(deadline=None, max_examples=25)
def test_pairs_are_those_of_a_loop_whatever_the_block(count: int, seed: int, block: int) -> None:
    """Against an independent definition; hashes are random, some a few bits from another one."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (count, VARIANTS, 256), np.uint8)
    for n in range(1, count, 3):
        bits[n] = bits[n - 1]
        bits[n, :, : 1 + int(rng.integers(0, 30))] ^= 1
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "_BLOCK", block)
        found = near_pairs(np.packbits(bits, axis=2), told.append)
    expected = {}
    for i in range(count):
        for j in range(i + 1, count):
            least = min((bits[i, :1] != bits[j]).sum(1).min(), (bits[j, :1] != bits[i]).sum(1).min())
            if least <= NEAR:
                expected[i, j] = least
    assert {pair[:2]: pair.bits for pair in found} == expected
    assert told[-1] == count and len(told) == -(-count // block)
