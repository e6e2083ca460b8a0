"""Finds round spots on skin, heals them, and puts them elsewhere.

Nothing here is learnt or knows a disease: a spot is what curves the same way along both axes, darker, lighter or
redder than what is around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter
from skimage.color import rgb2lab

Image = NDArray[np.float32]

#: Scales that are searched, in units of the image's side.
_SCALES = (0.008, 0.012, 0.018, 0.027, 0.04)
#: Weights of lightness, redness and yellowness in CIELAB.
_CHANNELS = (1.0, 1.5, 0.7)
#: A spot's surroundings reach as far as this many radii.
_REACH = 1.6
#: Places that `heal_spots` compares before it takes skin from one.
_TRIES = 16


class Spot(NamedTuple):
    """A round spot.

    Attributes:
        row: of its centre, in pixels.
        column: of its centre, in pixels.
        radius: in pixels.
        response: how much it stands out, in units of CIELAB.
    """

    row: int
    column: int
    radius: float
    response: float


def find_spots(image: Image, *, most: int = 120, least: float = 4.0, growth: float = 1.0) -> list[Spot]:
    """Round spots by the determinant of the Hessian over several scales (Lindeberg, IJCV 1998).

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        most: spots at most; the strongest are kept.
        least: response that a spot needs, in units of CIELAB.
        growth: factor on the radii.

    Returns:
        The spots, strongest first, with centres farther apart than 0.9 radii of the larger.

    Example:
        On skin of one colour, a disc of radius 10 px that is .3 darker gives one spot at its centre, of radius 9 to 12.
    """
    lab = rgb2lab(np.clip(image, 0, 1)).astype(np.float32)
    sigmas = [scale * len(image) for scale in _SCALES]
    stack = np.stack([_response(lab, sigma) for sigma in sigmas])  # (scales, S, S)
    level, rows, columns = np.nonzero((stack == maximum_filter(stack, size=(3, 5, 5))) & (stack > least))
    responses = stack[level, rows, columns]
    spots: list[Spot] = []
    for i in np.argsort(-responses, kind="stable"):
        # A disc of radius r has its strongest response at about sigma = r / 1.5.
        spot = Spot(int(rows[i]), int(columns[i]), 1.5 * growth * sigmas[level[i]], float(responses[i]))
        if all(_distance(spot, other) > 0.9 * max(spot.radius, other.radius) for other in spots):
            spots.append(spot)
        if len(spots) == most:
            break
    return spots


def _response(lab: Image, sigma: float) -> Image:
    """Geometric mean of both curvatures where they have one sign, 0 along edges; the strongest channel counts."""
    strongest = np.zeros(lab.shape[:2], np.float32)
    for channel, weight in enumerate(_CHANNELS):
        plane = lab[..., channel]
        down, right, mixed = (gaussian_filter(plane, sigma, order=order) for order in ((2, 0), (0, 2), (1, 1)))
        both = np.sqrt(np.clip(down * right - mixed * mixed, 0, None))
        strongest = np.maximum(strongest, 2 * weight * sigma**2 * both)
    return strongest


def _distance(one: Spot, other: Spot) -> float:
    return float(np.hypot(one.row - other.row, one.column - other.column))


def _patch(side: int, spot: Spot) -> tuple[tuple[slice, slice], Image]:
    """Where a spot's surroundings lie and each pixel's distance from its centre in radii."""
    reach = int(np.ceil(spot.radius * _REACH)) + 1
    window = tuple(slice(max(0, c - reach), min(side, c + reach + 1)) for c in (spot.row, spot.column))
    y, x = np.mgrid[window]
    return (window[0], window[1]), (np.hypot(y - spot.row, x - spot.column) / spot.radius).astype(np.float32)


def _cover(distance: Image) -> Image:
    """1 on the spot, 0 from 1.6 radii on, smooth between."""
    share = np.clip((_REACH - distance) / (_REACH - 1.1), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def heal_spots(image: Image, spots: Sequence[Spot], rng: np.random.Generator) -> Image:
    """Covers each spot with skin from nearby, whose colours are fitted to the spot's rim.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        spots: what to cover; the largest go first.
        rng: source of the places from which skin is taken.

    Returns:
        float32 (S, S, 3) in [0, 1]. Without a spot, the image itself.
    """
    side = len(image)
    healed, covered = image.copy(), np.zeros((side, side), np.float32)
    for spot in spots:
        window, distance = _patch(side, spot)
        covered[window] = np.maximum(covered[window], _cover(distance))
    for spot in sorted(spots, key=lambda spot: -spot.radius):
        window, distance = _patch(side, spot)
        rim = (distance > 1.25) & (distance < 1.7)
        if rim.sum() < 4:
            continue
        here, cover = healed[window], _cover(distance)
        source = _best_source(healed, covered, window, here, cover, rim, spot.radius, rng)
        if source is None:
            continue
        # What the rim is apart from the source's, carried inwards by a normalised blur.
        weight, sigma = rim.astype(np.float32), max(1.0, 0.8 * spot.radius)
        apart = gaussian_filter((here - source) * weight[..., None], (sigma, sigma, 0), mode="constant")
        apart /= gaussian_filter(weight, sigma, mode="constant")[..., None] + 1e-5
        healed[window] = here + (source + apart - here) * cover[..., None]
    return np.clip(healed, 0, 1)


def _best_source(
    image: Image,
    covered: Image,
    window: tuple[slice, slice],
    here: Image,
    cover: Image,
    rim: NDArray[np.bool_],
    radius: float,
    rng: np.random.Generator,
) -> Image | None:
    """Of some places nearby the one that is freest of spots, alike in colour and even; None = all lie outside."""
    best, least = None, np.inf
    height, width = cover.shape
    for _ in range(_TRIES):
        angle, away = rng.uniform(0, 2 * np.pi), radius * rng.uniform(2.2, 6.0)
        top, left = int(window[0].start + away * np.sin(angle)), int(window[1].start + away * np.cos(angle))
        if top < 0 or left < 0 or top + height > len(image) or left + width > len(image):
            continue
        place = (slice(top, top + height), slice(left, left + width))
        source = image[place]
        spotted = float((covered[place] * cover).sum() / cover.sum())
        cost = 3 * spotted + 4 * float(np.abs(source - here)[rim].mean()) + 4 * float(source.std((0, 1)).mean())
        if cost < least:
            best, least = source.copy(), cost
    return best


def stamp_spot(
    canvas: Image, image: Image, healed: Image, spot: Spot, *, row: int, column: int, scale: float, angle: float = 0.0
) -> None:
    """Adds what a spot adds to healed skin at another place, in proportion to that place's colour.

    Args:
        canvas: float32 (S, S, 3), changed in place; not clipped.
        image: float32 (S, S, 3), with the spot.
        healed: float32 (S, S, 3), the same without it.
        spot: which one.
        row: of the place, in pixels.
        column: of the place, in pixels.
        scale: size of the copy in sizes of the spot.
        angle: turn of the copy in radians.
    """
    side, reach = len(image), spot.radius * _REACH
    half = max(3, round(reach * scale))
    y, x = np.meshgrid(*2 * [np.arange(-half, half + 1) / half], indexing="ij")
    rows = spot.row + reach * (np.cos(angle) * y - np.sin(angle) * x)
    columns = spot.column + reach * (np.sin(angle) * y + np.cos(angle) * x)
    added, ground = (
        np.stack(
            [map_coordinates(plane, (rows, columns), order=1, mode=mode) for plane in np.moveaxis(source, -1, 0)], -1
        )
        for source, mode in ((image - healed, "constant"), (healed, "nearest"))
    )
    top, left = row - half, column - half
    inside = (slice(max(0, -top), min(2 * half + 1, side - top)), slice(max(0, -left), min(2 * half + 1, side - left)))
    if inside[0].stop <= inside[0].start or inside[1].stop <= inside[1].start:
        return
    place = canvas[max(0, top) : top + inside[0].stop, max(0, left) : left + inside[1].stop]
    ratio = np.clip((place.mean((0, 1)) + 0.1) / (ground.mean((0, 1)) + 0.1), 0.4, 2.5)
    fading = np.clip((1 - np.hypot(y, x)) / 0.3, 0, 1)[..., None]
    place += (added * fading * ratio)[inside].astype(np.float32)
