"""`mim_tf.measures.head` against scikit-learn's own predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from mim_export.score.errors import MimError
from mim_tf.measures import head
from mim_tf.measures.head import Combination, Head, HeadSample, fit_head

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(60, 60))
PLAIN = RNG.normal(size=(120, 60)) @ MIX + 3
POSITIVES = PLAIN.repeat(3, axis=0) + RNG.normal(size=(360, 60))
NEGATIVES = PLAIN.repeat(5, axis=0) + RNG.normal(size=(600, 60)) + 4 * RNG.normal(size=60)
#: 40 groups of 1 to 5 photographs.
GROUPS = np.repeat([f"g{i}" for i in range(40)], np.tile([1, 2, 3, 4, 5], 8))
SAMPLE = HeadSample(PLAIN, POSITIVES, NEGATIVES, GROUPS, np.repeat(np.arange(120), 3), np.repeat(np.arange(120), 5))


@pytest.fixture(scope="module")
def fitted() -> Head:
    return fit_head(SAMPLE)


def scikit_learn(chosen: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], ...]:
    """The three terms before standardization, fitted on the chosen photographs, bool (120,)."""
    plain, positives, negatives = PLAIN[chosen], POSITIVES[chosen.repeat(3)], NEGATIVES[chosen.repeat(5)]
    both = np.concatenate([plain, positives, negatives])
    labels = np.r_[np.ones(4 * len(plain)), np.zeros(5 * len(plain))]
    weights = np.repeat([1 / 4, 1 / 5], [4 * len(plain), 5 * len(plain)])  # each side: the number of photographs
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=head.REGULARITY, max_iter=1000))
    routed = {f"{step}__sample_weight": weights for step in ("standardscaler", "logisticregression")}
    decision = regression.fit(both, labels, **routed).decision_function
    components = make_pipeline(StandardScaler(), PCA(head.COMPONENTS, random_state=0))

    def distance(steps: Pipeline, reference: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        estimate = LedoitWolf().fit(steps.fit(reference).transform(reference))
        return lambda vectors: np.sqrt(estimate.mahalanobis(steps.transform(vectors)))

    views = np.concatenate([plain, positives])
    return decision, distance(components, plain), distance(make_pipeline(StandardScaler()), views)


@pytest.fixture(scope="module")
def expected() -> list[np.ndarray]:
    """The terms of the pseudo-negatives, standardized by the terms of left-out groups, each group with weight 1."""
    left_out = np.empty((3, 120))
    for rest, fold in GroupKFold(head.FOLDS).split(PLAIN, groups=GROUPS):
        chosen = np.isin(np.arange(120), rest)
        left_out[:, fold] = [term(PLAIN[fold]) for term in scikit_learn(chosen)]
    weights = np.array([1 / np.sum(group == GROUPS) for group in GROUPS])
    terms = []
    for term, values in zip(scikit_learn(np.ones(120, bool)), left_out, strict=True):
        mean = np.average(values, weights=weights)
        terms.append((term(NEGATIVES) - mean) / np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    return terms


def test_linear_term_matches_scikit_learn(fitted: Head, expected: list[np.ndarray]) -> None:
    np.testing.assert_allclose(logit(fitted, NEGATIVES), expected[0], atol=1e-5)


def logit(fitted: Head, vectors: np.ndarray) -> np.ndarray:
    return vectors @ fitted.linear_weights + fitted.linear_bias


def test_distances_match_scikit_learn(fitted: Head, expected: list[np.ndarray]) -> None:
    np.testing.assert_allclose(fitted.class_distance.score(NEGATIVES), expected[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fitted.novelty.score(NEGATIVES), expected[2], rtol=1e-5, atol=1e-5)


def test_more_views_of_the_same_kind_do_not_change_the_head(fitted: Head) -> None:
    sources = np.tile(SAMPLE.negative_sources, 3)
    repeated = dataclasses.replace(SAMPLE, negatives=np.tile(NEGATIVES, (3, 1)), negative_sources=sources)
    np.testing.assert_allclose(fit_head(repeated).score(NEGATIVES), fitted.score(NEGATIVES), atol=1e-3)


def test_left_out_photographs_of_few_and_many_are_on_one_scale() -> None:
    """Scores of photographs that no head was fitted on, by heads of 30 and of 100 photographs, have the same mean."""
    rng = np.random.default_rng(1)
    new = rng.normal(size=(2000, 60)) @ MIX + 3
    means = []
    for count in (30, 100):
        plain = rng.normal(size=(count, 60)) @ MIX + 3
        sample = HeadSample(
            plain,
            plain.repeat(3, axis=0) + rng.normal(size=(3 * count, 60)),
            plain.repeat(5, axis=0) + rng.normal(size=(5 * count, 60)) + 4,
            np.arange(count).astype(str),
            np.repeat(np.arange(count), 3),
            np.repeat(np.arange(count), 5),
        )
        found = fit_head(sample)
        means.append(
            [logit(found, new).mean(), found.class_distance.score(new).mean(), found.novelty.score(new).mean()]
        )
    # The standard error of a mean over 30 photographs is .18; in sample, the distances would differ by several units.
    np.testing.assert_allclose(means, 0.0, atol=0.8)


def test_score_is_logit_minus_class_distance_minus_novelty(fitted: Head) -> None:
    weight, start, reach, novelty_weight = Combination()
    assert fitted.combination == Combination()
    inside = fitted.novelty.score(PLAIN) < start
    assert inside.mean() > 0.9
    expected = logit(fitted, PLAIN) - weight * fitted.class_distance.score(PLAIN)
    np.testing.assert_allclose(fitted.score(PLAIN)[inside], expected[inside], atol=1e-4)
    away = PLAIN + 30 * RNG.normal(size=60)
    assert (fitted.novelty.score(away) > start).all()
    excess = np.minimum(fitted.novelty.score(away) - start, reach)
    expected = logit(fitted, away) - weight * fitted.class_distance.score(away) - novelty_weight * excess
    np.testing.assert_allclose(fitted.score(away), expected, rtol=1e-5)
    # A head keeps its own combination.
    other = dataclasses.replace(fitted, combination=Combination(0.0, 0.0, 1.0, 2.0))
    capped = np.clip(fitted.novelty.score(away), 0, 1)
    np.testing.assert_allclose(other.score(away), logit(fitted, away) - 2 * capped, rtol=1e-5)


def test_too_few_photographs_raise() -> None:
    first = np.arange(120) < 5
    with pytest.raises(MimError, match="5 photographs are too few to fit the measure deep; use 6 or more"):
        fit_head(SAMPLE.subset(first))
    one_group = dataclasses.replace(SAMPLE.subset(np.arange(120) < 8), groups=np.array(["a"] * 6 + ["b"] * 2))
    with pytest.raises(MimError, match=r"8 photographs of 2 groups are too few .* all but 2 are of one group; use 6"):
        fit_head(one_group)


def test_subset_keeps_the_views_of_the_chosen_photographs() -> None:
    chosen = np.isin(np.arange(120), [3, 100])
    part = SAMPLE.subset(chosen)
    np.testing.assert_array_equal(part.plain, PLAIN[[3, 100]])
    np.testing.assert_array_equal(part.positives, np.concatenate([POSITIVES[9:12], POSITIVES[300:303]]))
    np.testing.assert_array_equal(part.negatives, np.concatenate([NEGATIVES[15:20], NEGATIVES[500:505]]))
    np.testing.assert_array_equal(part.positive_sources, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(part.negative_sources, [0] * 5 + [1] * 5)
    np.testing.assert_array_equal(part.groups, GROUPS[[3, 100]])


def test_class_scores_above_negatives_and_unknown_images(fitted: Head) -> None:
    own = fitted.score(PLAIN)
    for other in (NEGATIVES, PLAIN + 30 * RNG.normal(size=PLAIN.shape)):
        scores = np.r_[own, fitted.score(other)]
        assert roc_auc_score(np.r_[np.ones(len(own)), np.zeros(len(other))], scores) > 0.9


def test_save_and_load_round_trip_and_damaged_file_raises(fitted: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    fitted.save(path)
    np.testing.assert_array_equal(Head.load(path).score(NEGATIVES), fitted.score(NEGATIVES))
    other = dataclasses.replace(fitted, combination=Combination(0.5, 1.0, 2.0, 4.0))
    other.save(path)
    assert Head.load(path).combination == other.combination
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MimError, match=r"head\.npz: damaged"):
        Head.load(path)
    with pytest.raises(MimError, match="no such file"):
        Head.load(tmp_path / "none.npz")


def test_more_known_negatives_improve_separation() -> None:
    others = PLAIN + 5 * RNG.normal(size=60)
    areas = []
    for count in (0, 2, 60):
        fit = fit_head(SAMPLE, others[:count] if count else None)
        logits = np.r_[logit(fit, PLAIN), logit(fit, others[60:])]
        areas.append(roc_auc_score(np.r_[np.ones(120), np.zeros(60)], logits))
    assert areas[0] < areas[1] < areas[2]


def test_known_half_known_negatives_weigh_as_much_as_pseudo_negatives() -> None:
    known = NEGATIVES[: head.KNOWN_HALF] + 1
    fitted = fit_head(SAMPLE, known)
    both = np.concatenate([PLAIN, POSITIVES, NEGATIVES, known])
    weights = np.repeat([120 / 480, 60 / 600, 60 / head.KNOWN_HALF], [480, 600, head.KNOWN_HALF])
    scaler = StandardScaler().fit(both, sample_weight=weights)
    regression = LogisticRegression(C=head.REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(both), np.arange(len(both)) < 480, sample_weight=weights)
    # The scale is that of left-out groups, so the logits are compared up to an affine map.
    found, expected = logit(fitted, NEGATIVES), regression.decision_function(scaler.transform(NEGATIVES))
    assert np.corrcoef(found, expected)[0, 1] == pytest.approx(1, abs=1e-6)
