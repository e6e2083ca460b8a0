"""`mim_tf.training.config`: values that a training can and cannot have."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf.training.config import MAX_SEED, Training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "number of steps -1 is not possible; choose a whole number from 0 on"),
        ({"steps": "10"}, "number of steps '10' is not possible"),
        ({"steps": 10.0}, "number of steps 10.0 is not possible"),
        ({"steps": True}, "number of steps True is not possible"),
        ({"batch_size": 0}, "batch size 0 is not possible; choose a whole number from 1 on"),
        ({"batch_size": None}, "batch size None is not possible"),
        ({"seconds": float("nan")}, "training time nan s is not possible; choose a number above 0"),
        ({"seconds": float("inf")}, "training time inf s is not possible"),
        ({"seconds": 0.0}, "training time 0.0 s is not possible"),
        ({"seconds": "60"}, "training time 60 s is not possible"),
        ({"precision": "float16"}, "unknown precision 'float16'; choose auto, float32, mixed_bfloat16"),
        ({"precision": None}, "unknown precision None; choose auto"),
        ({"seed": -1}, "seed -1 is not possible; choose a whole number from 0 to 4294967295"),
        ({"seed": MAX_SEED + 1}, "seed 4294967296 is not possible"),
        ({"seed": 0.5}, "seed 0.5 is not possible"),
    ],
)
def test_values_out_of_range_or_of_another_type_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MimError, match=message):
        Training(**options)


def test_numbers_of_numpy_become_those_of_python() -> None:
    """Otherwise the settings of a run could not be written as JSON."""
    training = Training(steps=np.int64(5), batch_size=np.int32(2), seconds=np.float32(1.5), seed=np.uint8(3))
    assert json.loads(json.dumps(asdict(training))) == asdict(
        Training(steps=5, batch_size=2, seconds=1.5, precision="auto", seed=3)
    )
