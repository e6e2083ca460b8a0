"""Whether the shorter fits of the out-of-fold calibration score like the final one.

    python benchmarks/left_out.py RUN --data DIR

`mim-tf train --measure deep` trains the GANs of the folds for a tenth of the steps of the final one. A conformal table
of their scores is only valid for the final fit if both score new photographs alike. The split `val` is new to all of
them: for each of the nine heads (three folds, three parts of each) the script prints the mean difference of its
similarities of the normal class from those of the final fit, with its interval by group, the standard deviation of the
differences, and the mean AUROC over the skin classes of `val`.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.score.atomic_files import read_json
from mim_tf.calibration import FOLDS
from mim_tf.data.duplicates import SIDE as THUMBNAIL
from mim_tf.data.duplicates import join_near_duplicates
from mim_tf.data.folder import load_at_sizes, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, fold_of, select
from mim_tf.detector import Detector
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.mim_deep import HEAD_FOLDS, DeepInpaintingModel
from mim_tf.evaluation.metrics import auroc, interval_text, mean_interval
from mim_tf.measures.head import fit_head
from mim_tf.training.config import Training
from mim_tf.training.run_folder import SCRATCH


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="a run of the measure deep with an out-of-fold calibration")
    parser.add_argument("--data", type=Path, required=True, help="the data folder of the run")
    options = parser.parse_args()
    settings = read_json(options.run / "settings.json", "name a run folder")
    training = Training(**settings["training"])
    assert training.steps is not None
    detector, photos = Detector.load(options.run), scan_folder(options.data)
    normal = detector.normal_class

    def load(split: str, name: str, *sizes: int) -> list[Any]:
        return load_at_sizes(select(photos, split, name), sizes, warn=to_stderr, what=f"{split}/{name}")

    large, thumbnails = load("train", normal, detector.model.source_size, THUMBNAIL)
    groups = join_near_duplicates(thumbnails, to_stderr)
    others = [name for name in class_names(photos, "val") if name not in (normal, *NOT_SKIN)]
    val = {name: load("val", name, detector.size)[0] for name in (normal, *others)}

    def scores(model: DeepInpaintingModel) -> dict[str, NDArray[np.float32]]:
        return {name: model.measures(part.pixels).similarity for name, part in val.items()}

    def mean_auroc(found: dict[str, NDArray[np.float32]]) -> float:
        return float(np.mean([auroc(found[normal], found[name]) for name in others]))

    assert isinstance(detector.model, DeepInpaintingModel)
    final = scores(detector.model)
    print(
        f"final fit: {training.steps} steps, similarity of val/{normal} {final[normal].mean():.2f}, standard deviation "
        f"{final[normal].std(ddof=1):.2f}, mean AUROC {mean_auroc(final):.3f}\n"
    )
    print("| fold, part | steps | mean difference | standard deviation of the differences | mean AUROC |")
    print("|---|---|---|---|---|")
    folds = fold_of(groups, FOLDS, training.seed)
    steps = max(1, round(detector.model.left_out_share * training.steps))
    for fold in range(FOLDS):
        model = create_model("mim", detector.size, "deep", **detector.model.options)
        assert isinstance(model, DeepInpaintingModel)
        left_out, folder = folds == fold, options.run / f"fold{fold}"
        short = replace(training, steps=steps)
        model._fit_gan(large.pixels[~left_out], folder, short, lambda *_: None)  # trained already: loads it
        sample, _ = model._head_sample(large.pixels, groups, folder, short, lambda *_: None, None)
        parts = np.full(len(groups), -1)
        parts[left_out] = fold_of(groups[left_out], HEAD_FOLDS, training.seed)
        for part in np.unique(parts[left_out]):
            model.head = fit_head(sample.subset(parts != part))
            found = scores(model)
            difference = found[normal] - final[normal]
            mean = mean_interval(difference, val[normal].groups)
            print(
                f"| {fold}, {part} | {steps} | {mean['value']:+.2f} {interval_text(mean, '+.2f')} "
                f"| {difference.std(ddof=1):.2f} | {mean_auroc(found):.3f} |",
                flush=True,
            )
    shutil.rmtree(options.run / SCRATCH, ignore_errors=True)  # the views of the photographs


if __name__ == "__main__":
    main()
