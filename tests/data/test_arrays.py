"""`mim_tf.data.arrays`: what is refused at the door, in one line that says what was expected and received."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.data.arrays import array_fingerprint, check_groups, check_images, resample_all

GOOD = np.zeros((2, 8, 6, 3), np.uint8)


def test_arrays_and_lists_of_photographs_pass() -> None:
    assert check_images(GOOD) is GOOD
    photographs = [GOOD[0], np.zeros((4, 9, 3), np.uint8)]
    assert check_images(photographs) is photographs


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (np.zeros((2, 8, 6, 3)), "received float64 (2, 8, 6, 3); convert them, such as by (255 * images + 0.5)"),
        (GOOD[0], "received uint8 (8, 6, 3); add a batch axis, such as by images[None]"),
        (np.zeros((2, 8), np.uint8), "received uint8 (2, 8); stack images on axis 0"),
        (np.zeros((2, 8, 6, 1), np.uint8), "received uint8 (8, 6, 1) at index 0; convert it to uint8 RGB"),
        (np.zeros((2, 0, 6, 3), np.uint8), "received uint8 (0, 6, 3) at index 0; convert it to uint8 RGB"),
        (GOOD[:0], "received 0 images; pass at least one image"),
        ([], "received 0 images; pass at least one image"),
        ([GOOD[0], "photo.jpg"], "received str at index 1; convert it to uint8 RGB"),
        ("photo.jpg", "received str; pass an array or a list of arrays"),
        (None, "received NoneType; pass an array or a list of arrays"),
    ],
)
def test_other_images_are_refused(images: Any, received: str) -> None:
    with pytest.raises(MimError, match=r"^expected images as uint8 .*" + re.escape(received)):
        check_images(images)
    with pytest.raises(ValueError, match="expected images"):  # the same error, for who knows Python only
        check_images(images)


def test_groups_are_one_a_photograph() -> None:
    np.testing.assert_array_equal(check_groups(None, 3), ["0", "1", "2"])
    np.testing.assert_array_equal(check_groups([7, 7, 8], 3), ["7", "7", "8"])
    with pytest.raises(MimError, match=r"expected groups of shape \(3,\), received \(2,\)"):
        check_groups(["a", "b"], 3)
    with pytest.raises(MimError, match="image 1 has an empty group"):
        check_groups(["a", " ", "b"], 3)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 8))
def test_resampling_all_is_resampling_each(height: int, width: int, size: int) -> None:
    rng = np.random.default_rng(height * 100 + width)
    photographs = [rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 256, (9, 7, 3), np.uint8)]
    expected = np.stack([resample(image, size) for image in photographs])
    np.testing.assert_array_equal(resample_all(photographs, size), expected)


def test_fingerprints_see_values_shape_and_dtype() -> None:
    others = [GOOD + 1, GOOD.reshape(2, 6, 8, 3), GOOD.astype(np.int16)]
    assert len({array_fingerprint([array]) for array in (GOOD, *others)}) == 4
    assert array_fingerprint([GOOD.copy()]) == array_fingerprint([GOOD])
