"""Self-made negatives: photographs of a disease, changed so that they no longer show it.

No photograph of another disease is needed. Spots are found and healed, and what is left is bare skin, or carries
marks of other diseases, or the spots themselves recoloured, turned inside out, shrunk, grown or bent. Spots that are
only moved, on the other hand, leave the disease what it is: such images are positives, so that traces of healing and
stamping tell nothing. See Schlüter et al., "Natural Synthetic Anomalies", ECCV 2022, and Zavrtanik et al., "DRAEM",
ICCV 2021, for detectors of defects trained on changed images.
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


@dataclass(frozen=True)
class Case:
    """A photograph taken apart.

    Attributes:
        image: float32 (S, S, 3), RGB in [0, 1].
        healed: the same without its spots.
        spots: what was healed.
    """

    image: Image
    healed: Image
    spots: list[Spot]


def take_apart(image: Image, rng: np.random.Generator) -> Case:
    """Finds spots and heals them, twice: small ones show when the large ones are gone.

    Args:
        image: float32 (S, S, 3), RGB in [0, 1].
        rng: source of the radii and of the skin that covers.
    """
    spots = [
        spot._replace(radius=spot.radius * rng.uniform(1.15, 1.5)) for spot in find_spots(image, most=120, least=4.0)
    ]
    healed = heal_spots(image, spots, rng)
    left = find_spots(healed, most=80, least=5.0, growth=1.4)
    return Case(image, heal_spots(healed, left, rng), spots)


def _healed(case: Case, rng: np.random.Generator) -> Image:
    """Bare skin."""
    return case.healed


def _faded(case: Case, rng: np.random.Generator) -> Image:
    """Nearly bare skin."""
    return np.asarray(case.healed + rng.uniform(0, 0.25) * (case.image - case.healed), np.float32)


def _where(case: Case, sigma: float) -> Image:
    """Where spots were, float32 (S, S) in [0, 1]."""
    amount = gaussian_filter(np.abs(case.image - case.healed).sum(-1), sigma * len(case.image))
    return np.clip(amount / (np.quantile(amount, 0.98) + 1e-6), 0, 1).astype(np.float32)


def _macules(case: Case, rng: np.random.Generator) -> Image:
    """The spots as flat red marks."""
    return redden(case.healed, _where(case, 0.012), rng, rng.uniform(0.3, 0.9))


def _pigmented(case: Case, rng: np.random.Generator) -> Image:
    """The spots as flat brown marks."""
    return darken(case.healed, _where(case, 0.008), rng.uniform(0.5, 1.3))


def _inverted(case: Case, rng: np.random.Generator) -> Image:
    """Bright where the spots are dark: domes become pits."""
    return np.asarray(case.healed - rng.uniform(0.7, 1.1) * (case.image - case.healed), np.float32)


def _shrunk(case: Case, rng: np.random.Generator) -> Image:
    """The spots at a quarter to half of their size, at times on red ground."""
    canvas, scale = case.healed.copy(), rng.uniform(0.25, 0.5)
    for spot in case.spots:
        stamp_spot(canvas, case.image, case.healed, spot, row=spot.row, column=spot.column, scale=scale)
    if rng.random() < 0.6:
        ground = np.zeros(canvas.shape[:2], np.float32)
        for spot in case.spots:
            ground[spot.row, spot.column] = spot.radius**2
        ground = gaussian_filter(ground, 0.012 * len(canvas))
        ground = np.clip(2 * ground / (ground.max() + 1e-9), 0, 1)
        canvas = redden(canvas, ground, rng, rng.uniform(0.15, 0.5))
    return canvas


def _grown(case: Case, rng: np.random.Generator) -> Image:
    """A few of the spots at two to three and a half times their size."""
    canvas, scale = case.healed.copy(), rng.uniform(2.0, 3.5)
    for spot in case.spots[: int(rng.integers(3, 14))]:
        stamp_spot(canvas, case.image, case.healed, spot, row=spot.row, column=spot.column, scale=scale)
    return canvas


def _bent(case: Case, rng: np.random.Generator) -> Image:
    """Outlines warped until nothing is round."""
    side = len(case.image)
    noise = [gaussian_filter(rng.standard_normal((side, side)), rng.uniform(0.02, 0.04) * side) for _ in range(2)]
    reach = rng.uniform(0.05, 0.12) * side
    y, x = np.mgrid[:side, :side]
    places = [axis + reach * shift / np.abs(shift).max() for axis, shift in zip((y, x), noise, strict=True)]
    return np.stack([map_coordinates(case.image[..., c], places, order=1, mode="reflect") for c in range(3)], -1)


def _stretched(case: Case, rng: np.random.Generator) -> Image:
    """Drawn out along one direction, two and a half to four and a half times."""
    middle, turn = np.full(2, len(case.image) / 2), rng.uniform(0, np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ np.diag([1 / rng.uniform(2.5, 4.5), 1.0]) @ rotation.T
    planes = np.moveaxis(case.image, -1, 0)
    offset = middle - matrix @ middle
    return np.stack([affine_transform(plane, matrix, offset, order=1, mode="reflect") for plane in planes], -1)


def _shuffled(case: Case, rng: np.random.Generator) -> Image:
    """Squares in another order."""
    image = case.image.copy()
    count = int(rng.choice([4, 6, 8]))
    cell = len(image) // count
    whole = count * cell
    cells = image[:whole, :whole].reshape(count, cell, count, cell, 3).swapaxes(1, 2).reshape(-1, cell, cell, 3)
    cells = cells[rng.permutation(count * count)].reshape(count, count, cell, cell, 3)
    image[:whole, :whole] = cells.swapaxes(1, 2).reshape(whole, whole, 3)
    return image


def _magnified(case: Case, rng: np.random.Generator) -> Image:
    """A small part, three to five times as large."""
    side = len(case.image)
    part = int(side / rng.uniform(3, 5))
    top, left = rng.integers(0, side - part, 2)
    enlarged = zoom(case.image[top : top + part, left : left + part], (side / part, side / part, 1), order=1)
    return np.asarray(enlarged[:side, :side], np.float32)


def _smoothed(case: Case, rng: np.random.Generator) -> Image:
    """Without detail of the size of spots, with shading and texture."""
    broad, spots, texture = _bands(case.image, rng)
    return broad + rng.uniform(0, 0.2) * spots + rng.uniform(0.4, 1.0) * texture


def _bands(image: Image, rng: np.random.Generator) -> tuple[Image, Image, Image]:
    """Shading, detail of the size of spots, and texture, which sum to the image."""
    side = len(image)
    fine = blurred(image, rng.uniform(0.004, 0.010) * side)
    broad = blurred(image, np.exp(rng.uniform(np.log(0.04), np.log(0.14))) * side)
    return broad, fine - broad, image - fine


def _painted(painter: Callable[[Image, np.random.Generator], Image]) -> Callable[[Case, np.random.Generator], Image]:
    return lambda case, rng: painter(case.healed, rng)


#: Each takes a case and a source of randomness and gives a float32 (S, S, 3), not clipped.
NEGATIVES: Mapping[str, Callable[[Case, np.random.Generator], Image]] = {
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


def positive(case: Case, rng: np.random.Generator) -> Image:
    """The disease still: in some images a part of the spots is healed or moved, in some the contrast is changed.

    Args:
        case: a photograph taken apart.
        rng: source of all choices.

    Returns:
        float32 (S, S, 3), not clipped.
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


def _moved(case: Case, rng: np.random.Generator) -> Image:
    """Up to 60 % of the smaller spots healed, most of these stamped elsewhere, where the skin is alike."""
    side, share = len(case.image), rng.uniform(0, 0.6)
    gone = [spot for spot in case.spots if spot.radius < 0.05 * side and rng.random() < share]
    canvas = heal_spots(case.image, gone, rng)
    for spot in gone:
        if rng.random() < 0.6:
            places = rng.integers(0, side, (8, 2))
            own = case.healed[spot.row, spot.column]
            row, column = min(places, key=lambda place: float(np.abs(case.healed[tuple(place)] - own).sum()))
            scale, angle = rng.uniform(0.8, 1.3), rng.uniform(0, 0.5)
            stamp_spot(canvas, case.image, case.healed, spot, row=row, column=column, scale=scale, angle=angle)
    return np.clip(canvas, 0, 1)
