"""Controls (blank, noise, text and blurred images), and alterations of photographs that do not change the disease."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from mim_export.score.preprocess import resample

#: Skin tones from light to dark, sRGB uint8.
_SKIN = ((244, 214, 194), (224, 180, 152), (198, 146, 112), (164, 112, 80), (118, 76, 54), (74, 47, 36))
#: White, cream, newsprint and recycled paper, sRGB uint8.
_PAPER = ((252, 252, 252), (248, 240, 222), (226, 222, 212), (206, 196, 176))
_WORDS = ("the", "rash", "was", "seen", "on", "day", "nine", "both", "hands", "were", "photographed", "by", "mail")


def blank(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blank images: in turn a random colour, a skin tone, and a grey wall lit from one side.

    Args:
        count: number of images N.
        size: side S in pixels.
        rng: random generator of the colours.

    Returns:
        uint8 (N, S, S, 3). The grey level of a wall varies by at most 8 across the image.
    """
    images = np.empty((count, size, size, 3), np.uint8)
    down, right = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    for i in range(count):
        if i % 3 == 0:
            images[i] = rng.integers(0, 256, 3)
        elif i % 3 == 1:
            images[i] = _SKIN[rng.integers(len(_SKIN))]
        else:
            angle = rng.uniform(0, 2 * np.pi)
            light = 2.8 * (np.cos(angle) * right + np.sin(angle) * down)  # at most 2.8 sqrt(2) < 4
            images[i] = np.rint(rng.integers(90, 240) + light)[..., None]
    return images


def noise(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Images of independent uniform noise.

    Args:
        count: number of images N.
        size: side S in pixels.
        rng: random generator.

    Returns:
        uint8 (N, S, S, 3), each value uniform in 0 to 255.
    """
    return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def text(count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Images of pages: dark lines of words in Pillow's default font on paper colours.

    Args:
        count: number of images N.
        size: side S in pixels.
        rng: random generator of the words, the paper and the ink.

    Returns:
        uint8 (N, S, S, 3). The glyphs depend on the version of Pillow.
    """
    pages = []
    for _ in range(count):
        page = Image.new("RGB", (size, size), _PAPER[rng.integers(len(_PAPER))])
        height = max(8, round(size * rng.uniform(0.08, 0.14)))
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(height)
        ink = int(rng.integers(0, 70))
        for top in range(height // 2, size, round(1.3 * height)):
            pen.text((height // 2, top), " ".join(rng.choice(_WORDS, 8)), fill=(ink, ink, ink), font=font)
        pages.append(np.asarray(page))
    return np.stack(pages)


#: Generators of controls, by name: (number N, side S, random generator) -> uint8 (N, S, S, 3).
CONTROLS: dict[str, Callable[[int, int, np.random.Generator], NDArray[np.uint8]]] = {
    "blank": blank,
    "noise": noise,
    "text": text,
}


def blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Applies a Gaussian blur of sigma S / 12, which removes everything but colours and large shapes.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3).

    Example:
        At S = 96 px sigma is 8 px; a lesion of 10 px diameter becomes a faint spot.
    """
    sigma = pixels.shape[1] / 12
    soft = [gaussian_filter(image.astype(np.float32), sigma, axes=(0, 1)) for image in pixels]
    return np.rint(soft).astype(np.uint8)


def softened(pixels: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    """Applies a slight Gaussian blur, as a worse lens or a smaller file does.

    Args:
        pixels: uint8 (N, S, S, 3).
        sigma: standard deviation in pixels of an image of 192 x 192; S / 192 times as many pixels are used.

    Returns:
        uint8 (N, S, S, 3), rounded.
    """
    scaled = sigma * pixels.shape[1] / 192
    soft = [gaussian_filter(image.astype(np.float32), (scaled, scaled, 0)) for image in pixels]
    return np.rint(soft).astype(np.uint8)


def sharpened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sharpens images by an unsharp mask, as cameras and editors do.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3): x + (x - b) with b the image blurred by 1 pixel of an image of 192 x 192, clipped.
    """
    scaled = pixels.shape[1] / 192
    results = []
    for image in pixels.astype(np.float32):
        blurred_image = gaussian_filter(image, (scaled, scaled, 0))
        results.append(np.clip(np.rint(2 * image - blurred_image), 0, 255).astype(np.uint8))
    return np.stack(results)


def corner_marked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Adds a watermark in the lower right corner: "(c) web" on two lines, white with a dark outline.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3). The mark has an opacity of at most 75 % inside a square of side S / 5; all other pixels are
        unchanged.
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
    """Compresses images as JPEG with quality 20 and decodes them.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3).
    """
    results = []
    for image in pixels:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=20)
        results.append(np.asarray(Image.open(file)))
    return np.stack(results)


def half_resolution(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Downsamples images to half the side by area averaging and upsamples them bilinearly.

    Args:
        pixels: uint8 (N, S, S, 3).

    Returns:
        uint8 (N, S, S, 3).
    """
    size = pixels.shape[1]
    small = (Image.fromarray(resample(image, size // 2)) for image in pixels)
    return np.stack([np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)) for image in small])


#: Alterations that are common on the web, by name: uint8 (N, S, S, 3) -> uint8 (N, S, S, 3).
ALTERED: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "corner mark": corner_marked,
    "JPEG quality 20": recompressed,
    "half resolution": half_resolution,
}
