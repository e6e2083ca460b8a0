"""Reads the structure of JPEG, PNG and WebP files: size, orientation, and the parts that hold pixels.

Pillow gets only these parts. What else a file contains (texts, profiles, other EXIF entries, a second image) can then
neither change the pixels nor make the photograph unreadable, however large or damaged it is. Needs only the standard
library.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

#: JPEG files with more scans are rejected: each scan costs as much time as decoding a simple file. Cameras and web
#: sites write at most a dozen.
MAX_SCANS = 64
#: Bytes that are read at a time.
_BLOCK = 1 << 16
#: Chunks of EXIF and of transparency with more bytes are ignored, since a chunk can claim 4 GB.
_LONGEST = 16_000_000
#: Bytes in which the next marker of a JPEG has to follow a segment, and a scan.
_REACH, _REACH_IN_DATA = 16_000_000, 256_000_000
_ORIENTATION = 0x0112
#: Formats of the TIFF types that an orientation may have: BYTE, SHORT and LONG.
_INTEGERS = {1: "B", 3: "H", 4: "I"}
_PNG = b"\x89PNG\r\n\x1a\n"
#: Samples of a pixel, and permitted bits of a sample, by PNG colour type.
_PNG_TYPES = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}
#: First column, first row, and steps between columns and rows of the passes of an interlaced PNG (Adam7).
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
#: A marker outside and inside entropy-coded data, where 0xFF00 is data and 0xFFD0 to 0xFFD7 are restart markers.
#: Only the last of several 0xFF is matched: a search for all of them takes quadratic time.
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_IN_DATA = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_START, _END, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)

#: Flag of the chunk VP8X that announces EXIF.
_WEBP_EXIF = 8

#: A range of offsets in the file, or bytes that stand for themselves.
Piece = tuple[int, int] | bytes


@dataclass(frozen=True)
class Container:
    """The structure of an image file.

    Attributes:
        format: `JPEG`, `PNG` or `WEBP`.
        width: of the stored image, in pixels.
        height: of the stored image, in pixels.
        pieces: the parts of the file that hold pixels.
        exif: the EXIF data, which may be damaged; empty if there are none.
        depth: bits of a sample of a PNG.
        colour: colour type of a PNG.
        interlaced: whether a PNG is interlaced.
        palette: the chunk PLTE of a PNG.
        transparency: the chunk tRNS of a PNG; empty if there is none.
        scans: number of scans of a JPEG.
    """

    format: str
    width: int
    height: int
    pieces: tuple[Piece, ...]
    exif: bytes = b""
    depth: int = 8
    colour: int = 2
    interlaced: bool = False
    palette: bytes = b""
    transparency: bytes = b""
    scans: int = 1


def read_container(file: BinaryIO) -> Container:
    """Reads the structure of an image file without decoding it.

    Args:
        file: a seekable binary file.

    Raises:
        ValueError: it is not a JPEG, PNG or WebP file, or holds no whole image. The message states the reason.
    """
    file.seek(0)
    start = file.read(30)
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg(file)
    if start.startswith(_PNG):
        return _png(file)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp(file, start)
    raise ValueError("not JPEG, PNG or WebP")


def orientation(exif: bytes) -> int:
    """Returns the EXIF orientation, from the entry 0x0112 of the first directory alone.

    Args:
        exif: a TIFF block, with or without the prefix of EXIF in JPEG files.

    Returns:
        1 to 8; 1 if the entry is missing, is not one BYTE, SHORT or LONG, or has another value. No other entry is read.
    """
    block = exif[6:] if exif.startswith(b"Exif\0\0") else exif
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(f"{order}HHI", block, place)
            if tag == _ORIENTATION:
                if kind not in _INTEGERS or values != 1:
                    return 1
                value = int(struct.unpack_from(order + _INTEGERS[kind], block, place + 8)[0])
                return value if 1 <= value <= 8 else 1
    except struct.error:  # the directory ends outside of the block
        pass
    return 1


def _jpeg(file: BinaryIO) -> Container:
    """Keeps tables, frame and scans, and of the other segments only whole ones of JFIF and Adobe."""
    size, position, exif, frame = file.seek(0, io.SEEK_END), 2, b"", None
    pieces: list[tuple[int, int]] = [(0, 2)]
    while True:
        marker, position = _marker(file, position, _MARKER)
        if marker == _START:
            raise ValueError("a second image begins before its data")
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _END:
            raise ValueError("no image data")
        end = _segment_end(file, position, size)
        if marker == _START_OF_SCAN:
            break
        if marker == 0xE1 and not exif:
            body = _body(file, position, end)
            exif = body if body.startswith(b"Exif\0\0") else b""
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            frame = marker, *struct.unpack_from(">xHHB", _body(file, position, end))
        if not _is_beside(marker, file, position, end):
            if pieces[-1][1] == position - 2:
                pieces[-1] = pieces[-1][0], end
            else:
                pieces.append((position - 2, end))
        position = end
    if frame is None:
        raise ValueError("no image size")
    kind, height, width, components = frame
    # A single scan with all components is the whole image.
    single = kind not in _PROGRESSIVE and _body(file, position, end)[:1] >= bytes([components])
    scans = 1 if single else _scans(file, end, size)
    if scans > MAX_SCANS:
        raise ValueError(f"has more than {MAX_SCANS} scans")
    return Container("JPEG", width, height, (*pieces, (position - 2, size)), exif, scans=scans)


def _is_beside(marker: int, file: BinaryIO, position: int, end: int) -> bool:
    """Whether a segment is a comment or an application segment that does not state the colour space.

    Those that do, JFIF and Adobe, have a least length: libjpeg ignores shorter ones, and Pillow fails on some.
    """
    if marker == 0xE0:
        return end - position < 16 or not _body(file, position, end).startswith(b"JFIF\0")
    if marker == 0xEE:
        return end - position < 14 or not _body(file, position, end).startswith(b"Adobe")
    return marker == 0xFE or 0xE0 <= marker <= 0xEF


def _scans(file: BinaryIO, position: int, size: int) -> int:
    """Counts the scans, up to the first that is too many. The first one begins before `position`."""
    count = 1
    while count <= MAX_SCANS:
        try:
            marker, position = _marker(file, position, _MARKER_IN_DATA, _REACH_IN_DATA)
            if marker == _END:
                break
            if marker not in _WITHOUT_LENGTH:
                position = _segment_end(file, position, size)
            count += marker == _START_OF_SCAN
        except ValueError:  # truncated, which Pillow finds as well
            break
    return count


def _marker(file: BinaryIO, position: int, pattern: re.Pattern[bytes], reach: int = _REACH) -> tuple[int, int]:
    """Finds the next marker and returns its second byte and where it ends."""
    last = position + reach
    file.seek(position)
    block = file.read(16)  # the next marker is usually here: a file may have a million segments
    while block and position < last:
        found = pattern.search(block)
        if found is not None:
            return found[1][0], position + found.end()
        rest = int(block.endswith(b"\xff"))  # the first half of a marker
        position += len(block) - rest
        more = file.read(_BLOCK)
        block = block[len(block) - rest :] + more if more else b""
    raise ValueError("the file ends too early")


def _segment_end(file: BinaryIO, position: int, size: int) -> int:
    """Returns where a segment of a JPEG ends, whose length is at `position`."""
    file.seek(position)
    length = int.from_bytes(file.read(2), "big")
    if length < 2 or position + length > size:
        raise ValueError("the file ends too early")
    return position + length


def _body(file: BinaryIO, position: int, end: int) -> bytes:
    """Returns the content of a segment of a JPEG."""
    file.seek(position + 2)
    return file.read(end - position - 2)


def _png(file: BinaryIO) -> Container:
    """Keeps IHDR, PLTE and IDAT. Checks that the image data are complete, which Pillow does not."""
    position, size = len(_PNG), file.seek(0, io.SEEK_END)
    found: dict[bytes, bytes] = {}
    header: tuple[int, ...] | None = None
    pieces: list[Piece] = [_PNG]
    first, last = 0, 0  # the image data, which are consecutive chunks
    while position + 8 <= size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        end = position + 12 + length
        if kind == b"IDAT" and last in (0, position):
            first, last = first or position, min(end, size)
        elif kind == b"IEND" or end > size:
            break
        elif kind in (b"IHDR", b"PLTE") and length > _BLOCK:
            raise ValueError("a header or palette of impossible length")
        elif length > _LONGEST:
            pass
        elif kind in (b"IHDR", b"PLTE", b"tRNS", b"eXIf") and kind not in found and (not last or kind == b"eXIf"):
            body, check = file.read(length), file.read(4)
            if kind in (b"IHDR", b"PLTE"):
                pieces.append((position, end))  # Pillow compares the checksum
                found[kind] = body
            elif int.from_bytes(check, "big") == zlib.crc32(kind + body):
                found[kind] = body  # otherwise as if it were absent
            if kind == b"IHDR":
                header = struct.unpack(">IIBBBBB", body)
        position = end
    if header is None or not last:
        raise ValueError("no image data")
    width, height, depth, colour, _, _, interlaced = header
    if depth not in _PNG_TYPES.get(colour, (0, ()))[1]:
        raise ValueError(f"no PNG has {depth} bits of colour type {colour}")
    pieces += [(first, last), b"\0\0\0\0IEND\xaeB`\x82"]
    exif, palette, transparency = (found.get(kind, b"") for kind in (b"eXIf", b"PLTE", b"tRNS"))
    kept = tuple(pieces)
    return Container("PNG", width, height, kept, exif, depth, colour, interlaced == 1, palette, transparency)


def check_png_data(file: BinaryIO, container: Container) -> None:
    """Checks that the image data of a PNG are complete. Pillow shows missing rows as black without an error.

    Args:
        file: the file.
        container: its structure.

    Raises:
        ValueError: rows are missing, or the data are damaged.
    """
    passes = _ADAM7 if container.interlaced else ((0, 0, 1, 1),)
    bits = _PNG_TYPES[container.colour][0] * container.depth
    missing = 0
    for left, top, across, down in passes:
        columns, rows = -(-(container.width - left) // across), -(-(container.height - top) // down)
        missing += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    inflate = zlib.decompressobj()
    try:
        for block in _png_data(file, container):
            while block and missing and not inflate.eof:
                missing -= len(inflate.decompress(block, min(missing, 16 * _BLOCK)))
                block = inflate.unconsumed_tail
            if not missing or inflate.eof:
                break
    except zlib.error:
        raise ValueError("its image data are damaged") from None
    if missing:
        raise ValueError("its image data end too early")


def _png_data(file: BinaryIO, container: Container) -> Iterator[bytes]:
    """Yields the compressed image data of a PNG in blocks."""
    start, end = next(piece for piece in reversed(container.pieces) if isinstance(piece, tuple))
    while start + 8 <= end:
        file.seek(start)
        length = int.from_bytes(file.read(8)[:4], "big")
        start += 12 + length
        while length and (block := file.read(min(length, _BLOCK))):
            length -= len(block)
            yield block


def _webp(file: BinaryIO, start: bytes) -> Container:
    """Keeps the chunks with pixels of the first frame. Pillow would read all others into memory."""
    width, height = _webp_size(start)
    size, position, end, kept = file.seek(0, io.SEEK_END), 12, 8 + int.from_bytes(start[4:8], "little"), 0
    if end > size:
        raise ValueError("the file ends too early")
    pieces: list[Piece] = []
    exif, frames = b"", 0
    while position + 8 <= end:
        file.seek(position)
        kind, length = struct.unpack("<4sI", file.read(8))
        after = position + 8 + length + length % 2
        if after > end:
            raise ValueError("the file ends too early")
        frames += kind == b"ANMF"
        if kind in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM") or (kind == b"ANMF" and frames == 1):
            pieces.append((position, after))
            kept += after - position
        elif kind == b"EXIF" and not exif and start[12:16] == b"VP8X" and start[20] & _WEBP_EXIF and length <= _LONGEST:
            exif = file.read(length)
        position = after
    if kept > 4 * width * height + _BLOCK:
        raise ValueError("more data than its pixels need")
    head = b"RIFF" + struct.pack("<I", 4 + kept) + b"WEBP"
    return Container("WEBP", width, height, (head, *pieces), exif)


def _webp_size(start: bytes) -> tuple[int, int]:
    """Returns width and height from the first 30 bytes of a WebP file."""
    kind = start[12:16]
    if len(start) == 30 and kind == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    if len(start) >= 25 and kind == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if len(start) == 30 and kind == b"VP8 ":
        return int.from_bytes(start[26:28], "little") & 0x3FFF, int.from_bytes(start[28:30], "little") & 0x3FFF
    raise ValueError("no image data")


class Spliced(io.RawIOBase):
    """A read-only file that consists of pieces of another one.

    Args:
        file: the other file, which stays open.
        pieces: ranges of it, and bytes.
    """

    def __init__(self, file: BinaryIO, pieces: tuple[Piece, ...]) -> None:
        self._file = file
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + _length(piece))
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Returns the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position; see `io.RawIOBase.seek`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads to the end of the current piece at most; see `io.RawIOBase.readinto`."""
        target = memoryview(buffer).cast("B")
        if self._position >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._position) - 1
        piece, skipped = self._pieces[number], self._position - self._starts[number]
        count = min(len(target), _length(piece) - skipped)
        if isinstance(piece, bytes):
            content = piece[skipped : skipped + count]
        else:
            self._file.seek(piece[0] + skipped)
            content = self._file.read(count)
        target[: len(content)] = content
        self._position += len(content)
        return len(content)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
