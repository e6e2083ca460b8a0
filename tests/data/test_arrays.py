"""`mim_tf.data.arrays`: what is refused at the door, in one line that says what was expected and received."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

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
        (np.ones((2, 8, 6, 3)), "received float64 (2, 8, 6, 3); convert them by (255 * images + 0.5).astype('uint8')"),
        (np.full((2, 8, 6, 3), 9.0), "received float64 (2, 8, 6, 3); convert them by images.astype('uint8')"),
        (np.full((2, 8, 6, 3), 200), "received int64 (2, 8, 6, 3); convert them by images.astype('uint8')"),
        (np.ones((2, 8, 6, 3), bool), "received bool (2, 8, 6, 3); convert to uint8 RGB in 0 to 255"),
        (GOOD[0], "received uint8 (8, 6, 3); add a batch axis by images[None]"),
        (
            np.zeros((2, 8), np.uint8),
            "received uint8 (2, 8); convert grey to RGB by np.repeat(images[..., None], 3, axis=-1)",
        ),
        (np.zeros((5, 2, 8), np.uint8), "received uint8 (5, 2, 8); convert grey to RGB by np.repeat"),
        (np.zeros((2, 3, 8, 6), np.uint8), "received uint8 (3, 8, 6) at index 0; move the channels to the last axis"),
        (np.zeros((2, 8, 6, 1), np.uint8), "received uint8 (8, 6, 1) at index 0; convert grey to RGB"),
        (np.zeros((2, 8, 6, 4), np.uint8), "received uint8 (8, 6, 4) at index 0; convert"),
        (np.zeros((2, 0, 6, 3), np.uint8), "received uint8 (0, 6, 3) at index 0; convert to uint8 RGB"),
        (GOOD[:0], "received 0 images; pass at least one image"),
        ([], "received 0 images; pass at least one image"),
        ([GOOD[0], "photo.jpg"], "received str at index 1; decode files by mim_export.score.decode.decode"),
        ([Image.new("RGB", (4, 4))], "received Image at index 0; convert it by np.asarray(image.convert('RGB'))"),
        ("photo.jpg", "received str; decode files by mim_export.score.decode.decode, or use fit_folder for a folder"),
        (Path("photos"), "received PosixPath; decode files by"),
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
    for missing in (["a", " ", "b"], ["a", None, "b"], [1.0, float("nan"), 2.0]):
        with pytest.raises(MimError, match="image 1 has no group; give each image a group"):
            check_groups(missing, 3)
    with pytest.raises(MimError, match=r"expected groups of shape \(3,\), received set"):
        check_groups({1, 2, 3}, 3)  # type: ignore[arg-type]
    with pytest.raises(MimError, match="received rows of different lengths"):
        check_groups([[1], [2, 3], [4]], 3)  # type: ignore[list-item]
    with pytest.raises(
        MimError, match=r"expected conditions of shape \(3,\), .*; pass .* one condition for each image"
    ):
        check_groups(["a", "b"], 3, "condition")


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
