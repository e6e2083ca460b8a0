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
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from detection_bench import Bench
from detection_features import FOLDS, SEEDS, SIZE, at_side

from mim_export.score import decide
from mim_export.score.errors import MimError
from mim_tf.calibration import FOLDS as CALIBRATION_FOLDS
from mim_tf.calibration import fit_calibration, fit_gate
from mim_tf.data.splits import fold_of
from mim_tf.detector import Detector
from mim_tf.detectors.mim_deep import HEAD_FOLDS
from mim_tf.evaluation.metrics import weights_of
from mim_tf.synthetic import dataset

LEVELS = (0.05, 0.1, 0.2)
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
    table = fit_calibration(scores[tabled].astype(np.float32), groups[tabled], alpha=max(LEVELS), method="split")
    return decide.p_value(scores[~tabled], table), weights_of(groups[~tabled], by_group=True)


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


def real(
    bench: Bench, vectors_of: Callable[[int, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[int], list[float]]:
    """Evaluates the real photographs.

    Args:
        bench: the photographs and their features.
        vectors_of: function from seed and fold to vectors of all images, (M, D).

    Returns:
        P-values and weights over groups and seeds; for each seed the number of photographs that the gate refuses; and
        the mean score of held-out groups by the final fits less that in their tables, in standard deviations of the
        tables.
    """
    own = np.flatnonzero(bench.photos.labels == bench.normal)
    groups, pixels = bench.photos.groups[own], at_side(bench.photos.pixels[own], SIZE)
    results, refused, shifts = [], [], []
    for seed in SEEDS:
        folds, count = fold_of(groups, FOLDS, seed), 0
        for fold in range(FOLDS):
            table = vectors_of(seed, fold).astype(float)
            rest = folds != fold
            inner = np.full(len(groups), -1)
            inner[rest] = fold_of(groups[rest], CALIBRATION_FOLDS * HEAD_FOLDS, seed)

            def measured(rows: np.ndarray, table: np.ndarray = table) -> np.ndarray:
                """Returns score and novelty of all photographs of the class, (2, N), by a head fitted on `rows`."""
                fitted = np.zeros(len(bench.photos.labels), bool)
                fitted[own[rows]] = True
                head, vectors = bench.fit(table, fitted), table[bench.first[own]]
                return np.stack([head.score(vectors), head.novelty.score(vectors)])

            values = measured(rest)
            for part in range(CALIBRATION_FOLDS * HEAD_FOLDS):
                values = np.where(inner == part, measured(rest & (inner != part)), values)
            results.append(judged(values[0], groups, rest))
            means = [
                np.average(values[0, chosen], weights=weights_of(groups[chosen], by_group=True))
                for chosen in (~rest, rest)
            ]
            shifts.append(float((means[0] - means[1]) / values[0, rest].std()))
            gate = fit_gate(pixels[rest], values[1, rest])
            count += int(np.count_nonzero(decide.gate(pixels[~rest], gate, values[1, ~rest])))
        refused.append(count)
    return np.concatenate([p for p, _ in results]), np.concatenate([weight for _, weight in results]), refused, shifts


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
        *nested, refused, shifts = real(bench, bench.pooled if options.vectors == "inpainting" else bench.features())
        results = {"synthetic, split": synthetic(options.run), "real, nested": nested}
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
    print("shift of the held-out groups against the tables, mean over folds and seeds", round(np.mean(shifts), 3))
    print("photographs of the class in train and val that the gate refuses, by seed", refused)


if __name__ == "__main__":
    main()
