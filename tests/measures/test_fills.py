"""`mim_tf.measures.fills` against SciPy, scikit-image and the fill of the scorer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.restoration import inpaint_biharmonic

from mim_export.score.fill import fill
from mim_export.score.preprocess import mask_set
from mim_tf.measures.fills import FILLS, blur
from mim_tf.synthetic import dataset

MASKS = mask_set(32, 8, 4)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return dataset.render("mpox", range(4), size=32)


def test_fills_are_those_of_scikit_image_and_of_the_pyramid(images: NDArray[np.uint8]) -> None:
    found = {name: make(images, MASKS) for name, make in FILLS.items()}
    for number, image in enumerate(images):
        for mask, pyramid in zip(MASKS, fill(image, MASKS), strict=True):
            hidden = mask[..., 0] == 0
            biharmonic = inpaint_biharmonic(image / 255, hidden, channel_axis=2).clip(0, 1)
            for name, expected in (("biharmonic", biharmonic), ("push_pull", pyramid / 255)):
                np.testing.assert_allclose(found[name][number][hidden], expected[hidden], atol=1e-6)


@pytest.mark.parametrize("name", FILLS)
def test_fills_see_kept_pixels_only(images: NDArray[np.uint8], name: str) -> None:
    changed = images.copy()
    changed[:, :8, :8] = 0
    found = [FILLS[name](pixels, MASKS)[:, :8, :8] for pixels in (images, changed)]
    np.testing.assert_allclose(*found, atol=1e-6)
    flat = np.full((1, 32, 32, 3), 102, np.uint8)
    np.testing.assert_allclose(FILLS[name](flat, MASKS), 0.4, atol=1e-5)


def test_blur_is_a_normalized_convolution(images: NDArray[np.uint8]) -> None:
    mask, green = MASKS[0][..., 0].astype(np.float64), images[0, :, :, 1] / 255
    by_hand = gaussian_filter(green * mask, 4.0) / gaussian_filter(mask, 4.0)
    assert mask[3, 3] == 0
    np.testing.assert_allclose(blur(images[:1], MASKS)[0, 3, 3, 1], by_hand[3, 3], atol=1e-4)
