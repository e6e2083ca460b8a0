"""`mim_tf.negatives.views`: kinds and numbers of views, and their dependence on photograph and seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from mim_export.score.preprocess import resample
from mim_tf.negatives.kinds import NEGATIVES
from mim_tf.negatives.views import make_views
from mim_tf.synthetic import dataset

PHOTO = dataset.render("mpox", [0])[0]
ROUNDS = 2


@pytest.fixture(scope="module")
def views() -> dict[str, np.ndarray]:
    return make_views(PHOTO, 96, ROUNDS, seed=0)


def test_kinds_and_numbers(views: dict[str, np.ndarray]) -> None:
    assert {kind: len(images) for kind, images in views.items()} == {
        "photo": 1,
        "crop": 5,
        "positive": 12,
        **dict.fromkeys(NEGATIVES, 2),
    }
    assert all(images.shape[1:] == (96, 96, 3) and images.dtype == np.uint8 for images in views.values())


def test_photo_view_matches_resample(views: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(views["photo"][0], resample(PHOTO, 96))


def test_fifth_crop_is_the_centre(views: dict[str, np.ndarray]) -> None:
    # 2 / 3 of 128 px are 85 px, from row and column 22 on; they are enlarged to 96.
    middle = PHOTO[22:107, 22:107].astype(float)
    assert abs(views["crop"][4].astype(float).mean() - middle.mean()) < 0.5


def test_views_depend_on_photograph_and_seed_alone(views: dict[str, np.ndarray]) -> None:
    again = make_views(PHOTO.copy(), 96, ROUNDS, seed=0)
    for kind, images in views.items():
        np.testing.assert_array_equal(images, again[kind])
    other = make_views(PHOTO, 96, ROUNDS, seed=1)
    assert any((views[kind] != other[kind]).any() for kind in NEGATIVES)
    np.testing.assert_array_equal(views["crop"], other["crop"])


def test_negatives_differ_from_the_photograph_and_from_each_other(views: dict[str, np.ndarray]) -> None:
    for kind in NEGATIVES:
        first, second = views[kind].astype(float)
        assert np.abs(first - second).mean() > 1
        assert np.abs(first - views["photo"][0]).mean() > 1
