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
from mim_export.score.manifest import masks_of, read_checked, read_manifest
from mim_export.score.preprocess import Inpainted, mask_set, resample
from mim_export.score.runtimes import runtime
from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import class_names, select
from mim_tf.evaluation.inpainting_quality import FILLS, quality, table
from mim_tf.evaluation.metrics import interval_text

#: Cell size in pixels and number of masks.
SETS = ((8, 4), (16, 4), (12, 2))


def telea(images: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The method of Telea, by OpenCV, with a radius of 3 px; see `inpainting_quality.Fill`."""
    filled = np.zeros_like(images)
    for mask in masks:
        hidden = mask[..., 0] == 0
        for image, target in zip(images, filled, strict=True):
            target[hidden] = cv2.inpaint(image, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)[hidden]
    return filled.astype(np.float32) / np.float32(255)


class Inpainter:
    """Runs the signature `inpaint` of a bundle.

    Args:
        bundle: the folder of a bundle with a mask set.
    """

    def __init__(self, bundle: Path) -> None:
        manifest = read_manifest(bundle)
        masks = masks_of(manifest)
        if masks is None:
            raise SystemExit(f"{bundle} has no mask set")
        self.normal_class: str = manifest["normal_class"]
        self.input_size, self.size = manifest["size"], masks.shape[1]
        content = read_checked(bundle, "mim.tflite", manifest)
        self._run = runtime()(content).get_signature_runner("inpaint")

    def __call__(self, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inpaints uint8 (N, s, s, 3) with a mask set, float32 (n, s, s, 1); returns float32 (N, s, s, 3) in [0, 1]."""
        inpainted = np.zeros(images.shape, np.float32)
        for image, target in zip(images, inpainted, strict=True):
            for mask in masks:
                output = self._run(image=image[None], mask=mask[None].astype(np.uint8))["inpainted"][0]
                target += (1.0 - mask) * output
        return inpainted / np.float32(255)


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
    inpaint, photos = Inpainter(arguments.bundle), scan_folder(arguments.data)
    normal, results = inpaint.normal_class, {}
    names = [normal, *(name for name in class_names(photos, arguments.split) if name != normal)]
    for name in names:
        chosen = select(photos, arguments.split, name)
        loaded = load_photos(chosen, inpaint.input_size, warn=to_stderr, what=f"{arguments.split}/{name}")
        small = np.stack([resample(image, inpaint.size) for image in loaded.pixels])
        for cell, count in SETS:
            masks = mask_set(inpaint.size, cell, count)
            key = f"{cell} px, {count} masks"
            results.setdefault(key, {})[name] = quality(
                Inpainted(small, inpaint(small, masks), masks), loaded.groups, {**FILLS, "telea": telea}
            )
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
