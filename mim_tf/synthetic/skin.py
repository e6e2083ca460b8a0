"""Draws the skin of the synthetic sample set with NumPy; no photographs or patient data are used.

Skin and its lesions are fields over one 128 x 128 canvas, in units of its side: two pigments that
absorb light (haemoglobin, melanin), a height map that is lit from one side, and a white deposit. The
absorption directions are rounded from the skin pigment model of Tsumura et al., "Image-based skin
color and texture analysis/synthesis by extracting hemoglobin and melanin information in the skin",
ACM SIGGRAPH 2003. Lesion shapes follow textbook descriptions; nothing was fitted to photographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float64]

#: Side of the canvas in pixels.
SIDE = 128
#: Row and column of each pixel in units of the side, each float64 (128, 128).
Y, X = np.mgrid[0:SIDE, 0:SIDE] / SIDE
#: Decrease of the logarithm of R, G and B by one unit of the pigment.
_HAEMOGLOBIN = np.array([0.16, 0.62, 0.52])
_MELANIN = np.array([0.42, 0.62, 0.80])
#: Part of the light that the pigments of a visible lesion absorb, and opacity of its white deposit, both at least.
_VISIBLE = 0.2
#: Height of a visible swelling in pixels, at least; slopes of lower ones are hardly shaded.
_RAISED = 1.0
#: sRGB colours of skin from very light to very dark.
_TONES = np.array(
    [
        [243, 212, 194],
        [231, 189, 166],
        [209, 160, 132],
        [178, 125, 97],
        [139, 92, 68],
        [103, 67, 50],
        [74, 49, 39],
    ]
)


@dataclass
class Layers:
    """The layers of a lesion, each float64 (128, 128) and at least 0.

    Attributes:
        haemoglobin: amount of haemoglobin, which absorbs green and blue light.
        melanin: amount of melanin, which absorbs blue light most.
        height: height of the surface in units of the side.
        white: opacity of the white deposit.
    """

    haemoglobin: Field
    melanin: Field
    height: Field
    white: Field


def skin_tone(darkness: float) -> Field:
    """Interpolates the colour of bare skin.

    Args:
        darkness: from 0, very light, to 1, very dark.

    Returns:
        float64 (3,), sRGB in [0, 1].

    Example:
        `skin_tone(0.0) * 255` is [243, 212, 194], `skin_tone(1.0) * 255` is [74, 49, 39].
    """
    places = np.linspace(0, 1, len(_TONES))
    return np.array([np.interp(darkness, places, _TONES[:, c]) for c in range(3)]) / 255


def noise(rng: np.random.Generator, cells: int) -> Field:
    """Draws smooth noise: a cubic B-spline with random coefficients.

    Args:
        rng: source of the coefficients.
        cells: number of knots across the canvas; 3 gives shading, 50 gives skin texture.

    Returns:
        float64 (128, 128) of mean about 0 and standard deviation about 0.7.

    Example:
        `noise(rng, 3)` has one or two maxima; `noise(rng, 50)` changes about every third pixel.
    """
    shift = rng.random(2)
    knots = 1.5 * rng.normal(size=(cells + 4, cells + 4))
    # A tensor-product spline needs two small matrix products, 50 times faster than interpolation at each pixel.
    return _spline(cells, shift[0]) @ knots @ _spline(cells, shift[1]).T


def _spline(cells: int, shift: float) -> Field:
    """Computes the weights (128, cells + 4) of the uniform cubic B-spline at the pixels of one axis."""
    places = np.arange(SIDE) * (cells / SIDE) + 1 + shift
    distance = np.abs(places[:, None] - np.arange(cells + 4))
    tail = np.clip(2 - distance, 0, None)
    return np.where(distance < 1, 2 / 3 + distance * distance * (distance / 2 - 1), tail * tail * tail / 6)


def ramp(values: Field, low: float, high: float) -> Field:
    """Computes a smooth step: 0 below `low`, 1 above `high`; decreasing if `low` is above `high`."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def skin_texture(rng: np.random.Generator) -> Field:
    """Draws fine texture: skin lines, pores and sensor noise.

    Returns:
        float64 (128, 128, 3), each channel with mean 0 and standard deviation 1.
    """
    angle = rng.random() * np.pi
    along = np.cos(angle) * X + np.sin(angle) * Y
    warp = noise(rng, 6)
    lines = np.sin(2 * np.pi * (34 * along + 0.5 * warp)) * (0.6 + 0.4 * noise(rng, 8))
    pores = -np.clip(noise(rng, 40) - 0.7, 0, None)
    shared = 0.18 * lines + 1.6 * pores + 0.7 * noise(rng, 52) + 0.7 * noise(rng, 26) + 0.4 * noise(rng, 90)
    sensor = rng.normal(size=(SIDE, SIDE, 3))
    grain = shared[..., None] + 0.30 * sensor
    return (grain - grain.mean((0, 1))) / grain.std((0, 1))


