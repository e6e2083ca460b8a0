"""`mim_tf.negatives.photometric`: size, range and determinism of views, and outlines."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.negatives.photometric import framed, outline, scene


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_outline_is_neither_empty_nor_full(seed: int) -> None:
    inside = outline(64, np.random.default_rng(seed))
    assert inside.shape == (64, 64) and inside.dtype == bool
    assert 0.03 < inside.mean() < 0.97


def test_framed_only_darkens_the_inside_of_the_outline() -> None:
    image = np.full((128, 128, 3), 0.5, np.float32)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        inside = outline(128, np.random.default_rng(seed))
        view = framed(image, rng)
        assert view.dtype == np.float32 and view.min() >= 0 and view.max() <= 1
        assert view[inside].max() <= 1 and np.median(view[inside]) <= 0.5 + 1e-6
        assert np.quantile(view[inside], 0.99) - 0.5 < 0.2 or inside.mean() < 0.2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_scene_is_deterministic_and_has_the_requested_size(seed: int) -> None:
    image = np.random.default_rng(0).random((80, 80, 3)).astype(np.float32) * 1.4 - 0.2
    views = [scene(image, 64, np.random.default_rng(seed)) for _ in range(2)]
    assert views[0].shape == (64, 64, 3) and views[0].dtype == np.uint8
    np.testing.assert_array_equal(*views)
