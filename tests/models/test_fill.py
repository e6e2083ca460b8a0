"""`mim_tf.models.fill`: where float32 is exact; `tests/score/test_fill.py` compares it with the fill of the scorer."""

from __future__ import annotations

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf.models.fill import LARGEST, check_side


@pytest.mark.parametrize("reciprocal", [False, True])
def test_quotients_of_the_largest_blocks_are_exact(reciprocal: bool) -> None:
    """The sums next to which the rounded mean changes, for each number of pixels; a converter may use reciprocals."""
    counts = np.arange(1, LARGEST**2 + 1, dtype=np.int64)[:, None]
    edges = np.arange(1, 256) * counts - counts // 2  # the smallest sums with the rounded means 1 to 255
    for sums in (edges, edges - 1):
        numerator = np.float32(2) * sums.astype(np.float32) + (counts.astype(np.float32) + np.float32(0.5))
        double = 2 * counts.astype(np.float32)
        quotient = numerator * (np.float32(1) / double) if reciprocal else numerator / double
        np.testing.assert_array_equal(np.floor(quotient), (2 * sums + counts) // (2 * counts))


def test_sides_with_larger_blocks_are_refused() -> None:
    for size in (96, 256, 320, 448):
        check_side(size)
    with pytest.raises(MimError, match="size 384 is not possible, because blocks of 128 px"):
        check_side(384)
