"""Compares variants of the measure by out-of-fold scores. The split `test` is not read.

    python benchmarks/detection.py --data DIR --out RUNS

For each of three seeds the groups of mpox in train and val are assigned to five folds. GAN, regression and density are
fitted without one fold. They score the photographs of that fold and all photographs of the other classes of val. The
AUROC of each class is averaged over the folds, weighted by their number of photographs. Prints two Markdown tables and
writes RUNS/variants.json and RUNS/known.json. Takes about two hours on two cores, most of it for fifteen GANs.
A stopped run continues.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from detection_bench import CHOSEN, Bench, Variant
from detection_features import settings

from mim_export.score.atomic_files import write_json
from mim_export.score.errors import MimError
from mim_tf.comparison.summary import markdown_table
from mim_tf.measures import head
from mim_tf.negatives.kinds import NEGATIVES
from mim_tf.training.run_folder import create_or_resume


def variants(bench: Bench) -> dict[str, Variant]:
    """Returns all variants by name. The number in front of a name is that of the approach in docs/detection.md."""
    deep, alone = bench.pooled, bench.features()
    named = {
        "0 SSIM, as published": bench.measured("ssim", 1.0),
        "1 SSIM less that of a blur": bench.measured("ssim", 1.0, minus_blur=True),
        "1 SSIM corrected for smoothness": bench.corrected,
        "2 worst tenth of the error map": bench.measured("worst", -1.0),
        "2 gradient similarity, multi-scale": bench.measured("msgms", -1.0),
        "3 cosine of features": bench.measured("distance", -1.0),
        "3 distance of image features": bench.density(alone),
        "3 distance of feature differences": bench.density(bench.difference),
        "4 density over eleven measures": bench.vector,
        "6 image features, 96 px": bench.headed(bench.features(96)),
        "6 image features, 128 px": bench.headed(bench.features(128)),
        "6 image features, 256 px": bench.headed(bench.features(256)),
        "7 image features, regression alone": bench.headed(alone, weight=0.0, novelty=0.0),
        "7 image features, without novelty": bench.headed(alone, novelty=0.0),
        "7 image features": bench.headed(alone),
        "7 feature differences": bench.headed(bench.difference),
        "7 image features and differences": bench.headed(bench.both),
        CHOSEN: bench.headed(deep),
        "2, 7 the same, of a blur": bench.headed(bench.pooled_by_blur),
        "2, 7 the same, and image features": bench.headed(bench.twice),
        "2, 7 the same, regression alone": bench.headed(deep, weight=0.0, novelty=0.0),
        "2, 7 the same, without novelty": bench.headed(deep, novelty=0.0),
        "2, 3 the same, class distance alone": bench.density(deep),
    }
    for name in NEGATIVES:
        rest = tuple(kind for kind in NEGATIVES if kind != name)
        named[f"7 without {name}"] = bench.headed(deep, negatives=rest)
    for count in (5, 10, 20):
        named[f"9 head of {count} groups, GAN of all"] = bench.headed(deep, groups=count)
    for name, values in (("REGULARITY", (0.0026, 0.026, 0.078)), ("COMPONENTS", (20, 40))):
        for value in values:
            named[f"7 {name.lower()} {value:g}"] = with_constant(name, value, bench.headed(deep))
    for weight in (0.5, 1.0):
        named[f"7 class distance weight {weight:g}"] = bench.headed(deep, weight=weight)
    return named


def with_constant(name: str, value: float, variant: Variant) -> Variant:
    """Returns a variant with another value of a constant of the head.

    Args:
        name: name of the constant in `mim_tf.measures.head`.
        value: its value while the variant is scored.
        variant: the variant.
    """

    def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        before = getattr(head, name)
        setattr(head, name, value)
        try:
            return variant(fitted, seed, fold)
        finally:
            setattr(head, name, before)

    return scores


def main() -> None:
    """Computes missing results and prints the tables."""
    parser = argparse.ArgumentParser(description="variants of the measure")
    parser.add_argument("--data", type=Path, required=True, help="a data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for GANs and features")
    parser.add_argument("--normal-class", default="mpox")
    options = parser.parse_args()
    try:
        create_or_resume(options.out, settings(options.data, options.normal_class))
        bench = Bench(options.data, options.out, options.normal_class)
    except MimError as error:
        sys.exit(str(error))
    results = {name: bench.figures(variant) for name, variant in variants(bench).items()}
    write_json(options.out / "variants.json", results)
    classes = [name for name in next(iter(results.values())) if name not in ("low", "high")]
    rows = [
        [
            name,
            *(f"{values[label]:.2f}" for label in classes[:-1]),
            f"{values['mean, skin']:.3f}",
            f"{values['low']:.3f} to {values['high']:.3f}",
        ]
        for name, values in results.items()
    ]
    print(markdown_table(["variant", *classes, "seeds"], rows))
    added = {count: bench.known(count) for count in (5, 10, 20)}
    write_json(options.out / "known.json", added)
    rows = [[str(count), *(f"{area:.3f}" for area in areas)] for count, areas in added.items()]
    print("\n" + markdown_table(["known negatives", "without", "with"], rows))


if __name__ == "__main__":
    main()
