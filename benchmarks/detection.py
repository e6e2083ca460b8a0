"""Which measure tells mpox? Everything that was tried, by out-of-fold scores; the test split is not read.

    python benchmarks/detection.py --data DIR --out RUNS

For three seeds the groups of mpox in train and val are dealt to five folds; GAN, regression and density are fitted
without a fold, score its photographs and all photographs of other classes in val, and the AUROC of each class is
averaged over the folds, weighted by their photographs. Prints a Markdown table and writes RUNS/variants.json. About two
hours on two cores, most of it for fifteen GANs; a stopped run continues.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from detection_features import (
    FOLDS,
    SEEDS,
    SIDES,
    SIZE,
    Set,
    at_side,
    gan,
    inpainted_features,
    load,
    own_features,
    smoothness_of,
    views,
)
from sklearn.covariance import LedoitWolf

from mim_export.errors import MimError
from mim_export.files import write_json
from mim_tf import calibrate, head
from mim_tf.comparison import markdown_table
from mim_tf.evaluate import NOT_SKIN, auroc
from mim_tf.self_made import NEGATIVES

#: Scores all photographs, (N,), after having been fitted where the mask (N,) is true.
Variant = Callable[[np.ndarray, int, int], np.ndarray]
POSITIVE = ("crop", "positive")


class Bench:
    """The photographs, what is known of them, and the variants over it."""

    def __init__(self, folder: Path, out: Path, normal: str) -> None:
        self.normal, self.photos = normal, load(folder, normal)
        images, self.kinds, self.sources = views(self.photos, normal, out / "views", SIZE)
        self.first = np.flatnonzero(self.kinds == "photo")  # one row for each photograph, in their order
        self.own = own_features(images, out / "own.npy")
        self.other_sides = {SIZE: self.own}
        for side in SIDES:
            other = at_side(images, side) if side < SIZE else views(self.photos, normal, out / "views", side)[0]
            self.other_sides[side] = own_features(other, out / f"own{side}.npy")
        self.blur = inpainted_features(images, None, out / "blur.npz")
        self.smoothness = smoothness_of(images[self.first])
        self.gan = {}
        for seed in SEEDS:
            for fold in range(FOLDS):
                made = gan(self.photos, normal, seed, fold, out / "gan" / f"s{seed}f{fold}")
                self.gan[seed, fold] = inpainted_features(images, made, out / "gan" / f"s{seed}f{fold}.npz")

    # ---- variants: (mask of the photographs that are fitted on, seed, fold) -> scores ------------------------------

    def measured(self, name: str, sign: float, minus_blur: bool = False) -> Variant:
        """A number of the inpainting as it is, or how much it exceeds that of a blur."""

        def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
            values = self.gan[seed, fold][name] - (self.blur[name] if minus_blur else 0.0)
            return sign * values[self.first]

        return scores

    def corrected(self, fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        """SSIM less what smoothness alone predicts, by a line fitted on the class."""
        values, smooth = self.gan[seed, fold]["ssim"][self.first], np.log(self.smoothness)
        line = np.polyfit(smooth[fitted], values[fitted], 1)
        return np.asarray(values - np.polyval(line, smooth))

    def vector(self, fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        """One-class density over the measures of GAN and blur and the smoothness."""
        names = ("ssim", "worst", "msgms", "l1", "distance")
        columns = [part[name][self.first] for part in (self.gan[seed, fold], self.blur) for name in names]
        table = np.stack([*columns, np.log(self.smoothness)], axis=1)
        table = (table - table[fitted].mean(0)) / table[fitted].std(0)
        return np.asarray(-LedoitWolf().fit(table[fitted]).mahalanobis(table))

    def density(self, vectors: Callable[[int, int], np.ndarray]) -> Variant:
        """Mahalanobis distance of vectors in their leading components, no negatives."""
        return self.headed(vectors, negatives=None)

    def headed(
        self,
        vectors: Callable[[int, int], np.ndarray],
        negatives: tuple[str, ...] | None = tuple(NEGATIVES),
        weight: float = head.DISTANCE_WEIGHT,
        crops: bool = False,
        groups: int | None = None,
        known: int = 0,
    ) -> Variant:
        """The head on vectors; without negatives its distance alone, with weight 0 its lean alone.

        Photographs of other diseases that are `known` to it have no score.
        """

        def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
            table = vectors(seed, fold).astype(float)
            others = np.flatnonzero(~np.isin(self.photos.labels, (self.normal, *NOT_SKIN)))
            told = np.random.default_rng([seed, known]).permutation(others)[:known]
            chosen = fitted
            if groups is not None:
                names = np.unique(self.photos.groups[fitted])
                some = np.random.default_rng([seed, fold]).permutation(names)[:groups]
                chosen = fitted & np.isin(self.photos.groups, some)
            rows = chosen[self.sources]
            plain = table[rows & (self.kinds == "photo")]
            positives = table[rows & np.isin(self.kinds, POSITIVE)]
            against = table[rows & np.isin(self.kinds, negatives or tuple(NEGATIVES))]
            fit = head.fit_head(plain, positives, against, table[self.first[told]] if known else None)
            lean, far = fit.parts(table)
            result = -far if negatives is None else lean - weight * far
            if crops:  # mean over the photograph and its crops, where there are any
                seen = np.isin(self.kinds, ("photo", "crop"))
                counts = np.bincount(self.sources[seen])
                return np.asarray(np.bincount(self.sources[seen], result[seen]) / counts)
            result = result[self.first]
            result[told] = np.nan
            return np.asarray(result)

        return scores

    # ---- vectors, by seed and fold ---------------------------------------------------------------------------------

    def features(self, side: int = SIZE) -> Callable[[int, int], np.ndarray]:
        """Of the photograph alone."""
        return lambda seed, fold: self.other_sides[side]

    def difference(self, seed: int, fold: int) -> np.ndarray:
        """Image less inpainting."""
        return np.asarray(self.own - self.gan[seed, fold]["inpainted"])

    def both(self, seed: int, fold: int) -> np.ndarray:
        """The measure `deep`: image, and image less inpainting."""
        return np.concatenate([self.own, self.difference(seed, fold)], axis=1)

    def both_blurred(self, seed: int, fold: int) -> np.ndarray:
        """The same of the blur."""
        return np.concatenate([self.own, self.own - self.blur["inpainted"]], axis=1)

    def pooled(self, seed: int, fold: int) -> np.ndarray:
        """Of the photograph, weighted by the error of the inpainting."""
        return self.gan[seed, fold]["pooled"]

    # ---- figures ---------------------------------------------------------------------------------------------------

    def figures(self, variant: Variant) -> dict[str, float]:
        """AUROC by class, their mean over skin, and the range of the mean over the seeds."""
        photos: Set = self.photos
        own = photos.labels == self.normal
        found: dict[str, list[float]] = {name: [] for name in np.unique(photos.labels[~own])}
        means = []
        for seed in SEEDS:
            folds = np.full(len(own), -1)
            folds[own] = calibrate.fold_of(photos.groups[own], FOLDS, seed)
            shares = np.bincount(folds[own]) / own.sum()
            areas = dict.fromkeys(found, 0.0)
            for fold in range(FOLDS):
                scores = variant(own & (folds != fold), seed, fold)
                for name in areas:
                    others = scores[(photos.labels == name) & ~np.isnan(scores)]
                    areas[name] += shares[fold] * auroc(scores[folds == fold], others)
            means.append(np.mean([area for name, area in areas.items() if name not in NOT_SKIN]))
            for name, area in areas.items():
                found[name].append(area)
        by_class = {name: float(np.mean(areas)) for name, areas in found.items()}
        return {**by_class, "mean, skin": float(np.mean(means)), "low": float(min(means)), "high": float(max(means))}


def variants(bench: Bench) -> dict[str, Variant]:
    """All of them by name; the number in front is the way of going about it, as in docs/detection.md."""
    both, alone = bench.both, bench.features()
    found = {
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
        "6 image features, crops averaged": bench.headed(alone, crops=True),
        "7 image features, regression alone": bench.headed(alone, weight=0.0),
        "7 image features": bench.headed(alone),
        "7 feature differences": bench.headed(bench.difference),
        "7 image features and differences": bench.headed(both),
        "7 the same, of a blur": bench.headed(bench.both_blurred),
        "2, 7 features where inpainting errs": bench.headed(bench.pooled),
    }
    for name in NEGATIVES:
        rest = tuple(kind for kind in NEGATIVES if kind != name)
        found[f"7 without {name}"] = bench.headed(both, negatives=rest)
    for count in (5, 10, 20):
        found[f"8 not one class: {count} known negatives"] = bench.headed(both, known=count)
    for count in (5, 10, 20):
        found[f"9 of {count} groups"] = bench.headed(both, groups=count)
    return found


def main() -> None:
    """Computes what is not there yet and prints the table."""
    parser = argparse.ArgumentParser(description="variants of the measure")
    parser.add_argument("--data", type=Path, required=True, help="a data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for GANs and features")
    parser.add_argument("--normal-class", default="mpox")
    options = parser.parse_args()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
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


if __name__ == "__main__":
    main()
