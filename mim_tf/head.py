"""The last stage of a measure: a vector of statistics of an image to one number, by two one-class views of it.

How far the vector leans to the class and away from self-made negatives (logistic regression), and how far it lies from
those of the class (Mahalanobis distance in the leading principal components). Either alone is blind where the other
sees: the first to pictures that no negative resembles, the second to whatever is as common as the class.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mim_export.errors import MimError, explain
from mim_export.files import new_file

Vectors = NDArray[np.floating[Any]]

#: Inverse strength of the ridge penalty of the regression on standardised values.
REGULARITY = 0.0003
#: Principal components in which the distance is measured.
COMPONENTS = 30
#: So many known negatives weigh as much as all that are self-made.
KNOWN = 20
#: Photographs without which no distance can be told.
LEAST = 6
#: What a standard deviation of the distance counts, in standard deviations of the regression.
DISTANCE_WEIGHT = 1.0


@dataclass(frozen=True)
class Head:
    """What `score` computes with: an affine map to the lean, one to whitened components, and their two scales.

    Attributes:
        lean: float64 (D,).
        lean_offset: float64 (), so that the class has mean 0 and the scale is its standard deviation.
        components: float64 (K, D), to coordinates in which the class has covariance 1.
        components_offset: float64 (K,).
        distance: float64 (2,), mean and standard deviation of the class's distances.
    """

    lean: NDArray[np.float64]
    lean_offset: NDArray[np.float64]
    components: NDArray[np.float64]
    components_offset: NDArray[np.float64]
    distance: NDArray[np.float64]

    @property
    def parameters(self) -> int:
        """Number of values."""
        return sum(getattr(self, field.name).size for field in fields(self))

    def score(self, vectors: Vectors) -> NDArray[np.float32]:
        """Similarity of each of float (N, D), float32 (N,): the lean less the weighted distance, both standardised."""
        lean, far = self.parts(vectors)
        return np.asarray(lean - DISTANCE_WEIGHT * far, np.float32)

    def parts(self, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lean and distance of each of float (N, D), float64 (N,); over the class both have mean 0 and deviation 1."""
        whitened = vectors @ self.components.T + self.components_offset
        mean, deviation = self.distance
        far = (np.sqrt(np.sum(whitened**2, axis=1)) - mean) / deviation
        return np.asarray(vectors @ self.lean + self.lean_offset), np.asarray(far)

    def save(self, path: Path) -> None:
        """Writes an `.npz`, whole or not at all."""
        with new_file(path) as beside, beside.open("wb") as stream:
            np.savez(stream, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Head:
        """Reads what `save` wrote.

        Raises:
            MimError: it cannot be read or is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = {field.name: stored[field.name] for field in fields(cls)}
        except OSError as error:
            raise explain(error, path) or error from None
        except Exception:  # zipfile, zlib and numpy raise many kinds
            raise MimError("damaged", "train again into a new folder", path) from None
        width = values["lean"].shape
        shapes = {"lean_offset": (), "components_offset": values["components"].shape[:1], "distance": (2,)}
        fits = values["components"].shape[1:] == width and all(values[k].shape == v for k, v in shapes.items())
        if not fits or not all(np.isfinite(value).all() for value in values.values()):
            raise MimError("damaged", "train again into a new folder", path)
        return cls(**values)


def fit_head(plain: Vectors, positives: Vectors, negatives: Vectors, known: Vectors | None = None) -> Head:
    """Fits both views.

    Args:
        plain: float (N, D), of the class's photographs as they are.
        positives: float (P, D), of views of them.
        negatives: float (M, D), of self-made negatives; both sides weigh the same, whatever their numbers.
        known: float (Q, D), of photographs of other classes, where there are any; they weigh Q / (Q + `KNOWN`) of
            the negative side.

    Returns:
        The head, scaled so that lean and distance have mean 0 and deviation 1 over `plain`.

    Raises:
        MimError: there are too few photographs for a covariance.
    """
    if len(plain) < LEAST:
        raise MimError(
            f"{len(plain)} photographs to fit the measure deep on", f"use {LEAST} or more, or --measure ssim"
        )
    parts = [np.concatenate([plain, positives]), negatives, *([] if known is None else [known])]
    told = 0.0 if known is None else len(known) / (len(known) + KNOWN)
    both = np.concatenate(parts).astype(np.float64)
    shares = (1.0, 1.0 - told, told)[: len(parts)]
    weights = [np.full(len(part), len(both) / 2 * share / len(part)) for part, share in zip(parts, shares, strict=True)]
    scaler = StandardScaler().fit(both)
    regression = LogisticRegression(C=REGULARITY, max_iter=1000)
    regression.fit(scaler.transform(both), np.arange(len(both)) < len(parts[0]), sample_weight=np.concatenate(weights))
    lean = regression.coef_[0] / scaler.scale_
    leaning = plain @ lean
    lean, offset = lean / leaning.std(), -leaning.mean() / leaning.std()

    scaler = StandardScaler().fit(plain)
    count = min(COMPONENTS, len(plain) - 1, plain.shape[1])
    pca = PCA(count, random_state=0).fit(scaler.transform(plain))
    estimate = LedoitWolf().fit(pca.transform(scaler.transform(plain)))
    values, axes = np.linalg.eigh(estimate.covariance_)
    whitening = (axes / np.sqrt(values)).T
    components = whitening @ pca.components_ / scaler.scale_
    shift = -components @ scaler.mean_ - whitening @ (pca.components_ @ pca.mean_ + estimate.location_)
    distances = np.sqrt(np.sum((plain @ components.T + shift) ** 2, axis=1))
    return Head(lean, np.asarray(offset), components, shift, np.array([distances.mean(), distances.std()]))
