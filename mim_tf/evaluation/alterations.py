"""How much the AUROCs change if photographs of one side are blurred, sharpened, reduced, recompressed or marked.

A detector of a disease should hardly notice such alterations. One that does may tell the sources of two classes apart,
or the cameras: if photographs of one class are sharper than those of the other, a score of sharpness separates them. A
blur also removes fine signs of a disease, so a fall of the AUROC is a suspicion, not a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mim_tf.data.folder import Photos
from mim_tf.data.splits import NOT_SKIN
from mim_tf.evaluation.controls import ALTERED, sharpened, softened
from mim_tf.evaluation.image_properties import luma
from mim_tf.evaluation.metrics import auroc

Pixels = NDArray[np.uint8]

#: Standard deviations of the Gaussian blurs, in pixels of an image of 192 x 192.
BLURS = (0.5, 0.65, 0.8)
#: Alterations by name: uint8 (N, S, S, 3) -> uint8 (N, S, S, 3).
ALTERATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    **{f"blur {sigma:g}": partial(softened, sigma=sigma) for sigma in BLURS},
    "sharpened": sharpened,
    **ALTERED,
}
#: Largest blur that is tried for equal sharpness, in pixels of an image of 192 x 192, and the steps of the bisection.
_LARGEST_BLUR, _STEPS = 4.0, 8
#: Number of images of a class from which its sharpness is estimated for the bisection.
_SHARPNESS_IMAGES = 24


def altered_aurocs(
    similarity_of: Callable[[Pixels], NDArray[np.float32]],
    scores: Mapping[str, tuple[Photos, NDArray[np.float32]]],
    normal_class: str,
) -> dict[str, Any]:
    """Computes the AUROC of the normal class against each other class that shows skin, with one side altered.

    Args:
        similarity_of: computes the similarity of uint8 (N, S, S, 3) as float32 (N,), with the model of `scores`.
        scores: photographs and their similarities, float32 (N,), by class of a split.
        normal_class: the class on which the model was fitted.

    Returns:
        JSON-serializable dict. `classes`: by class the `auroc` of the photographs as they are; `other` and `normal`,
        the AUROC by alteration of `ALTERATIONS` if the other or the normal class alone is altered; and
        `equal_sharpness`: the `side` whose mean gradient is larger, the `sigma` of the blur that makes it equal, in
        pixels of an image of 192 x 192, at most 4, whether that was enough (`reached`), and the `auroc` with this side
        blurred. The mean gradients are those of at most 24 images of a class. `mean`: the mean of each over the
        classes, None without classes. `largest_change`: by alteration, the class with the largest change of its AUROC,
        on either side: `class`, `side` and `change`.

    Example:
        A score that equals smoothness separates sharp photographs of measles from blurred ones of mpox with an AUROC of
        1.0, and at equal sharpness with about 0.5.
    """
    own, normal = scores[normal_class]
    names = [name for name in scores if name != normal_class and name not in NOT_SKIN]
    altered_normal = {key: similarity_of(alter(own.pixels)) for key, alter in ALTERATIONS.items()} if names else {}
    classes: dict[str, Any] = {}
    for name in names:
        photos, similarity = scores[name]
        classes[name] = {
            "auroc": auroc(normal, similarity),
            "other": {key: auroc(normal, similarity_of(alter(photos.pixels))) for key, alter in ALTERATIONS.items()},
            "normal": {key: auroc(values, similarity) for key, values in altered_normal.items()},
            "equal_sharpness": _at_equal_sharpness(similarity_of, (own.pixels, normal), (photos.pixels, similarity)),
        }
    changes = _largest_changes(classes)
    return {"normal_class": normal_class, "classes": classes, "mean": _mean(classes), "largest_change": changes}


def _mean(classes: Mapping[str, Any]) -> dict[str, Any] | None:
    if not classes:
        return None
    entries = list(classes.values())
    sides = {
        side: {key: float(np.mean([entry[side][key] for entry in entries])) for key in ALTERATIONS}
        for side in ("other", "normal")
    }
    return {
        "auroc": float(np.mean([entry["auroc"] for entry in entries])),
        **sides,
        "equal_sharpness": float(np.mean([entry["equal_sharpness"]["auroc"] for entry in entries])),
    }


def _largest_changes(classes: Mapping[str, Any]) -> dict[str, Any]:
    largest = {}
    for key in ALTERATIONS if classes else ():
        changes = [
            {"class": name, "side": side, "change": entry[side][key] - entry["auroc"]}
            for name, entry in classes.items()
            for side in ("other", "normal")
        ]
        largest[key] = max(changes, key=lambda found: abs(found["change"]))
    return largest


def _at_equal_sharpness(
    similarity_of: Callable[[Pixels], NDArray[np.float32]],
    normal: tuple[Pixels, NDArray[np.float32]],
    other: tuple[Pixels, NDArray[np.float32]],
) -> dict[str, Any]:
    """Blurs the sharper of two classes until its mean gradient is that of the other one."""
    gradients = [mean_gradient(_some(pixels), 0.0) for pixels, _ in (normal, other)]
    side = "other" if gradients[1] >= gradients[0] else "normal"
    pixels = (other if side == "other" else normal)[0]
    sigma = equal_sigma(_some(pixels), min(gradients))
    values = similarity_of(softened(pixels, sigma))
    area = auroc(normal[1], values) if side == "other" else auroc(values, other[1])
    return {"side": side, "sigma": sigma, "reached": sigma < _LARGEST_BLUR, "auroc": area}


def _some(pixels: Pixels) -> Pixels:
    return pixels[np.unique(np.linspace(0, len(pixels) - 1, _SHARPNESS_IMAGES).astype(int))]


def mean_gradient(pixels: Pixels, sigma: float) -> float:
    """Mean gradient magnitude of the luma of blurred images.

    Args:
        pixels: uint8 (N, S, S, 3).
        sigma: standard deviation of the blur, in pixels of an image of 192 x 192; 0 = no blur.

    Returns:
        The mean over all pixels, luma (in [0, 1]) per pixel.

    Example:
        A horizontal ramp of 51 grey levels per pixel has 0.2.
    """
    scaled = sigma * pixels.shape[1] / 192
    blurred = (gaussian_filter(luma(image), scaled) if scaled else luma(image) for image in pixels)
    return float(np.mean([np.hypot(*np.gradient(image)).mean() for image in blurred]))


def equal_sigma(pixels: Pixels, gradient: float) -> float:
    """Finds the blur that gives images a certain mean gradient, by bisection.

    Args:
        pixels: uint8 (N, S, S, 3).
        gradient: the mean gradient to reach, see `mean_gradient`; not above that of `pixels`.

    Returns:
        Standard deviation of the blur, in pixels of an image of 192 x 192, in [0, 4], to within 0.01; 4 if the images
        are sharper even with that blur.
    """
    low, high = 0.0, _LARGEST_BLUR
    if mean_gradient(pixels, high) > gradient:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_gradient(pixels, middle) > gradient else (low, middle)
    return low if low == 0.0 else (low + high) / 2
