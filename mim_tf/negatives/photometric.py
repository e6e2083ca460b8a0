"""Augmentations that are independent of the disease: outlines, backgrounds, sharpness, colour, grain, JPEG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.ndimage import distance_transform_edt, gaussian_filter

Image = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
#: Fractions of the views that are cut out by an outline, sharpened, and compressed as JPEG.
_FRAMED, _SHARPENED, _COMPRESSED = 0.45, 0.4, 0.35


def blurred(image: Image, sigma: float) -> Image:
    """Blurs float32 (S, S, 3) by a Gaussian of `sigma` pixels."""
    return np.asarray(gaussian_filter(image, (sigma, sigma, 0)), np.float32)


def outline(side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draws a random outline of a limb, a hand or a body.

    Args:
        side: side S of the mask in pixels.
        rng: source of kind and shape.

    Returns:
        bool (S, S), True inside.
    """
    y, x = np.mgrid[:side, :side] / side
    kind = rng.integers(0, 3)
    if kind == 0:  # a limb: a curved band of varying width
        angle, (row, column), width = rng.uniform(0, np.pi), rng.uniform(0.35, 0.65, 2), rng.uniform(0.18, 0.38)
        along = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        across = (y - row) * np.cos(angle) - (x - column) * np.sin(angle) + rng.uniform(-0.6, 0.6) * along**2
        return np.asarray(np.abs(across) < width * (1 + rng.uniform(-0.5, 0.5) * along))
    if kind == 1:  # a hand: palm, three to five fingers and wrist
        first, palm, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.6, 2), rng.uniform(0.16, 0.26)
        inside = np.hypot(x - palm[1], y - palm[0]) < radius
        for finger in range(rng.integers(3, 6)):
            angle = first + (finger - 2) * rng.uniform(0.25, 0.45)
            inside |= _capsule(y - palm[0], x - palm[1], angle, radius * rng.uniform(1.6, 2.6)) < radius * rng.uniform(
                0.2, 0.32
            )
        return np.asarray(inside | (_capsule(y - palm[0], x - palm[1], first + np.pi, 1.0) < 0.75 * radius))
    # A body: a central area with a wavy outline.
    noise = gaussian_filter(rng.standard_normal((side, side)), 0.12 * side)
    hill = noise / noise.std() - 8.8 * ((y - 0.5) ** 2 + (x - 0.5) ** 2)
    return np.asarray(hill > np.quantile(hill, rng.uniform(0.25, 0.6)))


def _capsule(y: NDArray[np.float64], x: NDArray[np.float64], angle: float, length: float) -> NDArray[np.float64]:
    """Computes the distance from a line segment of the given angle and length that starts at the origin."""
    along = np.clip(x * np.cos(angle) + y * np.sin(angle), 0, length)
    return np.asarray(np.hypot(x - along * np.cos(angle), y - along * np.sin(angle)))


def framed(image: Image, rng: np.random.Generator) -> Image:
    """Cuts the image out by a random outline and puts it on a background.

    The image is darkened towards the outline. The background is plain, a gradient or grainy.

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
    alpha = gaussian_filter(inside.astype(np.float32), rng.uniform(0.5, 1.2))[..., None]
    low, high = ((0.75, 1.0), (0.1, 0.9), (0.0, 0.15))[rng.choice(3, p=(0.4, 0.45, 0.15))]
    background = np.ones((side, side, 3)) * rng.uniform(low, high, 3)
    if rng.random() < 0.5:
        down, right = rng.uniform(-0.3, 0.3, 2)
        y, x = np.mgrid[:side, :side] / side - 0.5
        background *= (1 + down * y + right * x)[..., None]
    if rng.random() < 0.4:
        noise = gaussian_filter(rng.standard_normal((side, side)), np.exp(rng.uniform(0, 3)))
        background *= (1 + rng.uniform(0.02, 0.2) * noise / noise.std())[..., None]
    return np.asarray(image * shade[..., None] * alpha + np.clip(background, 0, 1) * (1 - alpha), np.float32)


def scene(image: Image, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Renders one random view: outline, sharpness, crop, rotation, exposure, colour, blur, grain and JPEG.

    Positive views and pseudo-negatives get the same augmentation, so that none of these properties separates them.

    Args:
        image: float32 (R, R, 3), RGB; values outside [0, 1] are clipped.
        size: side S of the view in pixels.
        rng: source of all choices.

    Returns:
        uint8 (S, S, 3), RGB.
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
    # Small crops are enlarged. The area average would enlarge them to visible blocks, so they are interpolated.
    method = Pillow.Resampling.BOX if crop > size else Pillow.Resampling.BILINEAR
    picture = Pillow.fromarray(pixels).resize((size, size), method)
    if rng.random() < _COMPRESSED:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=int(rng.integers(30, 95)))
        picture = Pillow.open(stored)
    return np.asarray(picture)
