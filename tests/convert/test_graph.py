"""`mim_export.convert.graph`: correction of a head for the mean quantization error."""

from __future__ import annotations

import numpy as np

from mim_export.convert.graph import Deep
from mim_tf.measures.head import HeadSample, fit_head

RNG = np.random.default_rng(0)
PLAIN = RNG.normal(size=(80, 20))


def test_after_the_correction_rounded_vectors_have_the_means_of_exact_ones() -> None:
    index = np.arange(len(PLAIN))
    positives, negatives = PLAIN + 0.1 * RNG.normal(size=PLAIN.shape), PLAIN + 3 * RNG.normal(size=20)
    head = fit_head(HeadSample(PLAIN, positives, negatives, index.astype(str), index, index))
    rounded = PLAIN + RNG.normal(size=20) + 0.3 * RNG.normal(size=PLAIN.shape)
    graph = object.__new__(Deep)
    graph.head = head
    graph.correct(PLAIN, rounded)
    for name in ("class_distance", "novelty"):
        before, after = getattr(head, name), getattr(graph.head, name)
        assert abs(before.score(rounded).mean() - before.score(PLAIN).mean()) > 0.1, "there is something to correct"
        np.testing.assert_allclose(after.score(rounded).mean(), before.score(PLAIN).mean(), atol=1e-9)
    logits = rounded @ graph.head.linear_weights + graph.head.linear_bias
    np.testing.assert_allclose(logits.mean(), (PLAIN @ head.linear_weights + head.linear_bias).mean(), atol=1e-9)
