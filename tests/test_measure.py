"""`mim_tf.measure` against scikit-image, golden and live."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from mim_tf.measure import error_map, ssim

GOLDEN = Path(__file__).parent / "golden" / "skimage_ssim"
KINDS = ("constant", "identical", "noise", "gradient", "dark", "checkers")
NAMES = [f"{size}_{kind}" for size in (32, 96) for kind in KINDS]


def _float(pixels: np.ndarray) -> tf.Tensor:
    return tf.constant(pixels[None].astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("name", NAMES)
def test_golden_scores_and_maps(name: str) -> None:
    golden = np.load(GOLDEN.with_suffix(".npz"))
    a, b = _float(golden[f"a_{name}"]), _float(golden[f"b_{name}"])
    assert abs(float(ssim(a, b)[0]) - float(golden[f"score_{name}"])) < 1e-4
    errors = error_map(a, b).numpy()[0, :, :, 0]
    lines = golden[f"lines_{name[:2]}"]
    np.testing.assert_allclose(errors[np.ix_(lines, lines)], 1 - golden[f"map_{name}"].mean(-1), atol=5e-4)
    assert abs((1 - errors.mean()) - golden[f"map_mean_{name}"].mean()) < 1e-4


def test_golden_file_is_the_one_that_its_provenance_names() -> None:
    import hashlib

    told = json.loads(GOLDEN.with_suffix(".json").read_text())
    assert hashlib.sha256(GOLDEN.with_suffix(".npz").read_bytes()).hexdigest() in json.dumps(told)


@given(st.integers(0, 2**31), st.floats(0.0, 0.5))
@settings(max_examples=20, deadline=None)
def test_random_pairs(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 1, (24, 31, 3)).astype(np.float32)
    b = np.clip(a + noise * rng.standard_normal(a.shape), 0, 1).astype(np.float32)
    expected = structural_similarity(
        a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1
    )
    ours = float(ssim(a[None], b[None])[0])
    assert abs(ours - expected) < 1e-4
    assert ours == pytest.approx(float(ssim(b[None], a[None])[0]), abs=1e-6)
    assert float(ssim(a[None], a[None])[0]) == pytest.approx(1.0, abs=1e-6)


def test_constants_have_the_documented_value() -> None:
    zero, one = tf.zeros((1, 16, 16, 3)), tf.ones((1, 16, 16, 3))
    assert float(ssim(zero, one)[0]) == pytest.approx(0.0001 / 1.0001, abs=1e-7)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_gradients_are_finite_on_flat_images(value: float) -> None:
    a = tf.fill((1, 16, 16, 3), value)
    with tf.GradientTape() as tape:
        tape.watch(a)
        similarity = ssim(a, tf.fill((1, 16, 16, 3), value))
    assert np.isfinite(tape.gradient(similarity, a).numpy()).all()


@given(st.integers(0, 2**31), st.floats(0.0, 0.3))
@settings(max_examples=10, deadline=None)
def test_the_error_map_is_that_of_scikit_image_border_included(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 1, (19, 23, 3)).astype(np.float32)
    b = np.clip(a + noise * rng.standard_normal(a.shape), 0, 1).astype(np.float32)
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(a.astype(float), b.astype(float), channel_axis=-1, full=True, **options)
    ours = error_map(a[None], b[None])
    assert ours.shape == (1, 19, 23, 1)
    np.testing.assert_allclose(ours[0, :, :, 0], 1 - full.mean(-1), rtol=0, atol=5e-4)


def test_an_image_has_no_error_against_itself() -> None:
    a = np.random.default_rng(0).uniform(0, 1, (2, 16, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(error_map(a, a), 0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_gradients_are_finite_where_both_images_are_the_same(value: float) -> None:
    """Noise on half of a flat image; the other half has neither variance nor difference."""
    a = np.full((1, 24, 24, 3), value, np.float32)
    a[:, :12] += 0.1 * np.random.default_rng(0).standard_normal((1, 12, 24, 3))
    first, second = tf.constant(a), tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        total = tf.reduce_sum(ssim(first, second)) + tf.reduce_mean(error_map(first, second))
    for gradient in tape.gradient(total, [first, second]):
        assert np.isfinite(gradient.numpy()).all() and np.abs(gradient.numpy()).max() < 1


def test_images_of_a_batch_are_measured_apart() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0, 1, (3, 16, 16, 3)).astype(np.float32) for _ in range(2))
    alone = [float(ssim(a[i : i + 1], b[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(ssim(a, b), alone, rtol=0, atol=1e-6)
