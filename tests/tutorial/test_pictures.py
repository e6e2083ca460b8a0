"""`mim_tf.tutorial.pictures`: colours and proportions of the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mim_tf.evaluation.plots import COLOURS
from mim_tf.tutorial import pictures


def pixels_of(path: Path, colour: tuple[int, int, int], slack: int = 2) -> int:
    """Number of pixels of a figure with a colour."""
    drawn = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return int((np.abs(drawn - colour).max(axis=-1) <= slack).sum())


def rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def plain(*colour: float) -> np.ndarray:
    return np.ones((16, 16, 3), np.float32) * np.array(colour, np.float32)


def test_a_grid_gives_each_image_the_same_room(tmp_path: Path) -> None:
    red, blue, darkest = plain(1, 0, 0), plain(0, 0, 1), np.zeros((16, 16))
    rows = {"first": [red, blue, darkest], "second": [red]}
    path = pictures.grid_figure(rows, tmp_path / "grid.png", captions={"first": ["a", "b", "c"]}, title="two rows")
    counts = [pixels_of(path, colour) for colour in ((255, 0, 0), (0, 0, 255), (0, 0, 3))]  # magma begins at 0, 0, 3
    assert counts[1] > 5000
    assert abs(counts[0] / counts[1] - 2) < 0.05 and abs(counts[2] / counts[1] - 1) < 0.05


def test_the_map_of_equal_images_is_one_colour(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    pairs = {"equal": (image, image), "opposite": (image, 1 - image)}
    yellow = (253, 231, 36)  # the end of viridis
    both = pictures.similarity_map_figure(pairs, tmp_path / "both.png")
    opposite = pictures.similarity_map_figure({"opposite": pairs["opposite"]}, tmp_path / "opposite.png")
    assert pixels_of(both, yellow) > 10 * max(1, pixels_of(opposite, yellow))


def test_bars_are_as_long_as_their_numbers(tmp_path: Path) -> None:
    series = {"one": {"a": 0.25}, "two": {"a": 0.75}}
    path = pictures.bars_figure(series, tmp_path / "bars.png", xlabel="share", line=0.5)
    short, long = (pixels_of(path, rgb(colour)) for colour in COLOURS[:2])
    # The legend adds a few pixels of each colour.
    assert 2.6 < long / short < 3.1


def test_a_histogram_has_a_row_for_each_class(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.normal(mean, 1, 50).astype(np.float32) for name, mean in (("mpox", 0), ("plain", 3))}
    path = pictures.histogram_figure({"m": values}, tmp_path / "rows.png", thresholds={"m": 0.0})
    wide = pictures.histogram_figure({"m": values, "n": values}, tmp_path / "wide.png", xlabel="x")
    assert np.asarray(Image.open(path)).std() > 5
    assert Image.open(wide).height == Image.open(path).height and Image.open(wide).width > Image.open(path).width


def test_points_lie_where_they_should(tmp_path: Path) -> None:
    few = {"a": (np.array([0.0, 1.0]), np.array([0.0, 1.0]))}
    path = pictures.scatter_figure(few, tmp_path / "points.png", labels=("x", "y"), thresholds=(0.5, 0.5), equal=True)
    drawn = np.asarray(Image.open(path).convert("RGB")).astype(int)
    # Points are translucent and blend with white: more blue than red.
    rows, columns = np.nonzero(drawn[..., 2] - drawn[..., 0] > 90)
    lower, upper = rows > np.median(drawn.shape[0] / 2), rows <= drawn.shape[0] / 2
    assert columns[lower].max() < columns[upper].min() or columns[upper].max() > columns[lower].max()


def test_finished_pictures_stand_beside_each_other(tmp_path: Path) -> None:
    for name, colour in (("one", (200, 0, 0)), ("two", (0, 0, 200))):
        Image.new("RGB", (60, 90), colour).save(tmp_path / f"{name}.png")
    files = {name: tmp_path / f"{name}.png" for name in ("one", "two")}
    path = pictures.beside_figure(files, tmp_path / "beside.png")
    drawn = np.asarray(Image.open(path).convert("RGB"))
    middle = drawn[drawn.shape[0] // 2]
    assert tuple(middle[drawn.shape[1] // 4]) == (200, 0, 0) and tuple(middle[3 * drawn.shape[1] // 4]) == (0, 0, 200)
