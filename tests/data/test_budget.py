"""`mim_tf.data.budget`: photographs in several threads stay within the limit."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from mim_tf.data.budget import PixelBudget


def test_the_sum_stays_within_the_limit_and_large_ones_are_alone() -> None:
    budget, lock, held, most = PixelBudget(100), threading.Lock(), [], []
    sizes = [60, 30, 10, 100, 400, 50, 50, 1, 99] * 5

    def work(size: int) -> None:
        with budget.take(size):
            with lock:
                held.append(size)
                most.append((sum(held), len(held)))
            time.sleep(0.001)
            with lock:
                held.remove(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, sizes))
    assert all(total <= 100 or count == 1 for total, count in most)
    assert max(count for _, count in most) > 1 and not held


def test_an_error_gives_its_share_back() -> None:
    budget = PixelBudget(10)
    for _ in range(3):
        try:
            with budget.take(10):
                raise ValueError
        except ValueError:
            pass
    with budget.take(10):
        pass
