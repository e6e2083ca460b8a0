"""Measures which changed copies of a picture `mim-tf prepare` finds, on synthetic pictures.

    python benchmarks/copies.py --count 200 --every 8 --seed 0

Draws pictures of five classes, each of a synthetic patient of its own, and changes every 8th one in each of the ways
below; changed pictures are saved as JPEG of quality 75. All of them are compared as `mim_tf.prepare.copies.join_near`
does. Prints the share of the copies of each kind that are found to be copies of their original, by which stage, and the
number of pairs of different pictures that are taken for copies; then the time of one core for each picture.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.transform import AffineTransform, rotate, warp

from mim_export.score.preprocess import resample
from mim_tf.comparison.summary import markdown_table
from mim_tf.prepare import features, hashes
from mim_tf.prepare.candidates import Tables
from mim_tf.synthetic.dataset import MASKED, render

Pixels = NDArray[np.uint8]


def levels(picture: NDArray[np.floating]) -> Pixels:
    """Rounds to uint8."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def part(pixels: Pixels, share: float, shift: float = 0.0) -> Pixels:
    """A square part; the shift is a share of the side, to the right and down."""
    side = int(len(pixels) * share)
    start = int((len(pixels) - side) / 2 + shift * len(pixels))
    return pixels[start : start + side, start : start + side]


def sheared(pixels: Pixels, degrees: float) -> Pixels:
    """The picture sheared, with its edges repeated."""
    return levels(warp(pixels, AffineTransform(shear=np.deg2rad(degrees)), mode="edge", preserve_range=True))


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """The picture turned, with black corners."""
    return levels(rotate(pixels, degrees, preserve_range=True))


def changes(rng: np.random.Generator) -> dict[str, Callable[[Pixels], Pixels]]:
    """Returns the kinds of copies."""
    return {
        "saved again": lambda p: p,
        "mirrored": lambda p: p[:, ::-1],
        "quarter turn": lambda p: np.rot90(p),
        "30 % brighter": lambda p: levels(p * 1.3 + 10),
        "40 % darker": lambda p: levels(p * 0.6),
        "noise of 12 levels": lambda p: levels(p + rng.normal(0, 12, p.shape)),
        "turned by 10 degrees": lambda p: turned(p, 10),
        "turned by 40 degrees": lambda p: turned(p, 40),
        "mirrored, turned by 20 degrees": lambda p: turned(p[:, ::-1], 20),
        "shifted by 8 %": lambda p: np.roll(p, int(0.08 * len(p)), axis=1),
        "sheared by 5 degrees": lambda p: sheared(p, 5),
        "sheared by 10 degrees": lambda p: sheared(p, 10),
        "part of 90 %": lambda p: part(p, 0.9),
        "part of 80 %, beside the middle": lambda p: part(p, 0.8, 0.07),
        "part of 65 %": lambda p: part(p, 0.65),
    }


def saved(pixels: Pixels) -> Pixels:
    """The picture as JPEG of quality 75."""
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "JPEG", quality=75)
    return np.asarray(Image.open(content))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="number of pictures")
    parser.add_argument("--every", type=int, default=8, help="one of so many is changed")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    each = -(-words.count // len(MASKED))
    # Pictures 2k and 2k + 1 show the same patient.
    originals = [image for name in MASKED for image in render(name, range(0, 2 * each, 2), seed=words.seed)]
    kinds = changes(np.random.default_rng(words.seed))
    copies = [(n, kind) for kind in kinds for n in range(0, len(originals), words.every)]
    pictures = originals + [saved(kinds[kind](originals[n])) for n, kind in copies]
    start = time.process_time()
    near = {
        pair[:2]
        for pair in hashes.near_pairs(
            np.array([hashes.variant_hashes(resample(image, hashes.SIDE)) for image in pictures])
        )
    }
    small = [resample(image, features.SIDE) for image in pictures]
    plain = [features.find_features(image) for image in small]
    mirrored = [features.find_features(image[:, ::-1]) for image in small]
    tables = Tables([found.descriptors for found in plain])
    agreeing = set()
    for others in (plain, mirrored):
        for i, j in tables.candidates([found.descriptors for found in others]):
            if features.count_agreeing(plain[i], others[j]):
                agreeing.add((min(i, j), max(i, j)))
    seconds = time.process_time() - start
    # A copy may be found as one of another copy of its original.
    original_of = list(range(len(originals))) + [n for n, _ in copies]
    wrong = sum(original_of[i] != original_of[j] for i, j in near | agreeing)
    rows = []
    for kind in kinds:
        pairs = [(n, len(originals) + place) for place, (n, of) in enumerate(copies) if of == kind]
        rows.append(
            [kind, *(f"{np.mean([p in found for p in pairs]):.2f}" for found in (near, agreeing, near | agreeing))]
        )
    print(f"{len(pairs)} copies of each kind among {len(pictures)} pictures\n")
    print(markdown_table(["copy", "by hashes", "by features", "by either"], rows))
    print(f"\npairs of different pictures that are taken for copies: {wrong}")
    print(f"seconds of one core for each picture: {seconds / len(pictures):.2f}")


if __name__ == "__main__":
    main()
