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


def test_linear_term_matches_scikit_learn(fitted: Head) -> None:
    both = np.concatenate([PLAIN, POSITIVES, NEGATIVES])
    labels = np.r_[np.ones(480), np.zeros(600)]
    regression = LogisticRegression(C=head.REGULARITY, class_weight="balanced", max_iter=1000)
    decision = make_pipeline(StandardScaler(), regression).fit(both, labels).decision_function
    scale = decision(PLAIN).std()
    expected = (decision(NEGATIVES) - decision(PLAIN).mean()) / scale
    np.testing.assert_allclose(logit(fitted, NEGATIVES), expected, atol=1e-6)


def logit(fitted: Head, vectors: np.ndarray) -> np.ndarray:
    return vectors @ fitted.linear_weights + fitted.linear_bias


def test_distances_match_scikit_learn(fitted: Head) -> None:
    def standardized(steps: Pipeline, reference: np.ndarray) -> np.ndarray:
        estimate = LedoitWolf().fit(steps.fit(reference).transform(reference))
        own, other = (np.sqrt(estimate.mahalanobis(steps.transform(part))) for part in (PLAIN, NEGATIVES))
        return (other - own.mean()) / own.std()

    components = make_pipeline(StandardScaler(), PCA(head.COMPONENTS, random_state=0))
    np.testing.assert_allclose(fitted.class_distance.score(NEGATIVES), standardized(components, PLAIN), rtol=1e-6)
    views = np.concatenate([PLAIN, POSITIVES])
    novelty = standardized(make_pipeline(StandardScaler()), views)
    np.testing.assert_allclose(fitted.novelty.score(NEGATIVES), novelty, rtol=1e-6)


def test_score_is_logit_minus_class_distance_minus_novelty(fitted: Head) -> None:
    assert (fitted.novelty.score(PLAIN) < head.NOVELTY_START).all()
    expected = logit(fitted, PLAIN) - head.DISTANCE_WEIGHT * fitted.class_distance.score(PLAIN)
    np.testing.assert_allclose(fitted.score(PLAIN), expected, atol=1e-4)
    away = PLAIN + 30 * RNG.normal(size=60)
    assert (fitted.novelty.score(away) > head.NOVELTY_START).all()
    excess = np.minimum(fitted.novelty.score(away) - head.NOVELTY_START, head.NOVELTY_RANGE)
    expected = (
        logit(fitted, away) - head.DISTANCE_WEIGHT * fitted.class_distance.score(away) - head.NOVELTY_WEIGHT * excess
    )
    np.testing.assert_allclose(fitted.score(away), expected, rtol=1e-5)


def test_too_few_photographs_raise() -> None:
    with pytest.raises(MimError, match="5 photographs are too few to fit the measure deep; use 6 or more"):
        fit_head(PLAIN[:5], POSITIVES, NEGATIVES)


def test_class_scores_above_negatives_and_unknown_images(fitted: Head) -> None:
    own = fitted.score(PLAIN)
    assert own.mean() == pytest.approx(0, abs=1e-5)
    for other in (NEGATIVES, PLAIN + 30 * RNG.normal(size=PLAIN.shape)):
        scores = np.r_[own, fitted.score(other)]
        assert roc_auc_score(np.r_[np.ones(len(own)), np.zeros(len(other))], scores) > 0.9


def test_save_and_load_round_trip_and_damaged_file_raises(fitted: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    fitted.save(path)
    np.testing.assert_array_equal(Head.load(path).score(NEGATIVES), fitted.score(NEGATIVES))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MimError, match=r"head\.npz: damaged"):
        Head.load(path)
    with pytest.raises(MimError, match="no such file"):
        Head.load(tmp_path / "none.npz")


def test_more_known_negatives_improve_separation() -> None:
    others = PLAIN + 5 * RNG.normal(size=60)
    areas = []
    for count in (0, 2, 60):
        fit = fit_head(PLAIN, POSITIVES, NEGATIVES, others[:count] if count else None)
        logits = np.r_[logit(fit, PLAIN), logit(fit, others[60:])]
        areas.append(roc_auc_score(np.r_[np.ones(120), np.zeros(60)], logits))
    assert areas[0] < areas[1] < areas[2]


def test_known_half_known_negatives_weigh_as_much_as_pseudo_negatives() -> None:
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
    np.testing.assert_allclose(logit(fitted, NEGATIVES), expected, atol=1e-6)
