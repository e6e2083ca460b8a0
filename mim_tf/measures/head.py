"""The last stage of a measure: a vector of statistics of an image to one number, by three one-class views of it.

How far the vector leans to the class and away from self-made negatives (logistic regression); how far it lies from the
photographs of the class (Mahalanobis distance in their leading principal components); and how foreign it is, by the
distance in all directions from the class and its changed views, which counts only where it is large. Each is blind
where another sees: the first to pictures that no negative resembles, the second to what differs in a way in which the
class hardly varies, the third to whatever is as common as the class.
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

from mim_export.score.errors import MimError, explain
from mim_export.score.files import new_file

Vectors = NDArray[np.floating[Any]]

#: Inverse strength of the ridge penalty of the regression on standardised values.
REGULARITY = 0.0003
#: Principal components in which the distance is measured.
COMPONENTS = 30
#: So many known negatives weigh as much as all that are self-made.
KNOWN_HALF = 20
#: Photographs without which no distance can be told.
LEAST = 6
#: What a standard deviation of the distance counts, in standard deviations of the regression.
DISTANCE_WEIGHT = 1.0
#: From how many standard deviations on an image is foreign, and up to how many more it grows more so: of few
#: photographs the deviation is that small that everything new lies far beyond.
NOVELTY_START, NOVELTY_RANGE = 6.0, 10.0
#: What a standard deviation beyond the first takes from the score.
NOVELTY_WEIGHT = 2.0


@dataclass(frozen=True)
class Distance:
    """A Mahalanobis distance, standardised over the photographs of the class.

    Attributes:
        matrix: float64 (K, D), to K coordinates in which what it was fitted on has covariance 1.
        offset: float64 (K,).
        scale: float64 (2,), mean and standard deviation of the distances of the class's photographs.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def score(self, vectors: Vectors) -> NDArray[np.float64]:
        """Of each of float (N, D), float64 (N,)."""
        whitened = vectors @ self.matrix.T + self.offset
        mean, deviation = self.scale
        return np.asarray((np.sqrt(np.sum(whitened**2, axis=1)) - mean) / deviation)


@dataclass(frozen=True)
class Head:
    """What `score` computes with.

    Attributes:
        lean: float64 (D,).
        lean_offset: float64 (), so that the class has mean 0 and the scale is its standard deviation.
        far: distance from the class in its leading principal components.
        foreign: distance from the class and its changed views in all directions.
    """

    linear_weights: NDArray[np.float64]
    linear_bias: NDArray[np.float64]
    class_distance: Distance
    novelty: Distance

    @property
    def parameters(self) -> int:
        """Number of values."""
        return sum(values.size for values in self._arrays().values())

    def score(self, vectors: Vectors) -> NDArray[np.float32]:
        """Similarity of each of float (N, D), float32 (N,): lean less distance, less what is foreign of it."""
        logit = vectors @ self.linear_weights + self.linear_bias
        beyond = np.clip(self.novelty.score(vectors) - NOVELTY_START, 0.0, NOVELTY_RANGE)
        distance = self.class_distance.score(vectors)
        return np.asarray(logit - DISTANCE_WEIGHT * distance - NOVELTY_WEIGHT * beyond, np.float32)

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        distances = {"class_distance": self.class_distance, "novelty": self.novelty}
        parts = {f"{name}_{key}": value for name, one in distances.items() for key, value in vars(one).items()}
        return {"linear_weights": self.linear_weights, "linear_bias": self.linear_bias, **parts}

    def to_bytes(self) -> bytes:
        """Little-endian float32: lean (D), its offset, and of far and of foreign matrix, offset and scale."""
        return b"".join(values.astype("<f4").tobytes() for values in self._arrays().values())

    def save(self, path: Path) -> None:
        """Writes an `.npz`, whole or not at all."""
        with new_file(path) as beside, beside.open("wb") as stream:
            np.savez(stream, **self._arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Head:
        """Reads what `save` wrote.

        Raises:
            MimError: it cannot be read or is damaged.
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
            raise explain(error, path) or error from None
        except Exception:  # zipfile, zlib and numpy raise many kinds
            finite = False
        if not finite:
            raise MimError("damaged", "train again into a new folder", path)
        return head


def fit_head(plain: Vectors, positives: Vectors, negatives: Vectors, known: Vectors | None = None) -> Head:
    """Fits the three views.

    Args:
        plain: float (N, D), of the class's photographs as they are.
        positives: float (P, D), of views of them.
        negatives: float (M, D), of self-made negatives; both sides weigh the same, whatever their numbers.
        known: float (Q, D), of photographs of other classes, where there are any; they weigh Q / (Q + `KNOWN`) of
            the negative side.

    Returns:
        The head, scaled so that lean and distances have mean 0 and deviation 1 over `plain`.

    Raises:
        MimError: there are too few photographs for a covariance.
    """
    if len(plain) < LEAST:
        problem = f"{len(plain)} photographs to fit the measure deep on"
        raise MimError(problem, f"use {LEAST} or more, or --measure ssim")
    shown = np.concatenate([plain, positives])
    parts = [shown, negatives, *([] if known is None else [known])]
    known_share = 0.0 if known is None else len(known) / (len(known) + KNOWN_HALF)
    both = np.concatenate(parts).astype(np.float64)
    shares = (1.0, 1.0 - known_share, known_share)[: len(parts)]
    weights = [np.full(len(part), len(both) / 2 * share / len(part)) for part, share in zip(parts, shares, strict=True)]
    scaler = StandardScaler().fit(both)
    regression = LogisticRegression(C=REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(both), np.arange(len(both)) < len(shown), sample_weight=np.concatenate(weights))
    linear_weights = regression.coef_[0] / scaler.scale_
    logits = plain @ linear_weights
    linear_weights, bias = linear_weights / logits.std(), -logits.mean() / logits.std()
    class_distance = _distance(plain, plain, min(COMPONENTS, len(plain) - 1, plain.shape[1]))
    return Head(linear_weights, np.asarray(bias), class_distance, _distance(plain, shown, None))


def _distance(plain: Vectors, of: Vectors, count: int | None) -> Distance:
    """From `of`, in its first `count` principal components or as it is, standardised over `plain`."""
    scaler = StandardScaler().fit(of)
    turned = np.eye(of.shape[1])
    if count is not None:
        turned = PCA(count, random_state=0).fit(scaler.transform(of)).components_
    to = turned / scaler.scale_  # (K, D)
    estimate = LedoitWolf().fit((of - scaler.mean_) @ to.T)
    values, axes = np.linalg.eigh(estimate.covariance_)
    whitening = (axes / np.sqrt(values)).T
    matrix = whitening @ to
    offset = -matrix @ scaler.mean_ - whitening @ estimate.location_
    distances = np.sqrt(np.sum((plain @ matrix.T + offset) ** 2, axis=1))
    return Distance(matrix, offset, np.array([distances.mean(), distances.std()]))
