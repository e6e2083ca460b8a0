"""`mim_tf.evaluation.pixel_level` against the code of MVTec AD, scikit-learn and explicit thresholds."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import label
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from mim_tf.data.folder import Photos
from mim_tf.data.splits import Photo
from mim_tf.evaluation.pixel_level import (
    aupro,
    from_json,
    load_masks,
    pixel_auroc,
    pixel_figures,
    split_figures,
    to_json,
)
from mim_tf.synthetic import dataset

GOLDEN = Path(__file__).parents[1] / "golden" / "aupro"


def scene(seed: int, count: int = 4, side: int = 9, levels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Maps with ties, and masks with lesions and skin."""
    rng = np.random.default_rng(seed)
    masks = rng.random((count, side, side)) < 0.25
    masks[0], masks[1, 0, 0] = False, True
    return (rng.integers(0, levels, masks.shape) + masks).astype(np.float32), masks


def stepwise(maps: np.ndarray, masks: np.ndarray, limit: float) -> float:
    """AUPRO by the definition: the overlap with each region at each threshold, and the trapezoidal rule."""
    regions = [(place, part == k + 1) for place, part in enumerate(_labels(masks)) for k in range(part.max())]
    points = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        found = maps >= threshold
        overlap = np.mean([found[place][region].mean() for place, region in regions])
        points.append((float(found[~masks].mean()), float(overlap)))
    rates, overlaps = np.array(points).T
    inside = rates < limit
    # At equal rates the curve is vertical; the last point of each counts.
    last = np.r_[np.diff(rates) > 0, True]
    end = np.interp(limit, rates[last], overlaps[last])
    x, y = np.append(rates[inside], limit), np.append(overlaps[inside], end)
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum() / limit)


def _labels(masks: np.ndarray) -> list[np.ndarray]:
    return [label(mask, np.ones((3, 3)))[0] for mask in masks]


@pytest.mark.parametrize("name", ["weak", "strong", "diagonal", "random"])
def test_aupro_is_that_of_mvtec(name: str) -> None:
    """Their thresholds are values of normal pixels alone: a difference of one pixel of n at most, 1 / (n limit)."""
    golden = np.load(GOLDEN.with_suffix(".npz"))
    maps, masks = golden[f"maps_{name}"], golden[f"masks_{name}"]
    limits = json.loads(GOLDEN.with_suffix(".json").read_text())["limits"]
    for limit, expected in zip(limits, golden[f"aupro_{name}"], strict=True):
        assert abs(aupro(maps, masks, limit) - expected) < 1 / ((~masks).sum() * limit)
    assert pixel_auroc(maps, masks) == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-12)


def test_golden_file_has_the_recorded_hash() -> None:
    recorded = json.loads(GOLDEN.with_suffix(".json").read_text())["sha256"]
    assert hashlib.sha256(GOLDEN.with_suffix(".npz").read_bytes()).hexdigest() == recorded


@given(st.integers(0, 9999), st.sampled_from([0.05, 0.3, 1.0]))
@settings(max_examples=40, deadline=None)
def test_figures_with_ties_follow_the_definition(seed: int, limit: float) -> None:
    maps, masks = scene(seed)
    assert aupro(maps, masks, limit) == pytest.approx(stepwise(maps, masks, limit), abs=1e-9)
    assert pixel_auroc(maps, masks) == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-12)


def test_literal_cases() -> None:
    maps = np.array([[[3.0, 2.0], [1.0, 2.0]]])
    masks = np.array([[[True, True], [False, False]]])
    assert pixel_auroc(maps, masks) == 0.875
    assert aupro(maps, masks) == pytest.approx((0.5 + 0.8) / 2)
    assert aupro(maps, masks, 1.0) == pytest.approx(0.5 * 0.75 + 0.5)
    # A region of one pixel that is found counts as much as one of three that is not.
    maps = np.array([[[9.0, 0.0, 5.0, 0.0, 0.0, 0.0]]])
    masks = np.array([[[True, False, False, True, True, True]]])
    assert aupro(maps, masks, 0.5) == pytest.approx(0.5)
    # A map of one value is a straight line.
    assert aupro(np.zeros_like(maps), masks) == pytest.approx(0.15)


@given(st.integers(0, 9999))
@settings(max_examples=25, deadline=None)
def test_figures_depend_on_the_order_of_the_pixels_alone(seed: int) -> None:
    maps, masks = scene(seed)
    for other in (np.exp(maps), 7 * maps - 3, np.cbrt(maps - 2)):
        assert aupro(other, masks) == pytest.approx(aupro(maps, masks), abs=1e-12)
        assert pixel_auroc(other, masks) == pytest.approx(pixel_auroc(maps, masks), abs=1e-12)
    assert aupro(masks.astype(float), masks) == pytest.approx(1.0)
    assert aupro(-masks.astype(float), masks) == pytest.approx(0.0)
    assert pixel_auroc(-maps, masks) == pytest.approx(1 - pixel_auroc(maps, masks))


