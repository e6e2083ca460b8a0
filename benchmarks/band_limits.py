"""Whether a limit of the resolution makes the measure `deep` blind to sharpness, and what it costs.

    python benchmarks/band_limits.py --data DIR --other OTHER --out RUNS

The photographs of this project that show mpox have at most 224 px; those of an atlas are sharper. Each variant reduces
every image to a side L by area averaging and enlarges it again, in the views that the head is fitted on and in use. The
GAN is that of the released bundle. `random` draws L for each view of the fit.

The head is fitted on mpox of `train`. Printed are mean AUROCs over conditions on `val` of DIR and of OTHER, with an
interval by group for the photographs as they are: as they are, with the other classes blurred, with mpox sharpened, and
at equal sharpness. Choices are made by these figures; `test` is not read. Vectors are stored in RUNS, and a stopped run
continues. A variant takes about five minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.preprocess import resample
from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.detector import load_detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.alterations import altered_aurocs
from mim_tf.evaluation.metrics import auroc_estimate, bounds, interval_text, mean_estimate
from mim_tf.measures import deep
from mim_tf.measures.head import fit_head
from mim_tf.measures.ssim import ssim
from mim_tf.training.config import Training

ALTERED = ("blur 0.5", "blur 0.65", "blur 0.8")
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Variant:
    """A variant of the measure.

    Attributes:
        limit: side in px to which an image is reduced in use; None = it is not.
        drawn: range of the sides that are drawn for each view of the fit; None = `limit` for all.
        side: side in px to which images are enlarged for the feature network.
    """

    limit: int | None
    drawn: tuple[int, int] | None = None
    side: int = 192


VARIANTS = {
    "192 px, as in 0.1.0": Variant(None),
    "128 px": Variant(128),
    "96 px": Variant(96),
    "128 px, random 64 to 128 in the fit": Variant(128, (64, 128)),
    "128 px, enlarged to 288": Variant(128, side=288),
}


def limited(image: Pixels, side: int) -> Pixels:
    """Reduces an image, uint8 (S, S, 3), to a side by area averaging, and enlarges it bilinearly."""
    if side >= len(image):
        return image
    small = Image.fromarray(resample(image, side))
    return np.asarray(small.resize((len(image), len(image)), Image.Resampling.BILINEAR))


class Limited(DeepInpaintingModel):
    """The measure `deep` on images of a limited resolution."""

    def setup(self, variant: Variant, released: DeepInpaintingModel) -> None:
        """Sets the variant, and the GAN of the released detector."""
        self.variant, self.fitting, self.rng = variant, False, np.random.default_rng(0)
        self.inpainting = released.inpainting
        self._compute_vectors = self._trace_vectors()

    def _trace_vectors(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """Traces a graph in which the images of the feature network are enlarged; see `DeepInpaintingModel`."""
        side = self.variant.side
        network, generator = deep.backbone(side, self.options["block"]), self.inpainting.keras_model

        def compute(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            original = deep.halved(images) / 255.0
            inpainted = self.inpainting.reconstruct(generator, original)
            pair = [tf.image.resize(part, (side // 2, side // 2)) for part in (original, inpainted)]
            vectors = deep.statistics(network(tf.image.resize(images, (side, side))), deep.error_weights(*pair))
            return vectors, ssim(original, inpainted)

        return tf.function(compute, input_signature=[tf.TensorSpec([None, self.size, self.size, 3], tf.float32)])

    def vectors(self, pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Computes the vectors of the limited images; see `DeepInpaintingModel.vectors`."""
        drawn, size = self.variant.drawn, pixels.shape[1]
        if self.fitting and drawn is not None:
            sides = self.rng.integers(drawn[0], drawn[1] + 1, len(pixels))
        else:
            sides = np.full(len(pixels), self.variant.limit or size)
        return super().vectors(np.stack([limited(image, int(side)) for image, side in zip(pixels, sides, strict=True)]))


def fitted(variant: Variant, pixels: Pixels, groups: NDArray[np.str_], out: Path) -> Limited:
    """Fits the head of a variant."""
    released = load_detector("released").model
    assert isinstance(released, DeepInpaintingModel)
    model = Limited(released.size, views=2, block=10, band=released.size)
    model.setup(variant, released)
    model.fitting = True
    sample, known = model._head_sample(pixels, groups, out / "fit", Training(), lambda *_: None, None)
    model.fitting = False
    model.head = fit_head(sample, known)
    return model


def figures(model: Limited, folders: list[Path]) -> dict[str, dict[str, object]]:
    """The AUROCs of each folder; mpox is that of the first."""
    own = load_photos(select(scan_folder(folders[0]), "val", "mpox"), model.size, warn=to_stderr, what="val/mpox")
    own_scores = model.score_samples(own.pixels)
    result: dict[str, dict[str, object]] = {}
    for folder in folders:
        photos = scan_folder(folder)
        scores = {"mpox": (own, own_scores)}
        for name in class_names(photos, "val"):
            if name != "mpox" and name not in NOT_SKIN:
                loaded = load_photos(select(photos, "val", name), model.size, warn=to_stderr, what=f"val/{name}")
                scores[name] = (loaded, model.score_samples(loaded.pixels))
        found = altered_aurocs(model.score_samples, scores, "mpox")
        estimates = [
            auroc_estimate(own_scores, values, own.groups, part.groups, labels=("mpox", name))
            for name, (part, values) in scores.items()
            if name != "mpox"
        ]
        mean = mean_estimate(estimates)
        result[folder.name] = {
            "auroc": mean.value,
            **bounds(mean),
            **{key: found["mean"]["other"][key] for key in ALTERED},
            "mpox sharpened": found["mean"]["normal"]["sharpened"],
            "equal sharpness": found["mean"]["equal_sharpness"],
        }
    return result


def main() -> None:
    """Fits the variants and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="a data folder of further conditions, without mpox")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", help="names separated by semicolons; default: all")
    options = parser.parse_args()
    train = load_photos(select(scan_folder(options.data), "train", "mpox"), 256, warn=to_stderr, what="train/mpox")
    chosen = list(VARIANTS) if options.variants is None else [name.strip() for name in options.variants.split(";")]
    keys = ("auroc", *ALTERED, "mpox sharpened", "equal sharpness")
    print("| variant | folder | as they are | " + " | ".join(keys[1:]) + " |\n" + "|---" * (len(keys) + 2) + "|")
    for name in chosen:
        path = options.out / (name.replace(" ", "_").replace(",", "") + ".json")
        if not path.exists():
            model = fitted(VARIANTS[name], train.pixels, train.groups, options.out)
            options.out.mkdir(parents=True, exist_ok=True)
            write_json(path, figures(model, [options.data, options.other]))
        for folder, entry in read_json(path, "remove it").items():
            cells = [f"{entry['auroc']:.3f} {interval_text(entry)}", *(f"{entry[key]:.3f}" for key in keys[1:])]
            print("| " + " | ".join([name, folder, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
