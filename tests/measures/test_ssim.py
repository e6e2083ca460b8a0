"""`mim_tf.measures.ssim` against scikit-image: stored golden values and live results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve
from skimage.metrics import structural_similarity
from skimage.transform import downscale_local_mean

from mim_export.score.errors import MimError
from mim_tf.measures.ssim import (
    error_map,
    gms_map,
    msgms_map,
    ssim,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "skimage_ssim"
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


def test_golden_file_has_the_recorded_hash() -> None:
    import hashlib

    provenance = json.loads(GOLDEN.with_suffix(".json").read_text())
    assert hashlib.sha256(GOLDEN.with_suffix(".npz").read_bytes()).hexdigest() in json.dumps(provenance)


@given(st.integers(0, 2**31), st.floats(0.0, 0.5))
@settings(max_examples=20, deadline=None)
def test_random_pairs_match_scikit_image(seed: int, noise: float) -> None:
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
def test_error_map_matches_scikit_image_including_border(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 1, (19, 23, 3)).astype(np.float32)
    b = np.clip(a + noise * rng.standard_normal(a.shape), 0, 1).astype(np.float32)
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(a.astype(float), b.astype(float), channel_axis=-1, full=True, **options)
    ours = error_map(a[None], b[None])
    assert ours.shape == (1, 19, 23, 1)
    np.testing.assert_allclose(ours[0, :, :, 0], 1 - full.mean(-1), rtol=0, atol=5e-4)


def test_error_map_of_identical_images_is_zero() -> None:
    a = np.random.default_rng(0).uniform(0, 1, (2, 16, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(error_map(a, a), 0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_gradients_are_finite_for_identical_images(value: float) -> None:
    """Noise on half of a flat image; the other half has neither variance nor difference."""
    a = np.full((1, 24, 24, 3), value, np.float32)
    a[:, :12] += 0.1 * np.random.default_rng(0).standard_normal((1, 12, 24, 3))
    first, second = tf.constant(a), tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        total = tf.reduce_sum(ssim(first, second)) + tf.reduce_mean(error_map(first, second))
    for gradient in tape.gradient(total, [first, second]):
        assert np.isfinite(gradient.numpy()).all() and np.abs(gradient.numpy()).max() < 1


def test_images_of_a_batch_are_scored_independently() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0, 1, (3, 16, 16, 3)).astype(np.float32) for _ in range(2))
    alone = [float(ssim(a[i : i + 1], b[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(ssim(a, b), alone, rtol=0, atol=1e-6)


def _gms(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Gradient magnitude similarity (Xue et al., 2014) with SciPy, for grey images in [0, 1]."""
    taps = np.array([[1, 0, -1]] * 3) / 3
    strengths = [np.hypot(convolve(x, taps, mode="reflect"), convolve(x, taps.T, mode="reflect")) for x in (a, b)]
    return (2 * strengths[0] * strengths[1] + 0.0026) / (strengths[0] ** 2 + strengths[1] ** 2 + 0.0026)


def test_gms_matches_the_formula() -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.uniform(0, 1, (2, 32, 32, 3)).astype(np.float32) for _ in range(2))
    found = gms_map(tf.constant(a), tf.constant(b)).numpy()[..., 0]
    for i in range(2):
        expected = _gms(a[i].astype(np.float64).mean(-1), b[i].astype(np.float64).mean(-1))
        np.testing.assert_allclose(found[i], expected, atol=1e-4)


def test_msgms_averages_four_scales() -> None:
    rng = np.random.default_rng(6)
    a, b = (rng.uniform(0, 1, (1, 32, 32, 3)).astype(np.float32) for _ in range(2))
    expected = np.zeros((32, 32))
    x, y = a[0].astype(np.float64).mean(-1), b[0].astype(np.float64).mean(-1)
    for _ in range(4):
        coarse = tf.image.resize(_gms(x, y)[None, ..., None], (32, 32)).numpy()[0, ..., 0]
        expected += coarse / 4
        x, y = downscale_local_mean(x, (2, 2)), downscale_local_mean(y, (2, 2))
    found = msgms_map(tf.constant(a), tf.constant(b)).numpy()[0, ..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(msgms_map(tf.constant(a), tf.constant(a)), 1, atol=1e-6)


def test_msgms_has_finite_gradient_on_blank_images() -> None:
    """The derivative of the square root is not finite at 0, which occurs in every blank region."""
    blank = tf.Variable(tf.fill((1, 16, 16, 3), 0.5))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(msgms_map(blank, tf.fill((1, 16, 16, 3), 0.5)))
    assert np.isfinite(tape.gradient(value, blank).numpy()).all() and float(value) == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "line"),
    [
        (np.zeros((16, 16, 3), np.float32), np.zeros((16, 16, 3), np.float32), r"received float32 \(16, 16, 3\)"),
        (np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 16, 16, 3), np.uint8), "received uint8"),
        (np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 16, 3)), "received float64"),
        (np.zeros((1, 10, 16, 3), np.float32), np.zeros((1, 10, 16, 3), np.float32), "H and W of 11 or more"),
        (np.zeros((1, 16, 16, 3), np.float32), np.zeros((1, 16, 17, 3), np.float32), "differ; pass images of the same"),
    ],
)
def test_other_images_are_refused(a: np.ndarray, b: np.ndarray, line: str) -> None:
    with pytest.raises(MimError, match=line):
        ssim(a, b)
