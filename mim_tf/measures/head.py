"""Scores a feature vector of an image: the last stage of the measure `deep`.

The score combines three one-class terms:

* the logit of a logistic regression that separates the class from pseudo-negatives;
* the class distance: the Mahalanobis distance from the photographs of the class in their leading principal components;
* the novelty: the Mahalanobis distance from the photographs and positive views of the class in all dimensions. Only
  large values of it affect the score.

Each term is standardized by scores of left-out groups: the class is fitted again without each of some folds of its
groups, and the scores of these groups give the mean and the standard deviation. Scores of the photographs that a term
was fitted on would be too good, the more so the fewer photographs there are, and heads that were fitted on different
numbers of photographs would be on different scales.

Each term compensates for a weakness of the others. The regression cannot judge images that resemble no negative. The
class distance ignores directions in which the class hardly varies. The novelty does not detect images that lie within
the variation of the class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from mim_export.score.atomic_files import new_file
from mim_export.score.errors import MimError, explain

Vectors = NDArray[np.floating[Any]]

#: Inverse strength of the L2 penalty of the logistic regression, which is fitted on standardized features. Each
#: side of the loss has as much weight as there are photographs of the class, whatever the number of views.
REGULARITY = 0.0078
#: Number of principal components of the class distance.
COMPONENTS = 30
#: Number of known negatives at which they get the same total weight as all pseudo-negatives.
KNOWN_HALF = 20
#: Smallest number of photographs of the class that a head can be fitted on.
MIN_PHOTOGRAPHS = 6
#: Number of folds of groups that are left out in turn to standardize the terms; with fewer groups, one fold each.
FOLDS = 10


class Combination(NamedTuple):
    """How the standardized terms are combined to a score. A fitted head keeps the values that it was fitted with.

    Attributes:
        distance_weight: weight of the class distance, relative to the logit.
        novelty_start: the novelty lowers the score from this many standard deviations on.
        novelty_range: for up to this many more. It is capped because few photographs give a small standard deviation,
            by which every new image is far away.
        novelty_weight: decrease of the score for each standard deviation of novelty above `novelty_start`.
    """

    distance_weight: float = 0.75
    novelty_start: float = 2.5
    novelty_range: float = 6.0
    novelty_weight: float = 3.0


@dataclass(frozen=True)
class Distance:
    """A Mahalanobis distance, standardized over photographs of the class that it was not fitted on.

    Attributes:
        matrix: float64 (K, D), whitens a feature vector: the fitted vectors get the identity as (shrunk) covariance.
        offset: float64 (K,), added after the matrix; the mean of the fitted vectors becomes 0.
        scale: float64 (2,), mean and standard deviation of the distances of left-out photographs of the class.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def score(self, vectors: Vectors) -> NDArray[np.float64]:
        """Computes the standardized Mahalanobis distance of each row.

        Args:
            vectors: float (N, D).

        Returns:
            float64 (N,), unbounded above; 0 is the mean distance of left-out photographs of the class, and 1 is one
            standard deviation more.
        """
        mean, deviation = self.scale
        return np.asarray((_lengths(vectors @ self.matrix.T + self.offset) - mean) / deviation)


