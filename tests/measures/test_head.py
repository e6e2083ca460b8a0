"""`mim_tf.measures.head` against scikit-learn's own predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from mim_export.score.errors import MimError
from mim_tf.measures import head
from mim_tf.measures.head import Head, fit_head

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(60, 60))
PLAIN = RNG.normal(size=(120, 60)) @ MIX + 3
POSITIVES = PLAIN.repeat(3, axis=0) + RNG.normal(size=(360, 60))
NEGATIVES = PLAIN.repeat(5, axis=0) + RNG.normal(size=(600, 60)) + 4 * RNG.normal(size=60)


@pytest.fixture(scope="module")
def fitted() -> Head:
    return fit_head(PLAIN, POSITIVES, NEGATIVES)


def test_the_lean_is_scikit_learns_decision(fitted: Head) -> None:
    both = np.concatenate([PLAIN, POSITIVES, NEGATIVES])
    labels = np.r_[np.ones(480), np.zeros(600)]
    regression = LogisticRegression(C=head.REGULARITY, class_weight="balanced", max_iter=1000)
    decision = make_pipeline(StandardScaler(), regression).fit(both, labels).decision_function
    scale = decision(PLAIN).std()
    expected = (decision(NEGATIVES) - decision(PLAIN).mean()) / scale
    np.testing.assert_allclose(linear_weights(fitted, NEGATIVES), expected, atol=1e-6)


def linear_weights(fitted: Head, vectors: np.ndarray) -> np.ndarray:
    return vectors @ fitted.linear_weights + fitted.linear_bias


def test_the_distances_are_scikit_learns_mahalanobis(fitted: Head) -> None:
    def standardised(steps: Pipeline, of: np.ndarray) -> np.ndarray:
        estimate = LedoitWolf().fit(steps.fit(of).transform(of))
        own, other = (np.sqrt(estimate.mahalanobis(steps.transform(part))) for part in (PLAIN, NEGATIVES))
        return (other - own.mean()) / own.std()

    components = make_pipeline(StandardScaler(), PCA(head.COMPONENTS, random_state=0))
    np.testing.assert_allclose(fitted.class_distance.score(NEGATIVES), standardised(components, PLAIN), rtol=1e-6)
    views = np.concatenate([PLAIN, POSITIVES])
    novelty = standardised(make_pipeline(StandardScaler()), views)
    np.testing.assert_allclose(fitted.novelty.score(NEGATIVES), novelty, rtol=1e-6)


def test_the_score_is_lean_less_distance_less_what_is_foreign(fitted: Head) -> None:
    near = fitted.novelty.score(PLAIN) < head.NOVELTY_START
    assert near.all()
    expected = linear_weights(fitted, PLAIN) - head.DISTANCE_WEIGHT * fitted.class_distance.score(PLAIN)
    np.testing.assert_allclose(fitted.score(PLAIN), expected, atol=1e-4)
    away = PLAIN + 30 * RNG.normal(size=60)
    assert (fitted.novelty.score(away) > head.NOVELTY_START).all()
    beyond = np.minimum(fitted.novelty.score(away) - head.NOVELTY_START, head.NOVELTY_RANGE)
    expected = (
        linear_weights(fitted, away)
        - head.DISTANCE_WEIGHT * fitted.class_distance.score(away)
        - head.NOVELTY_WEIGHT * beyond
    )
    np.testing.assert_allclose(fitted.score(away), expected, rtol=1e-5)


def test_too_few_photographs_are_refused_in_one_line() -> None:
    with pytest.raises(MimError, match="5 photographs to fit the measure deep on; use 6 or more"):
        fit_head(PLAIN[:5], POSITIVES, NEGATIVES)


def test_the_class_scores_above_negatives_and_above_the_unknown(fitted: Head) -> None:
    own = fitted.score(PLAIN)
    assert own.mean() == pytest.approx(0, abs=1e-5)
    for other in (NEGATIVES, PLAIN + 30 * RNG.normal(size=PLAIN.shape)):
        scores = np.r_[own, fitted.score(other)]
        assert roc_auc_score(np.r_[np.ones(len(own)), np.zeros(len(other))], scores) > 0.9


def test_a_saved_head_is_the_same_and_a_damaged_one_is_named(fitted: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    fitted.save(path)
    np.testing.assert_array_equal(Head.load(path).score(NEGATIVES), fitted.score(NEGATIVES))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MimError, match=r"head\.npz: damaged"):
        Head.load(path)
    with pytest.raises(MimError, match="no such file"):
        Head.load(tmp_path / "none.npz")


def test_known_negatives_are_told_from_the_class_the_better_the_more_there_are() -> None:
    held = PLAIN + 5 * RNG.normal(size=60)
    areas = []
    for count in (0, 2, 60):
        fit = fit_head(PLAIN, POSITIVES, NEGATIVES, held[:count] if count else None)
        leans = np.r_[linear_weights(fit, PLAIN), linear_weights(fit, held[60:])]
        areas.append(roc_auc_score(np.r_[np.ones(120), np.zeros(60)], leans))
    assert areas[0] < areas[1] < areas[2]


def test_known_negatives_as_many_as_the_constant_weigh_as_much_as_the_self_made() -> None:
    known = NEGATIVES[: head.KNOWN_HALF] + 1
    fitted = fit_head(PLAIN, POSITIVES, NEGATIVES, known)
    both = np.concatenate([PLAIN, POSITIVES, NEGATIVES, known])
    sides = [480, 600, head.KNOWN_HALF]
    weights = np.repeat([len(both) / 2 / 480, len(both) / 4 / 600, len(both) / 4 / head.KNOWN_HALF], sides)
    scaler = StandardScaler().fit(both)
    regression = LogisticRegression(C=head.REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(both), np.arange(len(both)) < 480, sample_weight=weights)
    own = regression.decision_function(scaler.transform(PLAIN))
    expected = (regression.decision_function(scaler.transform(NEGATIVES)) - own.mean()) / own.std()
    np.testing.assert_allclose(linear_weights(fitted, NEGATIVES), expected, atol=1e-6)
