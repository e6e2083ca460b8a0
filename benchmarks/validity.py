"""Checks the validity of the p-value: at most a share alpha of held-out photographs of the class has p <= alpha.

    python benchmarks/validity.py --run DEMO/run --data DIR --features RUNS --out docs/validity.png

Synthetic photographs: a run on the sample set scores 300 new patients. They are divided 500 times at random into 20
patients for calibration and the rest for evaluation, which are exchangeable by construction. Real photographs: the
procedure of `mim-tf train`, nested. Each of five folds is judged by a head fitted on the other folds, with a table from
nine inner folds of these, so that no judged photograph was used in a fit. (The inner folds use the GAN of the outer
fold.) Each group has the same weight, whatever its number of photographs.

With `--vectors image` the head is fitted on features of the image alone, without the weights by the inpainting error.
That needs no GAN, and a quarter of an hour instead of two hours.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from detection_bench import Bench
from detection_features import FOLDS, SEEDS, SIZE, at_side

from mim_export.score import decide
from mim_export.score.conformal import p_class
from mim_export.score.errors import MimError
from mim_tf.calibration import FOLDS as CALIBRATION_FOLDS
from mim_tf.calibration import fit_calibration, fit_gate
from mim_tf.data.splits import fold_of
from mim_tf.detector import Detector
from mim_tf.detectors.mim_deep import HEAD_FOLDS
from mim_tf.evaluation.metrics import weights_of
from mim_tf.synthetic import dataset

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Level of the conformal tables; the p-values do not depend on it.
TABLE_LEVEL = 0.2
#: Weights of the class distance whose AUROC on val is printed.
WEIGHTS = (0.5, 0.75, 1.0)
_PATIENTS, _DRAWS, _CALIBRATING = 300, 500, 20


def judged(scores: np.ndarray, groups: np.ndarray, tabled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes p-values of the photographs that are not in the table.

    Args:
        scores: (N,).
        groups: (N,).
        tabled: bool (N,), photographs of the conformal table.

    Returns:
        P-values, and weights that give each group the same total weight.
    """
    table = fit_calibration(scores[tabled].astype(np.float32), groups[tabled], alpha=TABLE_LEVEL, method="split")
    return p_class(scores[~tabled], table), weights_of(groups[~tabled], by_group=True)