@dataclass(frozen=True)
class Head:
    """Parameters of the score: a linear term, the class distance and the novelty.

    Attributes:
        linear_weights: float64 (D,), weights of the logit.
        linear_bias: float64 (), bias of the logit. With it, the logits of left-out photographs of the class have mean
            0 and standard deviation 1.
        class_distance: distance from the photographs of the class in their leading principal components.
        novelty: distance from the photographs and positive views of the class in all dimensions.
        combination: how the terms are combined.

    Example:
        Fitted on 120 photographs with D = 60, `class_distance.matrix` is (30, 60) and `novelty.matrix` is (60, 60).
    """

    linear_weights: NDArray[np.float64]
    linear_bias: NDArray[np.float64]
    class_distance: Distance
    novelty: Distance
    combination: Combination = field(default_factory=Combination)

    @property
    def parameters(self) -> int:
        """Number of stored values."""
        return sum(values.size for values in self._arrays().values())

    def score(self, vectors: Vectors) -> NDArray[np.float32]:
        """Computes the similarity of each row to the class.

        The similarity is the logit minus the weighted class distance, minus the weighted novelty above
        `novelty_start`.

        Args:
            vectors: float (N, D), one feature vector a row.

        Returns:
            float32 (N,), unbounded; higher = more similar to the class.

        Example:
            An image with logit 1, class distance 2 and novelty 3.5 has the similarity
            1 - 0.75 * 2 - 3 * (3.5 - 2.5) = -3.5.
        """
        logit = vectors @ self.linear_weights + self.linear_bias
        distance_weight, start, reach, novelty_weight = self.combination
        excess = np.clip(self.novelty.score(vectors) - start, 0.0, reach)
        distance = self.class_distance.score(vectors)
        return np.asarray(logit - distance_weight * distance - novelty_weight * excess, np.float32)

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        distances = {"class_distance": self.class_distance, "novelty": self.novelty}
        parts = {f"{name}_{key}": value for name, one in distances.items() for key, value in vars(one).items()}
        return {"linear_weights": self.linear_weights, "linear_bias": self.linear_bias, **parts}

    def to_bytes(self) -> bytes:
        """Returns all values as little-endian float32.

        The order is `linear_weights` (D), `linear_bias`, then matrix, offset and scale of `class_distance`, then those
        of `novelty`; matrices are in row-major order.
        """
        return b"".join(values.astype("<f4").tobytes() for values in self._arrays().values())

    def save(self, path: Path) -> None:
        """Writes an `.npz` file atomically: either the whole file or none."""
        with new_file(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, combination=np.array(self.combination), **self._arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Head:
        """Reads a file that `save` wrote.

        Raises:
            MimError: the file cannot be read or is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = dict(stored)
            class_distance, novelty = (
                Distance(*(values[f"{name}_{key}"] for key in ("matrix", "offset", "scale")))
                for name in ("class_distance", "novelty")
            )
            combination = Combination(*values["combination"].tolist())
            head = cls(values["linear_weights"], values["linear_bias"], class_distance, novelty, combination)
            finite = bool(np.isfinite(head.score(np.zeros((1, len(head.linear_weights))))).all())
        except OSError as error:
            raise explain(error, path) or error from error
        except Exception:  # a damaged file makes zipfile, zlib and NumPy raise many kinds of exception
            finite = False
        if not finite:
            raise MimError("damaged", "train again into a new folder", path)
        return head


@dataclass(frozen=True)
class HeadSample:
    """Feature vectors of photographs of the class and of their views.

    Attributes:
        plain: float (N, D), the unmodified photographs.
        positives: float (P, D), views that still show the class.
        negatives: float (M, D), pseudo-negatives.
        groups: (N,), group of each photograph.
        positive_sources: int (P,), index of the photograph of each positive view.
        negative_sources: int (M,), index of the photograph of each pseudo-negative.
    """

    plain: Vectors
    positives: Vectors
    negatives: Vectors
    groups: NDArray[np.str_]
    positive_sources: NDArray[np.intp]
    negative_sources: NDArray[np.intp]

    def subset(self, chosen: NDArray[np.bool_]) -> HeadSample:
        """Returns the chosen photographs, bool (N,), with their views."""
        kept = chosen[self.positive_sources], chosen[self.negative_sources]
        position = np.cumsum(chosen) - 1
        return HeadSample(
            self.plain[chosen],
            self.positives[kept[0]],
            self.negatives[kept[1]],
            self.groups[chosen],
            position[self.positive_sources[kept[0]]],
            position[self.negative_sources[kept[1]]],
        )


def fit_head(sample: HeadSample, known: Vectors | None = None) -> Head:
    """Fits the linear term, the class distance and the novelty, and standardizes them by left-out groups.

    The distances use the covariance estimate with Ledoit-Wolf shrinkage (Ledoit and Wolf, Journal of Multivariate
    Analysis 88, 2004).

    Args:
        sample: photographs of the class and their views. The regression gives the positive side (photographs and
            positive views) and the negative side the same total weight, independent of the number of views.
        known: float (Q, D), feature vectors of photographs of other classes; None = there are none. They get the share
            Q / (Q + `KNOWN_HALF`) of the weight of the negative side, the pseudo-negatives get the rest.

    Returns:
        The head. Logits and both distances of left-out photographs have mean 0 and standard deviation 1, with the same
        total weight for each group.

    Raises:
        MimError: there are fewer than `MIN_PHOTOGRAPHS` photographs, or fewer than 3 without one of the groups: too few
            for a covariance.

    Example:
        With 20 known negatives, pseudo-negatives and known negatives have half of the weight of the negative side each.
    """
    remedy = f"use {MIN_PHOTOGRAPHS} or more, of several groups, or the measure ssim"
    names, index, sizes = np.unique(sample.groups, return_inverse=True, return_counts=True)
    if len(sample.plain) < MIN_PHOTOGRAPHS:
        raise MimError(f"{len(sample.plain)} photographs are too few to fit the measure deep", remedy)
    if len(sample.plain) - sizes.max() < 3:
        problem = f"{len(sample.plain)} photographs of {len(names)} groups are too few to fit the measure deep"
        raise MimError(f"{problem}, since all but {len(sample.plain) - sizes.max()} are of one group", remedy)
    left_out = np.empty((3, len(sample.plain)))
    folds = GroupKFold(min(FOLDS, len(names)))
    for rest, fold in folds.split(sample.plain, groups=sample.groups):
        kept = np.zeros(len(sample.plain), bool)
        kept[rest] = True
        left_out[:, fold] = _fit_terms(sample.subset(kept), known).raw(sample.plain[fold])
    weights = (1.0 / sizes)[index]
    means = np.average(left_out, axis=1, weights=weights)
    deviations = np.sqrt(np.average((left_out - means[:, None]) ** 2, axis=1, weights=weights))
    terms = _fit_terms(sample, known)
    return Head(
        terms.linear_weights / deviations[0],
        np.asarray((terms.linear_bias - means[0]) / deviations[0]),
        Distance(*terms.class_distance, np.array([means[1], deviations[1]])),
        Distance(*terms.novelty, np.array([means[2], deviations[2]])),
    )


class _Terms(NamedTuple):
    """The terms of a head before they are standardized; a distance is a matrix and an offset, see `Distance`."""

    linear_weights: NDArray[np.float64]
    linear_bias: float
    class_distance: tuple[NDArray[np.float64], NDArray[np.float64]]
    novelty: tuple[NDArray[np.float64], NDArray[np.float64]]

    def raw(self, vectors: Vectors) -> NDArray[np.float64]:
        """Logit, class distance and novelty of each row of (N, D), float64 (3, N)."""
        distances = [_lengths(vectors @ matrix.T + offset) for matrix, offset in (self.class_distance, self.novelty)]
        return np.stack([vectors @ self.linear_weights + self.linear_bias, *distances])


def _fit_terms(sample: HeadSample, known: Vectors | None) -> _Terms:
    class_views = np.concatenate([sample.plain, sample.positives])
    parts = [class_views, sample.negatives, *([] if known is None else [known])]
    known_share = 0.0 if known is None else len(known) / (len(known) + KNOWN_HALF)
    samples = np.concatenate(parts).astype(np.float64)
    shares = (1.0, 1.0 - known_share, known_share)[: len(parts)]
    weights = np.concatenate(
        [np.full(len(part), len(sample.plain) * share / len(part)) for part, share in zip(parts, shares, strict=True)]
    )
    is_class = np.arange(len(samples)) < len(class_views)
    scaler = StandardScaler().fit(samples, sample_weight=weights)
    regression = LogisticRegression(C=REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(samples), is_class, sample_weight=weights)
    linear_weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - linear_weights @ scaler.mean_)
    components = min(COMPONENTS, len(sample.plain) - 1, sample.plain.shape[1])
    return _Terms(linear_weights, bias, _whitening(sample.plain, components), _whitening(class_views, None))


def _whitening(reference: Vectors, components: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fits the matrix and the offset of the Mahalanobis distance from `reference`.

    Args:
        reference: float (R, D), the vectors whose mean and covariance are estimated.
        components: number of principal components of `reference` to use; None = all D features.
    """
    scaler = StandardScaler().fit(reference)
    basis = np.eye(reference.shape[1])
    if components is not None:
        basis = PCA(components, random_state=0).fit(scaler.transform(reference)).components_
    projection = basis / scaler.scale_  # (K, D)
    estimate = LedoitWolf().fit((reference - scaler.mean_) @ projection.T)
    values, axes = np.linalg.eigh(estimate.covariance_)
    whitening = (axes / np.sqrt(values)).T
    matrix = whitening @ projection
    return matrix, -matrix @ scaler.mean_ - whitening @ estimate.location_


def _lengths(vectors: Vectors) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.sum(vectors**2, axis=1)))
