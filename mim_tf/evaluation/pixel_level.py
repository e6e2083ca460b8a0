"""Anomaly detection in pixels: AUROC of pixels and AUPRO, with 95 % intervals by group.

The pixel AUROC is the area under the ROC curve of all pixels. AUPRO is the area under the curve of the per-region
overlap, the mean over the regions of the share that is found, against the false positive rate, up to a rate of 0.3 and
divided by it (Bergmann et al., "The MVTec Anomaly Detection Dataset", IJCV 129, 2021). A region is a connected
component of a mask, with 8 neighbours. Small regions count as much as large ones in AUPRO, but not in the pixel AUROC.

The intervals are those of `mim_tf.evaluation.metrics`: by the jackknife over groups, never narrower than by the
jackknife over images. For maps that separate lesions and skin perfectly the jackknife has nothing to measure, and the
interval has hardly any width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as connected

from mim_tf.data.folder import Photos
from mim_tf.data.lesion_masks import load_lesions
from mim_tf.evaluation.metrics import Estimate

#: Highest false positive rate of AUPRO.
LIMIT = 0.3
#: Number of thresholds at which the curves without a group are evaluated; the figures themselves use all.
_THRESHOLDS = 4000
_EIGHT = np.ones((3, 3), np.int64)
#: Curves that are computed at a time, to limit the memory.
_CHUNK = 64


class PixelFigures(NamedTuple):
    """Estimates of anomaly detection in pixels.

    Attributes:
        auroc: AUROC of the pixels, in [0, 1]; 0.5 is chance.
        aupro: area under the curve of the per-region overlap, in [0, 1]; 0.15 is chance.
    """

    auroc: Estimate
    aupro: Estimate


class _Weights(NamedTuple):
    """Weights of pixels: 1 for those of skin and of lesions, and 1 / n for those of a region of n pixels.

    Each of them is float64 (N, bins), summed by image and bin of the anomaly map.
    """

    skin: NDArray[np.float64]
    lesion: NDArray[np.float64]
    region: NDArray[np.float64]


def pixel_auroc(maps: NDArray[np.floating], masks: NDArray[np.bool_]) -> float:
    """AUROC of the pixels: the probability that a pixel of a lesion is more anomalous than one of skin.

    Args:
        maps: anomaly maps, float (N, H, W), higher = more anomalous.
        masks: bool (N, H, W), True within lesions; at least one pixel is True and one is False.

    Returns:
        In [0, 1], with ties counted half; `sklearn.metrics.roc_auc_score` of the pixels.

    Example:
        The map [[3, 2], [1, 2]] of the mask [[True, True], [False, False]] has the AUROC 0.875.
    """
    return float(_exact(maps, masks)[0])


def aupro(maps: NDArray[np.floating], masks: NDArray[np.bool_], limit: float = LIMIT) -> float:
    """Area under the curve of the per-region overlap.

    Args:
        maps: anomaly maps, float (N, H, W), higher = more anomalous.
        masks: bool (N, H, W), True within lesions; at least one pixel is True and one is False.
        limit: highest false positive rate, in (0, 1].

    Returns:
        In [0, 1]; limit / 2 is chance. All values of the maps are thresholds; between two of them the curve is linear.

    Example:
        The map [[3, 2], [1, 2]] of the mask [[True, True], [False, False]] has an AUPRO of 0.65: the curve rises to 0.5
        at the rate 0 and, by a straight line through (0.3, 0.8), to 1 at the rate 0.5.
    """
    return float(_exact(maps, masks, limit)[1])


def pixel_figures(
    maps: NDArray[np.floating], masks: NDArray[np.bool_], groups: NDArray[np.str_], labels: NDArray[np.str_]
) -> PixelFigures | None:
    """Estimates the pixel AUROC and AUPRO of images in groups.

    Args:
        maps: anomaly maps, float (N, H, W), higher = more anomalous.
        masks: bool (N, H, W), True within lesions.
        groups: group of each image, (N,).
        labels: class of each image, (N,).

    Returns:
        The estimates; None if no pixel is of a lesion, or none is of skin.
    """
    if not masks.any() or masks.all():
        return None
    exact = _exact(maps, masks)
    ordered = np.sort(maps, axis=None)
    edges = np.unique(ordered[np.linspace(0, len(ordered) - 1, _THRESHOLDS).astype(np.int64)])
    weights = _weights(np.searchsorted(edges, maps), masks, len(edges))
    binned = _areas(_Weights(*(part.sum(axis=0, keepdims=True) for part in weights)))
    names, index = np.unique(groups, return_inverse=True)
    strata = _strata(groups, labels)
    by_group, by_image = (_without(weights, units, exact, binned) for units in (index, np.arange(len(maps))))
    figures = []
    for value, group_values, image_values in zip(exact, by_group, by_image, strict=True):
        images = {str(place): area for place, area in enumerate(image_values.tolist())}
        image_strata = _strata(np.arange(len(maps)).astype(np.str_), labels)
        steps = float(masks.any(axis=(1, 2)).sum() * len(maps))
        independent = Estimate(float(value), images, image_strata, (float(value),) * 2, steps).interval() or (0.0, 1.0)
        without = dict(zip(names.tolist(), group_values.tolist(), strict=True))
        figures.append(Estimate(float(value), without, strata, independent, steps))
    return PixelFigures(*figures)


def load_masks(parts: Mapping[str, Photos], normal: str) -> dict[str, NDArray[np.bool_]]:
    """Reads the masks for the figures of a split.

    Args:
        parts: photographs by class.
        normal: name of the normal class.

    Returns:
        Masks by class, bool (N, S, S): of the normal class and of the classes with masks. Empty if no other class has
        masks, or if those of the normal class show lesions, which are then normal.

    Raises:
        MimError: see `load_lesions`.
    """
    masks = {
        name: load_lesions(part.photos, part.pixels.shape[1])
        for name, part in parts.items()
        if name == normal or any(photo.mask is not None for photo in part.photos)
    }
    return masks if len(masks) > 1 and not masks[normal].any() else {}


def split_figures(
    maps: Mapping[str, NDArray[np.floating]],
    masks: Mapping[str, NDArray[np.bool_]],
    parts: Mapping[str, Photos],
    normal: str,
) -> dict[str, PixelFigures]:
    """Estimates the figures of the normal class against each class with masks, and of all these classes together.

    Photographs of other classes without a mask are left out.

    Args:
        maps: anomaly maps by class, float (N, S, S).
        masks: masks by class, as `load_masks` returns them.
        parts: photographs by class.
        normal: name of the normal class.

    Returns:
        Figures by class, those of all classes under the empty name. Classes without lesions have none.
    """
    kept = {
        name: np.array([name == normal or photo.mask is not None for photo in parts[name].photos]) for name in masks
    }
    others = [name for name in masks if name != normal]
    found = {}
    for key, names in (*((name, [name]) for name in others), ("", others)):
        chosen = [normal, *names]
        figures = pixel_figures(
            np.concatenate([maps[name][kept[name]] for name in chosen]),
            np.concatenate([masks[name][kept[name]] for name in chosen]),
            np.concatenate([parts[name].groups[kept[name]] for name in chosen]),
            np.repeat(chosen, [int(kept[name].sum()) for name in chosen]),
        )
        if figures is not None:
            found[key] = figures
    return found


def to_json(estimate: Estimate) -> dict[str, Any]:
    """Returns an estimate as a JSON-serializable dict; see `from_json`."""
    return estimate.__dict__.copy()


def from_json(entry: Mapping[str, Any]) -> Estimate:
    """Reads an estimate that `to_json` wrote.

    Raises:
        KeyError: an attribute is missing.
        TypeError: an attribute has another type.
    """
    strata = {name: (str(label), int(count)) for name, (label, count) in entry["strata"].items()}
    low, high = entry["independent"]
    return Estimate(float(entry["value"]), dict(entry["without"]), strata, (low, high), float(entry["steps"]))


def _exact(maps: NDArray[np.floating], masks: NDArray[np.bool_], limit: float = LIMIT) -> NDArray[np.float64]:
    """Pixel AUROC and AUPRO with all thresholds, float64 (2,)."""
    values, bins = np.unique(maps, return_inverse=True)
    # As one image, since the weights by image and by each of a million values would not fit into the memory.
    regions, skin = _regions(masks), ~masks
    bins = bins.reshape(maps.shape)
    sums = (
        np.bincount(bins[skin], minlength=len(values)),
        np.bincount(bins[masks], minlength=len(values)),
        np.bincount(bins[masks], regions[masks], len(values)),
    )
    return _areas(_Weights(*(part[None].astype(np.float64) for part in sums)), limit)[:, 0]


def _regions(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weight of each pixel of a region of n pixels, 1 / n; 0 outside of regions."""
    weights = np.zeros(masks.shape)
    for place, mask in enumerate(masks):
        regions, _ = connected(mask, _EIGHT)
        sizes = np.bincount(regions.ravel())
        weights[place][mask] = 1.0 / sizes[regions[mask]]
    return weights


