"""What each part of the inpainting GAN contributes: trains variants and measures their inpaintings of held-out images.

    python benchmarks/inpainting_ablation.py --out RUNS      # synthetic images, with a picture
    python benchmarks/inpainting_ablation.py --out RUNS --data DIR --steps 3000
    python benchmarks/inpainting_ablation.py --out RUNS --data DIR --steps 500 --start released
    python benchmarks/inpainting_ablation.py --out RUNS --data DIR --steps 1500 --batch-size 16 --size 32

Each row of the table is a GAN at 96 px, or at the 32 px of a microcontroller, float32, compared with the biharmonic
fill on the normal class of `val` under three mask sets (at 96 px those of `benchmarks/inpainting.py`): the means of
the differences of PSNR and SSIM, of the ratio of the perceptual distances and of the sharpness over the sets, and the
accuracy of the discriminator on patches of these images of which at least a fifth is hidden (0.5 = chance). Intervals
of the PSNR are by group. For the synthetic set, which may be shown, `crops.png` shows the inpaintings of all rows. A
stopped training continues.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.score.preprocess import mask_set
from mim_tf.data.folder import load_at_sizes, scan_folder, to_stderr
from mim_tf.data.splits import select
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.evaluation.inpainting_quality import mask_sets, measure
from mim_tf.evaluation.metrics import interval_text, mean_interval
from mim_tf.measures.fills import biharmonic
from mim_tf.models.networks import PATCH
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training
from mim_tf.tutorial.pictures import grid_figure

#: Sides of the images in px: of the released bundle, and of the one for microcontrollers.
SIZES = (96, 32)
ROWS: dict[str, dict[str, object]] = {
    "default": {},
    "no discriminator": {"losses": {"matching": 0.0, "adversarial": 0.0}},
    "adversarial weight 6 times": {"losses": {"adversarial": 0.3}},
    "adversarial weight 60 times": {"losses": {"adversarial": 3.0}},
    "penalty 1 (R1)": {"penalty": 1.0},
    "SSIM weight 5": {"losses": {"ssim": 5.0}},
    "cells of 8, 12 and 16 px": {"train_cells": (8, 12, 16)},
    "width 14": {"width": 14},
    "width 32": {"width": 32},
}
#: Rows at 32 px.
SMALL_ROWS: dict[str, dict[str, object]] = {
    "width 14": {"width": 14},
    "width 14, released generator as teacher": {"width": 14, "teacher": "released"},
}
_HIDDEN = 0.2
Pixels = NDArray[np.uint8]


def accuracy(
    model: InpaintingModel, images: NDArray[np.float32], inpainted: NDArray[np.float32], mask: tf.Tensor
) -> float:
    """Balanced accuracy of the discriminator between original and inpainted patches, with the threshold 0."""
    composed = mask * images + (1.0 - mask) * inpainted
    judged = tf.nn.avg_pool2d(1.0 - mask, PATCH, PATCH, "VALID").numpy()[0, ..., 0] >= _HIDDEN
    real, fake = (model.keras_model.discriminator(batch)[0].numpy()[:, judged] for batch in (images, composed))
    return float(0.5 * np.mean(real > 0) + 0.5 * np.mean(fake < 0))


def cells(model: InpaintingModel, pixels: Pixels, groups: NDArray[np.str_]) -> list[str]:
    """The cells of a row of the table."""
    images = pixels / np.float32(255)
    found: dict[str, list[float]] = {"ssim": [], "perceptual": [], "sharpness": [], "accuracy": []}
    gains = []
    for cell, count in mask_sets(model.size):
        masks = mask_set(model.size, cell, count)
        inpainted = np.asarray(tf.function(model.keras_model.inpaint)(images, masks))
        values = measure(images, {"model": inpainted, "fill": biharmonic(pixels, masks)}, masks)
        own, fill = values["model"], values["fill"]
        gains.append(own["psnr"] - fill["psnr"])
        found["ssim"].append(float(np.mean(own["ssim"] - fill["ssim"])))
        found["perceptual"].append(float(own["perceptual_distance"].mean() / fill["perceptual_distance"].mean()))
        found["sharpness"].append(float(own["sharpness"].mean()))
        found["accuracy"].append(accuracy(model, images, inpainted, tf.constant(masks[:1])))
    gain = mean_interval(np.mean(gains, axis=0), groups)
    means = {name: float(np.mean(numbers)) for name, numbers in found.items()}
    return [
        f"{gain['value']:+.2f} {interval_text(gain, '+.2f')}",
        f"{min(np.mean(numbers) for numbers in gains):+.2f}",
        f"{means['ssim']:+.3f}",
        f"{means['perceptual']:.2f}",
        f"{means['sharpness']:.2f}",
        f"{means['accuracy']:.2f}",
    ]


def crops(models: dict[str, InpaintingModel], pixels: Pixels, path: Path) -> None:
    """Draws the inpaintings of three images by every model, beside the original and the biharmonic fill."""
    masks = mask_set(pixels.shape[1], pixels.shape[1] // 8, 2)
    shown = pixels[:: max(1, len(pixels) // 3)][:3]
    images = shown / np.float32(255)
    columns = {"original": images, "masked": images * masks[0], "biharmonic": biharmonic(shown, masks)}
    columns |= {name: np.asarray(model.keras_model.inpaint(images, masks)) for name, model in models.items()}
    rows = {f"image {number + 1}": [column[number] for column in columns.values()] for number in range(len(shown))}
    grid_figure(rows, path, captions={"image 1": [name.replace(" ", "\n", 1) for name in columns]})


def main() -> None:
    """Trains the rows, prints the table and draws the crops."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--data", type=Path, help="a data folder; default: the synthetic set, drawn into --out")
    parser.add_argument("--normal-class", default="mpox")
    parser.add_argument("--rows", help="names of rows, separated by semicolons; default: all")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, choices=SIZES, default=SIZES[0], help="side of the images in px")
    parser.add_argument("--start", help="weights to start from, see mim-tf train; rows of another width are left out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.data or options.out / "data"
    if options.data is None and not folder.exists():
        dataset.write_sample(folder)
    photos = scan_folder(folder)
    train, val = (select(photos, split, options.normal_class) for split in ("train", "val"))
    (held_out,) = load_at_sizes(val, (options.size,), warn=to_stderr, what="val")
    rows = ROWS if options.size == SIZES[0] else SMALL_ROWS
    chosen = list(rows) if options.rows is None else [name.strip() for name in options.rows.split(";")]
    head = ["", "PSNR, mean", "worst set", "SSIM", "perceptual", "sharpness", "accuracy"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    models = {}
    for name in chosen:
        if options.start and "width" in rows[name]:
            continue
        model = InpaintingModel(options.size, start=options.start, **rows[name])  # type: ignore[arg-type]
        (photographs,) = load_at_sizes(train, (model.source_size,), warn=to_stderr, what="train")
        model.watch(held_out.pixels)
        training = Training(steps=options.steps, batch_size=options.batch_size, precision="float32", seed=options.seed)
        model.fit(photographs.pixels, options.out / name.replace(" ", "_"), training, lambda *_: None)
        models[name] = model
        print("| " + " | ".join([name, *cells(model, held_out.pixels, held_out.groups)]) + " |", flush=True)
    if options.data is None:
        crops(models, held_out.pixels, options.out / "crops.png")


if __name__ == "__main__":
    main()
