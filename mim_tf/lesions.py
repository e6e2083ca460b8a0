"""Painters of the synthetic sample set: skin, lesions and things that are no skin. Nothing here is a photograph.

A painter returns a *layer*: `height`, float64 (S, S), relief in arbitrary units, and `tint`, float64 (S, S, 3),
what is added to the colour of the skin. Coordinates are in units of the image's side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Array = NDArray[np.float64]
Layer = tuple[Array, Array]

_RED = np.array([0.10, -0.10, -0.08])
_BROWN = np.array([-0.16, -0.22, -0.22])
_YELLOW = np.array([0.12, 0.07, -0.10])
_PALE = np.array([0.16, 0.17, 0.16])


def grid(size: int) -> tuple[Array, Array]:
    """Row and column coordinates of pixel centres in (0, 1), (S, 1) and (1, S)."""
    line = (np.arange(size) + 0.5) / size
    return line[:, None], line[None, :]


def smooth_noise(rng: np.random.Generator, size: int, scale: float) -> Array:
    """Gaussian-filtered noise of zero mean and unit deviation; `scale` is the filter's sigma in sides."""
    noise = gaussian_filter(rng.standard_normal((size, size)), scale * size, mode="wrap")
    noise -= noise.mean()
    return noise / max(float(noise.std()), 1e-9)


def skin_texture(rng: np.random.Generator, size: int) -> Array:
    """Pores, skin lines and mottling, zero mean, (S, S)."""
    angle = rng.uniform(0, np.pi)
    y, x = grid(size)
    across = np.cos(angle) * x + np.sin(angle) * y
    bend = 0.02 * smooth_noise(rng, size, 0.08)
    lines = np.abs(np.sin(np.pi * rng.uniform(14, 26) * (across + bend))) ** 0.5
    texture = 0.5 * smooth_noise(rng, size, 0.006) + 0.35 * smooth_noise(rng, size, 0.02)
    texture += 0.45 * smooth_noise(rng, size, 0.12) + 0.5 * (lines - lines.mean())
    return texture


def hairs(rng: np.random.Generator, size: int, count: int) -> Array:
    """Coverage by curved hairs, 0 to 1, (S, S)."""
    cover = np.zeros((size, size))
    t = np.linspace(0, 1, 4 * size)
    lean = rng.uniform(0, 2 * np.pi)
    for _ in range(count):
        angle, length, bow = lean + rng.normal(0, 0.35), rng.uniform(0.1, 0.35), rng.normal(0, 0.08)
        y0, x0 = rng.uniform(-0.1, 1.1, 2)
        y = y0 + length * t * np.sin(angle) + bow * t * t * np.cos(angle)
        x = x0 + length * t * np.cos(angle) - bow * t * t * np.sin(angle)
        rows, columns = (y * size).astype(int), (x * size).astype(int)
        inside = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
        cover[rows[inside], columns[inside]] = 1.0
    return np.minimum(gaussian_filter(cover, 0.004 * size) * 1.6, 1.0)


def _places(rng: np.random.Generator, count: int, distance: float) -> Array:
    """Up to `count` centres (K, 2) that keep a distance, by dart throwing; at least one."""
    kept: list[Array] = []
    for dart in rng.uniform(0.06, 0.94, (40 * count, 2)):
        if all(np.hypot(*(dart - other)) > distance for other in kept):
            kept.append(dart)
        if len(kept) == count:
            break
    return np.array(kept)


def _distances(rng: np.random.Generator, size: int, centres: Array, radii: Array, rough: float) -> Array:
    """Distance from each centre in its radius, (K, S, S), with outlines that wobble by `rough`."""
    y, x = grid(size)
    dy, dx = y[None] - centres[:, 0, None, None], x[None] - centres[:, 1, None, None]
    angle = np.arctan2(dy, dx)
    outline = np.ones_like(angle)
    for lobes in (2, 3, 5):
        phase = rng.uniform(0, 2 * np.pi, len(centres))[:, None, None]
        outline += rough / lobes * np.cos(lobes * angle + phase)
    return np.hypot(dy, dx) / (radii[:, None, None] * outline)


def _step(distance: Array, edge: float) -> Array:
    """1 inside, 0 outside, soft over `edge`."""
    return 1.0 / (1.0 + np.exp(np.clip((distance - 1.0) / edge, -40, 40)))


