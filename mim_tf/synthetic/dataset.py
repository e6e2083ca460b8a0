"""The sample set: *synthetic* images, drawn from a seed, with which everything runs without data.

The set contains no photographs and no patient data. Results on it are no evidence about the detection of mpox.
The classes differ in structure: the i-th images of mpox, macules, scales and wheals share the targets for
channel means, channel standard deviations and mean gradient (a matched design), so neither colour nor roughness
separates these classes. `plain` has lower contrast and `no_skin` has other colours; these two classes are easy.

The images of skin have ground-truth masks of their lesions, for anomaly detection in pixels with `plain` as the normal
class.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from mim_export.score.atomic_files import new_folder
from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.synthetic import lesions, skin

CLASSES: tuple[str, ...] = ("mpox", "macules", "scales", "wheals", "plain", "no_skin")
#: Side of the images in pixels.
SAMPLE_SIZE = skin.SIDE
#: Classes with masks.
MASKED = tuple(name for name in CLASSES if name != "no_skin")
#: Folder of the masks in a data folder; the scan of photographs skips names with a leading dot.
MASK_FOLDER = ".masks"


def sample_counts(normal_class: str = "mpox") -> dict[str, dict[str, int]]:
    """Returns the default number of images of each class in each split of `write_sample`.

    Args:
        normal_class: the class of the training images.

    Raises:
        MimError: `normal_class` is not in `CLASSES`.

    Example:
        `sample_counts("plain")["train"]` is {"plain": 160}.
    """
    _check_class(normal_class)
    return {
        "train": {normal_class: 160},
        "val": {name: 40 if name == normal_class else 10 for name in CLASSES},
        "test": dict.fromkeys(CLASSES, 40),
    }


def _check_class(name: str) -> None:
    if name not in CLASSES:
        raise MimError(f"no synthetic class {name!r}", "use one of " + ", ".join(CLASSES))


#: The counts for the normal class mpox.
COUNTS: Mapping[str, Mapping[str, int]] = sample_counts()
#: Number of images of one synthetic patient. They share tone, style and hair, but not arrangement, light or texture.
_GROUP = 2
_PAINTERS: Mapping[str, lesions.Painter] = {
    "mpox": lesions.mpox,
    "macules": lesions.macules,
    "scales": lesions.scales,
    "wheals": lesions.wheals,
    "plain": lesions.plain,
}
_LUMA = np.array([0.299, 0.587, 0.114])
# First words of the seed sequences, so that each purpose has an independent random stream.
_PATIENT, _TARGETS, _STYLE, _IMAGE = range(4)


@dataclass(frozen=True)
class _Targets:
    """Targets of the i-th image of each class.

    Attributes:
        darkness: skin tone from 0, very light, to 1, very dark.
        mean: float64 (3,), mean of each channel in [0, 1].
        std: float64 (3,), standard deviation of each channel.
        gradient: mean gradient of the luma.
        cover: fraction of the canvas under lesions.
    """

    darkness: float
    mean: skin.Field
    std: skin.Field
    gradient: float
    cover: float


def render(name: str, indices: Sequence[int], *, seed: int = 0, size: int = SAMPLE_SIZE) -> NDArray[np.uint8]:
    """Draws synthetic images.

    Args:
        name: one of `CLASSES`.
        indices: indices of the images, each at least 0; images 2k and 2k + 1 show the same synthetic patient.
        seed: seed of the whole set, at least 0.
        size: side S of the result in pixels; images are drawn at 128 px and resampled.

    Returns:
        uint8 (N, S, S, 3), RGB. Each image depends only on seed, name and its index.

    Raises:
        MimError: `name` is not in `CLASSES`, or an index or the seed is negative.

    Example:
        `render("mpox", [0, 1])` is (2, 128, 128, 3); its second image is `render("mpox", [1])[0]`.
    """
    _check(name, indices, seed)
    images = np.empty((len(indices), size, size, 3), np.uint8)
    for place, index in enumerate(indices):
        painted = _paint(name, int(index), seed)
        images[place] = painted if size == SAMPLE_SIZE else resample(painted, size)
    return images


def render_masks(name: str, indices: Sequence[int], *, seed: int = 0, size: int = SAMPLE_SIZE) -> NDArray[np.bool_]:
    """Draws the ground-truth masks of the lesions of the images of `render`.

    Args:
        name: one of `MASKED`.
        indices: indices of the images, each at least 0.
        seed: seed of the whole set, at least 0.
        size: side S of the result in pixels; masks are drawn at 128 px, averaged by area and thresholded at 0.5.

    Returns:
        bool (N, S, S), True where a lesion is visible, see `skin.lesion_mask`. All False for `plain`: moles are normal.

    Raises:
        MimError: `name` is not in `MASKED`, or an index or the seed is negative.

    Example:
        `render_masks("mpox", [200])` covers 0.29 of the image, in 9 regions of touching lesions.
    """
    _check(name, indices, seed)
    if name not in MASKED:
        raise MimError(f"the class {name} has no masks", "use one of " + ", ".join(MASKED))
    masks = np.zeros((len(indices), size, size), np.bool_)
    if name != "plain":
        for place, index in enumerate(indices):
            _, layers, _ = _lesions(name, int(index), seed)
            levels = np.where(skin.lesion_mask(layers), np.uint8(255), np.uint8(0))
            # Half of the area has a mean of 127.5, which is rounded up to 128.
            masks[place] = resample(np.repeat(levels[..., None], 3, axis=2), size)[..., 0] > 127
    return masks


def write_sample(
    folder: Path,
    *,
    seed: int = 0,
    counts: Mapping[str, Mapping[str, int]] | None = None,
    normal_class: str = "mpox",
) -> Path:
    """Writes the synthetic set as a data folder atomically: either the whole set or nothing.

    Args:
        folder: the folder to write; it must not exist or must be empty.
        seed: seed of the set, see `render`.
        counts: number of images by split and class; None = `sample_counts(normal_class)`.
        normal_class: the class of the training images, if `counts` is None.

    Returns:
        `folder`, which holds `<split>/<class>/synthetic_<class>_<index>.png`, for the classes in `MASKED` the mask
        `.masks/<split>/<class>/synthetic_<class>_<index>.png` (0 or 255), and MANIFEST.csv with the columns file, group
        and mask. No index and no group is in two splits.

    Raises:
        MimError: the folder is not empty or cannot be written, or `counts` names an unknown class.

    Example:
        `write_sample(Path("data"))` writes 490 images. The first is `train/mpox/synthetic_mpox_0000.png` in
        the group `synthetic_mpox_patient_0000`.
    """
    target = Path(folder)
    rows = [("file", "group", "mask")]
    first = 0
    with new_folder(target) as temporary:
        for split, wanted in (sample_counts(normal_class) if counts is None else counts).items():
            for name, count in wanted.items():
                (temporary / split / name).mkdir(parents=True)
                for index in range(first, first + count):
                    file = f"{split}/{name}/synthetic_{name}_{index:04d}.png"
                    Image.fromarray(render(name, [index], seed=seed)[0]).save(temporary / file, compress_level=1)
                    mask = f"{MASK_FOLDER}/{file}" if name in MASKED else ""
                    if mask:
                        (temporary / mask).parent.mkdir(parents=True, exist_ok=True)
                        drawn = render_masks(name, [index], seed=seed)[0]
                        Image.fromarray(np.where(drawn, np.uint8(255), np.uint8(0))).save(temporary / mask)
                    rows.append((file, f"synthetic_{name}_patient_{index // _GROUP:04d}", mask))
            # All classes start at the same index in each split, which keeps the design matched within the split.
            most = max(wanted.values(), default=0)
            first += most + most % _GROUP
        with (temporary / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as lines:
            csv.writer(lines, lineterminator="\n").writerows(rows)
    return target


def _check(name: str, indices: Sequence[int], seed: int) -> None:
    _check_class(name)
    if seed < 0 or min(indices, default=0) < 0:
        raise MimError("negative seed or index", "use integers from 0")


def _rng(*words: int) -> np.random.Generator:
    # An explicit bit generator: the one of default_rng may change between versions of NumPy.
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def _paint(name: str, index: int, seed: int) -> NDArray[np.uint8]:
    """Draws one image, uint8 (128, 128, 3)."""
    if name == "no_skin":
        picture = skin.no_skin(_rng(_IMAGE, seed, CLASSES.index(name), index), index // _GROUP)
    else:
        targets = _targets(index, seed)
        rng, layers, strands = _lesions(name, index, seed)
        picture = skin.lit_skin(rng, skin.skin_tone(targets.darkness), layers, 0.10)
        opacity = 0.7 * skin.hair(rng, strands)[..., None]
        picture = picture * (1 - opacity) + 0.3 * picture.min(axis=(0, 1)) * opacity
        contrast = 0.55 if name == "plain" else 1.0
        picture = _match(picture, skin.skin_texture(rng), targets, contrast)
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _lesions(name: str, index: int, seed: int) -> tuple[np.random.Generator, skin.Layers, int]:
    """Draws the lesions of one image; returns the source of its further draws, the layers and the number of hairs."""
    number = CLASSES.index(name)
    rng, shared = _rng(_IMAGE, seed, number, index), _rng(_STYLE, seed, number, index // _GROUP)
    style, strands = shared.random(6), max(0, int(shared.random() * 30) - 17)
    return rng, _PAINTERS[name](rng, style, _targets(index, seed).cover), strands


def _targets(index: int, seed: int) -> _Targets:
    """Computes the targets of the i-th image; they do not depend on the class, which makes the design matched."""
    shared, own = _rng(_PATIENT, seed, index // _GROUP).random(8), _rng(_TARGETS, seed, index).random(4)
    tone = skin.skin_tone(float(shared[0]))
    cast = 1 + 0.06 * (shared[1:4] - 0.5)
    mean = tone * cast * (0.78 + 0.12 * shared[4] + 0.06 * own[0])
    level = float(mean @ _LUMA)
    std = (0.25 + level) * (0.085 + 0.055 * shared[5] + 0.015 * own[1]) * np.array([0.80, 1.0, 0.95])
    std = std * np.array([0.9 + 0.2 * shared[6], 1.0, 0.95 + 0.1 * shared[7]])
    gradient = float(std @ _LUMA) * (0.34 + 0.12 * own[2])
    return _Targets(float(shared[0]), mean, std, gradient, 0.13 + 0.13 * float(own[3]))


def _match(picture: skin.Field, texture: skin.Field, targets: _Targets, contrast: float) -> skin.Field:
    """Adjusts a picture so that its channel moments and its mean gradient match the targets.

    If the mean gradient is too small, texture is added; if it is too large, the picture is blurred first.
    """
    std, gradient = targets.std * contrast, targets.gradient * contrast
    for sigma in (0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2):
        view = gaussian_filter(picture, (sigma, sigma, 0)) if sigma else picture
        view = (view - view.mean((0, 1))) / view.std((0, 1))
        if _mean_gradient(view * std) < 0.8 * gradient:
            break
    overlap = (view * texture).mean((0, 1))
    low, high = 0.0, 2.0
    for _ in range(12):
        share = (low + high) / 2
        # The standard deviation of the sum of two terms with mean 0 and standard deviation 1.
        scale = std / np.sqrt(1 + 2 * share * overlap + share**2)
        mixed = (view + share * texture) * scale
        if _mean_gradient(mixed) < gradient:
            low = share
        else:
            high = share
    return mixed + targets.mean


def _mean_gradient(picture: skin.Field) -> float:
    """Computes the mean over the pixels of the length of the forward differences of the luma."""
    luma = picture[..., 0] * _LUMA[0] + picture[..., 1] * _LUMA[1] + picture[..., 2] * _LUMA[2]
    across, down = luma[:-1, 1:] - luma[:-1, :-1], luma[1:, :-1] - luma[:-1, :-1]
    return float(np.sqrt(across * across + down * down).mean())
