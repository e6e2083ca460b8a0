"""`benchmarks/detection_bench.py`: nothing is scored that was fitted on, and figures equal those computed here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from detection_bench import Bench
from detection_features import FOLDS, SEEDS, Set

from mim_tf.data.splits import fold_of
from mim_tf.negatives.kinds import NEGATIVES

RNG = np.random.default_rng(0)
LABELS = np.array(["mpox"] * 40 + ["measles"] * 6 + ["abnormal"] * 5)
GROUPS = np.array([f"m{i // 3}" for i in range(40)] + [f"n{i}" for i in range(11)])


@pytest.fixture
def bench() -> Bench:
    """Without pixels. Each photograph of the class has three rows: original, view and pseudo-negative."""
    instance = object.__new__(Bench)
    instance.normal = "mpox"
    instance.photos = Set(np.zeros((51, 1, 1, 3), np.uint8), LABELS, GROUPS, GROUPS)
    own = np.flatnonzero(LABELS == "mpox")
    instance.sources = np.concatenate([np.arange(51), own, own])
    kinds = ["photo"] * 51 + ["positive"] * 40 + [sorted(NEGATIVES)[0]] * 40
    instance.kinds = np.array(kinds)
    instance.first = np.arange(51)
    return instance


def test_figures_weigh_folds_by_photographs_and_leave_their_groups_out(bench: Bench) -> None:
    asked = []

    def variant(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        folds = fold_of(GROUPS[:40], FOLDS, seed)
        np.testing.assert_array_equal(fitted, np.r_[folds != fold, np.zeros(11, bool)])
        assert not set(GROUPS[fitted]) & set(GROUPS[:40][folds == fold])
        asked.append((seed, fold))
        return np.random.default_rng([seed, fold]).normal(size=51) + (LABELS == "mpox")

    found = bench.figures(variant)
    assert asked == [(seed, fold) for seed in SEEDS for fold in range(FOLDS)]
    means = []
    for seed in SEEDS:
        folds, area = fold_of(GROUPS[:40], FOLDS, seed), 0.0
        for fold in range(FOLDS):
            scores = np.random.default_rng([seed, fold]).normal(size=51) + (LABELS == "mpox")
            own, other = scores[:40][folds == fold], scores[40:46]
            area += roc_auc_score([1] * len(own) + [0] * 6, np.r_[own, other]) * len(own) / 40
        means.append(area)
    assert found["measles"] == pytest.approx(np.mean(means)) == found["mean, skin"]  # abnormal is not part of the mean
    assert (found["low"], found["high"]) == (pytest.approx(min(means)), pytest.approx(max(means)))


def test_the_head_is_fitted_on_views_of_the_fitted_photographs_alone(bench: Bench) -> None:
    """Other rows of the table have no effect, even if they are NaN."""
    table = RNG.normal(size=(131, 12))
    fitted = np.r_[np.arange(40) < 25, np.zeros(11, bool)]
    spoilt = table.copy()
    spoilt[~fitted[bench.sources]] = np.nan
    np.testing.assert_array_equal(bench.fit(spoilt, fitted).score(table), bench.fit(table, fitted).score(table))
    seen = fitted[bench.sources] & (bench.kinds == "positive")
    spoilt[seen] += 1
    assert not np.array_equal(bench.fit(spoilt, fitted).score(table), bench.fit(table, fitted).score(table))
