"""Images that show no skin, and photographs altered in ways that leave the disease as it is."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from mim_export.score.preprocess import resample

#: Skin tones from light to dark, sRGB.
_SKIN = ((244, 214, 194), (224, 180, 152), (198, 146, 112), (164, 112, 80), (118, 76, 54), (74, 47, 36))
#: White, cream, newsprint and recycled paper, sRGB.
_PAPER = ((252, 252, 252), (248, 240, 222), (226, 222, 212), (206, 196, 176))
_WORDS = ("the", "rash", "was", "seen", "on", "day", "nine", "both", "hands", "were", "photographed", "by", "mail")


def blank(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Images without content: in turn any colour, a skin tone, and a grey wall lit from one side.

    Args:
        count: number of images N.
        size: side S in pixels.
        rng: source of the colours.

    Returns:
        uint8 (N, S, S, 3). A wall changes by at most 8 levels across the image.
    """
    made = np.empty((count, size, size, 3), np.uint8)
    down, right = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    for i in range(count):
        if i % 3 == 0:
            made[i] = rng.integers(0, 256, 3)
        elif i % 3 == 1:
            made[i] = _SKIN[rng.integers(len(_SKIN))]
        else:
            angle = rng.uniform(0, 2 * np.pi)
            light = 2.8 * (np.cos(angle) * right + np.sin(angle) * down)  # at most 2.8 sqrt(2) < 4
            made[i] = np.rint(rng.integers(90, 240) + light)[..., None]
    return made


def noise(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Independent uniform values, uint8 (count, size, size, 3)."""
    return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def text(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Pages: dark lines of words in Pillow's default font, on paper colours.

    Args:
        count: number of images N.
        size: side S in pixels.
        rng: source of words, paper and ink.

    Returns:
        uint8 (N, S, S, 3); the letters depend on the version of Pillow.
    """
    made = []
    for _ in range(count):
        page = Image.new("RGB", (size, size), _PAPER[rng.integers(len(_PAPER))])
        height = max(8, round(size * rng.uniform(0.08, 0.14)))
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(height)
        ink = int(rng.integers(0, 70))
        for top in range(height // 2, size, round(1.3 * height)):
            pen.text((height // 2, top), " ".join(rng.choice(_WORDS, 8)), fill=(ink, ink, ink), font=font)
        made.append(np.asarray(page))
    return np.stack(made)


#: How the images that show no skin are made, by name: (number, side S, generator) -> uint8 (N, S, S, 3).
MADE: dict[str, Callable[[int, int, np.random.Generator], NDArray[np.uint8]]] = {
    "blank": blank,
    "noise": noise,
    "text": text,
}


def blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images under a Gaussian blur of sigma S / 12, which leaves colours and large shapes only.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3).

    Example:
        At 96 px, sigma is 8 px: a lesion of 10 px across is a faint spot.
    """
    sigma = pixels.shape[1] / 12
    soft = [gaussian_filter(image.astype(np.float32), sigma, axes=(0, 1)) for image in pixels]
    return np.rint(soft).astype(np.uint8)


def corner_marked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images with a watermark in the lower right corner: "(c) web" on two lines, white with a dark outline.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3). The mark covers up to 75 % within a square of S / 5 and leaves the rest as it was.
    """
    side = max(1, round(pixels.shape[1] / 5))
    sheet = Image.new("RGBA", (400, 400), (20, 20, 20, 0))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(148)
    pen.text(
        (200, 190), "(c)\nweb", (255, 255, 255), font, "mm", 0, "center", stroke_width=18, stroke_fill=(20, 20, 20)
    )
    mark = np.asarray(sheet.resize((side, side), Image.Resampling.BOX), np.float64)
    alpha = 0.75 * mark[..., 3:] / 255
    marked = pixels.copy()
    corner = marked[:, -side:, -side:]
    corner[...] = np.rint(corner * (1 - alpha) + mark[..., :3] * alpha)
    return marked


def recompressed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images after JPEG compression of quality 20, uint8 (N, S, S, 3) to the same."""
    results = []
    for image in pixels:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=20)
        results.append(np.asarray(Image.open(file)))
    return np.stack(results)


def half_resolution(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images shrunk to half the side by area average and enlarged bilinearly, uint8 (N, S, S, 3) to the same."""
    size = pixels.shape[1]
    small = (Image.fromarray(resample(image, size // 2)) for image in pixels)
    return np.stack([np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)) for image in small])


#: What happens to photographs on their way through the web, by name: uint8 (N, S, S, 3) -> the same.
ALTERED: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "corner mark": corner_marked,
    "JPEG quality 20": recompressed,
    "half resolution": half_resolution,
}
