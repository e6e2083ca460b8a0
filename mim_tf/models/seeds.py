"""Seeded initial weights that leave the random state of the user unchanged."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from mim_export.score.errors import check_whole


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Makes the initial weights of the layers that are built in the block a function of the seed.

    An initializer of Keras without a seed draws one from Python's `random` and is stateless otherwise. The state of
    `random` is restored at the end of the block; those of NumPy and TensorFlow are not used.

    Args:
        seed: an integer of at least 0.

    Raises:
        MimError: the seed is negative or no integer.
    """
    check_whole("seed", seed, 0)  # of a negative one, Python would use the absolute value
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
