"""Scores a feature vector of an image: the last stage of the measure `deep`.

The score combines three one-class terms:

* the logit of a logistic regression that separates the class from pseudo-negatives;
* the class distance: the Mahalanobis distance from the photographs of the class in their leading principal components;
* the novelty: the Mahalanobis distance from the photographs and positive views of the class in all dimensions. Only
  large values of it affect the score.

Each term compensates for a weakness of the others. The regression cannot judge images that resemble no negative. The
class distance ignores directions in which the class hardly varies. The novelty does not detect images that lie within
the variation of the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mim_export.score.atomic_files import new_file
from mim_export.score.errors import MimError, explain

Vectors = NDArray[np.floating[Any]]

#: Inverse strength of the L2 penalty of the logistic regression, which is fitted on standardized features.
REGULARITY = 0.0003
#: Number of principal components of the class distance.
COMPONENTS = 30
#: Number of known negatives at which they get the same total weight as all pseudo-negatives.
KNOWN_HALF = 20
#: Smallest number of photographs of the class that a head can be fitted on.
MIN_PHOTOGRAPHS = 6
#: Weight of the standardized class distance, relative to the standardized logit.
DISTANCE_WEIGHT = 1.0
#: The novelty lowers the score from `NOVELTY_START` standard deviations on, for up to `NOVELTY_RANGE` more. It is
#: capped because few photographs give a small standard deviation, by which every new image is far away.
NOVELTY_START, NOVELTY_RANGE = 6.0, 10.0
#: Decrease of the score for each standard deviation of novelty above `NOVELTY_START`.
NOVELTY_WEIGHT = 2.0


@dataclass(frozen=True)
class Distance:
    """A Mahalanobis distance, standardized over the photographs of the class.

    Attributes:
        matrix: float64 (K, D), whitens a feature vector: the fitted vectors get the identity as (shrunk) covariance.
        offset: float64 (K,), added after the matrix; the mean of the fitted vectors becomes 0.
        scale: float64 (2,), mean and standard deviation of the distances of the photographs of the class.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def score(self, vectors: Vectors) -> NDArray[np.float64]:
        """Computes the standardized Mahalanobis distance of each row.

        Args:
            vectors: float (N, D).

        Returns:
            float64 (N,), unbounded above; 0 is the mean distance of the photographs of the class, and 1 is one
            standard deviation more.
        """
        whitened = vectors @ self.matrix.T + self.offset
        mean, deviation = self.scale
        return np.asarray((np.sqrt(np.sum(whitened**2, axis=1)) - mean) / deviation)


@dataclass(frozen=True)
class Head:
    """Parameters of the score: a linear term, the class distance and the novelty.

    Attributes:
        linear_weights: float64 (D,), weights of the logit.
        linear_bias: float64 (), bias of the logit. With it, the logits of the photographs of the class have mean 0
            and standard deviation 1.
        class_distance: distance from the photographs of the class in their leading principal components.
        novelty: distance from the photographs and positive views of the class in all dimensions.

    Example:
        Fitted on 120 photographs with D = 60, `class_distance.matrix` is (30, 60) and `novelty.matrix` is (60, 60).
    """

    linear_weights: NDArray[np.float64]
    linear_bias: NDArray[np.float64]
    class_distance: Distance
    novelty: Distance

    @property
    def parameters(self) -> int:
        """Number of stored values."""
        return sum(values.size for values in self._arrays().values())

    def score(self, vectors: Vectors) -> NDArray[np.float32]:
        """Computes the similarity of each row to the class.

        The similarity is the logit minus the weighted class distance, minus the weighted novelty above
        `NOVELTY_START`.

        Args:
            vectors: float (N, D), one feature vector a row.

        Returns:
            float32 (N,), unbounded; higher = more similar to the class.

        Example:
            An image with logit 1, class distance 0.5 and novelty 8 has the similarity 1 - 1 * 0.5 - 2 * (8 - 6) = -3.5.
        """
        logit = vectors @ self.linear_weights + self.linear_bias
        excess = np.clip(self.novelty.score(vectors) - NOVELTY_START, 0.0, NOVELTY_RANGE)
        distance = self.class_distance.score(vectors)
        return np.asarray(logit - DISTANCE_WEIGHT * distance - NOVELTY_WEIGHT * excess, np.float32)

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
            np.savez(stream, **self._arrays())  # type: ignore[arg-type]

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
            head = cls(values["linear_weights"], values["linear_bias"], class_distance, novelty)
            finite = bool(np.isfinite(head.score(np.zeros((1, len(head.linear_weights))))).all())
        except OSError as error:
            raise explain(error, path) or error from error
        except Exception:  # a damaged file makes zipfile, zlib and NumPy raise many kinds of exception
            finite = False
        if not finite:
            raise MimError("damaged", "train again into a new folder", path)
        return head


