"""`mim_tf.prepare.pixels`: threads, small pictures and cuts."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from made_collections import picture, save

from mim_export.score.decode import decode
from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.data.budget import PixelBudget
from mim_tf.prepare.pixels import in_threads, read_small, rows_kept, write_cut


def test_rows_kept() -> None:
    assert [rows_kept(height, 0.14) for height in (50, 100, 101, 300)] == [43, 86, 86, 258]
    assert rows_kept(7, 0.0) == 7 and rows_kept(1, 0.14) == 0


@pytest.mark.parametrize("cut", [0.0, 0.14, 0.5])
def test_a_small_picture_is_the_resampled_rest(tmp_path: Path, cut: float) -> None:
    path = save(tmp_path / "a.png", np.concatenate([picture(1, 100), picture(2, 100)], axis=1)[:, :150])
    pixels = decode(path)[: rows_kept(100, cut)]
    (first, second), side = read_small(path, cut, [34, 50], PixelBudget(10_000))
    assert side == len(pixels)
    assert np.array_equal(first, resample(pixels, 34)) and np.array_equal(second, resample(pixels, 50))
    write_cut(path, cut, tmp_path / "b.jpg")
    assert decode(tmp_path / "b.jpg").shape == pixels.shape


def test_nothing_left_of_a_picture_is_one_line(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture(1)[:1])
    with pytest.raises(MimError, match="has no rows beside the mark"):
        read_small(path, 0.14, [17], PixelBudget(10_000))


def test_threads_keep_the_order_and_tell_of_the_progress() -> None:
    told: list[tuple[str, int, int | None]] = []
    results = in_threads(lambda n: n * n, range(600), "square", lambda name, n, count, _: told.append((name, n, count)))
    assert results == [n * n for n in range(600)]
    assert told == [("square", 250, 600), ("square", 500, 600), ("square", 600, 600)]
    assert in_threads(lambda n: n, [], "none", lambda *_: told.append(("none", 0, 0))) == [] and len(told) == 3


def test_an_error_ends_the_work() -> None:
    begun, wait = [], threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise KeyboardInterrupt
        wait.wait(0.01)

    with pytest.raises(KeyboardInterrupt):
        in_threads(work, range(2000), "work", lambda *_: None)
    assert len(begun) < 2000
