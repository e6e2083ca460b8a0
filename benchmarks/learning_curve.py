"""How much do more patients help? AUROC of the measure `deep` by the number of groups that its head is fitted on.

    python benchmarks/learning_curve.py --data DIR --other OTHER --out RUNS

The GAN is that of the released bundle, which has seen all groups of `train`; the head is fitted on random subsets of
them. Printed is the mean AUROC over the skin classes of `val` of DIR and over the conditions of `val` of OTHER: mean
and range of several draws. `test` is not read. Views are stored in RUNS. About 20 minutes on two cores, 5 if the views
are there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.detector import load_detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.metrics import auroc
from mim_tf.measures.head import fit_head
from mim_tf.training.config import Training

COUNTS, DRAWS = (5, 10, 15, 20, 25), 10


def main() -> None:
    """Fits the heads and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="a data folder of further conditions, without mpox")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = load_detector("released").model
    assert isinstance(model, DeepInpaintingModel)
    photos = select(scan_folder(options.data), "train", "mpox")
    train = load_photos(photos, model.source_size, warn=to_stderr, what="train/mpox")
    sample, _ = model._head_sample(train.pixels, train.groups, options.out / "fit", Training(), lambda *_: None, None)
    vectors = {}
    for folder in (options.data, options.other):
        scanned = scan_folder(folder)
        for name in class_names(scanned, "val"):
            if name not in NOT_SKIN:
                loaded = load_photos(select(scanned, "val", name), model.size, warn=to_stderr, what=f"val/{name}")
                vectors[folder, name] = model.vectors(loaded.pixels)[0]
    groups = np.unique(train.groups)
    rng = np.random.default_rng(0)
    print("| groups of mpox | photographs | skin classes | other conditions |\n|---|---|---|---|")
    for count in (*COUNTS, len(groups)):
        found = []
        for _ in range(DRAWS if count < len(groups) else 1):
            chosen = np.isin(train.groups, rng.choice(groups, count, replace=False))
            head = fit_head(sample.subset(chosen))
            own = head.score(vectors[options.data, "mpox"])
            means = [
                np.mean(
                    [
                        auroc(own, head.score(part))
                        for (place, name), part in vectors.items()
                        if place == folder and name != "mpox"
                    ]
                )
                for folder in (options.data, options.other)
            ]
            found.append([chosen.sum(), *means])
        photographs, *means = np.transpose(found)
        cells = [f"{part.mean():.2f} [{part.min():.2f}, {part.max():.2f}]" for part in means]
        print(f"| {count} | {photographs.mean():.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
