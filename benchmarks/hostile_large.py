"""Small files that cost much, for `hostile.py`: decompression bombs, and files with gigabytes of holes.

Every file is within what the contract allows (`export/README.md`), or claims to be.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from hostile_pictures import SIGNATURE, chunk, header, pixels, png, saved, segment, with_segments
from PIL import Image

#: Largest number of pixels of a PNG that is read, and the largest side of a square of them.
MOST, _SIDE = 100_000_000, 10_000
#: The same side for a JPEG, of which 220 million pixels are read.
_JPEG_SIDE = 14_832


def bomb(width: int, height: int, depth: int, colour: int, before: bytes = b"", interlaced: int = 0) -> bytes:
    """Returns a PNG of zeros."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = 1 + (width * samples * depth + 7) // 8
    stream = zlib.compressobj(9)
    total = row * height + interlaced * 8 * height  # the passes have more rows, which are shorter
    block = bytes(10_000_000)
    parts = [stream.compress(block) for _ in range(total // len(block))]
    parts += [stream.compress(bytes(total % len(block))), stream.flush()]
    data = chunk(b"IDAT", b"".join(parts))
    return SIGNATURE + header(width, height, depth, colour, interlaced) + before + data + chunk(b"IEND")


def _jpeg(mode: str, side: int, scans: int = 0, **options: object) -> bytes:
    content = saved(Image.new(mode, (side, side)), "JPEG", **options)
    start = content.rindex(b"\xff\xda")
    return content[:-2] + content[start:-2] * scans + b"\xff\xd9"


def _photo() -> bytes:
    return saved(pixels(np.random.default_rng(0)), "JPEG")


def _webp(mode: str, lossless: bool) -> bytes:
    return saved(Image.new(mode, (7200, 7200), (200, 140, 120, 9)[: len(mode)]), "WEBP", lossless=lossless, method=0)


def _hollow(start: bytes, length: int, end: bytes = b"") -> Callable[[Path], None]:
    """Returns a function that writes a file with a hole, which takes no space on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(start)
            file.seek(length, 1)
            file.write(end or b"\0")

    return write


def _holes() -> Iterator[tuple[str, str, Callable[[Path], None]]]:
    whole, length = png(pixels(np.random.default_rng(0))), 1_900_000_000
    for kind in ("tEXt", "eXIf", "tRNS"):
        start = whole[:33] + struct.pack(">I4s", length, kind.encode())
        yield f"png_{kind}_of_1.9_GB.png", "whole", _hollow(start, length, bytes(4) + whole[33:])
    start = SIGNATURE + struct.pack(">I4s", length, b"IHDR")
    yield "png_header_of_1.9_GB.png", "unreadable", _hollow(start, length)
    start = whole[:33] + struct.pack(">I4s", length, b"PLTE")
    yield "png_palette_of_1.9_GB.png", "any", _hollow(start, length, bytes(4) + whole[33:])
    yield "jpeg_then_3_GB.jpg", "whole", _hollow(_photo(), 3_000_000_000)
    webp = saved(pixels(np.random.default_rng(0)), "WEBP")
    yield "webp_then_3_GB.webp", "whole", _hollow(webp, 3_000_000_000)
    size = struct.pack("<I", 2_000_000_000 + len(webp))
    hollow = webp[:4] + size + webp[8:] + b"EXIF" + struct.pack("<I", 2_000_000_000)
    yield "webp_exif_of_2_GB.webp", "whole", _hollow(hollow, 2_000_000_000)
    yield "hole_of_3_GB.jpg", "unreadable", _hollow(b"\xff\xd8\xff", 3_000_000_000)
    yield "no_picture_of_3_GB.png", "unreadable", _hollow(b"x", 3_000_000_000)


def _contents() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    palette = chunk(b"PLTE", bytes(6)) + chunk(b"tRNS", b"\0")
    yield "palette.png", "whole", lambda: bomb(_SIDE, _SIDE, 1, 3, palette)
    yield "grey_16_bits.png", "whole", lambda: bomb(_SIDE, _SIDE, 16, 0)
    yield "rgb_8_bits.png", "whole", lambda: bomb(_SIDE, _SIDE, 8, 2)
    yield "rgba_8_bits.png", "whole", lambda: bomb(_SIDE, _SIDE, 8, 6)
    yield "rgb_16_bits.png", "any", lambda: bomb(_SIDE, _SIDE, 16, 2)
    yield "rgba_16_bits.png", "any", lambda: bomb(_SIDE, _SIDE, 16, 6)
    yield "grey_alpha_16_bits.png", "any", lambda: bomb(_SIDE, _SIDE, 16, 4)
    yield "interlaced.png", "whole", lambda: bomb(_SIDE, _SIDE, 8, 2, b"", 1)
    yield "wide.png", "whole", lambda: bomb(MOST, 1, 8, 0)
    yield "tall.png", "any", lambda: bomb(1, MOST, 1, 0)
    yield "too_large.png", "too large", lambda: bomb(_SIDE, _SIDE + 1, 1, 0)
    for scans in (0, 1, 45):
        yield f"progressive_{scans}.jpg", "any", lambda scans=scans: _jpeg("L", _SIDE, scans, progressive=True)
    yield "progressive_rgb.jpg", "any", lambda: _jpeg("RGB", _SIDE, progressive=True, subsampling=0)
    yield "progressive_cmyk.jpg", "any", lambda: _jpeg("CMYK", _SIDE, progressive=True)
    yield "progressive_12_mp.jpg", "any", lambda: _jpeg("RGB", 3464, 50, progressive=True)
    yield "baseline_rgb.jpg", "whole", lambda: _jpeg("RGB", _JPEG_SIDE, subsampling=0)
    yield "baseline_cmyk.jpg", "whole", lambda: _jpeg("CMYK", _JPEG_SIDE)
    yield "lossy.webp", "whole", lambda: _webp("RGB", lossless=False)
    yield "lossless.webp", "whole", lambda: _webp("RGBA", lossless=True)
    yield "comments.jpg", "whole", lambda: with_segments(_photo(), segment(0xFE) * 1_000_000)
    yield "jfif.jpg", "whole", lambda: with_segments(_photo(), segment(0xE0) * 500_000)
    yield "fill_bytes.jpg", "whole", lambda: with_segments(_photo(), b"\xff" * 8_000_000)
    yield "stuffing.jpg", "any", lambda: with_segments(_photo(), b"\xff\0" * 2_000_000)
    yield "chunks.png", "whole", lambda: png(pixels(np.random.default_rng(0)), before=chunk(b"teXt") * 600_000)
    yield "empty_data.png", "whole", lambda: png(pixels(np.random.default_rng(0)), before=chunk(b"IDAT") * 600_000)
    yield "rgba_16_bits_30_mp.png", "whole", lambda: bomb(6000, 5000, 16, 6)
    yield "progressive_cmyk_54_mp.jpg", "whole", lambda: _jpeg("CMYK", 7400, progressive=True)
    yield "restarts.jpg", "any", lambda: _photo()[:-2] + b"\xff\xd0" * 4_000_000


def write_large(folder: Path, few: bool = False) -> dict[Path, str]:
    """Writes the files into a new folder.

    Args:
        folder: the folder to create.
        few: only the files that are written in no time.

    Returns:
        What is expected of each path, as in `hostile_files`, or `too large`.
    """
    folder.mkdir()
    expected = {}
    for name, expect, write in _holes():
        write(folder / name)
        expected[folder / name] = expect
    for name, expect, make in () if few else _contents():
        (folder / name).write_bytes(make())
        expected[folder / name] = expect
    return expected