def synthetic(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns p-values and weights of all draws of synthetic photographs."""
    detector = Detector.load(run)
    indices = np.arange(10_000, 10_000 + 2 * _PATIENTS)  # two images per patient, none of them in the sample set
    scores = detector.score_samples(dataset.render("mpox", indices.tolist(), size=detector.size))
    groups = (indices // 2).astype(str)
    rng = np.random.default_rng(0)
    results = []
    for _ in range(_DRAWS):
        chosen = rng.permutation(np.unique(groups))[:_CALIBRATING]
        results.append(judged(scores, groups, np.isin(groups, chosen)))
    return np.concatenate([p for p, _ in results]), np.concatenate([weight for _, weight in results])


@dataclass(frozen=True)
class Nested:
    """Real photographs of the class, each judged by heads that were not fitted on its group; over folds and seeds.

    Attributes:
        p: p-values, (N,).
        weights: weights that give each group the same total weight, (N,).
        refused: number of photographs that the gate refuses, by seed.
        shift: mean score of held-out groups by the final fits less that in their tables, in standard deviations of the
            tables. 0 if both are on the same scale.
        terms: mean and standard deviation of the logit, the class distance and the novelty of held-out groups, (3, 2).
            0 and 1 if they are standardized well.
        in_sample: the same if each term is standardized by the photographs that it was fitted on.
    """

    p: np.ndarray
    weights: np.ndarray
    refused: list[int]
    shift: float
    terms: np.ndarray
    in_sample: np.ndarray


def real(bench: Bench, vectors_of: Callable[[int, int], np.ndarray]) -> Nested:
    """Evaluates the real photographs.

    Args:
        bench: the photographs and their features.
        vectors_of: function from seed and fold to vectors of all images, (M, D).
    """
    own = np.flatnonzero(bench.photos.labels == bench.normal)
    groups, pixels = bench.photos.groups[own], at_side(bench.photos.pixels[own], SIZE)
    results, refused, shifts, terms, in_sample = [], [], [], [], []
    for seed in SEEDS:
        folds, count = fold_of(groups, FOLDS, seed), 0
        for fold in range(FOLDS):
            table = vectors_of(seed, fold).astype(float)
            rest = folds != fold
            inner = np.full(len(groups), -1)
            inner[rest] = fold_of(groups[rest], CALIBRATION_FOLDS * HEAD_FOLDS, seed)

            def measured(rows: np.ndarray, table: np.ndarray = table) -> np.ndarray:
                """Returns score, logit, class distance and novelty, (4, N), by a head fitted on `rows`."""
                fitted = np.zeros(len(bench.photos.labels), bool)
                fitted[own[rows]] = True
                head, vectors = bench.fit(table, fitted), table[bench.first[own]]
                logit = vectors @ head.linear_weights + head.linear_bias
                return np.stack(
                    [head.score(vectors), logit, head.class_distance.score(vectors), head.novelty.score(vectors)]
                )

            values = measured(rest)
            outer, fitted_on = (_moments(values[:, chosen], groups[chosen]) for chosen in (~rest, rest))
            terms.append(outer[1:])
            means = (outer[1:, 0] - fitted_on[1:, 0]) / fitted_on[1:, 1]
            in_sample.append(np.stack([means, outer[1:, 1] / fitted_on[1:, 1]], axis=1))
            for part in range(CALIBRATION_FOLDS * HEAD_FOLDS):
                values = np.where(inner == part, measured(rest & (inner != part)), values)
            results.append(judged(values[0], groups, rest))
            tabled = _moments(values[:, rest], groups[rest])
            shifts.append((outer[0, 0] - tabled[0, 0]) / tabled[0, 1])
            gate = fit_gate(pixels[rest], values[3, rest])
            count += int(np.count_nonzero(decide.gate(pixels[~rest], gate, values[3, ~rest])))
        refused.append(count)
    p, weights = (np.concatenate(parts) for parts in zip(*results, strict=True))
    return Nested(p, weights, refused, float(np.mean(shifts)), np.mean(terms, axis=0), np.mean(in_sample, axis=0))


def _moments(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each row of (K, N) with the same weight for each group, (K, 2)."""
    weights = weights_of(groups, by_group=True)
    means = np.average(values, axis=1, weights=weights)
    return np.stack([means, np.sqrt(np.average((values - means[:, None]) ** 2, axis=1, weights=weights))], axis=1)


def main() -> None:
    """Prints and plots the shares."""
    parser = argparse.ArgumentParser(description="validity of the p-value")
    parser.add_argument("--run", type=Path, required=True, help="a run on the sample set, such as DEMO/run")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True, help="the folder of detection.py")
    parser.add_argument("--vectors", choices=("inpainting", "image"), default="inpainting")
    parser.add_argument("--out", type=Path, required=True, help="the figure")
    options = parser.parse_args()
    try:
        bench = Bench(options.data, options.features, "mpox")
        vectors = bench.pooled if options.vectors == "inpainting" else bench.features()
        nested = real(bench, vectors)
        for weight in WEIGHTS:
            figures = bench.figures(bench.headed(vectors, weight=weight))
            print(f"AUROC on val, class distance weight {weight:g}", {k: round(v, 3) for k, v in figures.items()})
        results = {"synthetic, split": synthetic(options.run), "real, nested": (nested.p, nested.weights)}
    except MimError as error:
        sys.exit(str(error))
    figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
    levels = np.linspace(0, 1, 201)
    axes.plot(levels, levels, color="0.6", linestyle="--", label="bound")
    for title, (p, weight) in results.items():
        axes.plot(levels, [np.average(p <= level, weights=weight) for level in levels], label=title)
        shares = {level: round(float(np.average(p <= level + 1e-6, weights=weight)), 4) for level in LEVELS}
        print(title, shares)
    axes.set(xlabel="alpha", ylabel="share of mpox photographs with p <= alpha", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.savefig(options.out, dpi=120)
    print("shift of held-out groups against the tables", round(nested.shift, 3))
    excess = [np.average(nested.p <= level + 1e-6, weights=nested.weights) - level for level in levels]
    print("largest excess over alpha, real", round(max(excess), 3), "at", levels[int(np.argmax(excess))])
    print("mean and deviation of logit, class distance, novelty of held-out groups", nested.terms.round(2).tolist())
    print("the same, standardized by the photographs of the fit", nested.in_sample.round(2).tolist())
    print("photographs of the class in train and val that the gate refuses, by seed", nested.refused)


if __name__ == "__main__":
    main()
