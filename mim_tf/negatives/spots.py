"""Detects round spots on skin, covers them with nearby skin, and pastes them elsewhere.

Nothing is trained or specific to a disease: a spot is a blob that is darker, lighter or redder than its surroundings,
so that its intensity has curvatures of the same sign along both axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter
from skimage.color import rgb2lab

Image = NDArray[np.float32]

#: Standard deviations of the Gaussian scales that are searched, as fractions of the side of the image.
_SCALES = (0.008, 0.012, 0.018, 0.027, 0.04)
#: Weights of the CIELAB channels L* (lightness), a* (redness) and b* (yellowness).
_CHANNELS = (1.0, 1.5, 0.7)
#: Radius of the covered surroundings of a spot, in radii of the spot.
_REACH = 1.6
#: Number of candidate places that `heal_spots` compares before it copies skin from the best one.
_TRIES = 16


class Spot(NamedTuple):
    """A round spot.

    Attributes:
        row: row of the centre in pixels.
        column: column of the centre in pixels.
        radius: radius in pixels.
        response: contrast with the surroundings, in units of CIELAB.
    """

    row: int
    column: int
    radius: float
    response: float


def find_spots(
    image: Image, *, max_spots: int = 120, min_response: float = 4.0, radius_factor: float = 1.0
) -> list[Spot]:
    """Detects round spots by the determinant of the Hessian over several scales (Lindeberg, IJCV 1998).

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        max_spots: largest number of spots; the strongest are kept.
        min_response: responses at or below this value are ignored, in units of CIELAB.
        radius_factor: factor on the radii.

    Returns:
        The spots, strongest first. Their centres are farther apart than 0.9 radii of the larger spot of each pair.

    Example:
        On skin of one colour, a disc of radius 10 px that is 0.3 darker gives one spot at its centre with a radius of
        9 to 12 px.
    """
    lab = rgb2lab(np.clip(image, 0, 1)).astype(np.float32)
    sigmas = [scale * len(image) for scale in _SCALES]
    stack = np.stack([_response(lab, sigma) for sigma in sigmas])  # (scales, S, S)
    level, rows, columns = np.nonzero((stack == maximum_filter(stack, size=(3, 5, 5))) & (stack > min_response))
    responses = stack[level, rows, columns]
    spots: list[Spot] = []
    for i in np.argsort(-responses, kind="stable"):
        # A disc of radius r has its strongest response at about sigma = r / 1.5.
        spot = Spot(int(rows[i]), int(columns[i]), 1.5 * radius_factor * sigmas[level[i]], float(responses[i]))
        if all(_distance(spot, other) > 0.9 * max(spot.radius, other.radius) for other in spots):
            spots.append(spot)
        if len(spots) == max_spots:
            break
    return spots


def _response(lab: Image, sigma: float) -> Image:
    """Computes the geometric mean of both principal curvatures, maximized over the channels.

    It is 0 where the curvatures have opposite signs or one is 0, as along edges.
    """
    strongest = np.zeros(lab.shape[:2], np.float32)
    for channel, weight in enumerate(_CHANNELS):
        plane = lab[..., channel]
        down, right, mixed = (gaussian_filter(plane, sigma, order=order) for order in ((2, 0), (0, 2), (1, 1)))
        curvature = np.sqrt(np.clip(down * right - mixed * mixed, 0, None))
        strongest = np.maximum(strongest, 2 * weight * sigma**2 * curvature)
    return strongest


def _distance(one: Spot, other: Spot) -> float:
    return float(np.hypot(one.row - other.row, one.column - other.column))


def _patch(side: int, spot: Spot) -> tuple[tuple[slice, slice], Image]:
    """Returns the window around a spot and the distance of each of its pixels from the centre, in radii."""
    reach = int(np.ceil(spot.radius * _REACH)) + 1
    window = tuple(slice(max(0, c - reach), min(side, c + reach + 1)) for c in (spot.row, spot.column))
    y, x = np.mgrid[window]
    return (window[0], window[1]), (np.hypot(y - spot.row, x - spot.column) / spot.radius).astype(np.float32)


def _cover(distance: Image) -> Image:
    """Computes the opacity of the cover: 1 up to 1.1 radii, 0 from 1.6 radii on, smooth between."""
    share = np.clip((_REACH - distance) / (_REACH - 1.1), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def heal_spots(image: Image, spots: Sequence[Spot], rng: np.random.Generator) -> Image:
    """Covers each spot with nearby skin whose colours are adapted to the rim of the spot.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        spots: the spots to cover; the largest are covered first.
        rng: source of the places from which skin is copied.

    Returns:
        float32 (S, S, 3) in [0, 1]. Without spots, it equals the image.
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
        # A normalized blur extends the colour difference at the rim to the inside of the spot.
        weight, sigma = rim.astype(np.float32), max(1.0, 0.8 * spot.radius)
        difference = gaussian_filter((here - source) * weight[..., None], (sigma, sigma, 0), mode="constant")
        difference /= gaussian_filter(weight, sigma, mode="constant")[..., None] + 1e-5
        healed[window] = here + (source + difference - here) * cover[..., None]
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
    """Chooses the best of `_TRIES` random places nearby: few spots, similar colour at the rim, even texture.

    Returns None if all of them extend beyond the image.
    """
    best, best_cost = None, np.inf
    height, width = cover.shape
    for _ in range(_TRIES):
        angle, distance = rng.uniform(0, 2 * np.pi), radius * rng.uniform(2.2, 6.0)
        top, left = int(window[0].start + distance * np.sin(angle)), int(window[1].start + distance * np.cos(angle))
        if top < 0 or left < 0 or top + height > len(image) or left + width > len(image):
            continue
        place = (slice(top, top + height), slice(left, left + width))
        source = image[place]
        spotted = float((covered[place] * cover).sum() / cover.sum())
        cost = 3 * spotted + 4 * float(np.abs(source - here)[rim].mean()) + 4 * float(source.std((0, 1)).mean())
        if cost < best_cost:
            best, best_cost = source.copy(), cost
    return best


def stamp_spot(
    canvas: Image, image: Image, healed: Image, spot: Spot, *, row: int, column: int, scale: float, angle: float = 0.0
) -> None:
    """Pastes a copy of a spot at another place.

    The difference between image and healed image is added to the canvas, scaled by the ratio of the skin colours at the
    two places. Parts of the copy beyond the border are omitted.

    Args:
        canvas: float32 (S, S, 3), changed in place; not clipped.
        image: float32 (S, S, 3), the image with the spot.
        healed: float32 (S, S, 3), the same image without the spot.
        spot: the spot to copy.
        row: row of the centre of the copy in pixels.
        column: column of the centre of the copy in pixels.
        scale: size of the copy relative to the spot.
        angle: rotation of the copy in radians.
    """
    side, reach = len(image), spot.radius * _REACH
    half = max(3, round(reach * scale))
    y, x = np.meshgrid(*2 * [np.arange(-half, half + 1) / half], indexing="ij")
    rows = spot.row + reach * (np.cos(angle) * y - np.sin(angle) * x)
    columns = spot.column + reach * (np.sin(angle) * y + np.cos(angle) * x)
    added, skin = (
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
    ratio = np.clip((place.mean((0, 1)) + 0.1) / (skin.mean((0, 1)) + 0.1), 0.4, 2.5)
    fading = np.clip((1 - np.hypot(y, x)) / 0.3, 0, 1)[..., None]
    place += (added * fading * ratio)[inside].astype(np.float32)
