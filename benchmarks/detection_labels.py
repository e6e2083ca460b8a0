"""Lists the photographs of train and val whose label contradicts their out-of-fold score most.

    python benchmarks/detection_labels.py --data DIR --features RUNS

RUNS is the folder of `detection.py`. A photograph of mpox is scored by the GANs and heads of the three seeds that were
fitted without its group, other photographs by all of them. Scores are in standard deviations of the out-of-fold scores
of mpox. Prints the file names, most doubtful first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from detection_bench import Bench
from detection_features import FOLDS, SEEDS

from mim_export.score.errors import MimError
from mim_tf.comparison.summary import markdown_table
from mim_tf.data.splits import fold_of


def scores(bench: Bench) -> np.ndarray:
    """Returns the mean score of each photograph, (N,), over the seeds and folds that were fitted without its group."""
    own = bench.photos.labels == bench.normal
    variant = bench.headed(bench.pooled)
    total, count = np.zeros(len(own)), np.zeros(len(own))
    for seed in SEEDS:
        folds = np.full(len(own), -1)
        folds[own] = fold_of(bench.photos.groups[own], FOLDS, seed)
        for fold in range(FOLDS):
            unseen = ~own | (folds == fold)
            fold_scores = variant(~unseen, seed, fold)
            total[unseen] += fold_scores[unseen]
            count[unseen] += 1
    mean = total / count
    return np.asarray((mean - mean[own].mean()) / mean[own].std())


def main() -> None:
    """Prints the lowest scores of mpox and the highest scores of the other classes."""
    parser = argparse.ArgumentParser(description="doubtful labels")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8, help="length of each list")
    options = parser.parse_args()
    try:
        bench = Bench(options.data, options.features, "mpox")
    except MimError as error:
        sys.exit(str(error))
    values, photos = scores(bench), bench.photos
    own = np.flatnonzero(photos.labels == bench.normal)
    others = np.flatnonzero(photos.labels != bench.normal)
    chosen = [*own[np.argsort(values[own])][: options.count], *others[np.argsort(-values[others])][: options.count]]
    rows = [[photos.names[i], str(photos.labels[i]), str(photos.groups[i]), f"{values[i]:+.1f}"] for i in chosen]
    print(markdown_table(["file", "label", "group", "score, standard deviations of mpox"], rows))


if __name__ == "__main__":
    main()
