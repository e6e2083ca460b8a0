"""Paints marks of other diseases on photographed skin: redness, blotches, vesicles, moles and plaques.

The marks follow textbook descriptions of primary and secondary lesions; nothing was fitted to photographs.
`mim_tf.synthetic.lesions` draws the classes of the sample set by a different method; the two modules share no code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Image = NDArray[np.float32]
Mask = NDArray[np.float32]


def blotches(side: int, rng: np.random.Generator, *, scale: float, cover: float, soft: float) -> Mask:
    """Computes irregular areas by thresholding smooth noise.

    Args:
        side: side S of the mask in pixels.
        rng: source of the noise.
        scale: size of an area as a fraction of the side.
        cover: fraction of the mask that is above 0.5.
        soft: width of the transition in standard deviations of the noise.

    Returns:
        float32 (S, S) in [0, 1].

    Example:
        With `cover=0.3`, 30 % of the pixels are above 0.5.
    """
    coarse, fine = (gaussian_filter(rng.standard_normal((side, side)), side * scale / k) for k in (1, 2.5))
    noise = coarse + 0.2 * fine
    noise = (noise - noise.mean()) / noise.std()
    return _sigmoid((noise - np.quantile(noise, 1 - cover)) / soft)


def _sigmoid(x: NDArray[np.floating[Any]]) -> Mask:
    """Computes the logistic function, without overflow."""
    return (0.5 * (1 + np.tanh(0.5 * x))).astype(np.float32)


def redden(image: Image, where: Mask, rng: np.random.Generator, strength: float) -> Image:
    """Adds erythema: blood absorbs green and blue light more than red light.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        where: float32 (S, S) in [0, 1].
        rng: source of the hue.
        strength: decrease of the logarithm of green where `where` is 1; 0.3 is a visible rash.

    Returns:
        float32 (S, S, 3), nowhere brighter than the image.

    Example:
        With strength 0.3, green falls to exp(-0.3) = 74 % where `where` is 1.
    """
    absorption = np.array([rng.uniform(0, 0.3), 1.0, rng.uniform(0.7, 1.0)], np.float32)
    return np.asarray(image * np.exp(-strength * where[..., None] * absorption), np.float32)


def darken(image: Image, where: Mask, strength: float) -> Image:
    """Adds melanin, which absorbs blue light most.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        where: float32 (S, S) in [0, 1].
        strength: decrease of the logarithm of blue where `where` is 1.

    Returns:
        float32 (S, S, 3), nowhere brighter than the image.

    Example:
        With strength 1, R, G and B fall to exp(-0.5), exp(-0.8) and exp(-1): 61, 45 and 37 %.
    """
    absorption = np.array([0.5, 0.8, 1.0], np.float32)
    return np.asarray(image * np.exp(-strength * where[..., None] * absorption), np.float32)


def dots(
    side: int, rng: np.random.Generator, count: int, min_radius: float, max_radius: float
) -> tuple[Image, NDArray[np.int64]]:
    """Places round to oval dots with wavy outlines at random.

    Args:
        side: side S of the result in pixels.
        rng: source of places and shapes.
        count: number of dots, at least 1.
        min_radius: smallest radius as a fraction of the side.
        max_radius: largest radius as a fraction of the side; radii are log-uniform.

    Returns:
        distance: float32 (S, S), distance from the centre of the nearest dot in units of its radius, 1 on its outline.
        index: int64 (S, S), the index of this dot, from 0 to `count` - 1.
    """
    y, x = np.mgrid[:side, :side].astype(np.float32)
    nearest, index = np.full((side, side), np.inf, np.float32), np.zeros((side, side), np.int64)
    for dot in range(count):
        radius = side * np.exp(rng.uniform(np.log(min_radius), np.log(max_radius)))
        row, column = rng.uniform(0, side, 2)
        angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.6)
        u = ((x - column) * np.cos(angle) + (y - row) * np.sin(angle)) * stretch
        v = ((y - row) * np.cos(angle) - (x - column) * np.sin(angle)) / stretch
        phi = np.arctan2(v, u)
        waves = 0.12 * np.sin(2 * phi + rng.uniform(0, 6)) + 0.1 * np.sin(3 * phi + rng.uniform(0, 6))
        distance = (np.hypot(u, v) / radius / (1 + waves)).astype(np.float32)
        index[distance < nearest] = dot
        nearest = np.minimum(nearest, distance)
    return nearest, index


def rash(image: Image, rng: np.random.Generator) -> Image:
    """Paints small flat red spots that merge, as in measles.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        rng: source of all choices.

    Returns:
        float32 (S, S, 3), not clipped.
    """
    where = blotches(
        len(image), rng, scale=rng.uniform(0.01, 0.05), cover=rng.uniform(0.15, 0.6), soft=rng.uniform(0.2, 0.8)
    )
    return redden(image, where, rng, rng.uniform(0.15, 0.5))


def erythema(image: Image, rng: np.random.Generator) -> Image:
    """Paints large red areas with a fine mottle; arguments and result as for `rash`."""
    side = len(image)
    where = blotches(side, rng, scale=rng.uniform(0.08, 0.2), cover=rng.uniform(0.3, 0.8), soft=rng.uniform(0.4, 1.0))
    mottle = blotches(side, rng, scale=0.008, cover=0.5, soft=0.6) * where
    return redden(redden(image, where, rng, rng.uniform(0.15, 0.5)), mottle, rng, rng.uniform(0.05, 0.2))


def vesicles(image: Image, rng: np.random.Generator) -> Image:
    """Paints small lesions in three stages, as in chickenpox: red spot, clear blister, dark crust.

    Arguments and result are as for `rash`.
    """
    side = len(image)
    count, radius = int(np.exp(rng.uniform(np.log(6), np.log(70)))), rng.uniform(0.006, 0.03)
    distance, index = dots(side, rng, count, radius, 2 * radius)
    stage = rng.integers(0, 3, count)[index]
    painted = redden(image, np.exp(-((distance / 1.4) ** 2)), rng, rng.uniform(0.4, 1.1))
    blister = (np.exp(-((distance / 0.6) ** 4)) * (stage == 1))[..., None]
    fluid = np.array([0.85, 0.70, 0.65]) * min(1.0, 1.7 * float(image.mean()) + 0.1)
    painted = painted * (1 - 0.5 * blister) + 0.5 * blister * fluid
    gloss = 0.15 * np.exp(-(((distance - 0.3) / 0.2) ** 2)) * (stage == 1)
    crust = np.exp(-((distance / 0.5) ** 4)) * (stage == 2)
    return np.asarray((painted + gloss[..., None]) * (1 - 0.75 * crust[..., None]), np.float32)


def moles(image: Image, rng: np.random.Generator) -> Image:
    """Paints flat brown spots; arguments and result as for `rash`."""
    count, radius = int(np.exp(rng.uniform(0, np.log(25)))), rng.uniform(0.01, 0.08)
    distance, _ = dots(len(image), rng, count, radius, 1.8 * radius)
    return darken(image, _sigmoid((1 - distance) / rng.uniform(0.05, 0.2)), rng.uniform(0.5, 1.4))


def plaques(image: Image, rng: np.random.Generator) -> Image:
    """Paints large red areas under whitish scales, as in psoriasis; arguments and result as for `rash`."""
    side = len(image)
    where = blotches(side, rng, scale=rng.uniform(0.08, 0.16), cover=rng.uniform(0.15, 0.45), soft=0.08)
    scale = 0.45 * (where * blotches(side, rng, scale=0.008, cover=rng.uniform(0.1, 0.4), soft=0.1))[..., None]
    white = float(np.clip(1.6 * image.mean() + 0.1, 0, 0.95))
    return np.asarray(redden(image, where, rng, rng.uniform(0.3, 0.8)) * (1 - scale) + scale * white, np.float32)