def figures(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    maps, masks = scene(seed, count=24, side=8)
    masks[::2] = False
    groups = np.array([f"{'ab'[i % 2]}{i // 6}" for i in range(24)])
    return maps, masks, groups, np.array(["plain", "acne"] * 12)


def test_the_interval_is_the_jackknife_over_groups() -> None:
    """By figures of the images without each group, on the logit scale, with t quantiles."""
    maps, masks, groups, labels = figures(3)
    found = pixel_figures(maps, masks, groups, labels)
    assert found is not None
    for estimate, figure in ((found.auroc, pixel_auroc), (found.aupro, aupro)):
        assert estimate.value == figure(maps, masks)
        assert set(estimate.without) == set(groups)
        for name, value in estimate.without.items():
            assert value == pytest.approx(figure(maps[groups != name], masks[groups != name]), abs=1e-9)
        variances = [
            3
            / 4
            * sum((logit(estimate.without[name]) - logit(estimate.value)) ** 2 for name in set(groups[labels == own]))
            for own in ("plain", "acne")
        ]
        freedom = sum(variances) ** 2 / sum(part**2 / 3 for part in variances)
        reach = stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5
        center = logit(estimate.value)
        low, high = estimate.interval() or (0, 0)
        # Both are kept apart from 0 and 1 by half of one of 12 x 24 pairs.
        assert low <= expit(center - reach) + 0.002 and high >= expit(center + reach) - 0.002
        assert estimate.independent is not None and estimate.independent[0] < estimate.value < estimate.independent[1]


def test_an_interval_is_not_narrower_than_that_of_independent_images() -> None:
    maps, masks, _, labels = figures(4)
    alone = np.arange(24).astype(np.str_)
    found = pixel_figures(maps, masks, alone, labels)
    assert found is not None
    for estimate in found:
        assert estimate.interval() == pytest.approx(estimate.independent)


def test_without_lesions_or_groups_there_is_no_figure_or_no_interval() -> None:
    maps, masks, groups, labels = figures(5)
    assert pixel_figures(maps, np.zeros_like(masks), groups, labels) is None
    assert pixel_figures(maps, np.ones_like(masks), groups, labels) is None
    one = pixel_figures(maps, masks, np.where(labels == "acne", "p", groups), labels)
    assert one is not None and one.aupro.interval() is None and one.aupro.without["p"] == one.aupro.value


def test_an_estimate_survives_json() -> None:
    found = pixel_figures(*figures(6))
    assert found is not None
    again = from_json(json.loads(json.dumps(to_json(found.aupro))))
    assert again == found.aupro and again.interval() == found.aupro.interval()


def test_two_hundred_images_take_seconds() -> None:
    rng = np.random.default_rng(0)
    masks = np.zeros((200, 96, 96), np.bool_)
    masks[:100, 20:50, 30:60] = True
    maps = (rng.normal(size=masks.shape) + masks).astype(np.float32)
    began = time.process_time()
    found = pixel_figures(maps, masks, np.arange(200).astype(np.str_), np.repeat(["acne", "plain"], 100))
    assert time.process_time() - began < 15
    assert found is not None
    assert found.auroc.value == pytest.approx(stats.norm.cdf(2**-0.5), abs=0.005)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Photos]:
    folder = dataset.write_sample(
        tmp_path_factory.mktemp("pixels") / "data", counts={"test": {"plain": 4, "mpox": 4, "scales": 4, "no_skin": 2}}
    )
    found = {}
    for name in ("plain", "mpox", "scales", "no_skin"):
        paths = sorted((folder / "test" / name).iterdir())
        files = [
            Photo(path, "test", name, f"{name}{i // 2}", mask=folder / ".masks/test" / name / path.name)
            for i, path in enumerate(paths)
        ]
        if name == "no_skin":
            files = [Photo(one.path, "test", name, one.group) for one in files]
        found[name] = Photos(dataset.render(name, range(len(paths)), size=32), tuple(files), np.full(len(paths), 128))
    return found


def test_a_split_has_figures_by_class_and_of_all(parts: dict[str, Photos]) -> None:
    masks = load_masks(parts, "plain")
    assert set(masks) == {"plain", "mpox", "scales"}
    np.testing.assert_array_equal(masks["mpox"], dataset.render_masks("mpox", range(4), size=32))
    rng = np.random.default_rng(0)
    maps = {name: rng.normal(size=mask.shape) + mask for name, mask in masks.items()}
    found = split_figures(maps, masks, parts, "plain")
    assert set(found) == {"mpox", "scales", ""}
    for key, names in (("mpox", ["plain", "mpox"]), ("", ["plain", "mpox", "scales"])):
        joined = [np.concatenate([part[name] for name in names]) for part in (maps, masks)]
        assert found[key].auroc.value == pixel_auroc(*joined) and found[key].aupro.value == aupro(*joined)
        assert found[key].aupro.interval() is not None
    # An image without a mask is left out, unless it is normal.
    first, *others = parts["mpox"].photos
    some = {
        **parts,
        "mpox": Photos(parts["mpox"].pixels, (Photo(first.path, "test", "mpox", "x"), *others), np.ones(4)),
    }
    expected = pixel_auroc(*(np.concatenate([part["plain"], part["mpox"][1:]]) for part in (maps, masks)))
    assert split_figures(maps, load_masks(some, "plain"), some, "plain")["mpox"].auroc.value == expected


def test_lesions_of_the_normal_class_are_normal(parts: dict[str, Photos]) -> None:
    assert load_masks(parts, "mpox") == {}
    assert load_masks({name: parts[name] for name in ("plain", "no_skin")}, "plain") == {}
