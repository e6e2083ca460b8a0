"""Which labels of train and val deserve a second look? Those that the scores out of fold contradict most.

Run it as `python benchmarks/detection_labels.py --data DIR --features RUNS`, RUNS being the folder of `detection.py`.

A photograph of mpox is scored by the GANs and heads of the three seeds that have not seen its group, the others by all
of them; a score counts in deviations of the class out of fold. Prints the names of the files, the most doubtful first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from detection_bench import Bench
from detection_features import FOLDS, SEEDS

from mim_export.score.errors import MimError
from mim_tf.calibration import fold_of
from mim_tf.comparison.summary import markdown_table


def scores(bench: Bench) -> np.ndarray:
    """Of each photograph (N,), the mean over seeds and folds that have not seen it."""
    own = bench.photos.labels == bench.normal
    variant = bench.headed(bench.pooled)
    total, count = np.zeros(len(own)), np.zeros(len(own))
    for seed in SEEDS:
        folds = np.full(len(own), -1)
        folds[own] = fold_of(bench.photos.groups[own], FOLDS, seed)
        for fold in range(FOLDS):
            unseen = ~own | (folds == fold)
            found = variant(~unseen, seed, fold)
            total[unseen] += found[unseen]
            count[unseen] += 1
    mean = total / count
    return np.asarray((mean - mean[own].mean()) / mean[own].std())


def main() -> None:
    """Prints two lists."""
    parser = argparse.ArgumentParser(description="doubtful labels")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8, help="of each list")
    options = parser.parse_args()
    try:
        bench = Bench(options.data, options.features, "mpox")
    except MimError as error:
        sys.exit(str(error))
    found, photos = scores(bench), bench.photos
    own = np.flatnonzero(photos.labels == bench.normal)
    others = np.flatnonzero(photos.labels != bench.normal)
    chosen = [*own[np.argsort(found[own])][: options.count], *others[np.argsort(-found[others])][: options.count]]
    rows = [[photos.names[i], str(photos.labels[i]), str(photos.groups[i]), f"{found[i]:+.1f}"] for i in chosen]
    print(markdown_table(["file", "label", "group", "score, deviations of mpox"], rows))


if __name__ == "__main__":
    main()
