"""Framing and light that say nothing about a disease: outlines, backgrounds, sharpness, colour, grain, JPEG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.ndimage import distance_transform_edt, gaussian_filter

Image = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
#: Share of the scenes that are cut out by an outline, of those that are sharpened, and of those stored as JPEG.
_FRAMED, _SHARPENED, _COMPRESSED = 0.45, 0.4, 0.35


def blurred(image: Image, sigma: float) -> Image:
    """Gaussian blur of float32 (S, S, 3) by `sigma` pixels."""
    return np.asarray(gaussian_filter(image, (sigma, sigma, 0)), np.float32)


def outline(side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """The outline of a limb, a hand or a body, bool (S, S): true inside."""
    y, x = np.mgrid[:side, :side] / side
    kind = rng.integers(0, 3)
    if kind == 0:  # a limb: a band that is bent and tapers
        turn, (row, column), width = rng.uniform(0, np.pi), rng.uniform(0.35, 0.65, 2), rng.uniform(0.18, 0.38)
        along = (x - column) * np.cos(turn) + (y - row) * np.sin(turn)
        across = (y - row) * np.cos(turn) - (x - column) * np.sin(turn) + rng.uniform(-0.6, 0.6) * along**2
        return np.asarray(np.abs(across) < width * (1 + rng.uniform(-0.5, 0.5) * along))
    if kind == 1:  # a hand: a palm, three to five fingers, a wrist
        first, palm, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.6, 2), rng.uniform(0.16, 0.26)
        inside = np.hypot(x - palm[1], y - palm[0]) < radius
        for finger in range(rng.integers(3, 6)):
            angle = first + (finger - 2) * rng.uniform(0.25, 0.45)
            inside |= _capsule(y - palm[0], x - palm[1], angle, radius * rng.uniform(1.6, 2.6)) < radius * rng.uniform(
                0.2, 0.32
            )
        return np.asarray(inside | (_capsule(y - palm[0], x - palm[1], first + np.pi, 1.0) < 0.75 * radius))
    noise = gaussian_filter(rng.standard_normal((side, side)), 0.12 * side)  # a body: a hill with a wavy outline
    hill = noise / noise.std() - 8.8 * ((y - 0.5) ** 2 + (x - 0.5) ** 2)
    return np.asarray(hill > np.quantile(hill, rng.uniform(0.25, 0.6)))


def _capsule(y: NDArray[np.float64], x: NDArray[np.float64], angle: float, length: float) -> NDArray[np.float64]:
    """Distance from a line that starts at the origin."""
    along = np.clip(x * np.cos(angle) + y * np.sin(angle), 0, length)
    return np.asarray(np.hypot(x - along * np.cos(angle), y - along * np.sin(angle)))


def framed(image: Image, rng: np.random.Generator) -> Image:
    """The image within an outline, shaded towards it, before a plain, graded or grainy background.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        rng: source of outline and background.

    Returns:
        float32 (S, S, 3) in [0, 1].
    """
    side = len(image)
    inside = outline(side, rng)
    depth = distance_transform_edt(inside) / side
    shade = 1 - rng.uniform(0, 0.45) * np.exp(-depth / rng.uniform(0.01, 0.05))
    share = gaussian_filter(inside.astype(np.float32), rng.uniform(0.5, 1.2))[..., None]
    low, high = ((0.75, 1.0), (0.1, 0.9), (0.0, 0.15))[rng.choice(3, p=(0.4, 0.45, 0.15))]
    ground = np.ones((side, side, 3)) * rng.uniform(low, high, 3)
    if rng.random() < 0.5:
        down, right = rng.uniform(-0.3, 0.3, 2)
        y, x = np.mgrid[:side, :side] / side - 0.5
        ground *= (1 + down * y + right * x)[..., None]
    if rng.random() < 0.4:
        noise = gaussian_filter(rng.standard_normal((side, side)), np.exp(rng.uniform(0, 3)))
        ground *= (1 + rng.uniform(0.02, 0.2) * noise / noise.std())[..., None]
    return np.asarray(image * shade[..., None] * share + np.clip(ground, 0, 1) * (1 - share), np.float32)


def scene(image: Image, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One random view: outline, sharpness, crop, turn, exposure, colour, focus, grain, JPEG.

    Changed views of the class and its self-made negatives go through it alike, so that none of these tells them
    apart.

    Args:
        image: float32 (R, R, 3), RGB; what is outside [0, 1] is clipped.
        size: side S of the view in pixels.
        rng: source of all of it.

    Returns:
        uint8 (S, S, 3).
    """
    view = np.clip(image, 0, 1).astype(np.float32)
    if rng.random() < _FRAMED:
        view = framed(view, rng)
    if rng.random() < _SHARPENED:
        view = view + rng.uniform(0.2, 1.5) * (view - blurred(view, rng.uniform(0.7, 2.5)))
    side = len(view)
    crop = int(side * np.sqrt(rng.uniform(0.45, 1.0)))
    top, left = rng.integers(0, side - crop + 1, 2)
    view = np.rot90(view[top : top + crop, left : left + crop], int(rng.integers(0, 4)))
    view = view[:, ::-1] if rng.random() < 0.5 else view
    view = np.clip(view, 0, 1) ** np.exp(rng.normal(0, 0.25))
    grey = (view @ _LUMA)[..., None]
    view = (grey + (view - grey) * rng.uniform(0.6, 1.3)) * (1 + rng.normal(0, 0.06, 3))
    if rng.random() < 0.3:
        view = blurred(view, rng.uniform(0.3, 1.2))
    grain = rng.normal(0, rng.uniform(0, 0.02), view.shape)
    pixels = (np.clip(view + grain, 0, 1) * 255 + 0.5).astype(np.uint8)
    # Crops are enlarged at times, which the area average of `resample` would do in blocks.
    method = Pillow.Resampling.BOX if crop > size else Pillow.Resampling.BILINEAR
    picture = Pillow.fromarray(pixels).resize((size, size), method)
    if rng.random() < _COMPRESSED:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=int(rng.integers(30, 95)))
        picture = Pillow.open(stored)
    return np.asarray(picture)
