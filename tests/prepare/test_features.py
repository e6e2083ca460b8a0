"""`mim_tf.prepare.features`: local features that agree on one similarity transform."""

from __future__ import annotations

import numpy as np
import pytest
from made_collections import brighter, picture
from skimage.feature import match_descriptors
from skimage.transform import SimilarityTransform, rotate

from mim_export.score.preprocess import resample
from mim_tf.prepare.features import AGREEING, SIDE, _agreeing, _match, count_agreeing, find_features

PICTURES = [picture(seed, SIDE) for seed in range(4)]
FEATURES = [find_features(pixels) for pixels in PICTURES]


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    return np.rint(rotate(pixels, degrees, mode="edge", preserve_range=True)).astype(np.uint8)


@pytest.mark.parametrize(
    "changed",
    [
        brighter(PICTURES[0]),
        turned(PICTURES[0], 7),
        np.ascontiguousarray(np.rot90(PICTURES[0])),
        resample(PICTURES[0][20:-20, 20:-20], SIDE),
        np.clip(PICTURES[0] + np.random.default_rng(0).normal(0, 10, PICTURES[0].shape), 0, 255).astype(np.uint8),
    ],
    ids=["brighter", "turned", "quarter turn", "part", "noise"],
)
def test_copies_agree(changed: np.ndarray) -> None:
    assert count_agreeing(FEATURES[0], find_features(changed)) >= AGREEING


def test_different_pictures_do_not_agree() -> None:
    assert all(count_agreeing(a, b) == 0 for n, a in enumerate(FEATURES) for b in FEATURES[n + 1 :])


def test_a_shared_mark_is_no_copy() -> None:
    """Two pictures with the same text in a corner: many features agree, but on a small part."""
    first, second = (pixels.copy() for pixels in PICTURES[:2])
    mark = picture(99, SIDE)[:50, :50]
    first[-50:, -50:] = second[-50:, -50:] = mark
    assert count_agreeing(find_features(first), find_features(second)) == 0


def test_a_smooth_picture_has_no_features() -> None:
    blank = find_features(np.full((SIDE, SIDE, 3), 128, np.uint8))
    assert len(blank.places) == 0 and count_agreeing(blank, FEATURES[0]) == count_agreeing(blank, blank) == 0


def test_matches_are_those_of_scikit_image() -> None:
    other = find_features(turned(PICTURES[0], 5))
    bits = [np.unpackbits(found.descriptors, axis=1).astype(bool) for found in (FEATURES[0], other)]
    expected = match_descriptors(*bits, cross_check=True, max_ratio=0.85)
    assert len(expected) > 20
    assert np.array_equal(np.transpose(_match(FEATURES[0].descriptors, other.descriptors)), expected)


def test_the_transform_is_found_among_wrong_matches() -> None:
    """40 places under a known similarity transform, and 40 random ones."""
    rng = np.random.default_rng(1)
    first = rng.uniform(0, SIDE, (80, 2))
    second = SimilarityTransform(scale=1.2, rotation=0.4, translation=(5, -9))(first)
    second[40:] = rng.uniform(0, SIDE, (40, 2))
    agreeing = _agreeing(first.astype(np.float32), second.astype(np.float32))
    assert agreeing[:40].all() and agreeing[40:].sum() <= 3
    same = np.zeros((5, 2), np.float32)
    assert not _agreeing(same, same).any()
