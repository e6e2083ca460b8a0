"""`mim_tf.training.config`: values that a training cannot have."""

from __future__ import annotations

from typing import Any

import pytest

from mim_export.score.errors import MimError
from mim_tf.training.config import MAX_SEED, Training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "0 steps are not possible; choose 1 or more"),
        ({"batch_size": -1}, "batch size -1 is not possible"),
        ({"seconds": float("nan")}, "a training time of nan s is not possible; choose a number above 0"),
        ({"seconds": float("inf")}, "a training time of inf s is not possible"),
        ({"seconds": 0.0}, "a training time of 0 s is not possible"),
        ({"precision": "float16"}, "unknown precision 'float16'; choose auto, float32, mixed_bfloat16"),
        ({"seed": -1}, "seed -1 is not possible; choose a seed from 0 to 4294967295"),
        ({"seed": MAX_SEED + 1}, "seed 4294967296 is not possible"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MimError, match=message):
        Training(**options)