def pustules(rng: np.random.Generator, size: int) -> Layer:
    """Umbilicated pustules: a firm raised rim, a dimple with a dark or yellow centre, a red halo."""
    centres = _places(rng, int(rng.integers(4, 13)), 0.17)
    radii = rng.uniform(0.055, 0.095, len(centres))
    d = _distances(rng, size, centres, radii, 0.06)
    rim = np.exp(-(((d - 0.62) / 0.24) ** 2))
    dimple = np.exp(-((d / 0.30) ** 2))
    height = (1.2 * rim - 0.7 * dimple).sum(0)
    halo = np.exp(-(((d - 1.05) / 0.30) ** 2)).max(0)
    centre = dimple.max(0)
    dark = rng.uniform(0, 1) < 0.6
    tint = halo[..., None] * _RED + 0.55 * rim.max(0)[..., None] * (_PALE + 0.4 * _YELLOW)
    return height, tint + centre[..., None] * (1.3 * _BROWN if dark else 1.2 * _YELLOW)


def macules(rng: np.random.Generator, size: int) -> Layer:
    """Flat blotches with irregular outlines, no relief."""
    centres = _places(rng, int(rng.integers(4, 13)), 0.15)
    radii = rng.uniform(0.05, 0.11, len(centres))
    d = _distances(rng, size, centres, radii, 0.35)
    cover = _step(d, 0.08).max(0) * (1.0 + 0.15 * smooth_noise(rng, size, 0.03))
    colour = _RED * rng.uniform(0.8, 1.4) + _BROWN * rng.uniform(0.3, 0.9)
    return np.zeros((size, size)), cover[..., None] * colour


def scales(rng: np.random.Generator, size: int) -> Layer:
    """Red plaques under whitish angular flakes."""
    centres = _places(rng, int(rng.integers(1, 4)), 0.3)
    radii = rng.uniform(0.18, 0.32, len(centres))
    plaque = _step(_distances(rng, size, centres, radii, 0.25), 0.05).max(0)
    seeds = rng.uniform(0, 1, (140, 2))
    y, x = grid(size)
    away = np.hypot(y[None] - seeds[:, 0, None, None], x[None] - seeds[:, 1, None, None])
    nearest = np.argsort(away, axis=0, kind="stable")[:2]
    first, second = np.take_along_axis(away, nearest, axis=0)
    crack = np.exp(-(((second - first) / 0.008) ** 2))
    flake = rng.uniform(0, 1, len(seeds))[nearest[0]]
    lifted = plaque * (flake > 0.45) * (1.0 - crack)
    tint = plaque[..., None] * _RED + (lifted * (0.5 + 0.7 * flake))[..., None] * _PALE
    return 0.5 * gaussian_filter(lifted, 0.006 * size), tint


def wheals(rng: np.random.Generator, size: int) -> Layer:
    """Large smooth swellings that merge: a pale top, a red border."""
    centres = _places(rng, int(rng.integers(2, 6)), 0.2)
    radii = rng.uniform(0.12, 0.22, len(centres))
    d = _distances(rng, size, centres, radii, 0.2).min(0)
    swelling = _step(d, 0.10)
    border = np.exp(-(((d - 1.0) / 0.16) ** 2))
    return 1.6 * gaussian_filter(swelling, 0.012 * size), border[..., None] * 1.5 * _RED + swelling[..., None] * 0.6 * _PALE


LESIONS: dict[str, Callable[[np.random.Generator, int], Layer]] = {
    "mpox": pustules,
    "macules": macules,
    "scales": scales,
    "wheals": wheals,
}


def no_skin(rng: np.random.Generator, size: int) -> Array:
    """A wall, stripes, checks, writing, foliage or sky, float64 (S, S, 3) in about [0, 1]."""
    y, x = grid(size)
    ground, other = rng.uniform(0.15, 0.95, (2, 3))
    kind = int(rng.integers(0, 6))
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    if kind == 0:  # wall
        mix = 0.15 * along + 0.02 * smooth_noise(rng, size, 0.2)
    elif kind == 1:  # stripes
        mix = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(4, 16) * along))
    elif kind == 2:  # checks
        cells = rng.integers(3, 10)
        mix = ((x * cells).astype(int) + (y * cells).astype(int)) % 2 * 1.0
    elif kind == 3:  # writing
        lines = (np.sin(2 * np.pi * rng.uniform(6, 11) * y) > 0.2) * 1.0
        mix = lines * (smooth_noise(rng, size, 0.008) > 0.3)
    elif kind == 4:  # foliage
        mix = 0.5 + 0.35 * np.sign(smooth_noise(rng, size, 0.02)) * np.abs(smooth_noise(rng, size, 0.01)) ** 0.5
    else:  # sky
        mix = 0.6 * y + 0.25 * smooth_noise(rng, size, 0.09) * (smooth_noise(rng, size, 0.15) > 0)
    mix = mix * np.ones((size, size))
    return ground + (other - ground) * mix[..., None] + 0.01 * rng.standard_normal((size, size, 1))
