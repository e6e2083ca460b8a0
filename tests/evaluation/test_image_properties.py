"""`mim_tf.evaluation.image_properties`: planted images and comparison with scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import rgb2hsv

from mim_export.score.errors import MimError
from mim_tf.data.folder import Photos
from mim_tf.data.splits import Photo
from mim_tf.evaluation import image_properties as properties
from mim_tf.evaluation.controls import noise
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def skin() -> np.ndarray:
    return dataset.render("mpox", range(4), size=48)


@given(st.integers(0, 15), st.booleans(), st.integers(4, 17))
@settings(max_examples=25, deadline=None)
def test_smoothness_of_a_ramp_is_minus_its_slope(slope: int, upright: bool, size: int) -> None:
    """Grey levels 0, slope, 2 slope, ...: differences are exact at the border and inside."""
    ramp = np.broadcast_to((slope * np.arange(size))[:, None], (size, size))
    grey = np.repeat((ramp if upright else ramp.T)[None, :, :, None], 3, axis=3).astype(np.uint8)
    assert properties.smoothness(grey)[0] == pytest.approx(-slope / 255, abs=1e-12)


def test_smoothness_adds_the_directions_as_lengths() -> None:
    diagonal = 3 * np.arange(10)[:, None] + 4 * np.arange(10)
    grey = np.repeat(diagonal[None, :, :, None], 3, axis=3).astype(np.uint8)
    assert properties.smoothness(grey)[0] == pytest.approx(-5 / 255)


@pytest.mark.filterwarnings("error")
def test_saturation_is_that_of_scikit_image(skin: np.ndarray) -> None:
    black = np.zeros_like(skin[:1])
    images = np.concatenate([skin, noise(3, 48, np.random.default_rng(0)), black])
    expected = [rgb2hsv(image)[..., 1].mean() for image in images]
    np.testing.assert_allclose(properties.saturation(images), expected, atol=1e-12)
    orange = np.full((1, 5, 5, 3), (200, 150, 100), np.uint8)
    assert properties.saturation(orange)[0] == 0.5


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_quality_is_that_of_the_last_saving(tmp_path: Path, skin: np.ndarray, mode: str) -> None:
    path = tmp_path / "photo.jpg"
    for quality in range(1, 101):
        Image.fromarray(skin[0, :16, :16]).convert(mode).save(path, quality=quality)
        assert properties.jpeg_quality(path) == quality


def test_tables_of_another_make_count_by_the_nearest(tmp_path: Path, skin: np.ndarray) -> None:
    """Tables at quality 80 (s = 40) with one entry off by one."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(skin[0]).save(path, quality=80)
    with Image.open(path) as image:
        tables = {key: list(table) for key, table in image.quantization.items()}
    tables[0][5] += 1
    Image.fromarray(skin[0]).save(path, qtables=tables)
    with Image.open(path) as image:
        assert list(image.quantization[0]) == tables[0]
    assert properties.jpeg_quality(path) == 80


def test_quality_is_read_from_the_header_alone(tmp_path: Path, skin: np.ndarray) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(skin[0]).save(path, quality=60)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\xff\xda") + 20])  # ends soon after the start of scan
    assert properties.jpeg_quality(path) == 60


def test_quality_is_read_without_warnings_and_from_damaged_headers(tmp_path: Path, skin: np.ndarray) -> None:
    """Two-byte tables, fill bytes before a marker, and files that end anywhere."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(skin[0]).save(path, quality=60)
    whole = path.read_bytes()
    place = whole.index(b"\xff\xdb")
    table = whole[place + 5 : place + 69]
    wide = b"\xff\xff\xdb" + (2 + 129).to_bytes(2, "big") + b"\x10" + b"".join(bytes([0, value]) for value in table)
    path.write_bytes(whole[:2] + wide + whole[whole.index(b"\xff\xda") :])
    assert properties.jpeg_quality(path) == 60
    for end in range(place + 200):
        path.write_bytes(whole[:end])
        assert np.isnan(properties.jpeg_quality(path)) or properties.jpeg_quality(path) == 60


def test_other_formats_have_no_quality_and_missing_files_an_error(tmp_path: Path, skin: np.ndarray) -> None:
    for suffix in ("png", "webp"):
        Image.fromarray(skin[0]).save(tmp_path / f"photo.{suffix}")
        assert np.isnan(properties.jpeg_quality(tmp_path / f"photo.{suffix}"))
    with pytest.raises(MimError, match="no such file"):
        properties.jpeg_quality(tmp_path / "gone.jpg")


def test_properties_of_a_set(tmp_path: Path) -> None:
    colours = np.array([(200, 150, 100), (90, 90, 90)], np.uint8)
    photos = []
    for i, colour in enumerate(colours):
        path = tmp_path / f"{i}.jpg"
        Image.new("RGB", (16, 16), tuple(map(int, colour))).save(path, quality=70 + i)
        photos.append(Photo(path, "test", "mpox", path.name))
    pixels = np.broadcast_to(colours[:, None, None], (2, 8, 8, 3))
    found = properties.image_properties(Photos(pixels, tuple(photos), np.array([480, 1200])))
    expected: dict[str, list[float]] = {
        "smoothness": [0, 0],
        "brightness": [(0.299 * 200 + 0.587 * 150 + 0.114 * 100) / 255, 90 / 255],
        "saturation": [0.5, 0],
        "resolution": [480, 1200],
        "jpeg_quality": [70, 71],
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-12, err_msg=name)