def hair(rng: np.random.Generator, strands: int) -> Field:
    """Draws curved hairs.

    Args:
        rng: source of places and shapes.
        strands: number of hairs; 0 gives zeros.

    Returns:
        float64 (128, 128), opacity in [0, 1].
    """
    cover = np.zeros((SIDE, SIDE))
    along = np.linspace(0, 1, 4 * SIDE)
    main_angle = rng.random() * np.pi
    for _ in range(strands):
        angle, length, bend = main_angle + rng.normal() * 0.35, 0.25 + 0.5 * rng.random(), 0.25 * rng.normal()
        start = rng.random(2) * 1.2 - 0.1
        y = start[0] + length * (along * np.sin(angle) + bend * along**2 * np.cos(angle))
        x = start[1] + length * (along * np.cos(angle) - bend * along**2 * np.sin(angle))
        row, column = np.floor(y * SIDE).astype(int), np.floor(x * SIDE).astype(int)
        inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
        cover[row[inside], column[inside]] = 1.0
    return np.clip(1.6 * gaussian_filter(cover, 0.6), 0, 1)


def lit_skin(rng: np.random.Generator, tone: Field, lesions: Layers, shading: float) -> Field:
    """Composes an image of skin from tone, pigments, relief lit from one side, white deposit, shading and vignette.

    Args:
        rng: source of the light and the shading.
        tone: float64 (3,) in [0, 1], see `skin_tone`.
        lesions: the layers of the lesions.
        shading: strength of the low-frequency shading; 0.1 is weak.

    Returns:
        float64 (128, 128, 3), at least 0, before the adjustment of exposure.
    """
    mottle = 0.12 * np.abs(noise(rng, 7))
    absorbed = (lesions.haemoglobin + mottle)[..., None] * _HAEMOGLOBIN
    absorbed = absorbed + lesions.melanin[..., None] * _MELANIN
    angle = rng.random() * 2 * np.pi
    slope_y, slope_x = np.gradient(lesions.height * SIDE)
    towards = slope_y * np.sin(angle) + slope_x * np.cos(angle)
    steep = 1 / np.sqrt(1 + slope_y**2 + slope_x**2)
    # Lambertian reflection, light 45 degrees above the skin; flat skin has brightness 1.
    diffuse = np.clip((1 - towards) * steep, 0.25, 1.7)
    # Blinn specular highlight, viewed from above: the half vector is 22.5 degrees from the normal.
    gloss = 0.40 * np.clip((0.924 - 0.383 * towards) * steep, 0, 1) ** 40 * np.clip(lesions.height * 60, 0, 1)
    radius = (X - 0.5) ** 2 + (Y - 0.5) ** 2
    light = np.exp(shading * noise(rng, 2) - 0.25 * rng.random() * radius) * (0.45 + 0.55 * diffuse)
    white = np.clip(lesions.white, 0, 0.9)[..., None]
    deposit = 0.35 * tone + 0.65 * (0.25 + 0.75 * tone.max()) * np.array([1.0, 0.97, 0.92])
    surface = tone * np.exp(-absorbed) * (1 - white) + deposit * white
    return surface * light[..., None] + (gloss * tone.max())[..., None]


