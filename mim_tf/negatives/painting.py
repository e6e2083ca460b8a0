"""Paints other diseases' marks on photographed skin: redness, blotches, dots of several stages, moles, scales.

After textbook descriptions of primary and secondary lesions; nothing was fitted to photographs.
`synthetic_lesions` draws the classes of the sample set in another way, and neither uses the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Image = NDArray[np.float32]
Mask = NDArray[np.float32]


def blotches(side: int, rng: np.random.Generator, *, scale: float, cover: float, soft: float) -> Mask:
    """Irregular areas: smooth noise above a level.

    Args:
        side: S of the mask in pixels.
        rng: source of the noise.
        scale: size of an area, in sides.
        cover: share of the mask that is above one half.
        soft: width of the transition in standard deviations of the noise.

    Returns:
        float32 (S, S) in [0, 1].

    Example:
        With `cover=.3`, 30 % of the pixels are above .5.
    """
    coarse, fine = (gaussian_filter(rng.standard_normal((side, side)), side * scale / k) for k in (1, 2.5))
    noise = coarse + 0.2 * fine
    noise = (noise - noise.mean()) / noise.std()
    return _rising((noise - np.quantile(noise, 1 - cover)) / soft)


def _rising(x: NDArray[np.floating[Any]]) -> Mask:
    """The logistic function, without overflow."""
    return (0.5 * (1 + np.tanh(0.5 * x))).astype(np.float32)


def redden(image: Image, where: Mask, rng: np.random.Generator, strength: float) -> Image:
    """Erythema: blood takes green and blue light and leaves the red.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        where: float32 (S, S) in [0, 1].
        rng: source of the hue.
        strength: what is taken from the logarithm of green; .3 is a visible rash.

    Returns:
        float32 (S, S, 3), nowhere brighter.
    """
    taken = np.array([rng.uniform(0, 0.3), 1.0, rng.uniform(0.7, 1.0)], np.float32)
    return np.asarray(image * np.exp(-strength * where[..., None] * taken), np.float32)


def darken(image: Image, where: Mask, strength: float) -> Image:
    """Melanin: takes blue light most; arguments and result as for `redden`."""
    taken = np.array([0.5, 0.8, 1.0], np.float32)
    return np.asarray(image * np.exp(-strength * where[..., None] * taken), np.float32)


def dots(side: int, rng: np.random.Generator, count: int, least: float, most: float) -> tuple[Image, NDArray[np.int64]]:
    """Round to oval dots with wavy outlines anywhere.

    Args:
        side: S in pixels.
        rng: source of places and shapes.
        count: number of dots, at least 1.
        least: smallest radius, in sides.
        most: largest radius, in sides.

    Returns:
        float32 (S, S): distance from the centre of the nearest dot in its radii, 1 on its outline; and int64 (S, S):
        which dot that is.
    """
    y, x = np.mgrid[:side, :side].astype(np.float32)
    nearest, which = np.full((side, side), np.inf, np.float32), np.zeros((side, side), np.int64)
    for dot in range(count):
        radius = side * np.exp(rng.uniform(np.log(least), np.log(most)))
        row, column = rng.uniform(0, side, 2)
        turn, oval = rng.uniform(0, np.pi), rng.uniform(1, 1.6)
        u = ((x - column) * np.cos(turn) + (y - row) * np.sin(turn)) * oval
        v = ((y - row) * np.cos(turn) - (x - column) * np.sin(turn)) / oval
        around = np.arctan2(v, u)
        waves = 0.12 * np.sin(2 * around + rng.uniform(0, 6)) + 0.1 * np.sin(3 * around + rng.uniform(0, 6))
        distance = (np.hypot(u, v) / radius / (1 + waves)).astype(np.float32)
        which[distance < nearest] = dot
        nearest = np.minimum(nearest, distance)
    return nearest, which


def rash(image: Image, rng: np.random.Generator) -> Image:
    """Small red flat spots that flow together, as in measles; image float32 (S, S, 3) to the same."""
    where = blotches(
        len(image), rng, scale=rng.uniform(0.01, 0.05), cover=rng.uniform(0.15, 0.6), soft=rng.uniform(0.2, 0.8)
    )
    return redden(image, where, rng, rng.uniform(0.15, 0.5))


def erythema(image: Image, rng: np.random.Generator) -> Image:
    """Broad redness with a fine mottle; image float32 (S, S, 3) to the same."""
    side = len(image)
    where = blotches(side, rng, scale=rng.uniform(0.08, 0.2), cover=rng.uniform(0.3, 0.8), soft=rng.uniform(0.4, 1.0))
    mottle = blotches(side, rng, scale=0.008, cover=0.5, soft=0.6) * where
    return redden(redden(image, where, rng, rng.uniform(0.15, 0.5)), mottle, rng, rng.uniform(0.05, 0.2))


def vesicles(image: Image, rng: np.random.Generator) -> Image:
    """Small dots in all stages side by side, red spot, clear blister, dark crust, as in chickenpox; as `rash`."""
    side = len(image)
    count, least = int(np.exp(rng.uniform(np.log(6), np.log(70)))), rng.uniform(0.006, 0.03)
    distance, which = dots(side, rng, count, least, 2 * least)
    stage = rng.integers(0, 3, count)[which]
    painted = redden(image, np.exp(-((distance / 1.4) ** 2)), rng, rng.uniform(0.4, 1.1))
    blister = (np.exp(-((distance / 0.6) ** 4)) * (stage == 1))[..., None]
    fluid = np.array([0.85, 0.70, 0.65]) * min(1.0, 1.7 * float(image.mean()) + 0.1)
    painted = painted * (1 - 0.5 * blister) + 0.5 * blister * fluid
    gloss = 0.15 * np.exp(-(((distance - 0.3) / 0.2) ** 2)) * (stage == 1)
    crust = np.exp(-((distance / 0.5) ** 4)) * (stage == 2)
    return np.asarray((painted + gloss[..., None]) * (1 - 0.75 * crust[..., None]), np.float32)


def moles(image: Image, rng: np.random.Generator) -> Image:
    """Flat brown spots; as `rash`."""
    count, least = int(np.exp(rng.uniform(0, np.log(25)))), rng.uniform(0.01, 0.08)
    distance, _ = dots(len(image), rng, count, least, 1.8 * least)
    return darken(image, _rising((1 - distance) / rng.uniform(0.05, 0.2)), rng.uniform(0.5, 1.4))


def plaques(image: Image, rng: np.random.Generator) -> Image:
    """Large red areas under whitish scales, as in psoriasis; as `rash`."""
    side = len(image)
    where = blotches(side, rng, scale=rng.uniform(0.08, 0.16), cover=rng.uniform(0.15, 0.45), soft=0.08)
    scale = 0.45 * (where * blotches(side, rng, scale=0.008, cover=rng.uniform(0.1, 0.4), soft=0.1))[..., None]
    white = float(np.clip(1.6 * image.mean() + 0.1, 0, 0.95))
    return np.asarray(redden(image, where, rng, rng.uniform(0.3, 0.8)) * (1 - scale) + scale * white, np.float32)
