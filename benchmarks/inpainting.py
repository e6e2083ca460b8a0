"""Quality of the inpaintings of a bundle at hidden pixels, beside fills that have learnt nothing.

    python benchmarks/inpainting.py BUNDLE --data DIR --split val [--out FILE.json]

For each of three mask sets, the signature `inpaint` of `mim.tflite` (the int8 generator, LiteRT with XNNPACK) inpaints
the photographs of each class of the split, and `mim_tf.evaluation.inpainting_quality` compares them with a blur, a
push-pull pyramid, scikit-image's biharmonic fill and the method of Telea (2004; opencv-python-headless). Prints a table
of the normal class for each set, the differences from the biharmonic fill by class, and which targets are reached.
Intervals are by group.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mim_export.score.atomic_files import write_json
from mim_export.score.manifest import masks_of
from mim_export.score.preprocess import mask_set
from mim_export.score.scorer import Scorer
from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import class_names, select
from mim_tf.evaluation.inpainting_quality import FILLS, mask_sets, quality, table, text_of_set
from mim_tf.evaluation.metrics import interval_text


def telea(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The method of Telea, by OpenCV, with a radius of 3 px; see `inpainting_quality.Fill`."""
    filled = np.zeros_like(images)
    for mask in masks:
        hidden = mask[..., 0] == 0
        for image, target in zip(images, filled, strict=True):
            target[hidden] = cv2.inpaint(image, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)[hidden]
    return filled.astype(np.float32) / np.float32(255)


def _targets(rows: list[dict[str, Any]]) -> list[str]:
    """How the differences from the biharmonic fill compare with the targets; one entry of `rows` for each mask set."""
    against = [row["against_biharmonic"] for row in rows]
    psnr, ssim = ([one[key]["value"] for one in against] for key in ("psnr", "ssim"))
    ratio, sharp = (
        [one["perceptual_distance_ratio"]["value"] for one in against],
        [row["rows"]["model"]["sharpness"]["value"] for row in rows],
    )
    checks = (
        ("PSNR, mean of the sets, at least +0.7 dB", np.mean(psnr), "+.2f", np.mean(psnr) >= 0.7),
        ("PSNR, worst set, at least +0.3 dB", min(psnr), "+.2f", min(psnr) >= 0.3),
        ("SSIM, mean of the sets, at least +0.03", np.mean(ssim), "+.3f", np.mean(ssim) >= 0.03),
        ("perceptual distance, worst set, at most 0.6 times", max(ratio), ".2f", max(ratio) <= 0.6),
        ("sharpness, lowest, at least 0.85", min(sharp), ".2f", min(sharp) >= 0.85),
        ("sharpness, highest, at most 1.1", max(sharp), ".2f", max(sharp) <= 1.1),
    )
    return [f"| {what} | {value:{form}} | {'yes' if met else 'no'} |" for what, value, form, met in checks]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, help="write all figures to this JSON file")
    arguments = parser.parse_args()
    scorer, photos = Scorer(arguments.bundle), scan_folder(arguments.data)
    own = masks_of(scorer.manifest)
    if own is None:
        raise SystemExit(f"{arguments.bundle} has no mask set")
    normal, results = scorer.normal_class, {}
    names = [normal, *(name for name in class_names(photos, arguments.split) if name != normal)]
    for name in names:
        chosen = select(photos, arguments.split, name)
        loaded = load_photos(chosen, scorer.size, warn=to_stderr, what=f"{arguments.split}/{name}")
        for cells in mask_sets(own.shape[1]):
            found = scorer.inpaint(loaded.pixels, mask_set(own.shape[1], *cells))
            assert found is not None
            fills = {**FILLS, "telea": telea}
            results.setdefault(text_of_set(*cells), {})[name] = quality(found, loaded.groups, fills)
    for key, classes in results.items():
        header, *rows = table(classes[normal]["rows"])
        print(f"\n{normal}, {arguments.split}, {key}:\n")
        print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
        print("\n".join("| " + " | ".join(row) + " |" for row in rows))
    print("\nPSNR in dB less that of the biharmonic fill:\n")
    print("| class | " + " | ".join(results) + " |\n" + "|---" * (1 + len(results)) + "|")
    for name in names:
        entries = [classes[name]["against_biharmonic"]["psnr"] for classes in results.values()]
        cells = [f"{entry['value']:+.2f} {interval_text(entry)}" for entry in entries]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| target against the biharmonic fill | measured | met |\n|---|---|---|")
    print("\n".join(_targets([classes[normal] for classes in results.values()])))
    if arguments.out:
        write_json(arguments.out, results)


if __name__ == "__main__":
    main()
