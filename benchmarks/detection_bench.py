"""The photographs of `detection.py`, their features and measures, and the variants that score them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from detection_features import (
    FOLDS,
    SEEDS,
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

from mim_tf.data.splits import NOT_SKIN, fold_of
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.evaluation.metrics import auroc
from mim_tf.measures import head
from mim_tf.negatives.kinds import NEGATIVES
from mim_tf.negatives.views import POSITIVE_KINDS

#: Maps (mask of the photographs to fit on (N,), seed, fold) to scores of all photographs (N,).
Variant = Callable[[np.ndarray, int, int], np.ndarray]
#: The variant that was selected as the measure `deep`.
CHOSEN = "2, 7 features where inpainting errs"


class Bench:
    """Photographs with their features and measures, which are computed when they are asked for, and the variants.

    Args:
        folder: a data folder.
        out: folder for views, GANs and features. Existing files are reused.
        normal: name of the normal class.
    """

    def __init__(self, folder: Path, out: Path, normal: str) -> None:
        self.normal, self.photos, self._out = normal, load(folder, normal), out
        _, self.kinds, self.sources = self._views(SIZE)
        self.first = np.flatnonzero(self.kinds == "photo")  # one row per photograph, in the same order

    def _views(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return views(self.photos, self.normal, self._out / "views", size)

    @cached_property
    def own(self) -> np.ndarray:
        """Features of the images alone, (M, D)."""
        return own_features(self._out / "own.npz", lambda: self._views(SIZE)[0])

    @cached_property
    def blur(self) -> dict[str, np.ndarray]:
        """Measures of the inpainting by a blur, see `inpainted_features`."""
        return inpainted_features(self._out / "blur.npz", lambda: (self._views(SIZE)[0], None))

    @cached_property
    def smoothness(self) -> np.ndarray:
        """Smoothness of each photograph, (N,)."""
        return smoothness_of(self._views(SIZE)[0][self.first])

    @cache  # noqa: B019  a bench lives as long as the program
    def gan(self, seed: int, fold: int) -> dict[str, np.ndarray]:
        """Measures of the inpainting by the GAN that was trained without a fold; trains it if need be."""
        name = f"s{seed}f{fold}"

        def made() -> tuple[np.ndarray, InpaintingModel]:
            model = gan(self.photos, self.normal, seed, fold, self._out / "gan" / name)
            return self._views(SIZE)[0], model

        return inpainted_features(self._out / "gan" / f"{name}.npz", made)

    # ---- variants: (mask of the photographs to fit on, seed, fold) -> scores ---------------------------------------

    def measured(self, name: str, sign: float, minus_blur: bool = False) -> Variant:
        """A measure of the inpainting without fit.

        Args:
            name: such as `ssim`.
            sign: 1.0, or -1.0 for a measure that is low for the class.
            minus_blur: subtract the same measure of the blur.
        """

        def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
            values = self.gan(seed, fold)[name] - (self.blur[name] if minus_blur else 0.0)
            return sign * values[self.first]

        return scores

    def corrected(self, fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        """SSIM minus its prediction from smoothness by a linear regression on the class."""
        values, smooth = self.gan(seed, fold)["ssim"][self.first], np.log(-self.smoothness)
        line = np.polyfit(smooth[fitted], values[fitted], 1)
        return np.asarray(values - np.polyval(line, smooth))

    def vector(self, fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
        """One-class density of five measures of the GAN, the same of the blur, and the smoothness."""
        names = ("ssim", "worst", "msgms", "l1", "distance")
        columns = [part[name][self.first] for part in (self.gan(seed, fold), self.blur) for name in names]
        table = np.stack([*columns, np.log(-self.smoothness)], axis=1)
        table = (table - table[fitted].mean(0)) / table[fitted].std(0)
        return np.asarray(-LedoitWolf().fit(table[fitted]).mahalanobis(table))

    def density(self, vectors: Callable[[int, int], np.ndarray]) -> Variant:
        """Class distance alone: Mahalanobis distance in the leading principal components, without pseudo-negatives."""
        return self.headed(vectors, negatives=None)

    def fit(
        self,
        table: np.ndarray,
        fitted: np.ndarray,
        negatives: tuple[str, ...] = tuple(NEGATIVES),
        known_negatives: np.ndarray | None = None,
    ) -> head.Head:
        """Fits the head.

        Args:
            table: (M, D), vectors of all images.
            fitted: bool (N,), photographs to fit on.
            negatives: kinds of pseudo-negatives.
            known_negatives: indices of photographs of other diseases to fit on as negatives.
        """
        chosen = np.flatnonzero(fitted)
        position = np.cumsum(fitted) - 1
        sides = [fitted[self.sources] & np.isin(self.kinds, part) for part in (POSITIVE_KINDS, negatives)]
        sources = (position[self.sources[side]] for side in sides)
        vectors = (table[side] for side in sides)
        sample = head.HeadSample(table[self.first[chosen]], *vectors, self.photos.groups[chosen], *sources)
        known = None if known_negatives is None else table[self.first[known_negatives]]
        return head.fit_head(sample, known)

    def headed(
        self,
        vectors: Callable[[int, int], np.ndarray],
        negatives: tuple[str, ...] | None = tuple(NEGATIVES),
        weight: float = head.Combination().distance_weight,
        novelty: float = head.Combination().novelty_weight,
        groups: int | None = None,
        known_negatives: np.ndarray | None = None,
    ) -> Variant:
        """The score of a head. With both weights 0 it is the regression alone.

        Args:
            vectors: function from seed and fold to vectors of all images, (M, D).
            negatives: kinds of pseudo-negatives; None = class distance alone.
            weight: weight of the class distance.
            novelty: weight of the novelty.
            groups: number of groups to fit on, drawn at random; None = all.
            known_negatives: indices of photographs of other diseases to fit on as negatives.
        """

        def scores(fitted: np.ndarray, seed: int, fold: int) -> np.ndarray:
            table = vectors(seed, fold).astype(float)
            chosen = fitted
            if groups is not None:
                names = np.unique(self.photos.groups[fitted])
                drawn = np.random.default_rng([seed, fold]).permutation(names)[:groups]
                chosen = fitted & np.isin(self.photos.groups, drawn)
            fit = self.fit(table, chosen, negatives or tuple(NEGATIVES), known_negatives)
            rows = table[self.first]
            if negatives is None:
                return -fit.class_distance.score(rows)
            score = rows @ fit.linear_weights + fit.linear_bias - weight * fit.class_distance.score(rows)
            combination = fit.combination
            excess = np.clip(fit.novelty.score(rows) - combination.novelty_start, 0.0, combination.novelty_range)
            return np.asarray(score - novelty * excess)

        return scores

    # ---- vectors of all images (M, D), by seed and fold ------------------------------------------------------------

    def features(self, side: int = SIZE) -> Callable[[int, int], np.ndarray]:
        """Features of the image alone, at a side in pixels."""
        if side == SIZE:
            return lambda seed, fold: self.own

        def images() -> np.ndarray:
            return at_side(self._views(SIZE)[0], side) if side < SIZE else self._views(side)[0]

        return lambda seed, fold: own_features(self._out / f"own{side}.npz", images)

    def difference(self, seed: int, fold: int) -> np.ndarray:
        """Features of the image minus those of its inpainting."""
        return np.asarray(self.own - self.gan(seed, fold)["inpainted"])

    def both(self, seed: int, fold: int) -> np.ndarray:
        """Features of the image, and those minus the features of its inpainting."""
        return np.concatenate([self.own, self.difference(seed, fold)], axis=1)

    def pooled(self, seed: int, fold: int) -> np.ndarray:
        """The measure `deep`: features of the image, weighted by the error of the inpainting."""
        return self.gan(seed, fold)["pooled"]

    def pooled_by_blur(self, seed: int, fold: int) -> np.ndarray:
        """Features of the image, weighted by the error of the blur."""
        return self.blur["pooled"]

    def twice(self, seed: int, fold: int) -> np.ndarray:
        """Features of the image, both unweighted and weighted by the error of the inpainting."""
        return np.concatenate([self.own, self.pooled(seed, fold)], axis=1)

    # ---- figures ---------------------------------------------------------------------------------------------------

    def figures(self, variant: Variant) -> dict[str, float]:
        """Evaluates a variant.

        Returns:
            Mean AUROC over seeds by class; `mean, skin` over the classes that show skin; and `low` and `high`, the
            range of that mean over the seeds.
        """
        photos: Set = self.photos
        own = photos.labels == self.normal
        by_seed: dict[str, list[float]] = {name: [] for name in np.unique(photos.labels[~own])}
        means = []
        for seed in SEEDS:
            folds = np.full(len(own), -1)
            folds[own] = fold_of(photos.groups[own], FOLDS, seed)
            shares = np.bincount(folds[own]) / own.sum()
            areas = dict.fromkeys(by_seed, 0.0)
            for fold in range(FOLDS):
                scores = variant(own & (folds != fold), seed, fold)
                for name in areas:
                    areas[name] += shares[fold] * auroc(scores[folds == fold], scores[photos.labels == name])
            means.append(np.mean([area for name, area in areas.items() if name not in NOT_SKIN]))
            for name, area in areas.items():
                by_seed[name].append(area)
        by_class = {name: float(np.mean(areas)) for name, areas in by_seed.items()}
        return {**by_class, "mean, skin": float(np.mean(means)), "low": float(min(means)), "high": float(max(means))}

    def known(self, count: int, draws: int = 10) -> tuple[float, float]:
        """Measures the effect of known negatives on photographs of other skin diseases that were not added to the fit.

        Whole groups of other diseases are drawn until there are `count` photographs. Both figures use the same
        photographs, draws, folds and seeds.

        Args:
            count: number of known negatives.
            draws: number of draws per seed.

        Returns:
            Mean AUROC without and with the known negatives.
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
                drawn = np.flatnonzero(skin & np.isin(photos.groups, groups))
                left = np.setdiff1d(np.flatnonzero(skin), drawn)
                fold = draw % FOLDS
                for negatives in (None, drawn):
                    scores = self.headed(self.pooled, known_negatives=negatives)(own & (folds != fold), seed, fold)
                    areas.append(auroc(scores[folds == fold], scores[left]))
        without, with_them = np.reshape(areas, (-1, 2)).mean(axis=0)
        return float(without), float(with_them)
