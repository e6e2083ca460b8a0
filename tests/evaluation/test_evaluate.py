"""`mim_tf.evaluation.evaluate` against scikit-learn: AUROC, bootstrap weights, metrics of a data folder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mim_export.score.decide import Judgement
from mim_export.score.errors import MimError
from mim_tf.data.folder import scan_folder
from mim_tf.evaluation.evaluate import by_ssim, evaluate
from mim_tf.evaluation.metrics import (
    auroc,
    group_weights,
    interval,
    weighted_auroc,
    weighted_mean,
)
from mim_tf.synthetic import dataset

#: Few levels, so that ties are common.
LEVELS = st.lists(st.integers(0, 5), min_size=1, max_size=12)
COUNTS = {"train": {"mpox": 2}, "test": {"mpox": 6, "plain": 4, "macules": 5, "no_skin": 4}}
#: Minimum mean grey level of an image that the fake detector calls mpox-like.
LIMIT = 0.4


def reference(positive: list[int], negative: list[int]) -> float:
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), positive + negative))


@given(LEVELS, LEVELS)
@settings(max_examples=25, deadline=None)
def test_auroc_is_the_share_of_won_pairs_with_ties_half(positive: list[int], negative: list[int]) -> None:
    wins = sum(Fraction(2 * (p > n) + (p == n), 2) for p in positive for n in negative)
    found = auroc(np.array(positive, np.float32), np.array(negative, np.float32))
    assert found == pytest.approx(float(wins / (len(positive) * len(negative))), abs=1e-12)
    assert found == pytest.approx(reference(positive, negative), abs=1e-12)


@given(LEVELS, LEVELS, st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_integer_weights_repeat_images(positive: list[int], negative: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, n = np.array(positive, np.float32), np.array(negative, np.float32)
    p_times, n_times = (rng.integers(0, 4, (3, len(values))) for values in (p, n))
    p_times[0], n_times[0] = 1, 1
    p_times[:, 0], n_times[:, 0] = np.maximum(p_times[:, 0], 1), np.maximum(n_times[:, 0], 1)  # none is empty
    found = weighted_auroc(p, n, p_times.astype(np.float64), n_times.astype(np.float64))
    assert found[0] == pytest.approx(auroc(p, n), abs=1e-12)
    for area, p_row, n_row in zip(found, p_times, n_times, strict=True):
        repeated = np.repeat(positive, p_row).tolist(), np.repeat(negative, n_row).tolist()
        assert area == pytest.approx(reference(*repeated), abs=1e-12)
    expected = [np.repeat(positive, row).mean() for row in p_times]
    np.testing.assert_allclose(weighted_mean(p, p_times.astype(np.float64)), expected)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=15), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_bootstrap_draws_whole_groups_as_many_as_there_are(names: list[int], seed: int) -> None:
    groups = np.array([f"g{name}" for name in names])
    weights = group_weights(groups, np.random.default_rng(seed), 20)
    assert weights.shape == (20, len(groups))
    once = {name: weights[:, groups == name] for name in set(groups)}
    assert all((columns == columns[:, :1]).all() for columns in once.values())
    np.testing.assert_array_equal(sum(columns[:, 0] for columns in once.values()), np.full(20, len(once)))


def test_each_group_is_drawn_once_on_average() -> None:
    """20 000 draws of the counts of 4 groups: variance of one is 4 * 1/4 * 3/4, four standard errors."""
    weights = group_weights(np.array(list("abbcd")), np.random.default_rng(0), 20_000)
    assert np.abs(weights.mean(0) - 1).max() < 4 * np.sqrt(0.75 / 20_000)


def test_interval_is_the_central_95_percent() -> None:
    assert interval(np.arange(201) / 200.0) == pytest.approx({"ci_low": 0.025, "ci_high": 0.975})


class FakeJudge:
    """Brightness as similarity; refuses the first image of each class."""

    size, measure, normal_class = 16, "brightness", "mpox"

    def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
        similarity = (pixels.mean(axis=(1, 2, 3)) / 255).astype(np.float32)
        reason = np.zeros(len(pixels), np.int32)
        reason[0] = 1
        verdict = np.where(reason > 0, 2, similarity < LIMIT).astype(np.int32)
        return Judgement(similarity, similarity, verdict, reason)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("evaluate") / "data", counts=COUNTS)


def test_metrics_of_a_folder_are_those_of_its_pixels(folder: Path) -> None:
    result = evaluate(FakeJudge(), scan_folder(folder), "test", seed=0, warn=print)
    # The test split starts after the 2 indices of train; the images are rendered directly.
    bright = {
        name: dataset.render(name, range(2, 2 + count), size=16).mean(axis=(1, 2, 3)) / 255
        for name, count in COUNTS["test"].items()
    }
    metrics = result.metrics
    assert set(result.scores) == set(bright) and set(metrics["classes"]) == set(bright) - {"mpox"}
    for name, entry in metrics["classes"].items():
        assert entry["auroc"] == pytest.approx(reference([*bright["mpox"]], [*bright[name]]))
        assert (entry["images"], entry["groups"]) == (len(bright[name]), (len(bright[name]) + 1) // 2)
        assert 0 <= entry["ci_low"] <= entry["ci_high"] <= 1
        called = (bright[name][1:] >= LIMIT).sum()
        assert entry["called_mpox_like"] == pytest.approx(called / len(bright[name]))
    # The refused first mpox image counts as missed, regardless of its brightness.
    assert metrics["sensitivity_at_threshold"] == pytest.approx((bright["mpox"][1:] >= LIMIT).sum() / 6)
    assert metrics["sensitivity"]["groups"] == 3


def test_what_is_no_skin_is_left_out_of_the_mean(folder: Path) -> None:
    metrics = evaluate(FakeJudge(), scan_folder(folder), "test", seed=0, warn=print).metrics
    classes = metrics["classes"]
    assert [name for name, entry in classes.items() if not entry["skin"]] == ["no_skin"]
    mean = (classes["macules"]["auroc"] + classes["plain"]["auroc"]) / 2
    assert metrics["mean_auroc"] == pytest.approx(mean)
    only_easy = [photo for photo in scan_folder(folder) if photo.label in ("mpox", "no_skin")]
    assert evaluate(FakeJudge(), only_easy, "test", seed=0, warn=print).metrics["mean_auroc"] is None


def test_the_same_seed_gives_the_same_intervals(folder: Path) -> None:
    one, again, other = (
        evaluate(FakeJudge(), scan_folder(folder), "test", seed=seed, warn=print).metrics for seed in (3, 3, 4)
    )
    assert one == again
    assert one["classes"]["macules"]["auroc"] == other["classes"]["macules"]["auroc"]


def test_the_published_measure_of_the_same_images(folder: Path) -> None:
    class InpaintingModel(FakeJudge):
        """SSIM is the negative brightness, so its ranking is the reverse."""

        def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
            judgement = super().judge(pixels)
            return judgement._replace(ssim=-judgement.similarity)

    whole = evaluate(InpaintingModel(), scan_folder(folder), "test", seed=0, warn=print)
    published = by_ssim(whole)
    for name, entry in published.metrics["classes"].items():
        assert entry["auroc"] == pytest.approx(1 - whole.metrics["classes"][name]["auroc"])
    assert published.metrics["measure"] == "ssim" and "sensitivity" not in published.metrics
    dark = published.scores["mpox"].judgement.similarity
    np.testing.assert_array_equal(dark, -whole.scores["mpox"].judgement.similarity)
    with pytest.raises(ValueError, match="without SSIM"):
        by_ssim(evaluate(FakeJudge(), scan_folder(folder), "test", seed=0, warn=print))


def test_a_split_needs_the_normal_class_and_another(folder: Path) -> None:
    photos = scan_folder(folder)
    for chosen, split, words in (
        (photos, "train", "split train lacks every other class"),
        (photos, "val", "split val lacks mpox"),
        ([photo for photo in photos if photo.label == "plain"], "test", "split test lacks mpox"),
    ):
        with pytest.raises(MimError, match=words):
            evaluate(FakeJudge(), chosen, split, seed=0, warn=print)


def test_a_similarity_that_is_no_number_names_its_photograph(folder: Path) -> None:
    class Broken(FakeJudge):
        """Computes no number for the second photograph of each class."""

        def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
            judgement = super().judge(pixels)
            judgement.similarity[1] = np.nan
            return judgement

    photos = scan_folder(folder)
    second = [photo for photo in photos if (photo.split, photo.label) == ("test", "mpox")][1]
    with pytest.raises(MimError, match="no finite similarity for 1 photographs of test/mpox; train or export") as named:
        evaluate(Broken(), photos, "test", seed=0, warn=print)
    assert named.value.path == second.path
