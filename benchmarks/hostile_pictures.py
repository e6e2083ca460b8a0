"""Parts of photographs for `hostile_files.py`: synthetic pixels, and writers of JPEG, PNG, WebP and EXIF.

Pillow writes only files that are right. These writers also write those that are not.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rng = np.random.Generator
#: Height and width of the photographs; more than the least side that the released bundle judges.
HEIGHT, WIDTH = 200, 240
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def pixels(rng: Rng, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """Draws waves with noise in colours of skin, uint8 (height, width, 3)."""
    y, x = np.mgrid[:height, :width]
    a, b, c = rng.uniform(15, 40, 3)
    waves = np.stack([30 * np.sin(x / a), 25 * np.cos(y / b), 20 * np.sin((x + y) / c)], -1)
    picture = waves + np.array([180, 130, 110]) + rng.normal(0, 9, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def saved(image: NDArray[np.uint8] | Image.Image, kind: str, **options: Any) -> bytes:
    """Returns the file that Pillow writes."""
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(rng: Rng, kind: str | None = None) -> tuple[str, bytes]:
    """Returns the format and the content of a whole photograph: JPEG, PNG or WebP, of several kinds each."""
    kind = kind or str(rng.choice(["JPEG", "PNG", "WEBP"]))
    if kind == "JPEG":
        options = {"quality": int(rng.integers(60, 96)), "progressive": bool(rng.integers(2))}
        return kind, saved(pixels(rng), kind, subsampling=int(rng.integers(3)), **options)
    if kind == "PNG":
        return kind, png(pixels(rng), interlaced=bool(rng.integers(2)))
    return kind, saved(pixels(rng), kind, lossless=bool(rng.integers(2)), quality=80, method=0)


def chunk(kind: bytes, body: bytes = b"", crc: int | None = None) -> bytes:
    """Returns a chunk of a PNG, with a checksum that may be wrong."""
    check = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check & 0xFFFFFFFF)


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    """Returns the chunk IHDR of a PNG, whose values may be impossible."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def png_rows(samples: NDArray[Any], depth: int, interlaced: bool = False) -> bytes:
    """Returns the rows of a PNG before their compression, each without a filter.

    Args:
        samples: (height, width, samples of a pixel), each below 2^depth.
        depth: bits of a sample.
        interlaced: whether the rows are those of the seven passes.
    """
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = []
    for left, top, across, down in passes if interlaced else ((0, 0, 1, 1),):
        part = samples[top::down, left::across]
        if not part.size:
            continue
        flat = part.reshape(len(part), -1)
        if depth == 16:
            flat = flat.astype(">u2").view(np.uint8)
        elif depth < 8:
            bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
            flat = np.packbits(bits.reshape(len(part), -1), axis=1)
        rows.append(np.concatenate([np.zeros((len(part), 1), np.uint8), flat.astype(np.uint8)], axis=1).tobytes())
    return b"".join(rows)


def png(
    samples: NDArray[Any],
    depth: int = 8,
    colour: int = 2,
    interlaced: bool = False,
    before: bytes = b"",
    after: bytes = b"",
    pieces: int = 1,
    level: int = 1,
) -> bytes:
    """Returns a PNG.

    Args:
        samples: (height, width, samples of a pixel).
        depth: bits of a sample.
        colour: colour type.
        interlaced: whether it is interlaced.
        before: chunks before the image data.
        after: chunks after the image data.
        pieces: number of chunks of image data.
        level: of the compression; 0 stores the rows as they are.
    """
    samples = samples.reshape(*samples.shape[:2], _SAMPLES[colour])
    data = zlib.compress(png_rows(samples, depth, interlaced), level)
    step = -(-len(data) // pieces)
    body = b"".join(chunk(b"IDAT", data[i : i + step]) for i in range(0, len(data), step))
    start = header(samples.shape[1], samples.shape[0], depth, colour, int(interlaced))
    return SIGNATURE + start + before + body + after + chunk(b"IEND")


def image_data(content: bytes) -> tuple[int, int]:
    """Returns where the first chunk IDAT of a PNG begins and where its content ends."""
    start = content.index(b"IDAT") - 4
    return start, start + 8 + int.from_bytes(content[start : start + 4], "big")


def segment(marker: int, body: bytes = b"", length: int | None = None) -> bytes:
    """Returns a segment of a JPEG, with a length that may be wrong."""
    return struct.pack(">BBH", 0xFF, marker, (len(body) + 2 if length is None else length) & 0xFFFF) + body


def with_segments(content: bytes, *segments: bytes) -> bytes:
    """Inserts segments into a JPEG, after its first marker."""
    return content[:2] + b"".join(segments) + content[2:]


def entry(tag: int, kind: int, count: int, value: bytes, order: str = "<") -> bytes:
    """Returns an entry of a directory of EXIF."""
    return struct.pack(f"{order}HHI", tag, kind, count) + value[:4].ljust(4, b"\0")


def tiff(entries: list[bytes], order: str = "<", start: int = 8, count: int | None = None) -> bytes:
    """Returns a block of EXIF with one directory, whose number of entries may be wrong."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    number = len(entries) if count is None else count
    return magic + struct.pack(f"{order}IH", start, number) + b"".join(entries) + bytes(4)


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    """Returns a WebP file of chunks, with a size that may be wrong."""
    body = b"WEBP"
    for kind, content in chunks:
        body += kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def webp_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Returns the chunks of a WebP file."""
    found, place = [], 12
    while place + 8 <= len(content):
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        found.append((content[place : place + 4], content[place + 8 : place + 8 + length]))
        place += 8 + length + length % 2
    return found


def extended(content: bytes, flags: int, *more: tuple[bytes, bytes]) -> bytes:
    """Returns a WebP file with a chunk VP8X, whose flags announce further chunks, and these."""
    canvas = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    vp8x = (b"VP8X", bytes([flags, 0, 0, 0]) + canvas)
    inner = [part for part in webp_chunks(content) if part[0] in (b"VP8 ", b"VP8L", b"ALPH")]
    profiles = [part for part in more if part[0] == b"ICCP"]
    return riff(vp8x, *profiles, *inner, *(part for part in more if part[0] != b"ICCP"))
