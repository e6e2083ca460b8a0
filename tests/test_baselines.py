"""`mim_tf.baselines` against scikit-learn and SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.covariance import LedoitWolf

from mim_export.preprocess import mask_set
from mim_tf import method, sample
from mim_tf.baselines.blur import blur_inpaint
from mim_tf.baselines.colour import colour_statistics
from mim_tf.method import Training


def test_colour_is_the_mahalanobis_distance_of_scikit_learn() -> None:
    pixels = sample.render("mpox", range(10), size=32)
    detector = method.make("colour", 32)
    detector.fit(pixels, Path(), Training(), lambda *line: None)
    expected = -LedoitWolf().fit(colour_statistics(pixels)).mahalanobis(colour_statistics(pixels))
    np.testing.assert_allclose(detector.similarity(pixels), expected, rtol=1e-4)
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(colour_statistics(red)[0], [1, 0, 0, 0, 0, 0])


def test_blur_sees_kept_pixels_only() -> None:
    masks = mask_set(32, 8, 4)
    image = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    filled = blur_inpaint(image, masks)
    changed = image.copy()
    changed[0, :8, :8] = 0
    np.testing.assert_allclose(blur_inpaint(changed, masks)[0, :8, :8], filled[0, :8, :8], atol=1e-6)
    flat = np.full((1, 32, 32, 3), 0.4, np.float32)
    np.testing.assert_allclose(blur_inpaint(flat, masks), flat, atol=1e-5)
    kept = gaussian_filter(masks[0][..., 0].astype(np.float64), 4.0)
    by_hand = gaussian_filter(image[0, :, :, 1].astype(np.float64) * masks[0][..., 0], 4.0) / kept
    np.testing.assert_allclose(filled[0, 3, 3, 1], by_hand[3, 3], atol=1e-4)
