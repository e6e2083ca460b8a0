"""`mim_tf.evaluation.shortcuts`: scores that equal one property are detected, others are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from mim_tf.data.folder import Photos
from mim_tf.data.splits import Photo
from mim_tf.evaluation import shortcuts as probes
from mim_tf.evaluation.image_properties import image_properties, saturation, smoothness
from mim_tf.evaluation.metrics import auroc
from mim_tf.evaluation.plots import probe_figure
from mim_tf.evaluation.shortcuts import matched_auroc, probe, spearman

Score = Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]
SIZE, COUNT = 24, 40
#: Mean amplitude of the grain, mean grey level, mean side, JPEG quality: the classes differ in all of them.
CLASSES = {
    "mpox": (10, 130, 600, (60, 90)),
    "measles": (14, 150, 700, (30, 60, 90, 95)),
    "normal": (13, 110, 500, (30, 60)),
    "no_skin": (40, 60, 200, (95,)),
}


def painted(name: str, folder: Path, rng: np.random.Generator) -> Photos:
    """Grain of random amplitude on random grey; the JPEG quality varies between files."""
    grain, level, side, qualities = CLASSES[name]
    amplitude = rng.normal(grain, 3, COUNT).clip(1)
    ground = rng.normal(level, 15, COUNT)
    tint = rng.uniform(0, 40, (COUNT, 1, 1, 1)) * np.array([1, 0, -1])
    texture = rng.normal(size=(COUNT, SIZE, SIZE, 1)) * amplitude[:, None, None, None]
    pixels = (ground[:, None, None, None] + tint + texture).clip(0, 255).astype(np.uint8)
    photos = []
    for i, image in enumerate(pixels):
        path = folder / f"{name}{i}.jpg"
        Image.fromarray(image).save(path, quality=qualities[i % len(qualities)])
        photos.append(Photo(path, "test", name, path.name))
    return Photos(pixels, tuple(photos), rng.normal(side, 80, COUNT).astype(np.int64))


@pytest.fixture(scope="module")
def skin_classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Photos]:
    folder, rng = tmp_path_factory.mktemp("probes"), np.random.default_rng(0)
    return {name: painted(name, folder, rng) for name in CLASSES}


def scored(photos: Photos, values: NDArray[Any]) -> tuple[Photos, NDArray[np.float32]]:
    return photos, values.astype(np.float32)


def probed(classes: dict[str, Photos], score: Score, seed: int = 0) -> dict[str, Any]:
    """Probes a score of pixels; checks that the result is JSON-serializable."""
    scores = {name: scored(photos, score(photos.pixels)) for name, photos in classes.items()}
    found = probe(lambda pixels: score(pixels).astype(np.float32), scores, "mpox", seed)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def probed_file(classes: dict[str, Photos], name: str) -> dict[str, Any]:
    """Probes a score that is a property of the file; controls have no file and score 0."""
    scores = {label: scored(photos, image_properties(photos)[name]) for label, photos in classes.items()}
    return probe(lambda pixels: np.zeros(len(pixels), np.float32), scores, "mpox", 0)


def brightness(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return (pixels @ np.array([0.299, 0.587, 0.114])).mean(axis=(1, 2))


def constant(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.full(len(pixels), 0.1)


def corner(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels[:, -5:, -5:].mean(axis=(1, 2, 3))


def centre(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels[:, 8:16, 8:16].mean(axis=(1, 2, 3))


PIXEL_SCORES: dict[str, Score] = {"smoothness": smoothness, "brightness": brightness, "saturation": saturation}


@pytest.mark.parametrize("name", PIXEL_SCORES)
def test_a_score_that_is_a_property_of_the_pixels_is_found_out(skin_classes: dict[str, Photos], name: str) -> None:
    found = probed(skin_classes, PIXEL_SCORES[name])
    for part in ("pooled", "normal"):
        correlation = found["correlation"][part]
        assert correlation[name] == pytest.approx(1)
        assert all(abs(value) < 0.99 for key, value in correlation.items() if key != name)
    assert found["correlation"]["kind"] == "Spearman's rank correlation"
    opposite = probed(skin_classes, lambda pixels: -PIXEL_SCORES[name](pixels))
    assert opposite["correlation"]["pooled"][name] == pytest.approx(-1)
    assert opposite["mean"]["auroc"] == pytest.approx(1 - found["mean"]["auroc"])


def test_matching_on_what_the_score_is_leaves_nothing(skin_classes: dict[str, Photos]) -> None:
    """Grain of 14 against 10 with deviation 3: raw AUROC about 0.83 by Phi(4 / (3 sqrt 2)), matched about 0.54."""
    entry = probed(skin_classes, smoothness)["classes"]["measles"]
    assert 0.7 < entry["auroc"] < 0.93
    assert abs(entry["matched"]["smoothness"]["auroc"] - 0.5) < 0.12
    assert 30 <= entry["matched"]["smoothness"]["pairs"] < COUNT**2 / 2
    # Matching on an unrelated property does not change the AUROC.
    assert entry["matched"]["resolution"]["auroc"] == pytest.approx(entry["auroc"], abs=0.1)
    entry = probed(skin_classes, brightness)["classes"]["measles"]
    assert entry["auroc"] < 0.3
    assert abs(entry["matched"]["brightness"]["auroc"] - 0.5) < 0.12


@pytest.mark.parametrize("name", ["resolution", "jpeg_quality"])
def test_a_score_that_is_a_property_of_the_file_is_found_out(skin_classes: dict[str, Photos], name: str) -> None:
    found = probed_file(skin_classes, name)
    for part in ("pooled", "normal"):
        assert found["correlation"][part][name] == pytest.approx(1)
    entry = found["classes"]["normal"]
    assert entry["auroc"] > 0.7
    assert abs(entry["matched"][name]["auroc"] - 0.5) < 0.08


@pytest.mark.filterwarnings("error")
def test_a_constant_score_has_no_correlation(skin_classes: dict[str, Photos]) -> None:
    found = probed(skin_classes, constant)
    for part in ("pooled", "normal"):
        assert set(found["correlation"][part].values()) == {None}
    assert found["altered"]["corner mark"] == {"shift": None, "auroc": 0.5, "rises": 0.0}
    assert {entry["auroc"] for entry in (*found["classes"].values(), *found["made"].values())} == {0.5}


def test_a_score_of_chance_is_not_accused(skin_classes: dict[str, Photos]) -> None:
    """Correlation of 120 pairs of independent values: standard error 1 / sqrt(119) = 0.092."""
    rng = np.random.default_rng(5)
    found = probed(skin_classes, lambda pixels: rng.normal(size=len(pixels)))
    assert all(abs(value) < 4 * 0.092 for value in found["correlation"]["pooled"].values())
    assert all(abs(entry["auroc"] - 0.5) < 0.2 for entry in found["made"].values())


def test_controls_are_ranked_by_their_properties(skin_classes: dict[str, Photos]) -> None:
    rough = probed(skin_classes, lambda pixels: -smoothness(pixels))["made"]
    assert {name: entry["images"] for name, entry in rough.items()} == {
        "blank": 24,
        "noise": 24,
        "text": 24,
        "blurred": COUNT,
    }
    assert rough["blank"]["auroc"] == 1.0 and rough["noise"]["auroc"] == 0.0 and rough["blurred"]["auroc"] == 1.0
    smooth = probed(skin_classes, smoothness)["made"]
    assert smooth["blank"]["auroc"] == 0.0 and smooth["noise"]["auroc"] == 1.0
    # A blur keeps the mean up to half a level, so the order by brightness is the same.
    assert probed(skin_classes, brightness)["made"]["blurred"]["auroc"] == pytest.approx(0.5, abs=0.03)


def test_only_a_score_that_looks_at_the_corner_moves(skin_classes: dict[str, Photos]) -> None:
    seen, unseen = (probed(skin_classes, score)["altered"]["corner mark"] for score in (corner, centre))
    assert unseen == {"shift": 0.0, "auroc": pytest.approx(0.5), "rises": 0.0}
    # At this size the mark is mostly its dark outline.
    assert seen["shift"] < -0.5 and seen["auroc"] > 0.6 and seen["rises"] < 0.1
    inverse = probed(skin_classes, lambda pixels: -corner(pixels))["altered"]["corner mark"]
    assert inverse["shift"] == pytest.approx(-seen["shift"], rel=1e-5)
    assert inverse["auroc"] == pytest.approx(1 - seen["auroc"]) and inverse["rises"] > 0.9


def test_a_score_of_fine_detail_falls_with_resolution_and_compression(skin_classes: dict[str, Photos]) -> None:
    """Both remove grain first and keep the mean brightness."""
    rough = probed(skin_classes, lambda pixels: -smoothness(pixels))["altered"]
    assert rough["half resolution"]["auroc"] > 0.95 and rough["half resolution"]["rises"] == 0.0
    assert rough["half resolution"]["shift"] < -2 and abs(rough["JPEG quality 20"]["shift"]) > 0.05
    light = probed(skin_classes, brightness)["altered"]
    for name in ("half resolution", "JPEG quality 20"):
        assert light[name]["auroc"] == pytest.approx(0.5, abs=0.05)


def test_shift_is_in_standard_deviations_of_the_normal_class(skin_classes: dict[str, Photos]) -> None:
    """A score that recognizes marked images by their corner and adds 3."""
    originals = skin_classes["mpox"].pixels

    def score(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        marked = pixels.shape == originals.shape and (pixels[:, :5] == originals[:, :5]).all()
        return centre(pixels) + (3.0 if marked and (pixels != originals).any() else 0.0)

    found = probed(skin_classes, score)["altered"]["corner mark"]
    assert found["shift"] == pytest.approx(3 / centre(originals).std(), rel=1e-4)
    assert found["rises"] == 1.0


def test_a_constant_property_explains_nothing(skin_classes: dict[str, Photos]) -> None:
    same = {name: Photos(part.pixels, part.photos, np.full(len(part), 600)) for name, part in skin_classes.items()}
    found = probed(same, smoothness)
    assert found["correlation"]["pooled"]["resolution"] is None
    for entry in found["classes"].values():
        assert entry["matched"]["resolution"]["pairs"] == COUNT**2
        assert entry["matched"]["resolution"]["auroc"] == pytest.approx(entry["auroc"], abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_files_that_are_no_jpeg_have_no_part_in_its_quality(skin_classes: dict[str, Photos], tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(path)
    file = Photo(path, "test", "mpox", "0")
    mixed = dict(skin_classes)
    mixed["mpox"] = Photos(mixed["mpox"].pixels, (file,) * COUNT, mixed["mpox"].sides)
    found = probed(mixed, smoothness)
    assert found["correlation"]["normal"]["jpeg_quality"] is None
    assert found["correlation"]["pooled"]["jpeg_quality"] is not None, "of the other classes"
    assert found["classes"]["measles"]["matched"]["jpeg_quality"] == {"auroc": None, "pairs": 0}
    assert found["mean"]["matched"]["jpeg_quality"] == {"auroc": None, "raw": None, "classes": 0}


def test_what_is_no_skin_is_apart(skin_classes: dict[str, Photos]) -> None:
    found = probed(skin_classes, smoothness)
    assert {name: entry["skin"] for name, entry in found["classes"].items()} == {
        "measles": True,
        "normal": True,
        "no_skin": False,
    }
    without = probed({name: part for name, part in skin_classes.items() if name != "no_skin"}, smoothness)
    assert (found["mean"], found["correlation"]) == (without["mean"], without["correlation"])
    raw = [found["classes"][name]["auroc"] for name in ("measles", "normal")]
    assert found["mean"]["auroc"] == pytest.approx(np.mean(raw)) and found["mean"]["classes"] == 2
    bare = probed({name: skin_classes[name] for name in ("mpox", "no_skin")}, smoothness)
    assert bare["mean"] is None


def test_a_matched_mean_stands_beside_the_raw_mean_of_the_same_classes(skin_classes: dict[str, Photos]) -> None:
    """`far` has no image near the resolution of the normal class."""
    part = skin_classes["normal"]
    classes = {**skin_classes, "far": Photos(part.pixels, part.photos, part.sides + 5000)}
    found = probed(classes, smoothness)
    assert found["classes"]["far"]["matched"]["resolution"] == {"auroc": None, "pairs": 0}
    near = found["mean"]["matched"]["resolution"]
    kept = [found["classes"][name] for name in ("measles", "normal")]
    assert near["classes"] == 2 and found["mean"]["classes"] == 3
    assert near["raw"] == pytest.approx(np.mean([entry["auroc"] for entry in kept]))
    assert near["auroc"] == pytest.approx(np.mean([entry["matched"]["resolution"]["auroc"] for entry in kept]))


def test_the_seed_is_that_of_the_controls(skin_classes: dict[str, Photos]) -> None:
    one, again, other = (probed(skin_classes, brightness, seed) for seed in (3, 3, 4))
    assert one == again
    assert one["classes"] == other["classes"] and one["altered"] == other["altered"]
    assert one["made"]["blank"] != other["made"]["blank"] and one["made"]["blurred"] == other["made"]["blurred"]


def test_only_the_order_of_scores_counts(skin_classes: dict[str, Photos]) -> None:
    """Whole numbers up to 255 and their cubes are exact in float32; only the shift has a unit."""
    plain = probed(skin_classes, lambda pixels: np.rint(brightness(pixels)))
    cubed = probed(skin_classes, lambda pixels: np.rint(brightness(pixels)) ** 3)
    shifts = [[entry.pop("shift") for entry in found["altered"].values()] for found in (plain, cubed)]
    assert shifts[0] != shifts[1]
    assert plain == cubed


#: Few levels, so that ties are common.
LEVELS = st.integers(0, 6)
PAIRS = st.lists(st.tuples(LEVELS, LEVELS), min_size=probes.MIN_IMAGES, max_size=30)


@given(PAIRS)
@settings(max_examples=50, deadline=None)
def test_spearman_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, float).T
    found = spearman(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found is None
    else:
        assert found is not None and found == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
        assert found == spearman(np.exp(first), second**3)
        assert spearman(-first, second) == pytest.approx(-found, abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_spearman_needs_values() -> None:
    nine = np.arange(9.0)
    assert spearman(nine, nine) is None and spearman([], []) is None
    assert spearman([*nine, np.nan, 4], [*nine, 3, np.nan]) is None
    assert spearman([*nine, np.nan, 9], [*nine, 3, 9]) == pytest.approx(1)


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=6, max_size=12), st.lists(st.tuples(LEVELS, LEVELS), min_size=6))
@settings(max_examples=50, deadline=None)
def test_matched_pairs_are_those_within_the_caliper(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> None:
    """Each pair by itself; equal levels always match, levels 1 apart where the deviation is 4 or more (never here)."""
    won = [(p > n) + 0.5 * (p == n) for p, a in ours for n, b in theirs if a == b]
    (positive, own), (negative, other) = np.array(ours, np.float32).T, np.array(theirs, np.float32).T
    found = matched_auroc(positive, negative, [(own, other)])
    assert found["pairs"] == len(won)
    assert found["auroc"] == (pytest.approx(np.mean(won)) if len(won) >= probes.MIN_PAIRS else None)
    # A second, constant property removes no pairs; the caliper for two properties is wider.
    assert found["pairs"] <= matched_auroc(positive, negative, [(own, other), (0 * own, 0 * other)])["pairs"]
    # The unit of the property does not matter.
    assert found == matched_auroc(positive, negative, [(own * 8 + 3, other * 8 + 3)])


@given(st.lists(LEVELS, min_size=6, max_size=12), st.lists(LEVELS, min_size=6, max_size=12))
@settings(max_examples=25, deadline=None)
def test_matching_on_nothing_is_the_plain_auroc(ours: list[int], theirs: list[int]) -> None:
    positive, negative = np.array(ours, np.float32), np.array(theirs, np.float32)
    found = matched_auroc(positive, negative, [])
    assert found["pairs"] == len(ours) * len(theirs)
    assert found["auroc"] == pytest.approx(auroc(positive, negative), abs=1e-12)


def test_the_caliper_is_a_quarter_of_the_pooled_deviation() -> None:
    """Deviations 3 and 1 pool to sqrt 5; a quarter of it is 0.559."""
    scores = np.arange(8, dtype=np.float32)
    own, other = np.array([0, 6] * 4, float), np.array([5, 7] * 4, float)
    apart = [matched_auroc(scores, scores, [(own, other - 1 + gap)])["pairs"] for gap in (0.0, 0.55, 0.57)]
    # Other values at 4 and 6, then 4.55 and 6.55, then 4.57 and 6.57, against 0 and 6.
    assert apart == [16, 16, 0]
    # Half of it, 1.118, for two properties.
    same = (np.zeros(8), np.zeros(8))
    jointly = [matched_auroc(scores, scores, [(own, other - 1 + gap), same])["pairs"] for gap in (1.11, 1.13)]
    assert jointly == [32, 16]  # 4 + gap matches 6 as well


def test_figure_shows_something_whatever_is_missing(skin_classes: dict[str, Photos], tmp_path: Path) -> None:
    bare = {name: skin_classes[name] for name in ("mpox", "no_skin")}
    full, empty = probed(skin_classes, smoothness), probed(bare, constant)
    for found, name in ((full, "full.png"), (empty, "empty.png")):
        path = probe_figure(found, "title", tmp_path / name)
        assert np.asarray(Image.open(path).convert("L")).std() > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.png", "full.png"]
