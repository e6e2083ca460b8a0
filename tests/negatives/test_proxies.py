"""`mim_tf.negatives.proxies` against scikit-image, and `mim_tf.negatives.patch_paste`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import label2rgb
from skimage.filters import gaussian
from skimage.segmentation import slic
from skimage.transform import downscale_local_mean

from mim_tf.negatives import proxies as proxy
from mim_tf.negatives.patch_paste import paste_patch
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def skin() -> np.ndarray:
    return dataset.render("mpox", range(3), size=120)


def test_superpixel_means_match_scikit_image(skin: np.ndarray) -> None:
    labels = slic(skin[0], n_segments=proxy.SEGMENTS, compactness=proxy.COMPACTNESS, start_label=0, channel_axis=-1)
    expected = label2rgb(labels, skin[0], kind="avg", bg_label=-1)
    found = proxy.superpixel(skin[0]).astype(int)
    assert np.abs(found - expected).max() <= 1  # label2rgb truncates, `superpixel` rounds
    assert 60 <= len(np.unique(labels)) <= 200
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= labels.max() + 1


def test_blur_matches_scikit_image(skin: np.ndarray) -> None:
    expected = gaussian(skin[0].astype(float), 120 / 32, channel_axis=-1, mode="reflect", preserve_range=True)
    # scikit-image and SciPy treat the border differently, so only the inside is compared.
    assert np.abs(proxy.blur(skin[0])[20:-20, 20:-20] - expected[20:-20, 20:-20]).max() <= 0.6


def test_low_resolution_is_the_mean_of_each_cell(skin: np.ndarray) -> None:
    expected = downscale_local_mean(skin[0].astype(float), (10, 10, 1))
    np.testing.assert_array_equal(proxy.low_resolution(skin[0])[::10, ::10], np.floor(expected + 0.5))


def test_edges_of_a_step() -> None:
    step = np.zeros((24, 24, 3), np.uint8)
    step[:, 12:] = 60
    found = proxy.edges(step)[..., 0]
    # The Sobel filter of scikit-image gives a step of h the magnitude h / sqrt(2) on both sides; `edges` times 4.
    np.testing.assert_allclose(found[5, 11:13], 4 * 60 / 2**0.5, atol=1)
    assert (found[:, :10] == 0).all() and (found[:, 14:] == 0).all()


@pytest.mark.parametrize("kind", proxy.PROXIES)
def test_proxies_of_one_colour(kind: str) -> None:
    flat = np.full((2, 48, 48, 3), (200, 120, 90), np.uint8)
    expected = np.zeros_like(flat) if kind == "edges" else flat
    np.testing.assert_array_equal(proxy.proxies(kind, flat), expected)


@given(seed=st.integers(0, 2**31), size=st.sampled_from([32, 48, 96]))
@settings(max_examples=20, deadline=None)
def test_pasted_patch_is_a_square_of_the_image(seed: int, size: int) -> None:
    """Every pixel of the image has a unique value, which identifies the source of the patch."""
    numbers = np.arange(size * size, dtype=np.float32).reshape(1, size, size, 1)
    images = np.repeat(np.concatenate([numbers, numbers + size * size]), 3, axis=-1)
    pasted, where = paste_patch(tf.constant([seed, 1]), tf.constant(images), tf.constant(-np.ones_like(images)))
    for picture, inside in zip(pasted.numpy()[..., 0], where.numpy()[..., 0], strict=True):
        np.testing.assert_array_equal(picture == -1, inside == 0)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        side = len(rows)
        assert side == len(columns) and round(size / 8) <= side <= round(size / 3)
        patch = picture[rows[0] : rows[0] + side, columns[0] : columns[0] + side]
        assert (np.diff(patch, axis=1) == 1).all() and (np.diff(patch, axis=0) == size).all()
    again, _ = paste_patch(tf.constant([seed, 1]), tf.constant(images), tf.constant(-np.ones_like(images)))
    np.testing.assert_array_equal(pasted, again)