def lesion_mask(lesions: Layers) -> NDArray[np.bool_]:
    """Computes where lesions are visible: by their pigments, by their white deposit or by their height.

    Args:
        lesions: the layers of the lesions.

    Returns:
        bool (128, 128). A pixel is visible if its pigments absorb more than 0.2 of the light (mean of R, G and B), or
        its white deposit has an opacity of more than 0.2, or it is raised by more than 1 px.

    Example:
        Haemoglobin of 0.5 absorbs 1 - exp(-0.5 * 0.433) = 0.195, which is not visible; 0.6 absorbs 0.229, which is.
    """
    absorption = lesions.haemoglobin * _HAEMOGLOBIN.mean() + lesions.melanin * _MELANIN.mean()
    coloured = 1 - np.exp(-absorption) > _VISIBLE
    return np.asarray(coloured | (lesions.white > _VISIBLE) | (lesions.height * SIDE > _RAISED))


def no_skin(rng: np.random.Generator, kind: int) -> Field:
    """Draws a picture without skin.

    Args:
        rng: source of all choices.
        kind: modulo 8, the kind of picture: wall, gradient, checks, stripes, cloth, writing, foliage or sky.

    Returns:
        float64 (128, 128, 3), about [0, 1].
    """
    first, second = 0.1 + 0.85 * rng.random(3), 0.1 + 0.85 * rng.random(3)
    angle, period = rng.random() * np.pi, 5 + 12 * rng.random()
    u, v = np.cos(angle) * X + np.sin(angle) * Y, np.cos(angle) * Y - np.sin(angle) * X
    kind %= 8
    share = np.zeros((SIDE, SIDE))
    if kind == 0:
        first, second = 0.75 + 0.2 * rng.random() + 0.04 * rng.normal(size=3), first * 0.6
        share = 0.12 * noise(rng, 2) + 0.05 * noise(rng, 50)
    elif kind == 1:
        share = np.clip(0.5 + 1.2 * (u - u.mean()) + 0.2 * noise(rng, 7), 0, 1)
    elif kind == 2:
        share = ((np.floor(u * period) + np.floor(v * period)) % 2).astype(np.float64)
    elif kind == 3:
        share = ramp(np.sin(2 * np.pi * u * period), -0.2, 0.2)
    elif kind == 4:
        weave = np.sin(2 * np.pi * u * 3 * period) * np.sign(np.sin(2 * np.pi * v * 3 * period))
        share = 0.5 + 0.25 * weave + 0.15 * noise(rng, 4)
    elif kind == 5:
        first, second = np.full(3, 0.93), 0.25 * second
        rows = np.abs(np.sin(np.pi * Y * period)) > 0.55
        share = rows * ramp(noise(rng, 44), 0.25, 0.5) * ramp(noise(rng, 9), -0.9, -0.6)
    elif kind == 6:
        first, second = np.array([0.08, 0.20, 0.06]), np.array([0.45, 0.70, 0.22])
        share = np.clip(0.5 + 0.5 * noise(rng, 10) + 0.4 * noise(rng, 24) + 0.25 * noise(rng, 50), 0, 1)
    else:
        first, second = np.array([0.36, 0.58, 0.88]), np.array([0.97, 0.97, 0.98])
        share = np.clip(ramp(noise(rng, 3) + 0.5 * noise(rng, 7) + 0.2 * noise(rng, 15), -0.1, 1.1) + 0.35 * Y, 0, 1)
    picture = first + (second - first) * share[..., None]
    return picture + 0.012 * rng.normal(size=picture.shape)
