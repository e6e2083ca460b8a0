"""`benchmarks/scale_model.py`: the simulation against durations that can be computed by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from scale_model import makespan


def test_equal_blocks_take_whole_rounds() -> None:
    rng = np.random.default_rng(0)
    assert makespan(np.full(10, 2.0), np.ones(4), 0.0, 0.0, rng) == (6.0, 0)
    # A worker that is three times slower does one block of the ten, in the time in which the others do three each.
    assert makespan(np.full(10, 2.0), np.array([3.0, 1.0, 1.0, 1.0]), 0.0, 0.0, rng) == (6.0, 0)


def test_losses_repeat_the_blocks_that_they_hit() -> None:
    work, rate, start = np.full(20_000, 1.0), 0.1, 0.5
    seconds, repeated = makespan(work, np.ones(1), rate, start, np.random.default_rng(0))
    # A block of length t is hit e^(rt) - 1 times on average, and takes (e^(rt) - 1) (1 / r + start) in all.
    hits = np.exp(rate) - 1
    assert repeated == pytest.approx(20_000 * hits, rel=0.05)
    assert seconds == pytest.approx(20_000 * hits * (1 / rate + start), rel=0.02)
