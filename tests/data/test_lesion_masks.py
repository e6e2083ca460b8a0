"""`mim_tf.data.lesion_masks`: geometry, missing masks, and masks that are not possible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf.data.content import fingerprint
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.lesion_masks import load_lesions
from mim_tf.data.splits import Photo
from mim_tf.synthetic import dataset


def photo(folder: Path, pixels: np.ndarray, mask: np.ndarray) -> Photo:
    Image.fromarray(pixels).save(folder / "photo.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return Photo(folder / "photo.png", "test", "acne", "p1", mask=folder / "mask.png")


def test_a_mask_has_the_geometry_of_its_photograph(tmp_path: Path) -> None:
    """A photograph that equals its mask is resampled to at least half of 255 exactly where the mask is."""
    mask = np.where(np.random.default_rng(0).random((31, 45)) < 0.5, np.uint8(255), np.uint8(0))
    one = photo(tmp_path, np.repeat(mask[..., None], 3, axis=2), mask)
    for size in (8, 12, 31, 40):
        pixels = load_photos([one], size, warn=print, what="").pixels
        np.testing.assert_array_equal(load_lesions([one], size), pixels[..., 0] >= 128)


def test_literal_masks(tmp_path: Path) -> None:
    mask = np.array([[0, 255], [0, 255], [128, 0], [127, 0]], np.uint8)  # the centre square is rows 1 and 2
    one = photo(tmp_path, np.zeros((4, 2, 3), np.uint8), mask)
    assert load_lesions([one], 2).tolist() == [[[False, True], [True, False]]]
    assert load_lesions([one, replace(one, mask=None)], 1).tolist() == [[[True]], [[False]]]


def test_masks_that_are_not_possible_are_one_line(tmp_path: Path) -> None:
    one = photo(tmp_path, np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5), np.uint8))
    with pytest.raises(MimError, match=r"mask\.png: a mask of 5 x 4 px for a photograph of 6 x 4 px; make both"):
        load_lesions([one], 2)
    one = photo(tmp_path, np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.uint8))
    with pytest.raises(MimError, match=r"mask\.png: a mask of values up to 1; write lesions as 255 and skin as 0"):
        load_lesions([one], 2)
    (tmp_path / "mask.png").write_bytes(b"GIF")
    with pytest.raises(MimError, match=r"mask\.png: not a readable image"):
        load_lesions([one], 2)


def test_the_masks_of_the_sample_set_are_read(tmp_path: Path) -> None:
    folder = dataset.write_sample(tmp_path / "data", counts={"test": {"mpox": 2, "plain": 1, "no_skin": 1}})
    photos = scan_folder(folder)
    assert [one.mask is None for one in photos] == [False, False, True, False]  # no_skin is the third
    masks = load_lesions(photos, 48)
    np.testing.assert_array_equal(masks[:2], dataset.render_masks("mpox", [0, 1], size=48))
    assert not masks[2:].any()
    # The fingerprint is of the photographs alone.
    assert fingerprint(photos) == fingerprint([replace(one, mask=None) for one in photos])
