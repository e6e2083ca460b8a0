"""What the inpainting of a GAN says of the class, by measures of pixels, features and the discriminator.

    python benchmarks/inpainting_measures.py RUN --data DIR [--split val] [--out FILE.json]

RUN is a run folder of `mim-tf train --method mim`, finished or not, whose GAN has not seen the split. Each photograph
of it is inpainted under several mask sets, from small cells to holes as large as lesions. Every measure is oriented
so that a higher value means more like the normal class. Prints, for each, the AUROC of the normal class against each
other class and the mean over those that show skin, with 95 % intervals by group, and above the table the PSNR of the
GAN and of the biharmonic fill on the normal class. Nothing is fitted here, so no fold is needed.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.preprocess import mask_set, resample
from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.evaluation.inpainting_quality import measure
from mim_tf.evaluation.metrics import auroc_estimate, bounds, interval_text, mean_estimate
from mim_tf.measures.fills import biharmonic
from mim_tf.measures.ssim import error_map
from mim_tf.models.mim import MIM
from mim_tf.training.checkpoint import load_weights, read_state

#: Cell size in pixels and number of masks, at 96 px. The last two have holes as large as lesions and hide 25 and 50 %.
SETS = ((8, 4), (12, 2), (16, 4), (24, 4), (24, 2))
_BATCH = 16
Values = NDArray[np.float64]


def gan(run: Path) -> tuple[InpaintingModel, MIM]:
    """Loads the GAN of a run with its discriminator, from the last checkpoint."""
    settings = read_json(run / "settings.json", "name a run folder")
    options = {key: value for key, value in settings["options"].items() if key not in ("views", "block")}
    model = create_model("mim", settings["size"] // (2 if settings["measure"] == "deep" else 1), **options)
    assert isinstance(model, InpaintingModel)
    network = model.make_model(model.config, settings["training"]["steps"])
    load_weights(network, run / "final" / read_state(run / "final" / "state.json").checkpoint)
    return model, network


def redness(images: NDArray[np.float32]) -> Values:
    """How much redder than its surroundings each pixel is, at least 0: float32 (N, S, S, 3) -> (N, S, S)."""
    red = np.log(images[..., 0] + 0.05) - 0.5 * np.log(images[..., 1:] + 0.05).sum(axis=-1)
    around = gaussian_filter(red, (0, 12, 12))
    return np.maximum(gaussian_filter(red, (0, 1.5, 1.5)) - around, 0.0)


def measures(network: MIM, pixels: NDArray[np.uint8]) -> dict[str, Values]:
    """Computes every measure of uint8 (N, S, S, 3): float64 (N,) by name, higher = more like the normal class."""
    original = pixels.astype(np.float32) / np.float32(255)
    gradient = np.abs(np.diff(original, axis=1)).mean((1, 2, 3)) + np.abs(np.diff(original, axis=2)).mean((1, 2, 3))
    weights = redness(original)
    weights /= np.maximum(weights.mean(axis=(1, 2), keepdims=True), 1e-6)
    inpaint = tf.function(network.inpaint)
    found: dict[str, Values] = {}
    for cell, count in SETS:
        masks = mask_set(pixels.shape[1], cell, count)
        parts = [np.asarray(inpaint(original[i : i + _BATCH], masks)) for i in range(0, len(original), _BATCH)]
        inpainted, filled = np.concatenate(parts), biharmonic(pixels, masks)
        both = measure(original, {"gan": inpainted, "fill": filled}, masks)
        own, fill = both["gan"], both["fill"]
        error = np.abs(original - inpainted).mean(axis=-1)
        worst = np.sort(np.asarray(error_map(original, inpainted)).reshape(len(original), -1), axis=1)
        tenth = worst.shape[1] // 10
        judged = [_judgement(network, x, masks) for x in (original, inpainted)]
        entries = {
            "SSIM": own["ssim"],
            "PSNR": own["psnr"],
            "L1 over gradient": -error.mean(axis=(1, 2)) / np.maximum(gradient, 1e-3),
            "worst tenth of the error map": -worst[:, -tenth:].mean(axis=1),
            "SSIM less that of the biharmonic fill": own["ssim"] - fill["ssim"],
            "PSNR less that of the biharmonic fill": own["psnr"] - fill["psnr"],
            "distance of features": -own["perceptual_distance"],
            "distance of features over that of the fill": -own["perceptual_distance"] / fill["perceptual_distance"],
            "error where redder than around, over the mean error": -(error * weights).mean(axis=(1, 2))
            / np.maximum(error.mean(axis=(1, 2)), 1e-4),
            "discriminator, of the image": judged[0],
            "discriminator, of the inpainting": judged[1],
            "discriminator, image less inpainting": judged[0] - judged[1],
        }
        found |= {f"{name}, {cell} px x {count}": np.asarray(values, np.float64) for name, values in entries.items()}
        found |= {f"_psnr, {cell} px x {count}": own["psnr"], f"_fill, {cell} px x {count}": fill["psnr"]}
    found["_smoothness"] = -gradient
    return found


def _judgement(network: MIM, images: NDArray[np.float32], masks: NDArray[np.float32]) -> Values:
    """Mean output of the discriminator; with inpaintings every pixel is one, not only those under one mask."""
    parts = [np.asarray(network.discriminator(images[i : i + _BATCH])[0]) for i in range(0, len(images), _BATCH)]
    return np.concatenate(parts).mean(axis=(1, 2, 3)).astype(np.float64)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--normal-class", default="mpox")
    parser.add_argument("--out", type=Path, help="write all figures to this JSON file")
    arguments = parser.parse_args()
    model, network = gan(arguments.run)
    photos, normal = scan_folder(arguments.data), arguments.normal_class
    values, groups = {}, {}
    for name in class_names(photos, arguments.split):
        chosen = select(photos, arguments.split, name)
        loaded = load_photos(chosen, 2 * model.size, warn=to_stderr, what=f"{arguments.split}/{name}")
        small = np.stack([resample(image, model.size) for image in loaded.pixels])
        values[name], groups[name] = measures(network, small), loaded.groups
    own = values[normal]
    for cell, count in SETS:
        key = f"{cell} px x {count}"
        psnr, fill = (own[f"{name}, {key}"].mean() for name in ("_psnr", "_fill"))
        print(f"PSNR on {normal}, {key}: {psnr:.2f} dB, biharmonic {fill:.2f} dB")
    others = [name for name in values if name != normal]
    print("\n| measure | " + " | ".join([*others, "mean, skin", "correlation with smoothness"]) + " |")
    print("|---" * (len(others) + 3) + "|")
    results = {}
    smooth = np.concatenate([values[name]["_smoothness"] for name in values])
    for key in (name for name in own if not name.startswith("_")):
        areas = {
            name: auroc_estimate(own[key], values[name][key], groups[normal], groups[name], labels=(normal, name))
            for name in others
        }
        mean = mean_estimate([area for name, area in areas.items() if name not in NOT_SKIN])
        follows = spearmanr(np.concatenate([values[name][key] for name in values]), smooth)[0]
        results[key] = {
            "classes": {name: area.value for name, area in areas.items()},
            "mean": {"auroc": mean.value, **bounds(mean)},
            "smoothness": float(follows),
        }
        cells = [f"{area.value:.2f}" for area in areas.values()]
        cells += [f"{mean.value:.3f} {interval_text(results[key]['mean'])}", f"{follows:+.2f}"]
        print(f"| {key} | " + " | ".join(cells) + " |")
    if arguments.out:
        write_json(arguments.out, results)


if __name__ == "__main__":
    main()
