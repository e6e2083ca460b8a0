"""`mim_tf.evaluation.controls`: properties of controls and alterations."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mim_tf.evaluation import controls
from mim_tf.evaluation.image_properties import smoothness
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def skin() -> np.ndarray:
    return dataset.render("mpox", range(3), size=96)


@pytest.mark.parametrize("kind", controls.CONTROLS)
@pytest.mark.parametrize("size", [24, 97])
def test_controls_follow_the_seed(kind: str, size: int) -> None:
    one, again, other = (controls.CONTROLS[kind](6, size, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.shape == (6, size, size, 3) and one.dtype == np.uint8
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert len(np.unique(one.reshape(6, -1), axis=0)) > 3


def test_blank_images_are_one_colour_or_a_faint_gradient() -> None:
    images = controls.blank(24, 64, np.random.default_rng(0)).astype(int)
    spans = np.ptp(images, axis=(1, 2)).max(1)
    walls = np.arange(24) % 3 == 2
    assert (spans[~walls] == 0).all()
    assert (spans[walls] >= 1).all() and (spans[walls] <= 8).all()
    assert (np.ptp(images[walls], axis=-1) == 0).all(), "walls are grey"
    red, green, blue = images[1::3, 0, 0].T
    assert ((red > green) & (green > blue)).all(), "the tones of skin"


def test_noise_is_uniform() -> None:
    """Mean of 24 * 32 * 32 * 3 uniform values, standard deviation 73.9: within five standard errors."""
    images = controls.noise(24, 32, np.random.default_rng(0))
    assert (images.min(), images.max()) == (0, 255)
    assert abs(images.mean() - 127.5) < 5 * 73.9 / np.sqrt(images.size)


def test_text_is_dark_lines_on_light_paper() -> None:
    for image in controls.text(12, 96, np.random.default_rng(0)):
        luma = image.mean(-1)
        ink = luma < 110
        assert np.median(luma) > 170, "paper prevails"
        assert 0.03 < ink.mean() < 0.5
        rows = ink.any(1).astype(int)
        assert (np.diff(rows) == 1).sum() >= 4, "several lines"


def test_blurring_leaves_colours_only(skin: np.ndarray) -> None:
    soft = controls.blurred(skin)
    assert soft.shape == skin.shape and soft.dtype == np.uint8
    np.testing.assert_allclose(soft.mean(axis=(1, 2)), skin.mean(axis=(1, 2)), atol=4)
    assert (smoothness(soft) > smoothness(skin) / 5).all()
    edge = np.zeros((1, 48, 48, 3), np.uint8)
    edge[:, :, 24:] = 255
    # Sigma is 4 px; pixel 27 lies 3.5 px from the edge: 255 Phi(3.5 / 4) = 206.3.
    assert abs(int(controls.blurred(edge)[0, 24, 27, 0]) - 206) <= 1
    flat = np.full((1, 12, 12, 3), (255, 128, 0), np.uint8)
    np.testing.assert_array_equal(controls.blurred(flat), flat)


@pytest.mark.parametrize("size", [48, 192])
def test_slight_blurs_are_those_of_opencv(size: int) -> None:
    image = dataset.render("mpox", range(1), size=size)
    scaled = 0.8 * size / 192
    reach = int(4 * scaled + 0.5)  # where SciPy truncates the kernel
    expected = cv2.GaussianBlur(
        image[0].astype(np.float32), (2 * reach + 1,) * 2, scaled, borderType=cv2.BORDER_REFLECT
    )
    soft = controls.softened(image, 0.8)[0]
    assert np.abs(soft - expected).max() <= 0.51
    assert controls.softened(image, 0.0)[0].tolist() == image[0].tolist()


def test_sharpening_mirrors_the_blur_at_every_pixel(skin: np.ndarray) -> None:
    mild = np.uint8(100) + skin // 8  # nothing is clipped
    blurred_mild = controls.softened(mild, 1.0).astype(int)
    np.testing.assert_allclose(controls.sharpened(mild), 2 * mild.astype(int) - blurred_mild, atol=1)
    flat = np.full((1, 12, 12, 3), (255, 128, 0), np.uint8)
    np.testing.assert_array_equal(controls.sharpened(flat), flat)


@pytest.mark.parametrize("size", [24, 96, 131])
def test_the_mark_stays_in_its_corner(size: int) -> None:
    grey = np.full((2, size, size, 3), 128, np.uint8)
    before = grey.copy()
    marked = controls.corner_marked(grey)
    np.testing.assert_array_equal(grey, before)
    side = round(size / 5)
    outside = marked.copy()
    outside[:, -side:, -side:] = 128
    assert (outside == 128).all()
    np.testing.assert_array_equal(marked[0], marked[1])


def test_the_mark_has_light_letters_with_a_dark_outline() -> None:
    """On a grey image of level 128 and 96 px."""
    levels = controls.corner_marked(np.full((1, 96, 96, 3), 128, np.uint8))[0, -19:, -19:, 0]
    assert (levels < 100).sum() > 20 and (levels > 150).sum() > 5


def test_the_mark_lets_the_image_through() -> None:
    """An opacity of at most 75 % keeps at least a quarter of the difference between two backgrounds."""
    dark, light = (controls.corner_marked(np.full((1, 96, 96, 3), level, np.uint8)) for level in (40, 240))
    difference = light.astype(int) - dark
    assert difference.min() >= 0.25 * 200 - 1 and difference.max() == 200


def test_compression_is_that_of_the_quality(skin: np.ndarray, tmp_path: Path) -> None:
    worse = controls.recompressed(skin)
    Image.fromarray(skin[0]).save(tmp_path / "q.jpg", quality=20)
    np.testing.assert_array_equal(worse[0], np.asarray(Image.open(tmp_path / "q.jpg")))
    assert 0 < np.abs(worse.astype(int) - skin).mean() < 15


def test_half_the_resolution_loses_what_is_finer_than_two_pixels() -> None:
    board = np.indices((32, 32)).sum(0) % 2 * 255
    coarse = controls.half_resolution(np.repeat(board[None, ..., None], 3, -1).astype(np.uint8))
    np.testing.assert_array_equal(coarse, 128)