def _weights(bins: NDArray[np.int64], masks: NDArray[np.bool_], count: int) -> _Weights:
    """Sums the weights by image and bin."""
    regions = _regions(masks)
    parts = []
    for chosen, weights in ((~masks, None), (masks, None), (masks, regions)):
        rows = [
            np.bincount(own[where], None if weights is None else weights[place][where], count)
            for place, (own, where) in enumerate(zip(bins, chosen, strict=True))
        ]
        parts.append(np.stack(rows).astype(np.float64))
    return _Weights(*parts)


def _areas(weights: _Weights, limit: float = LIMIT) -> NDArray[np.float64]:
    """Areas under curves: from weights (K, bins), which rise with the bin, the AUROC and AUPRO, float64 (2, K)."""
    skin, lesion, region = (_rates(part) for part in weights)
    return np.stack([_area(skin, lesion, 1.0), _area(skin, region, limit) / limit])


def _rates(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the weight above falling thresholds, from 0 to 1: (K, bins) -> (K, bins + 1)."""
    sums = np.cumsum(weights[:, ::-1], axis=1)
    return np.pad(sums / np.maximum(sums[:, -1:], 1e-12), ((0, 0), (1, 0)))


def _area(x: NDArray[np.float64], y: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Area under piecewise linear curves up to x = limit: (K, n) -> (K,)."""
    ends = np.minimum(x, limit)
    width, whole = np.diff(ends, axis=1), np.diff(x, axis=1)
    share = np.divide(width, whole, out=np.zeros_like(width), where=whole > 0)
    return np.asarray((width * (y[:, :-1] + share * np.diff(y, axis=1) / 2)).sum(axis=1))


def _without(
    weights: _Weights, units: NDArray[np.int64], exact: NDArray[np.float64], binned: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Figures without each unit, float64 (2, U): the exact ones, plus the change of those of the bins.

    A figure without the only lesions does not exist; it is left as it is.
    """
    count = int(units.max()) + 1
    found = np.empty((2, count))
    totals = [part.sum(axis=0) for part in weights]
    for start in range(0, count, _CHUNK):
        inside = (units == np.arange(start, min(start + _CHUNK, count))[:, None]).astype(np.float64)
        left = [np.maximum(total - inside @ part, 0.0) for part, total in zip(weights, totals, strict=True)]
        enough = (left[0].sum(axis=1) > 0.5) & (left[1].sum(axis=1) > 0.5)
        change = np.where(enough, _areas(_Weights(*left)) - binned, 0.0)
        found[:, start : start + _CHUNK] = np.clip(exact[:, None] + change, 0.0, 1.0)
    return found


def _strata(groups: NDArray[np.str_], labels: NDArray[np.str_]) -> dict[str, tuple[str, int]]:
    """Class of each group and the number of groups of that class; of several classes, the smallest."""
    pairs = sorted({(str(group), str(label)) for group, label in zip(groups, labels, strict=True)})
    sizes: dict[str, int] = {}
    for _, label in pairs:
        sizes[label] = sizes.get(label, 0) + 1
    strata: dict[str, tuple[str, int]] = {}
    for group, label in pairs:
        entry = (label, sizes[label])
        strata[group] = min((strata.get(group, entry), entry), key=lambda found: found[1])
    return strata