def fit_head(plain: Vectors, positives: Vectors, negatives: Vectors, known: Vectors | None = None) -> Head:
    """Fits the linear term, the class distance and the novelty.

    The distances use the covariance estimate with Ledoit-Wolf shrinkage (Ledoit and Wolf, Journal of Multivariate
    Analysis 88, 2004).

    Args:
        plain: float (N, D), feature vectors of the unmodified photographs of the class.
        positives: float (P, D), feature vectors of views of these photographs that still show the class.
        negatives: float (M, D), feature vectors of pseudo-negatives. The regression gives the positive side (plain and
            positives) and the negative side the same total weight, independent of N, P and M.
        known: float (Q, D), feature vectors of photographs of other classes; None = there are none. They get the share
            Q / (Q + `KNOWN_HALF`) of the weight of the negative side, the pseudo-negatives get the rest.

    Returns:
        The head, scaled so that the logits and both distances have mean 0 and standard deviation 1 over `plain`.

    Raises:
        MimError: there are fewer than `MIN_PHOTOGRAPHS` photographs, too few for a covariance.

    Example:
        With 20 known negatives, pseudo-negatives and known negatives have half of the weight of the negative side each.
    """
    if len(plain) < MIN_PHOTOGRAPHS:
        problem = f"{len(plain)} photographs are too few to fit the measure deep"
        raise MimError(problem, f"use {MIN_PHOTOGRAPHS} or more, or the measure ssim")
    class_views = np.concatenate([plain, positives])
    parts = [class_views, negatives, *([] if known is None else [known])]
    known_share = 0.0 if known is None else len(known) / (len(known) + KNOWN_HALF)
    samples = np.concatenate(parts).astype(np.float64)
    shares = (1.0, 1.0 - known_share, known_share)[: len(parts)]
    weights = [
        np.full(len(part), len(samples) / 2 * share / len(part)) for part, share in zip(parts, shares, strict=True)
    ]
    is_class = np.arange(len(samples)) < len(class_views)
    scaler = StandardScaler().fit(samples)
    regression = LogisticRegression(C=REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(samples), is_class, sample_weight=np.concatenate(weights))
    linear_weights = regression.coef_[0] / scaler.scale_
    logits = plain @ linear_weights
    linear_weights, bias = linear_weights / logits.std(), -logits.mean() / logits.std()
    class_distance = _distance(plain, plain, min(COMPONENTS, len(plain) - 1, plain.shape[1]))
    return Head(linear_weights, np.asarray(bias), class_distance, _distance(plain, class_views, None))


def _distance(plain: Vectors, reference: Vectors, components: int | None) -> Distance:
    """Fits the Mahalanobis distance from `reference`, standardized over `plain`.

    Args:
        plain: float (N, D), photographs of the class; their distances get mean 0 and standard deviation 1.
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
    offset = -matrix @ scaler.mean_ - whitening @ estimate.location_
    distances = np.sqrt(np.sum((plain @ matrix.T + offset) ** 2, axis=1))
    return Distance(matrix, offset, np.array([distances.mean(), distances.std()]))
