"""`mim_tf.head` against scikit-learn's own predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mim_export.errors import MimError
from mim_tf import head
from mim_tf.head import Head, fit_head

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
    lean = NEGATIVES @ fitted.lean + fitted.lean_offset
    np.testing.assert_allclose(lean, (decision(NEGATIVES) - decision(PLAIN).mean()) / scale, atol=1e-6)


def test_the_distance_is_scikit_learns_mahalanobis(fitted: Head) -> None:
    components = make_pipeline(StandardScaler(), PCA(head.COMPONENTS, random_state=0)).fit(PLAIN)
    squares = LedoitWolf().fit(components.transform(PLAIN)).mahalanobis(components.transform(NEGATIVES))
    whitened = NEGATIVES @ fitted.components.T + fitted.components_offset
    np.testing.assert_allclose(np.sum(whitened**2, axis=1), squares, rtol=1e-6)


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
        leans = np.r_[fit.parts(PLAIN)[0], fit.parts(held[60:])[0]]
        areas.append(roc_auc_score(np.r_[np.ones(120), np.zeros(60)], leans))
    assert areas[0] < areas[1] < areas[2]


def test_known_negatives_as_many_as_the_constant_weigh_as_much_as_the_self_made() -> None:
    known = NEGATIVES[: head.KNOWN] + 1
    fitted = fit_head(PLAIN, POSITIVES, NEGATIVES, known)
    both = np.concatenate([PLAIN, POSITIVES, NEGATIVES, known])
    sides = [480, 600, head.KNOWN]
    weights = np.repeat([len(both) / 2 / 480, len(both) / 4 / 600, len(both) / 4 / head.KNOWN], sides)
    scaler = StandardScaler().fit(both)
    regression = LogisticRegression(C=head.REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(both), np.arange(len(both)) < 480, sample_weight=weights)
    lean = regression.decision_function(scaler.transform(PLAIN))
    expected = (regression.decision_function(scaler.transform(NEGATIVES)) - lean.mean()) / lean.std()
    np.testing.assert_allclose(fitted.parts(NEGATIVES)[0], expected, atol=1e-6)
