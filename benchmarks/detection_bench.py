"""The photographs of `detection.py`, what is known of them, and ways from there to a score."""

from __future__ import annotations

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

from mim_tf.calibration import fold_of
from mim_tf.evaluation.evaluate import NOT_SKIN
from mim_tf.evaluation.metrics import auroc
from mim_tf.measures import head
from mim_tf.negatives.kinds import NEGATIVES

#: Scores all photographs, (N,), after having been fitted where the mask (N,) is true.
Variant = Callable[[np.ndarray, int, int], np.ndarray]
POSITIVE = ("crop", "positive")
#: Row of the table that became the measure `deep`.
CHOSEN = "2, 7 features where inpainting errs"


class Bench:
    """The photographs, what is known of them, and the variants over it."""

    def __init__(self, folder: Path, out: Path, normal: str) -> None:
        self.normal, self.photos = normal, load(folder, normal)
        images, self.kinds, self.sources = views(self.photos, normal, out / "views", SIZE)
        self.first = np.flatnonzero(self.kinds == "photo")  # one row for each photograph, in their order
        self.own = own_features(images, out / "own.npz")
        self.other_sides = {SIZE: self.own}
        for side in SIDES:
            other = at_side(images, side) if side < SIZE else views(self.photos, normal, out / "views", side)[0]
            self.other_sides[side] = own_features(other, out / f"own{side}.npz")
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
        values, smooth = self.gan[seed, fold]["ssim"][self.first], np.log(-self.smoothness)
        line = np.polyfit(smooth[fitted], values[fitted], 1)
        return np.asarray(values - np.polyval(line, smooth))

    def vector(self, fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        """One-class density over the measures of GAN and blur and the smoothness."""
        names = ("ssim", "worst", "msgms", "l1", "distance")
        columns = [part[name][self.first] for part in (self.gan[seed, fold], self.blur) for name in names]
        table = np.stack([*columns, np.log(-self.smoothness)], axis=1)
        table = (table - table[fitted].mean(0)) / table[fitted].std(0)
        return np.asarray(-LedoitWolf().fit(table[fitted]).mahalanobis(table))

    def density(self, vectors: Callable[[int, int], np.ndarray]) -> Variant:
        """Mahalanobis distance of vectors in their leading components, no negatives."""
        return self.headed(vectors, negatives=None)

    def fit(
        self,
        table: np.ndarray,
        fitted: np.ndarray,
        negatives: tuple[str, ...] = tuple(NEGATIVES),
        told: np.ndarray | None = None,
    ) -> head.Head:
        """The head on vectors of all images, of the photographs where the mask is true."""
        rows = fitted[self.sources]
        known = None if told is None else table[self.first[told]]
        kinds = (("photo",), POSITIVE, negatives)
        return head.fit_head(*(table[rows & np.isin(self.kinds, part)] for part in kinds), known)

    def headed(
        self,
        vectors: Callable[[int, int], np.ndarray],
        negatives: tuple[str, ...] | None = tuple(NEGATIVES),
        weight: float = head.DISTANCE_WEIGHT,
        novelty: float = head.NOVELTY_WEIGHT,
        groups: int | None = None,
        told: np.ndarray | None = None,
    ) -> Variant:
        """The head on vectors; without negatives its distance alone, with weight 0 the regression alone.

        Args:
            vectors: of all images, by seed and fold.
            negatives: kinds of them.
            weight: of the distance.
            novelty: weight of the novelty.
            groups: so many are fitted on, drawn at random.
            told: indices of photographs of other diseases that it is shown.
        """

        def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
            table = vectors(seed, fold).astype(float)
            chosen = fitted
            if groups is not None:
                names = np.unique(self.photos.groups[fitted])
                some = np.random.default_rng([seed, fold]).permutation(names)[:groups]
                chosen = fitted & np.isin(self.photos.groups, some)
            fit = self.fit(table, chosen, negatives or tuple(NEGATIVES), told)
            rows = table[self.first]
            if negatives is None:
                return -fit.class_distance.score(rows)
            score = rows @ fit.linear_weights + fit.linear_bias - weight * fit.class_distance.score(rows)
            beyond = np.clip(fit.novelty.score(rows) - head.NOVELTY_START, 0.0, head.NOVELTY_RANGE)
            return np.asarray(score - novelty * beyond)

        return scores

    # ---- vectors, by seed and fold ---------------------------------------------------------------------------------

    def features(self, side: int = SIZE) -> Callable[[int, int], np.ndarray]:
        """Of the photograph alone."""
        return lambda seed, fold: self.other_sides[side]

    def difference(self, seed: int, fold: int) -> np.ndarray:
        """Image less inpainting."""
        return np.asarray(self.own - self.gan[seed, fold]["inpainted"])

    def both(self, seed: int, fold: int) -> np.ndarray:
        """Image, and image less inpainting."""
        return np.concatenate([self.own, self.difference(seed, fold)], axis=1)

    def pooled(self, seed: int, fold: int) -> np.ndarray:
        """The measure `deep`: of the photograph, weighted by the error of the inpainting."""
        return self.gan[seed, fold]["pooled"]

    def pooled_by_blur(self, seed: int, fold: int) -> np.ndarray:
        """The same of the blur."""
        return self.blur["pooled"]

    def twice(self, seed: int, fold: int) -> np.ndarray:
        """All positions alike, and weighted by the error."""
        return np.concatenate([self.own, self.pooled(seed, fold)], axis=1)

    # ---- figures ---------------------------------------------------------------------------------------------------

    def figures(self, variant: Variant) -> dict[str, float]:
        """AUROC by class, their mean over skin, and the range of the mean over the seeds."""
        photos: Set = self.photos
        own = photos.labels == self.normal
        found: dict[str, list[float]] = {name: [] for name in np.unique(photos.labels[~own])}
        means = []
        for seed in SEEDS:
            folds = np.full(len(own), -1)
            folds[own] = fold_of(photos.groups[own], FOLDS, seed)
            shares = np.bincount(folds[own]) / own.sum()
            areas = dict.fromkeys(found, 0.0)
            for fold in range(FOLDS):
                scores = variant(own & (folds != fold), seed, fold)
                for name in areas:
                    areas[name] += shares[fold] * auroc(scores[folds == fold], scores[photos.labels == name])
            means.append(np.mean([area for name, area in areas.items() if name not in NOT_SKIN]))
            for name, area in areas.items():
                found[name].append(area)
        by_class = {name: float(np.mean(areas)) for name, areas in found.items()}
        return {**by_class, "mean, skin": float(np.mean(means)), "low": float(min(means)), "high": float(max(means))}

    def known(self, count: int, draws: int = 10) -> tuple[float, float]:
        """What known negatives add: AUROC against the skin diseases that were not told, without them and with them.

        Whole groups of other diseases are drawn until there are `count` photographs; both figures are over the same
        photographs, draws, folds and seeds.
        """
        photos = self.photos
        own, skin = photos.labels == self.normal, ~np.isin(photos.labels, (self.normal, *NOT_SKIN))
        areas = []
        for seed in SEEDS:
            folds = np.full(len(own), -1)
            folds[own] = fold_of(photos.groups[own], FOLDS, seed)
            for draw in range(draws):
                order = np.random.default_rng([seed, draw]).permutation(np.unique(photos.groups[skin]))
                sizes = np.cumsum([np.sum(skin & (photos.groups == name)) for name in order])
                groups = order[: int(np.searchsorted(sizes, count)) + 1]
                told = np.flatnonzero(skin & np.isin(photos.groups, groups))
                left = np.setdiff1d(np.flatnonzero(skin), told)
                fold = draw % FOLDS
                for shown in (None, told):
                    scores = self.headed(self.pooled, told=shown)(own & (folds != fold), seed, fold)
                    areas.append(auroc(scores[folds == fold], scores[left]))
        without, with_them = np.reshape(areas, (-1, 2)).mean(axis=0)
        return float(without), float(with_them)
