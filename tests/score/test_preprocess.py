"""`mim_export.score.preprocess` against exact fractions and hand-made arrays."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mim_export.score.errors import MimError
from mim_export.score.preprocess import AreaAverage, mask_labels, mask_set, resample


def _exact(pixels: NDArray[np.uint8], size: int) -> list[list[int]]:
    """The specification in fractions: weights are lengths of overlap."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    step = Fraction(side, size)

    def overlap(j: int, i: int) -> Fraction:
        return max(Fraction(0), min(Fraction(i + 1), (j + 1) * step) - max(Fraction(i), j * step))

    rows = []
    for y in range(size):
        row = []
        for x in range(size):
            total = sum(
                overlap(y, i) * overlap(x, k) * int(pixels[top + i, left + k, 0])
                for i in range(side)
                for k in range(side)
            )
            row.append(int(total / step**2 + Fraction(1, 2)))
        rows.append(row)
    return rows


@pytest.mark.parametrize(("height", "width", "size"), [(7, 7, 3), (10, 13, 4), (5, 8, 8), (6, 9, 6)])
def test_resample_is_the_exact_area_average(height: int, width: int, size: int) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    np.testing.assert_array_equal(resample(pixels, size)[..., 0], _exact(pixels, size))


@given(st.integers(0, 255), st.integers(1, 40), st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=50, deadline=None)
def test_resample_keeps_constants(value: int, height: int, width: int, size: int) -> None:
    assert (resample(np.full((height, width, 3), value, np.uint8), size) == value).all()


@given(st.integers(1, 5), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_resample_is_the_block_mean_where_blocks_fit(factor: int, size: int) -> None:
    side = factor * size
    pixels = np.random.default_rng(factor).integers(0, 256, (side, side, 3)).astype(np.uint8)
    blocks = pixels.reshape(size, factor, size, factor, 3).astype(np.float64).mean(axis=(1, 3))
    np.testing.assert_array_equal(resample(pixels, size), np.floor(blocks + 0.5))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_resample_is_exact_for_every_small_size(height: int, width: int, size: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    np.testing.assert_array_equal(resample(pixels, size)[..., 0], _exact(pixels, size))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.lists(st.integers(0, 5), max_size=8))
@settings(max_examples=40, deadline=None)
def test_rows_may_arrive_in_any_bands(height: int, width: int, size: int, bands: list[int]) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    average, row = AreaAverage(height, width, size), 0
    for count in (*bands, height):
        average.add(pixels[row : row + count])
        row += count
    np.testing.assert_array_equal(average.result(), resample(pixels, size))
    np.testing.assert_array_equal(average.result()[..., 0], _exact(pixels, size))


def test_the_sums_do_not_grow_with_the_photograph() -> None:
    """24 bytes for each column of the result, beside a strip of rows and the result itself."""
    row = np.zeros((1, 15_811, 3), np.uint8)
    tracemalloc.start()
    try:
        average = AreaAverage(15_811, 15_811, 192)
        for _ in range(200):
            average.add(row)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 192 * (24 + 3 * 192) + 10_000
    assert peak < held + 2_000_000


@pytest.mark.parametrize(("darker", "expected"), [(0, 101), (1, 100)])
def test_the_largest_photograph_is_summed_exactly(darker: int, expected: int) -> None:
    """Of 15,810 x 15,810 px, half are 100 and half 101: 100.5 is rounded up. If one of them is darker, it is not."""
    side = 15_810
    average = AreaAverage(side, side, 1)
    bands = [np.full((31, side, 3), level, np.uint8) for level in (100, 101)]
    for number in range(2 * 255):
        if number == 509:
            bands[1][-1, -1] -= darker
        average.add(bands[number % 2])
    assert average.result().tolist() == [[[expected] * 3]]


@pytest.mark.parametrize(("shape", "corner"), [((4, 7), (0, 1)), ((7, 4), (1, 0)), ((5, 9), (0, 2))])
def test_the_centre_square_starts_at_the_floor(shape: tuple[int, int], corner: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    side, (top, left) = min(shape), corner
    np.testing.assert_array_equal(resample(pixels, side), pixels[top : top + side, left : left + side])


def test_a_large_photograph_is_summed_in_64_bits() -> None:
    """A white image of 3001 px with a black corner: sums up to 255 * 3001^2 > 2^31 are exact."""
    pixels = np.full((3001, 3001, 3), 255, np.uint8)
    assert (resample(pixels, 2) == 255).all()
    pixels[:1500, :1500] = 0
    # Of a quarter of 1500.5^2 pixels, 1500^2 are black: 255 * (1 - 1500^2 / 1500.5^2) = 0.17.
    np.testing.assert_array_equal(resample(pixels, 2)[..., 0], [[0, 255], [255, 255]])


@given(st.sampled_from([1, 2, 4, 8]), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_a_mask_set_hides_each_pixel_once(cell: int, count: int) -> None:
    masks = mask_set(16, cell, count)
    assert masks.shape == (count, 16, 16, 1)
    np.testing.assert_array_equal((1 - masks).sum(0), np.ones((16, 16, 1)))


def test_the_lattice_is_the_documented_one() -> None:
    """Each row of cells is shifted by half the number of masks. The other scorers implement these numbers."""
    even = [[0, 1, 2, 3], [2, 3, 0, 1], [0, 1, 2, 3], [2, 3, 0, 1]]
    np.testing.assert_array_equal(mask_labels(8, 2, 4), np.kron(even, np.ones((2, 2), int)))
    np.testing.assert_array_equal(mask_labels(3, 1, 5), [[0, 1, 2], [2, 3, 4], [4, 0, 1]])
    np.testing.assert_array_equal(mask_set(8, 2, 4)[3, ..., 0], np.kron(even, np.ones((2, 2), int)) != 3)


@pytest.mark.parametrize("count", [2, 4, 5, 6, 8])
@pytest.mark.parametrize("cell", [1, 4])
def test_hidden_cells_do_not_touch(count: int, cell: int) -> None:
    cells = mask_labels(40, cell, count)[::cell, ::cell]
    assert (cells[1:] != cells[:-1]).all() and (cells[:, 1:] != cells[:, :-1]).all()


@pytest.mark.parametrize(("cell", "count"), [(8, 2), (8, 4), (4, 3), (8, 12)])
def test_a_mask_hides_one_in_n(cell: int, count: int) -> None:
    np.testing.assert_allclose(mask_set(96, cell, count).mean(axis=(1, 2, 3)), 1 - 1 / count, atol=1e-6)


@pytest.mark.parametrize(("size", "cell", "count"), [(96, 7, 4), (96, 8, 1), (96, 0, 2), (96, 8, 300)])
def test_impossible_mask_sets_are_refused(size: int, cell: int, count: int) -> None:
    with pytest.raises(MimError, match="choose 2 to 255 masks"):
        mask_labels(size, cell, count)
