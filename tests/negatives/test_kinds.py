"""`mim_tf.negatives.kinds` on the synthetic sample set."""

from __future__ import annotations

import numpy as np
import pytest

from mim_tf.negatives.kinds import NEGATIVES, Decomposition, decompose, positive
from mim_tf.negatives.spots import Image, find_spots
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def cases() -> list[Decomposition]:
    images = dataset.render("mpox", range(0, 12, 3)).astype(np.float32) / 255
    return [decompose(image, np.random.default_rng(i)) for i, image in enumerate(images)]


def strength(image: Image) -> float:
    """Computes the sum of the responses of all spots."""
    return sum(spot.response for spot in find_spots(np.clip(image, 0, 1)))


def test_healed_skin_has_few_spots(cases: list[Decomposition]) -> None:
    for case in cases:
        assert len(case.spots) >= 3
        assert strength(case.healed) < 0.35 * strength(case.image)


@pytest.mark.parametrize("name", NEGATIVES)
def test_negatives_differ_and_are_deterministic(name: str, cases: list[Decomposition]) -> None:
    for case in cases:
        once, again = (NEGATIVES[name](case, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(once, again)
        assert once.shape == case.image.shape and np.isfinite(once).all()
        assert np.abs(once - case.image).mean() > 0.01


def test_cases_are_not_changed(cases: list[Decomposition]) -> None:
    before = [(case.image.copy(), case.healed.copy()) for case in cases]
    for case in cases:
        for make in (*NEGATIVES.values(), positive):
            make(case, np.random.default_rng(0))
    for case, (image, healed) in zip(cases, before, strict=True):
        np.testing.assert_array_equal(case.image, image)
        np.testing.assert_array_equal(case.healed, healed)


def test_positives_keep_their_spots(cases: list[Decomposition]) -> None:
    """The total response of the spots is kept; single spots may be healed or moved."""
    kept = [
        strength(positive(case, np.random.default_rng(seed))) / strength(case.image)
        for case in cases
        for seed in range(4)
    ]
    healed = [strength(case.healed) / strength(case.image) for case in cases]
    assert np.mean(kept) > 0.6 > 0.35 > np.mean(healed)


def test_macules_only_redden(cases: list[Decomposition]) -> None:
    for case in cases:
        red = NEGATIVES["macules"](case, np.random.default_rng(0))
        assert (red <= case.healed + 1e-6).all(), "erythema only absorbs light"
        assert (red[..., 1] / case.healed[..., 1].clip(0.05)).mean() < (
            red[..., 0] / case.healed[..., 0].clip(0.05)
        ).mean()
