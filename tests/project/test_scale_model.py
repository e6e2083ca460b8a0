"""`benchmarks/scale_model.py`: the simulation against durations that can be computed by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from scale_model import durations, makespan


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


def test_durations_are_those_of_blocks(tmp_path: Path) -> None:
    """In microseconds; the same timeline has other tasks of Ray, and the phases of each task."""
    block = {"cat": "task::MapWorker(MapBatches(BlockActor)).submit", "name": "submit", "ph": "X"}
    others = [
        {"cat": "task:execute", "name": "task:execute", "ph": "X", "dur": 3e6},
        {"cat": "task::MapWorker(MapBatches(BlockActor)).__init__", "name": "__init__", "ph": "X", "dur": 9e6},
        {"name": "submit_task", "ph": "s"},
    ]
    path = tmp_path / "timeline.json"
    path.write_text(json.dumps([{**block, "dur": 4.5e6}, *others, {**block, "dur": 4e6}]))
    assert durations(path).tolist() == [4.5, 4.0]
    path.write_text(json.dumps(others))
    with pytest.raises(SystemExit, match="no tasks of mim-tf score"):
        durations(path)
