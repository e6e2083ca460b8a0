"""Measures the AUROC of the baselines on ImageNet features, `features` and `patchcore`, at 224 px.

    python benchmarks/pretrained.py --data DIR

The baselines are fitted on train/mpox. Positives are val/mpox and test/mpox together, since test alone has few groups
and no parameter of the baselines is selected on val. Negatives are the other classes of test.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from mim_export.score.errors import MimError
from mim_tf.data.folder import Photos, load_photos, scan_folder
from mim_tf.data.splits import Photo, class_names, select
from mim_tf.detectors.factory import create_model
from mim_tf.evaluation.metrics import Estimate, auroc_estimate, bounds, interval_text, mean_estimate
from mim_tf.training.config import Training

SIZE, NORMAL, METHODS = 224, "mpox", ("features", "patchcore")


def load(photos: tuple[Photo, ...], splits: tuple[str, ...], label: str) -> Photos:
    """Reads the photographs of a class in some splits."""
    chosen = [photo for split in splits for photo in select(photos, split, label)]
    return load_photos(chosen, SIZE, warn=lambda line: print(line, file=sys.stderr), what=f"{'+'.join(splits)}/{label}")


def row(name: str, estimate: Estimate) -> str:
    """Formats a line of the table: value and 95 % interval."""
    return f"| {name} | {estimate.value:.2f} | {interval_text(bounds(estimate))} |"


def report(name: str, train: Photos, positives: Photos, negatives: dict[str, Photos]) -> None:
    """Fits one method and prints its table."""
    fitted = create_model(name, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        fitted.fit(train.pixels, Path(folder), Training(), lambda *line: None)
    known = fitted.score_samples(positives.pixels)
    print(f"\n{name}: {fitted.summary}, {fitted.parameters:,} parameters\n\n| class | AUROC | 95 % |\n|---|---|---|")
    estimates = []
    for label, photos in negatives.items():
        other = fitted.score_samples(photos.pixels)
        estimates.append(auroc_estimate(known, other, positives.groups, photos.groups, labels=(NORMAL, label)))
        print(row(label, estimates[-1]))
    print(row("mean", mean_estimate(estimates)))


def main() -> None:
    """Prints a table for each method."""
    parser = argparse.ArgumentParser(description="AUROC of the baselines on ImageNet features")
    parser.add_argument("--data", required=True, help="a data folder with the class mpox")
    try:
        photos = scan_folder(parser.parse_args().data)
        train, positives = load(photos, ("train",), NORMAL), load(photos, ("val", "test"), NORMAL)
        labels = [label for label in class_names(photos, "test") if label != NORMAL]
        negatives = {label: load(photos, ("test",), label) for label in labels}
        for name in METHODS:
            report(name, train, positives, negatives)
    except MimError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
