"""Decodes a photograph to upright RGB.

The scorers in C, Kotlin, Swift and TypeScript implement the same definition, which `export/README.md` specifies. Needs
only numpy and Pillow.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .errors import MimError

#: Images with more pixels are rejected before they are decoded, as a protection against decompression bombs.
MAX_PIXELS = 100_000_000
_REMEDY = "replace the file by a JPEG, PNG or WebP photograph"


def decode(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Decodes a photograph to upright RGB.

    The EXIF orientation is applied. Transparent pixels are composited over white. Greyscale, palette and CMYK images
    are converted to RGB. 16-bit greyscale is scaled by 1/257 with rounding, so that 65535 becomes 255.

    Args:
        path: a JPEG, PNG or WebP file.

    Returns:
        uint8 (height, width, 3).

    Raises:
        MimError: the file is missing, truncated, not an image, or has more than `MAX_PIXELS` pixels.

    Example:
        `decode("photo.jpg").shape` is (4032, 3024, 3) for a portrait photograph of a 12 MP phone, whatever the
        orientation of the stored pixels.
    """
    name = Path(path)
    if os.path.isdir(name):  # unlike Path.is_dir, does not raise PermissionError
        raise MimError("a folder, not an image", "name an image file", path)
    try:
        with warnings.catch_warnings():
            # Only warnings of PIL: the filters are global, and folders are decoded in several threads.
            warnings.filterwarnings("ignore", module="PIL")
            with Image.open(name, formats=("JPEG", "PNG", "WEBP")) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError  # Pillow raises it at another limit
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise MimError(f"has more than {MAX_PIXELS:,} pixels", "shrink the image", path) from None
    except FileNotFoundError:
        raise MimError("no such file", "check the spelling of the path", path) from None
    except PermissionError:
        raise MimError("may not be read", "allow the current user to read it", path) from None
    except MemoryError:
        raise MimError("not enough memory to decode it", "shrink the image", path) from None
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error, ...
        reason = str(error).split("\n")[0].replace(str(name), "").strip(" '\"") or type(error).__name__
        raise MimError(f"not a readable image ({reason[:80]})", _REMEDY, path) from None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        # Image.convert() clips 16-bit greyscale to 255, so it is scaled here.
        wide = np.asarray(image).astype(np.float64)
        grey = np.clip(np.floor(wide / 257.0 + 0.5), 0, 255).astype(np.uint8)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            grey[wide == transparent] = 255
        return np.repeat(grey[:, :, None], 3, axis=2)
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA")).astype(np.uint32)
        alpha = rgba[:, :, 3:]
        over_white = (rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        return over_white.astype(np.uint8)
    return np.ascontiguousarray(np.asarray(image.convert("RGB")))
