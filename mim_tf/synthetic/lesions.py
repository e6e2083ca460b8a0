"""Draws synthetic lesions as layers over the canvas of `mim_tf.synthetic.skin`.

Shapes follow textbook descriptions. Nothing was fitted to photographs, and no photographs or patient data are used.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from mim_tf.synthetic.skin import (
    SIDE,
    Field,
    Layers,
    X,
    Y,
    noise,
    ramp,
)

Painter = Callable[[np.random.Generator, Field, float], Layers]


def _places(rng: np.random.Generator, count: int, cover: float, spread: float) -> tuple[Field, Field]:
    """Draws discs that do not touch and cover a fraction of the canvas.

    Args:
        rng: source of places and radii.
        count: number of discs; a disc for which 60 attempts find no free place is omitted.
        cover: fraction of the canvas that `count` discs cover.
        spread: relative variation of the radii.

    Returns:
        centres: float64 (n, 2), row and column in units of the side.
        radii: float64 (n,), in units of the side.
    """
    wanted = np.sqrt(cover / (count * np.pi)) * (1 - spread + 2 * spread * rng.random(count))
    centres: list[Field] = []
    radii: list[float] = []
    for radius in np.sort(wanted)[::-1]:
        for _ in range(60):
            centre = 0.06 + 0.88 * rng.random(2)
            if all(np.sum((centre - c) ** 2) > (1.25 * (radius + r)) ** 2 for c, r in zip(centres, radii, strict=True)):
                centres.append(centre)
                radii.append(float(radius))
                break
    return np.array(centres), np.array(radii)


def _distance(rng: np.random.Generator, centres: Field, radii: Field, squeeze: float, wobble: float) -> Field:
    """Computes the distance (n, 128, 128) from each centre in radii of an ellipse with a wavy outline."""
    count = len(radii)
    turn = rng.random((count, 1, 1)) * np.pi
    ratio = 1 + squeeze * (rng.random((count, 1, 1)) - 0.5)
    y, x = Y - centres[:, 0, None, None], X - centres[:, 1, None, None]
    u = (np.cos(turn) * x + np.sin(turn) * y) * ratio
    v = (np.cos(turn) * y - np.sin(turn) * x) / ratio
    reach = np.sqrt(u * u + v * v) + 1e-9
    # Powers of a complex number of length 1 are waves around the centre; no cosine is needed for each pixel.
    unit = (u + 1j * v) / reach
    square = unit * unit
    cube = square * unit
    waves = np.zeros_like(reach)
    for power, weight in ((square, 0.71), (cube, 0.58), (square * cube, 0.45)):
        phase, size = 2 * np.pi * rng.random((count, 1, 1)), weight * rng.random((count, 1, 1))
        waves += size * (np.cos(phase) * power.real - np.sin(phase) * power.imag)
    return reach / radii[:, None, None] / (1 + wobble * waves)


def mpox(rng: np.random.Generator, style: Field, cover: float) -> Layers:
    """Draws umbilicated pustules: domes with a firm rim, a central dimple and a red halo.

    Args:
        rng: source of the arrangement.
        style: float64 (6,) in [0, 1), shared by the images of one synthetic patient.
        cover: fraction of the canvas under the lesions, such as 0.2.

    Returns:
        The layers of 3 to 14 pustules; fewer if there is not enough space.
    """
    centres, radii = _places(rng, 3 + int(style[0] * 12), cover, 0.25)
    each = _distance(rng, centres, radii, 0.25, 0.05)
    # Pustules do not overlap, so each pixel belongs to the nearest one.
    d, radius = np.min(each, axis=0), radii[np.argmin(each, axis=0)]
    dome, rim = ramp(d, 1.05, 0.60), np.exp(-(((d - 0.62) / 0.20) ** 2))
    dimple = np.exp(-((d / (0.24 + 0.10 * style[1])) ** 2))
    halo = ramp(d, 1.75, 1.0) * (1 - 0.75 * dome)
    return Layers(
        haemoglobin=(0.6 + 0.4 * style[3]) * halo + (0.5 + 1.1 * style[2]) * dimple,
        melanin=(0.35 + 0.6 * style[4]) * dimple,
        height=np.clip(radius * (0.30 * dome + 0.07 * rim - 0.20 * dimple), 0, None),
        white=(0.22 + 0.28 * style[5]) * dome * (1 - dimple),
    )


def macules(rng: np.random.Generator, style: Field, cover: float) -> Layers:
    """Draws flat blotches with irregular outlines and no relief; arguments as for `mpox`."""
    centres, radii = _places(rng, 3 + int(style[0] * 12), cover * 1.2, 0.4)
    d = np.min(_distance(rng, centres, radii, 0.5, 0.12), axis=0)
    d = d + 0.40 * noise(rng, 9) + 0.24 * noise(rng, 20)
    soft = 0.10 + 0.25 * style[1]
    blotch = ramp(d, 1.05 + soft, 1.05 - soft) * (0.85 + 0.15 * noise(rng, 16))
    return Layers(
        haemoglobin=(0.6 + 0.8 * style[2]) * blotch,
        melanin=(0.15 + 0.5 * style[3]) * blotch,
        height=np.zeros_like(d),
        white=np.zeros_like(d),
    )


def scales(rng: np.random.Generator, style: Field, cover: float) -> Layers:
    """Draws red plaques under whitish angular flakes with cracks between them; arguments as for `mpox`."""
    centres, radii = _places(rng, 1 + int(style[0] * 4), cover * 1.5, 0.3)
    d = np.min(_distance(rng, centres, radii, 0.6, 0.10), axis=0) + 0.16 * noise(rng, 8)
    plaque = ramp(d, 1.14, 0.92)
    # Flakes are Voronoi cells. Each is tilted as a whole, so that it is shaded like a facet.
    cells = 11 + int(style[1] * 7)
    # The coordinates are warped, so that the size of the flakes varies locally.
    seeds = (np.indices((cells, cells)).reshape(2, -1).T + rng.random((cells * cells, 2))) / cells
    places = np.stack([Y + 0.05 * noise(rng, 5), X + 0.05 * noise(rng, 5)], -1).reshape(-1, 2)
    reach, nearest = cKDTree(seeds).query(places, k=2)
    own = nearest[:, 0]
    crack = ((reach[:, 1] - reach[:, 0]) * cells).reshape(SIDE, SIDE)
    tilt = rng.normal(size=(len(seeds), 2))[own]
    facet = (np.sum((places - seeds[own]) * tilt, axis=1) * cells).reshape(SIDE, SIDE)
    present = (rng.random(len(seeds)) < 0.86)[own].reshape(SIDE, SIDE)
    thick = (0.45 + 0.55 * rng.random(len(seeds)))[own].reshape(SIDE, SIDE)
    flake = plaque * present * ramp(crack, 0.0, 0.14) * ramp(d + 0.3 * noise(rng, 14), 1.1, 0.75)
    return Layers(
        haemoglobin=(0.7 + 0.5 * style[2]) * plaque,
        melanin=0.35 * style[3] * plaque,
        height=0.004 * plaque + 0.004 * flake * thick,
        white=np.clip((0.5 + 0.3 * style[4]) * flake * thick * (1 + 0.5 * facet), 0, None),
    )


def wheals(rng: np.random.Generator, style: Field, cover: float) -> Layers:
    """Draws large smooth swellings that merge, pale inside and red along the border; arguments as for `mpox`."""
    count = 2 + int(style[0] * 5)
    radii = np.sqrt(1.7 * cover / (count * np.pi)) * (0.7 + 0.6 * rng.random(count))
    d = _distance(rng, 0.12 + 0.76 * rng.random((count, 2)), radii, 0.7, 0.12)
    # Gaussian bells are summed, so that neighbours merge smoothly; their maximum would have creases.
    swell = np.sum(np.exp(-1.2 * d**2), axis=0) + 0.06 * noise(rng, 7)
    inside = ramp(swell, 0.16, 0.62)
    border = ramp(swell, 0.02, 0.24) * (1 - 0.95 * ramp(swell, 0.26, 0.60))
    return Layers(
        haemoglobin=(0.7 + 0.5 * style[1]) * border,
        melanin=0.10 * style[2] * border,
        height=(0.022 + 0.012 * style[3]) * inside,
        white=(0.25 + 0.25 * style[4]) * ramp(swell, 0.28, 0.75),
    )


def plain(rng: np.random.Generator, style: Field, cover: float) -> Layers:
    """Draws skin without lesions and with 0 to 3 moles; arguments as for `mpox`, `cover` has no effect."""
    moles = max(0, int(style[0] * 6) - 2)
    d = _distance(rng, rng.random((moles, 2)), 0.012 + 0.02 * rng.random(moles), 0.3, 0.06)
    zero = np.zeros((SIDE, SIDE))
    return Layers(zero, 1.4 * np.sum(ramp(d, 1.2, 0.7), axis=0), zero, zero)
