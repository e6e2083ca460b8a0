"""Whether crops of a photograph, scored beside the whole, separate mpox better, or one larger feature map does.

    python benchmarks/crops.py --data DIR --other OTHER

The detector is the released one; nothing is fitted. Each row adds the mean score of parts to the score of the whole, or
takes it alone:

* `five crops`: crops of two thirds of the side, in the corners and in the middle, enlarged to the input, with the
  inpainting of each crop. `middle crop` is the last one alone.
* `five crops, equal weights`: the same without an inpainting, all positions of the features alike.
* `five windows`: the image is enlarged by 3/2, and the features of five windows of two thirds are taken from one map,
  with equal weights. The cost is that of 2.25 passes of the feature network instead of five.

Printed for `val` of DIR and of OTHER: the mean AUROC over the conditions, its difference from the whole alone, with the
interval paired by group, and both where the other classes are blurred by 0.8 px. `test` is not read. It takes eight
minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from mim_tf.data.folder import Photos, load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.detector import load_detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.controls import softened
from mim_tf.evaluation.metrics import (
    Estimate,
    auroc_estimate,
    bounds,
    difference_estimate,
    interval_text,
    mean_estimate,
)
from mim_tf.measures import deep

Pixels = NDArray[np.uint8]
Values = NDArray[np.float64]

#: Top left corner of each part, as a fraction of the space that the part leaves.
PLACES = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))
PART = 2 / 3
BLUR = 0.8
#: Rows: the scores of parts, and whether that of the whole is added.
ROWS = {
    "whole": ("whole", False),
    "five crops": ("crops", False),
    "whole + five crops": ("crops", True),
    "whole + middle crop": ("middle", True),
    "whole + five crops, equal weights": ("plain crops", True),
    "five windows": ("windows", False),
    "whole + five windows": ("windows", True),
}


class Parts:
    """Scores of the parts of photographs."""

    def __init__(self, model: DeepInpaintingModel) -> None:
        """Builds the feature network at both sizes."""
        self.model, size, block = model, model.size, model.options["block"]
        self.network = deep.backbone(size, block)
        self.larger = deep.backbone(round(size / PART), block)

    def scores(self, pixels: Pixels) -> dict[str, Values]:
        """Computes the scores, float64 (N,), by kind of part."""
        crops = [self._crops(pixels, place) for place in PLACES]
        inpainted = [self.model.score_samples(crop).astype(np.float64) for crop in crops]
        return {
            "whole": self.model.score_samples(pixels).astype(np.float64),
            "crops": np.mean(inpainted, axis=0),
            "middle": inpainted[-1],
            "plain crops": np.mean([self._plain(crop) for crop in crops], axis=0),
            "windows": self._windows(pixels),
        }

    def _crops(self, pixels: Pixels, place: tuple[float, float]) -> Pixels:
        size = pixels.shape[1]
        side = round(PART * size)
        top, left = (round(share * (size - side)) for share in place)
        parts = pixels[:, top : top + side, left : left + side]
        return np.stack([np.asarray(Image.fromarray(part).resize((size, size), 2)) for part in parts])

    def _plain(self, pixels: Pixels) -> Values:
        return self._batches(pixels, lambda images: [self.network(images)])

    def _windows(self, pixels: Pixels) -> Values:
        def windows(images: tf.Tensor) -> list[tf.Tensor]:
            features = self.larger(tf.image.resize(images, self.larger.input_shape[1:3]))
            side = features.shape[1]
            window = round(PART * side)
            corners = [[round(share * (side - window)) for share in place] for place in PLACES]
            return [features[:, top : top + window, left : left + window] for top, left in corners]

        return self._batches(pixels, windows)

    def _batches(self, pixels: Pixels, maps: Callable[[tf.Tensor], list[tf.Tensor]]) -> Values:
        """Mean score of the feature maps of limited images; all positions have the same weight."""
        scores = []
        for start in range(0, len(pixels), 16):
            images = tf.constant(pixels[start : start + 16], tf.float32)
            found = []
            for features in maps(deep.band_limited(images, self.model.options["band"])):
                equal = tf.fill([*features.shape[:3], 1], 1.0 / (features.shape[1] * features.shape[2]))
                found.append(self.model.head.score(deep.statistics(features, equal).numpy().astype(np.float64)))
            scores.append(np.mean(found, axis=0, dtype=np.float64))
        return np.concatenate(scores)


def row(name: str, scores: dict[str, Values]) -> Values:
    """The scores of a row."""
    part, add_whole = ROWS[name]
    return scores[part] + scores["whole"] if add_whole else scores[part]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="a data folder of further conditions, without mpox")
    options = parser.parse_args()
    model = load_detector("released").model
    assert isinstance(model, DeepInpaintingModel)
    parts = Parts(model)

    def loaded(folder: Path, name: str) -> Photos:
        return load_photos(select(scan_folder(folder), "val", name), model.size, warn=to_stderr, what=f"val/{name}")

    own = loaded(options.data, "mpox")
    own_scores = parts.scores(own.pixels)
    head = ["folder", "score", "as they are", "less the whole", f"blurred by {BLUR} px", "less the whole"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for folder in (options.data, options.other):
        cases = [(kind, blur) for kind in ROWS for blur in (False, True)]
        estimates: dict[tuple[str, bool], list[Estimate]] = {case: [] for case in cases}
        for name in class_names(scan_folder(folder), "val"):
            if name == "mpox" or name in NOT_SKIN:
                continue
            photos = loaded(folder, name)
            for blur in (False, True):
                scores = parts.scores(softened(photos.pixels, BLUR) if blur else photos.pixels)
                for kind in ROWS:
                    sides = row(kind, own_scores), row(kind, scores)
                    found = auroc_estimate(*sides, own.groups, photos.groups, labels=("mpox", name))
                    estimates[kind, blur].append(found)
        for kind in ROWS:
            cells = [folder.name, kind]
            for blur in (False, True):
                mean, whole = (mean_estimate(estimates[one, blur]) for one in (kind, "whole"))
                change = difference_estimate(mean, whole)
                cells += [f"{mean.value:.3f} {interval_text(bounds(mean))}"]
                cells += [f"{change.value:+.3f} {interval_text(bounds(change))}" if kind != "whole" else ""]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
