"""`mim_tf.evaluation.alterations`: a score of sharpness is found out, and one of the mean colour is not accused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mim_tf.data.folder import Photos
from mim_tf.data.splits import Photo
from mim_tf.evaluation.alterations import ALTERATIONS, altered_aurocs, equal_sigma, mean_gradient
from mim_tf.evaluation.controls import softened
from mim_tf.evaluation.heat_maps import alteration_figure
from mim_tf.evaluation.image_properties import smoothness
from mim_tf.evaluation.metrics import auroc

Pixels = NDArray[np.uint8]
SIZE, COUNT = 96, 12


def texture(sigma: float, seed: int) -> Pixels:
    """Grain of one amplitude on grey of a random level, blurred by `sigma` pixels."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(90, 160, (COUNT, 1, 1, 1))
    grain = gaussian_filter(rng.normal(0, 60, (COUNT, SIZE, SIZE, 1)), (0, sigma, sigma, 0))
    return np.rint(np.clip(level + np.repeat(grain, 3, axis=-1), 0, 255)).astype(np.uint8)


def photos(label: str, pixels: Pixels) -> Photos:
    files = tuple(Photo(Path(f"{label}{i}.png"), "test", label, f"{label}{i}") for i in range(len(pixels)))
    return Photos(pixels, files, np.full(len(pixels), 200))


CLASSES = {
    "mpox": photos("mpox", texture(0.9, 0)),
    "atlas": photos("atlas", texture(0.75, 1)),
    "soft": photos("soft", texture(1.4, 2)),
    "no_skin": photos("no_skin", texture(0.2, 3)),
}


def result(score: Callable[[Pixels], NDArray[Any]]) -> dict[str, Any]:
    def similarity_of(pixels: Pixels) -> NDArray[np.float32]:
        return np.asarray(score(pixels), np.float32)

    return altered_aurocs(
        similarity_of, {name: (one, similarity_of(one.pixels)) for name, one in CLASSES.items()}, "mpox"
    )


def test_a_score_of_sharpness_is_found_out() -> None:
    found = result(smoothness)
    atlas, soft = found["classes"]["atlas"], found["classes"]["soft"]
    assert set(found["classes"]) == {"atlas", "soft"}  # what shows no skin is left out
    assert atlas["auroc"] == 1.0 and soft["auroc"] == 0.0
    # Blurred until it is as sharp as mpox, the atlas is not told apart, and so is mpox beside what is softer.
    assert atlas["equal_sharpness"]["side"] == "other" and soft["equal_sharpness"]["side"] == "normal"
    assert 0.25 < atlas["equal_sharpness"]["auroc"] < 0.75 and 0.25 < soft["equal_sharpness"]["auroc"] < 0.75
    assert atlas["other"]["half resolution"] < 0.5  # the atlas is now the smoother class
    assert found["largest_change"]["blur 0.8"]["change"] <= 0
    assert found["mean"]["auroc"] == 0.5
    json.dumps(found)


def test_a_score_of_the_mean_colour_is_not_accused() -> None:
    found = result(lambda pixels: pixels.mean(axis=(1, 2, 3)))
    for name in ("blur 0.5", "blur 0.65", "blur 0.8", "half resolution", "JPEG quality 20"):
        assert abs(found["largest_change"][name]["change"]) <= 0.03, name


def test_numbers_are_those_of_the_altered_images() -> None:
    found = result(smoothness)["classes"]["atlas"]
    own, other = CLASSES["mpox"].pixels, CLASSES["atlas"].pixels
    for name, alter in ALTERATIONS.items():
        assert found["other"][name] == auroc(smoothness(own).astype("f4"), smoothness(alter(other)).astype("f4")), name
        assert found["normal"][name] == auroc(smoothness(alter(own)).astype("f4"), smoothness(other).astype("f4")), name


def test_equal_sigma_is_the_blur_that_was_applied() -> None:
    sharp = CLASSES["atlas"].pixels[:4]
    for sigma in (0.5, 1.3):
        assert equal_sigma(sharp, mean_gradient(sharp, sigma)) == pytest.approx(sigma, abs=0.01)
        # The blur of the rounded images is that of the luma, up to the rounding.
        assert mean_gradient(softened(sharp, sigma), 0.0) == pytest.approx(mean_gradient(sharp, sigma), rel=0.02)
    assert equal_sigma(sharp, mean_gradient(sharp, 0.0)) == 0.0
    assert equal_sigma(sharp, 0.0) == 4.0


def test_mean_gradient_is_that_of_numpy() -> None:
    ramp = np.repeat(np.repeat(np.arange(5, dtype=np.uint8)[None, :, None] * 51, 5, axis=0), 3, axis=2)[None]
    assert mean_gradient(ramp, 0.0) == pytest.approx(0.2)
    assert mean_gradient(CLASSES["soft"].pixels, 0.0) == pytest.approx(-smoothness(CLASSES["soft"].pixels).mean())


def test_without_other_skin_there_is_nothing_to_compare() -> None:
    parts = {name: (CLASSES[name], np.zeros(COUNT, np.float32)) for name in ("mpox", "no_skin")}
    found = altered_aurocs(lambda pixels: np.zeros(len(pixels), np.float32), parts, "mpox")
    assert found == {"normal_class": "mpox", "classes": {}, "mean": None, "largest_change": {}}


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    path = alteration_figure(result(smoothness), "AUROC", tmp_path / "alterations.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
