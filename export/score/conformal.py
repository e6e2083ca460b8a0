"""The conformal p-values of the two hypotheses: the image is of the class, and it is of other skin. Needs only numpy.

A hypothesis is excluded where its p-value is at most its level. `mim_tf.calibration` fits the tables, and
`manifest.json` stores them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import MimError

#: Added to alpha and beta when p-values are compared with them. Float32 sums of the same weights in another order
#: differ by about 1e-6. Two different p-values of a table differ by 8e-5 at least for 40 conditions and 300 groups.
SLACK = 1e-5


def verdict_names(normal_class: str) -> tuple[str, str, str, str]:
    """Returns the verdicts in words for people, by code.

    In files and in rows for programs the verdicts of every class are `decide.VERDICTS`, since the format fixes them.

    Example:
        `verdict_names("measles")` is `("measles-like", "not-measles-like", "undecided", "cannot-judge")`.
    """
    return f"{normal_class}-like", f"not-{normal_class}-like", "undecided", "cannot-judge"


@dataclass(frozen=True)
class Calibration:
    """Similarities of images of the normal class that were held out from training.

    Attributes:
        similarities: of the held-out images, ascending.
        weights: for each image, 1 / (number of images of its group).
        groups: number of groups G.
        alpha: the class is excluded where `p_class` is at most alpha.
        method: `split` (similarities of one held-out set) or `cross` (similarities out of fold).

    Raises:
        MimError: a similarity is not a finite number.
    """

    similarities: tuple[float, ...]
    weights: tuple[float, ...]
    groups: int
    alpha: float
    method: str

    def __post_init__(self) -> None:
        _check_finite(self.similarities, "calibration")

    @property
    def threshold(self) -> float:
        """The lowest similarity of the table at which the class is not excluded. It is at all lower similarities."""
        p = p_class(np.asarray(self.similarities, np.float32), self)
        return float(self.similarities[int(np.argmax(p > np.float32(self.alpha + SLACK)))])

    def guarantee(self, normal_class: str) -> str:
        """A sentence about the share of images of the class that are called another one.

        With method `cross`, the similarities of the table are from models fitted without one fold, while new images are
        scored by a model fitted on all folds. No bound is proven for this case. For the similar method CV+ the bound is
        2 alpha (Barber et al., Annals of Statistics 2021).

        Args:
            normal_class: the class, such as "mpox".
        """
        bound = f"at most {self.alpha:g}" if self.method == "split" else f"about {self.alpha:g}"
        proof = "" if self.method == "split" else f" (out of fold: no proven bound, of CV+ it is {2 * self.alpha:g})"
        return (
            f"of {normal_class} images exchangeable with the calibration groups, {bound} are called "
            f"{verdict_names(normal_class)[1]}, on average over calibration sets{proof}"
        )

    def to_dict(self, normal_class: str) -> dict[str, Any]:
        """Returns the fields, `threshold` and the `guarantee` for a class, in types that JSON supports."""
        return {**asdict(self), "threshold": self.threshold, "guarantee": self.guarantee(normal_class)}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Calibration:
        """Creates a table from the result of `to_dict`."""
        return cls(
            similarities=tuple(entry["similarities"]),
            weights=tuple(entry["weights"]),
            groups=entry["groups"],
            alpha=entry["alpha"],
            method=entry["method"],
        )


@dataclass(frozen=True)
class Condition:
    """A condition of the reference.

    Attributes:
        name: name of the class, such as "chickenpox".
        images: number of its images.
        groups: number of its groups.
    """

    name: str
    images: int
    groups: int


@dataclass(frozen=True)
class Reference:
    """Similarities of images of other skin that nothing was trained on; every condition has the same total weight.

    Without images nothing can exclude other skin, and no image is `mpox-like`.

    Attributes:
        similarities: of the images, ascending.
        weights: for each image, R / (conditions x groups of its condition x images of its group), which sum to R.
        groups: number of groups R.
        beta: other skin is excluded where `p_other` is at most beta.
        conditions: the conditions, by name.

    Raises:
        MimError: a similarity is not a finite number.
    """

    similarities: tuple[float, ...]
    weights: tuple[float, ...]
    groups: int
    beta: float
    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_finite(self.similarities, "reference")

    @property
    def threshold(self) -> float | None:
        """The highest similarity of the table at which other skin is not excluded. It is at all higher similarities.

        None if it is excluded at no similarity: the table has too few groups for beta.
        """
        # The last one is above the whole table.
        p = p_other(np.asarray([*self.similarities, np.inf], np.float32), self)
        highest = int(np.flatnonzero(p > np.float32(self.beta + SLACK))[-1])
        return None if highest == len(self.similarities) else float(self.similarities[highest])

    def guarantee(self, normal_class: str) -> str:
        """A sentence about the share of images of other skin that are called the class.

        Args:
            normal_class: the class, such as "mpox".
        """
        alike = verdict_names(normal_class)[0]
        if self.threshold is None:
            return (
                f"no image is called {alike}: there are {self.groups} groups of other skin, too few for {self.beta:g}"
            )
        return (
            f"of images of other skin like the {self.groups} groups of the reference, with its {len(self.conditions)} "
            f"conditions equally frequent, about {self.beta:g} at most are called {alike}"
        )

    def to_dict(self, normal_class: str) -> dict[str, Any]:
        """Returns the fields, `threshold` and the `guarantee` for a class, in types that JSON supports."""
        return {**asdict(self), "threshold": self.threshold, "guarantee": self.guarantee(normal_class)}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Reference:
        """Creates a table from the result of `to_dict`."""
        return cls(
            similarities=tuple(entry["similarities"]),
            weights=tuple(entry["weights"]),
            groups=entry["groups"],
            beta=entry["beta"],
            conditions=tuple(Condition(one["name"], one["images"], one["groups"]) for one in entry["conditions"]),
        )


class Tables(NamedTuple):
    """The tables of both hypotheses.

    Attributes:
        calibration: of the class.
        reference: of other skin.
    """

    calibration: Calibration
    reference: Reference


def _check_finite(similarities: tuple[float, ...], what: str) -> None:
    wrong = sum(not math.isfinite(similarity) for similarity in similarities)
    if wrong:
        problem = f"{wrong} of {len(similarities)} similarities of the {what} are not finite numbers"
        raise MimError(problem, "train again into a new folder, with another seed or precision float32")


def smallest_alpha(groups: int) -> float:
    """Returns the smallest alpha that G calibration groups support: 1 / (G + 1). For 19 groups it is 0.05."""
    return 1.0 / (groups + 1)


def check_level(level: float, name: str = "alpha") -> None:
    """Checks that alpha or beta is a level of a test.

    Args:
        level: level of the test, such as 0.05.
        name: its name in the message.

    Raises:
        MimError: the level is not in (0, 1), or so near to 1 that with `SLACK` every p-value would be at most the
            level.
    """
    remedy = "choose a number such as 0.05"
    if not 0.0 < level < 1.0:
        raise MimError(f"{name} {level:g} is not between 0 and 1", remedy)
    if level >= 1.0 - 2 * SLACK:  # twice, since float32 rounds a p-value of 1
        raise MimError(f"{name} {level:g} is too near to 1", remedy)


def check_alpha(alpha: float, groups: int) -> None:
    """Checks that the verdict `not-mpox-like` is possible at this alpha.

    Args:
        alpha: level of the test, in (0, 1).
        groups: number of calibration groups.

    Raises:
        MimError: alpha is not a level (`check_level`), or is less than `smallest_alpha(groups)`. The message gives a
            possible alpha, rounded to the safe side.

    Example:
        19 groups support alpha 0.05. 9 groups support alpha 0.1 or more.
    """
    check_level(alpha)
    least = smallest_alpha(groups)
    if alpha + SLACK < least:
        # Rounded to the nearest number, the alpha of 2 groups, 0.3333, would be refused in turn.
        possible = f"use alpha {math.ceil(10_000 * least - 10_000 * SLACK) / 10_000:g} or more groups"
        raise MimError(
            f"{groups} calibration groups cannot support alpha {alpha:g}", possible if groups else "add photographs"
        )


def p_class(similarity: ArrayLike, calibration: Calibration) -> NDArray[np.float32]:
    """Computes the conformal p-value of the hypothesis that an image is of the class, with groups as units.

    p = (1 + sum over groups g of the share of g's images with similarity <= s) / (G + 1), in float32 like the model
    (Vovk et al., Algorithmic Learning in a Random World, 2005).

    Args:
        similarity: float, any shape.
        calibration: the table of the class.

    Returns:
        float32 of the same shape, in [1 / (G + 1), 1]; NaN where the similarity is NaN.

    Example:
        With the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
    """
    s, table = np.asarray(similarity, np.float32), np.asarray(calibration.similarities, np.float32)
    return _p_value(s, table <= s[..., None], calibration)


def p_other(similarity: ArrayLike, reference: Reference) -> NDArray[np.float32]:
    """Computes the p-value of the hypothesis that an image is of other skin, with conditions weighted alike.

    p = (1 + sum of the weights of the images of the reference with similarity >= s) / (R + 1), in float32 like the
    model.

    Args:
        similarity: float, any shape.
        reference: the table of other skin.

    Returns:
        float32 of the same shape, in [1 / (R + 1), 1]; 1 without a reference; NaN where the similarity is NaN.

    Example:
        Let the reference have one group {0.2} of a condition and two groups {0.4}, {0.6} of another. Their weights are
        3 / 2, 3 / 4 and 3 / 4, so p(0.5) = (1 + 0.75) / 4 and p(0.3) = (1 + 1.5) / 4.
    """
    s, table = np.asarray(similarity, np.float32), np.asarray(reference.similarities, np.float32)
    return _p_value(s, table >= s[..., None], reference)


def _p_value(s: NDArray[np.float32], counted: NDArray[np.bool_], table: Calibration | Reference) -> NDArray[np.float32]:
    """The p-value if the weights of the counted entries, bool (..., N), are summed; NaN where `s` is NaN."""
    weights = np.asarray(table.weights, np.float32)
    total = (counted.astype(np.float32) * weights).sum(-1, dtype=np.float32)
    # The rounded weights may sum to slightly more than the number of groups.
    p = np.minimum((np.float32(1) + total) / np.float32(table.groups + 1), np.float32(1))
    # NaN compares as lower than the whole table.
    return np.where(np.isnan(s), np.float32(np.nan), p)[()]
