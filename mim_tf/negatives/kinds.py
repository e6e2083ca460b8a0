"""Pseudo-negatives: photographs of the class, changed so that they no longer show it.

No photograph of another disease is needed. Spots are detected and removed by covering them with nearby skin
("healing"). A negative is then the bare skin, the bare skin with painted marks of other diseases, or an image whose
spots are recoloured, inverted, shrunk, enlarged or distorted. An image in which spots are only moved still shows the
disease. Such images are positives; because both sides contain healed and pasted spots, these artefacts do not separate
them.

Related work that trains defect detectors on modified images: Schlüter et al., "Natural Synthetic Anomalies", ECCV
2022, and Zavrtanik et al., "DRAEM", ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates, zoom

from mim_tf.negatives.painting import blotches, darken, erythema, moles, plaques, rash, redden, vesicles
from mim_tf.negatives.photometric import blurred
from mim_tf.negatives.spots import Spot, find_spots, heal_spots, stamp_spot

Image = NDArray[np.float32]
Negative = Callable[["Decomposition", np.random.Generator], Image]


@dataclass(frozen=True)
class Decomposition:
    """A photograph, the same photograph without spots, and the spots.

    Attributes:
        image: float32 (S, S, 3), RGB in [0, 1].
        healed: float32 (S, S, 3), RGB in [0, 1], the image with its spots covered by skin.
        spots: the spots that were found in `image`.
    """

    image: Image
    healed: Image
    spots: list[Spot]


def decompose(image: Image, rng: np.random.Generator) -> Decomposition:
    """Finds the spots of a photograph and heals them, in two passes.

    The second pass finds smaller spots, which are detected only after the large ones have been healed.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        rng: source of the factors on the radii (1.15 to 1.5) and of the places from which skin is copied.

    Returns:
        The image, the healed image and the up to 120 spots of the first pass.
    """
    found = find_spots(image, max_spots=120, min_response=4.0)
    spots = [spot._replace(radius=spot.radius * rng.uniform(1.15, 1.5)) for spot in found]
    healed = heal_spots(image, spots, rng)
    remaining = find_spots(healed, max_spots=80, min_response=5.0, radius_factor=1.4)
    return Decomposition(image, heal_spots(healed, remaining, rng), spots)


def _healed(case: Decomposition, rng: np.random.Generator) -> Image:
    """Returns bare skin: all spots are healed."""
    return case.healed


def _faded(case: Decomposition, rng: np.random.Generator) -> Image:
    """Reduces the contrast of the spots to 0 to 25 %."""
    return np.asarray(case.healed + rng.uniform(0, 0.25) * (case.image - case.healed), np.float32)


def _where(case: Decomposition, sigma: float) -> Image:
    """Computes where spots were healed, smoothed by `sigma` sides: float32 (S, S) in [0, 1]."""
    amount = gaussian_filter(np.abs(case.image - case.healed).sum(-1), sigma * len(case.image))
    return np.clip(amount / (np.quantile(amount, 0.98) + 1e-6), 0, 1).astype(np.float32)


def _macules(case: Decomposition, rng: np.random.Generator) -> Image:
    """Replaces the spots by flat red marks."""
    return redden(case.healed, _where(case, 0.012), rng, rng.uniform(0.3, 0.9))


def _pigmented(case: Decomposition, rng: np.random.Generator) -> Image:
    """Replaces the spots by flat brown marks."""
    return darken(case.healed, _where(case, 0.008), rng.uniform(0.5, 1.3))


def _inverted(case: Decomposition, rng: np.random.Generator) -> Image:
    """Inverts the contrast of the spots: domes become pits."""
    return np.asarray(case.healed - rng.uniform(0.7, 1.1) * (case.image - case.healed), np.float32)


def _shrunk(case: Decomposition, rng: np.random.Generator) -> Image:
    """Shrinks the spots to 25 to 50 % of their size, in 60 % of the images on reddened skin."""
    canvas, scale = case.healed.copy(), rng.uniform(0.25, 0.5)
    for spot in case.spots:
        stamp_spot(canvas, case.image, case.healed, spot, row=spot.row, column=spot.column, scale=scale)
    if rng.random() < 0.6:
        redness = np.zeros(canvas.shape[:2], np.float32)
        for spot in case.spots:
            redness[spot.row, spot.column] = spot.radius**2
        redness = gaussian_filter(redness, 0.012 * len(canvas))
        redness = np.clip(2 * redness / (redness.max() + 1e-9), 0, 1)
        canvas = redden(canvas, redness, rng, rng.uniform(0.15, 0.5))
    return canvas


def _grown(case: Decomposition, rng: np.random.Generator) -> Image:
    """Enlarges 3 to 13 of the spots to 2 to 3.5 times their size and heals the others."""
    canvas, scale = case.healed.copy(), rng.uniform(2.0, 3.5)
    for spot in case.spots[: int(rng.integers(3, 14))]:
        stamp_spot(canvas, case.image, case.healed, spot, row=spot.row, column=spot.column, scale=scale)
    return canvas


def _bent(case: Decomposition, rng: np.random.Generator) -> Image:
    """Warps the image by smooth noise of 5 to 12 % of its side, so that no outline stays round."""
    side = len(case.image)
    noise = [gaussian_filter(rng.standard_normal((side, side)), rng.uniform(0.02, 0.04) * side) for _ in range(2)]
    amplitude = rng.uniform(0.05, 0.12) * side
    y, x = np.mgrid[:side, :side]
    coordinates = [axis + amplitude * shift / np.abs(shift).max() for axis, shift in zip((y, x), noise, strict=True)]
    return np.stack([map_coordinates(case.image[..., c], coordinates, order=1, mode="reflect") for c in range(3)], -1)


def _stretched(case: Decomposition, rng: np.random.Generator) -> Image:
    """Stretches the image along a random direction by a factor of 2.5 to 4.5."""
    centre, angle = np.full(2, len(case.image) / 2), rng.uniform(0, np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.diag([1 / rng.uniform(2.5, 4.5), 1.0]) @ rotation.T
    planes = np.moveaxis(case.image, -1, 0)
    offset = centre - matrix @ centre
    return np.stack([affine_transform(plane, matrix, offset, order=1, mode="reflect") for plane in planes], -1)


def _shuffled(case: Decomposition, rng: np.random.Generator) -> Image:
    """Shuffles a grid of 4 x 4, 6 x 6 or 8 x 8 square cells."""
    image = case.image.copy()
    count = int(rng.choice([4, 6, 8]))
    cell = len(image) // count
    whole = count * cell
    cells = image[:whole, :whole].reshape(count, cell, count, cell, 3).swapaxes(1, 2).reshape(-1, cell, cell, 3)
    cells = cells[rng.permutation(count * count)].reshape(count, count, cell, cell, 3)
    image[:whole, :whole] = cells.swapaxes(1, 2).reshape(whole, whole, 3)
    return image


def _magnified(case: Decomposition, rng: np.random.Generator) -> Image:
    """Magnifies a random crop by a factor of 3 to 5."""
    side = len(case.image)
    part = int(side / rng.uniform(3, 5))
    top, left = rng.integers(0, side - part, 2)
    enlarged = zoom(case.image[top : top + part, left : left + part], (side / part, side / part, 1), order=1)
    return np.asarray(enlarged[:side, :side], np.float32)


def _smoothed(case: Decomposition, rng: np.random.Generator) -> Image:
    """Removes 80 to 100 % of the band of spatial frequencies of spots; shading and texture remain."""
    broad, spots, texture = _bands(case.image, rng)
    return broad + rng.uniform(0, 0.2) * spots + rng.uniform(0.4, 1.0) * texture


def _bands(image: Image, rng: np.random.Generator) -> tuple[Image, Image, Image]:
    """Splits an image into three bands that sum to it: shading, detail of the size of spots, and texture."""
    side = len(image)
    fine = blurred(image, rng.uniform(0.004, 0.010) * side)
    broad = blurred(image, np.exp(rng.uniform(np.log(0.04), np.log(0.14))) * side)
    return broad, fine - broad, image - fine


def _painted(painter: Callable[[Image, np.random.Generator], Image]) -> Negative:
    """Applies a painter to the healed image."""
    return lambda case, rng: painter(case.healed, rng)


#: Kinds of pseudo-negatives by name. Each function returns float32 (S, S, 3), RGB, not clipped to [0, 1].
NEGATIVES: Mapping[str, Negative] = {
    "healed": _healed,
    "faded": _faded,
    "macules": _macules,
    "pigmented": _pigmented,
    "inverted": _inverted,
    "shrunk": _shrunk,
    "grown": _grown,
    "rash": _painted(rash),
    "erythema": _painted(erythema),
    "vesicles": _painted(vesicles),
    "moles": _painted(moles),
    "plaques": _painted(plaques),
    "bent": _bent,
    "stretched": _stretched,
    "shuffled": _shuffled,
    "magnified": _magnified,
    "smoothed": _smoothed,
}


def positive(case: Decomposition, rng: np.random.Generator) -> Image:
    """Changes a photograph so that it still shows the class.

    In 60 % of the images a part of the spots is healed or moved. Independently, 35 % get another contrast of shading,
    spots and texture, and 15 % are slightly reddened.

    Args:
        case: a decomposed photograph.
        rng: source of all choices.

    Returns:
        float32 (S, S, 3), RGB, not clipped to [0, 1].
    """
    image = case.image
    if rng.random() < 0.6:
        image = _moved(case, rng)
    chance = rng.random()
    if chance < 0.35:
        broad, spots, texture = _bands(image, rng)
        return broad + rng.uniform(0.8, 1.25) * spots + rng.uniform(0.5, 1.2) * texture
    if chance < 0.5:
        where = blotches(len(image), rng, scale=rng.uniform(0.05, 0.2), cover=rng.uniform(0.2, 0.8), soft=0.8)
        return redden(image, where, rng, rng.uniform(0.02, 0.15))
    return image


def _moved(case: Decomposition, rng: np.random.Generator) -> Image:
    """Heals up to 60 % of the smaller spots and pastes 60 % of these elsewhere, on skin of similar colour."""
    side, share = len(case.image), rng.uniform(0, 0.6)
    removed = [spot for spot in case.spots if spot.radius < 0.05 * side and rng.random() < share]
    canvas = heal_spots(case.image, removed, rng)
    for spot in removed:
        if rng.random() < 0.6:
            candidates = rng.integers(0, side, (8, 2))
            colour = case.healed[spot.row, spot.column]
            row, column = min(candidates, key=lambda place: float(np.abs(case.healed[tuple(place)] - colour).sum()))
            scale, angle = rng.uniform(0.8, 1.3), rng.uniform(0, 0.5)
            stamp_spot(canvas, case.image, case.healed, spot, row=row, column=column, scale=scale, angle=angle)
    return np.clip(canvas, 0, 1)
