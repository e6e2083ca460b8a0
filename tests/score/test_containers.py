"""`mim_export.score.containers` and decoding against hand-made files: metadata, transparency, 16 bits, damage."""

from __future__ import annotations

import io
import itertools
import os
import struct
import time
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mim_export.score.containers import MAX_SCANS, Spliced, orientation
from mim_export.score.decode import MAX_WEBP_PIXELS, Photograph, decode
from mim_export.score.errors import MimError

PATTERN = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.uint8)
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(samples: NDArray[np.unsignedinteger], depth: int, colour: int, *before: bytes, **options: object) -> bytes:
    """Writes a PNG without filters. `samples` are (rows, columns, samples of a pixel) at their own depth."""
    passes = ADAM7 if options.get("interlaced") else ((0, 0, 1, 1),)
    data = b""
    for left, top, across, down in passes:
        part = samples[top::down, left::across]
        if part.size == 0:
            continue
        for row in part.reshape(len(part), -1):
            if depth == 16:
                line = row.astype(">u2").tobytes()
            else:
                bits = (row[:, None].astype(np.uint8) >> np.arange(depth - 1, -1, -1, dtype=np.uint8)) & 1
                line = np.packbits(bits.ravel()).tobytes()
            data += b"\0" + line
    data = data[: options.get("keep")]
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, len(passes) == 7)
    after = options.get("after", b"")
    parts = (chunk(b"IHDR", head), *before, chunk(b"IDAT", zlib.compress(data)), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def read(content: bytes, folder: Path) -> NDArray[np.uint8]:
    path = folder / "a.image"
    path.write_bytes(content)
    return decode(path)


def tiff(entries: list[bytes], order: str = "<") -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IH", 8, len(entries)) + b"".join(entries) + bytes(4)


def entry(tag: int, kind: int, count: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")


def jpeg(*segments: bytes, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PATTERN).save(buffer, "JPEG", **options)
    content = buffer.getvalue()
    return content[:2] + b"".join(segments) + content[2:]


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


@given(st.sampled_from("<>"), st.sampled_from([1, 3, 4]), st.integers(0, 300), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_orientation_is_one_integer_of_one_to_eight(order: str, kind: int, value: int, count: int) -> None:
    form = {1: "B", 3: "H", 4: "I"}[kind]
    written = struct.pack(order + form, value % 256 if kind == 1 else value)
    block = tiff([entry(0x10F, 2, 9, b"\xff" * 4, order), entry(0x112, kind, count, written, order)], order)
    stored = value % 256 if kind == 1 else value
    expected = stored if count == 1 and 1 <= stored <= 8 else 1
    assert orientation(block) == orientation(b"Exif\0\0" + block) == expected


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_exif_data_are_an_error(junk: bytes) -> None:
    assert orientation(junk) in range(1, 9)
    assert orientation(b"II*\0\x08\0\0\0" + junk) in range(1, 9)


@pytest.mark.parametrize("kind", [2, 5, 7, 8, 9, 12])
def test_other_types_are_no_orientation(kind: int) -> None:
    assert orientation(tiff([entry(0x112, kind, 1, b"\6\0")])) == 1


ODD = {
    "signed resolution": entry(0x11A, 10, 1, struct.pack("<I", 8)),
    "text resolution": entry(0x11A, 2, 3, b"72\0"),
    "rational artist": entry(0x13B, 5, 1, struct.pack("<I", 8)),
    "XMP as LONG": entry(0x2BC, 4, 2, struct.pack("<I", 8)),
    "negative width": entry(0x100, 9, 1, struct.pack("<i", -1)),
    "GPS before the file": entry(0x8825, 9, 1, struct.pack("<i", -100)),
    "billions of values": entry(0x9286, 12, 2**32 - 1, b"\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("turned", [1, 6])
def test_an_odd_entry_beside_the_orientation_does_not_matter(tmp_path: Path, name: str, turned: int) -> None:
    block = tiff([ODD[name], entry(0x112, 3, 1, struct.pack("<H", turned))])
    upright = read(jpeg(), tmp_path)
    expected = np.rot90(upright, -1) if turned == 6 else upright
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(read(jpeg(segment(0xE1, b"Exif\0\0" + block)), tmp_path), expected)
        in_png = png(PATTERN, 8, 2, chunk(b"eXIf", block))
        assert read(in_png, tmp_path).shape == expected.shape
        buffer = io.BytesIO()
        Image.fromarray(PATTERN).save(buffer, "WEBP", lossless=True, exif=block)
        assert read(buffer.getvalue(), tmp_path).shape == expected.shape


def test_the_orientation_may_follow_the_pixels_of_a_png_and_is_not_read_from_xmp(tmp_path: Path) -> None:
    block = tiff([entry(0x112, 3, 1, b"\3\0")])
    turned = read(png(PATTERN, 8, 2, after=chunk(b"eXIf", block)), tmp_path)
    np.testing.assert_array_equal(turned, PATTERN[::-1, ::-1])
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="3"/></x:xmpmeta>'
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    np.testing.assert_array_equal(read(png(PATTERN, 8, 2, chunk(b"iTXt", text)), tmp_path), PATTERN)
    with_xmp = jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    np.testing.assert_array_equal(read(with_xmp, tmp_path), read(jpeg(), tmp_path))


def test_large_or_damaged_ancillary_chunks_do_not_matter(tmp_path: Path) -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000)))
    profile = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(3_000_000)))
    long = chunk(b"tEXt", b"Comment\0" + b"a" * 2_000_000)
    wrong = (chunk(b"tIME", bytes(7), crc=1), chunk(b"eXIf", tiff([entry(0x112, 3, 1, b"\3\0")]), crc=1))
    wrong += (chunk(b"tRNS", PATTERN[0, 0].astype(">u2").tobytes(), crc=1), chunk(b"acTL", b"\xff" * 8))
    content = png(PATTERN, 8, 2, text, profile, long, *wrong, after=chunk(b"tEXt", b"a", crc=7))
    before = content
    np.testing.assert_array_equal(read(content, tmp_path), PATTERN)
    assert (tmp_path / "a.image").read_bytes() == before


def test_application_segments_of_a_jpeg_do_not_matter(tmp_path: Path) -> None:
    expected = read(jpeg(), tmp_path)
    thumbnail = jpeg()
    for marker, junk in itertools.product((0xE1, 0xE2, 0xED, 0xEF, 0xFE), (b"MPF\0II*\0\xff\xff\xff\xff", thumbnail)):
        np.testing.assert_array_equal(read(jpeg(segment(marker, junk)), tmp_path), expected)
    np.testing.assert_array_equal(read(jpeg(b"\xff\xff\xff", segment(0xE1, b"x")), tmp_path), expected)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_level_is_white(tmp_path: Path, depth: int, interlaced: bool) -> None:
    most = (1 << depth) - 1
    samples = np.random.default_rng(depth).integers(0, most + 1, (7, 11, 1)).astype(np.uint16)
    level = int(samples[2, 3, 0])
    content = png(samples, depth, 0, chunk(b"tRNS", struct.pack(">H", level)), interlaced=interlaced)
    scaled = (samples * 255 // most if depth < 16 else (samples.astype(int) + 128) // 257)[..., 0]
    expected = np.where(samples[..., 0] == level, 255, scaled)
    np.testing.assert_array_equal(read(content, tmp_path), np.repeat(expected[..., None], 3, axis=2))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [2, 4, 6])
def test_sixteen_bits_of_several_samples_are_rounded(tmp_path: Path, colour: int, interlaced: bool) -> None:
    count = {2: 3, 4: 2, 6: 4}[colour]
    samples = np.random.default_rng(colour).integers(0, 65536, (7, 11, count)).astype(np.uint16)
    eight = (samples.astype(int) + 128) // 257
    expected = eight[..., :1].repeat(3, axis=2) if colour == 4 else eight[..., :3]
    if colour != 2:
        alpha = eight[..., -1:]
        expected = (expected * alpha + 255 * (255 - alpha) + 127) // 255
    turned = chunk(b"eXIf", tiff([entry(0x112, 3, 1, b"\6\0")]))
    for before, wanted in (((), expected), ((turned,), np.rot90(expected, -1))):
        np.testing.assert_array_equal(read(png(samples, 16, colour, *before, interlaced=interlaced), tmp_path), wanted)


def test_a_transparent_colour_is_compared_exactly(tmp_path: Path) -> None:
    wide = np.array([[[257, 514, 771], [257, 514, 772], [1, 514, 771]]], np.uint16)
    key = chunk(b"tRNS", struct.pack(">HHH", 257, 514, 771))
    expected = [[[255, 255, 255], [1, 2, 3], [0, 2, 3]]]
    np.testing.assert_array_equal(read(png(wide, 16, 2, key), tmp_path), expected)
    narrow = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    np.testing.assert_array_equal(read(png(narrow, 8, 2, key), tmp_path), [[[255, 255, 255], [1, 2, 4]]])


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes_of_every_depth(tmp_path: Path, depth: int) -> None:
    rng = np.random.default_rng(depth)
    colours, alpha = rng.integers(0, 256, (1 << depth, 3)), rng.integers(0, 256, (1 << depth, 1))
    samples = rng.integers(0, 1 << depth, (6, 13, 1)).astype(np.uint8)
    chunks = chunk(b"PLTE", colours.astype(np.uint8).tobytes()), chunk(b"tRNS", alpha.astype(np.uint8).tobytes()[:-1])
    alpha[-1] = 255  # entries that tRNS does not list are opaque
    expected = ((colours * alpha + 255 * (255 - alpha) + 127) // 255)[samples[..., 0]]
    np.testing.assert_array_equal(read(png(samples, depth, 3, *chunks), tmp_path), expected)


@given(st.integers(1, 20), st.integers(1, 20), st.booleans(), st.integers(0, 1500))
@settings(max_examples=60, deadline=None)
def test_a_png_whose_image_data_end_early_is_refused(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, interlaced: bool, keep: int
) -> None:
    """The stream ends properly, but before the last row. Pillow would show the rest as black."""
    samples = np.random.default_rng(0).integers(1, 256, (height, width, 3)).astype(np.uint8)
    folder, whole = tmp_path_factory.getbasetemp(), png(samples, 8, 2, interlaced=interlaced)
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [samples[top::down, left::across].shape for left, top, across, down in passes]
    needed = sum(rows * (1 + 3 * columns) for rows, columns, _ in parts if rows and columns)
    np.testing.assert_array_equal(read(whole, folder), samples)
    cut = png(samples, 8, 2, interlaced=interlaced, keep=keep)
    if keep < needed:
        with pytest.raises(MimError, match="not a readable image"):
            read(cut, folder)
    else:
        np.testing.assert_array_equal(read(cut, folder), samples)


def test_a_jpeg_of_many_scans_is_refused_and_an_ordinary_progressive_one_is_not(tmp_path: Path) -> None:
    progressive = jpeg(progressive=True)
    np.testing.assert_array_equal(read(progressive, tmp_path), np.asarray(Image.open(io.BytesIO(progressive))))
    start = progressive.rindex(b"\xff\xda")
    last = progressive[start:-2]
    with pytest.raises(MimError, match=f"more than {MAX_SCANS} scans"):
        read(progressive[:-2] + last * MAX_SCANS + b"\xff\xd9", tmp_path)
    # What looks like a scan in a segment is none.
    read(jpeg(segment(0xE3, b"\xff\xda" * 200), progressive=True), tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jpg" if kind == "pipe" else Path(os.devnull)
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(MimError, match="a pipe, socket or device"):
        decode(path)


def test_large_webp_files_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    side = 16383
    for body in (
        b"VP8X\x0a\0\0\0\0\0\0\0" + (side - 1).to_bytes(3, "little") * 2,
        b"VP8L\x0a\0\0\0\x2f" + (side - 1 | side - 1 << 14).to_bytes(4, "little") + bytes(9),
        b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", side, side),
    ):
        with pytest.raises(MimError, match=f"more than {MAX_WEBP_PIXELS:,} pixels"):
            read(b"RIFF" + struct.pack("<I", 44 + len(body)) + b"WEBP" + body + bytes(40), tmp_path)


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 0, 3)])
def test_an_image_without_pixels_is_refused(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    with pytest.raises(MimError, match="no pixels"):
        read(png(np.zeros(shape, np.uint8), 8, 2), tmp_path)


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_decoded_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, seed: int
) -> None:
    rng, buffer = np.random.default_rng(seed), io.BytesIO()
    Image.fromarray(PATTERN).save(buffer, kind, exif=tiff([entry(0x112, 3, 1, b"\6\0")]))
    content = bytearray(buffer.getvalue())
    for _ in range(rng.integers(1, 6)):
        content[rng.integers(3, len(content))] = rng.integers(256)
    try:
        with Photograph(_written(bytes(content), tmp_path_factory.getbasetemp())) as photo:
            (small,) = photo.resampled([8])
    except MimError as error:
        assert str(error).isprintable()
    else:
        assert small.shape == (8, 8, 3)


def test_segments_too_short_to_state_the_colours_are_left_out(tmp_path: Path) -> None:
    whole = read(jpeg(), tmp_path)
    for short in (
        segment(0xEE, b"Adobe"),
        segment(0xEE, b"Adobe\0d\0"),
        segment(0xE0, b"JFIF"),
        segment(0xE0, b"JFIF\0"),
    ):
        np.testing.assert_array_equal(read(jpeg(short), tmp_path), whole)


def test_a_million_comments_and_megabytes_between_segments_cost_little(tmp_path: Path) -> None:
    whole = read(jpeg(), tmp_path)
    for beside in (
        segment(0xFE, b"") * 300_000,
        b"\xff" * 3_000_000,
        b"\xff\0" * 1_500_000,
        segment(0xFE, b"") + bytes(3_000_000),
    ):
        started = time.process_time()
        np.testing.assert_array_equal(read(jpeg(beside), tmp_path), whole)
        assert time.process_time() - started < 3


@pytest.mark.parametrize("kind", ["eXIf", "tRNS", "tEXt", "PLTE", "IHDR", "WEBP", "EXIF", "JPEG", "noise"])
def test_holes_of_gigabytes_are_not_read(tmp_path: Path, kind: str) -> None:
    length, refused = 1_900_000_000, kind in ("PLTE", "IHDR", "noise")
    start, end = png(PATTERN, 8, 2)[:33], png(PATTERN, 8, 2)[33:]
    if kind == "JPEG":
        start, end = jpeg(), b"\0"
    elif kind == "noise":
        start = b"\xff\xd8\xff"
    elif kind in ("WEBP", "EXIF"):
        buffer = io.BytesIO()
        Image.fromarray(PATTERN).save(buffer, "WEBP", lossless=True)
        start, end = buffer.getvalue(), b"\0"
        if kind == "EXIF":
            size = struct.pack("<I", length + len(start))
            start = start[:4] + size + start[8:] + b"EXIF" + struct.pack("<I", length)
    else:
        start, end = (
            (start[:8] if kind == "IHDR" else start) + struct.pack(">I", length) + kind.encode(),
            bytes(4) + end,
        )
    path = tmp_path / "a.image"
    with path.open("wb") as file:
        file.write(start)
        file.seek(length, io.SEEK_CUR)
        file.write(end)
    tracemalloc.start()
    try:
        if refused:
            with pytest.raises(MimError, match="not a readable image"):
                decode(path)
        else:
            assert decode(path).shape == PATTERN.shape
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_webp_file_is_judged_whatever_its_other_chunks_hold(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    frames = [Image.fromarray(PATTERN), Image.fromarray(PATTERN[::-1])]
    frames[0].save(buffer, "WEBP", lossless=True, save_all=True, append_images=frames[1:])
    animated = buffer.getvalue()
    np.testing.assert_array_equal(read(animated, tmp_path), PATTERN)
    second = animated.rindex(b"ANMF")
    damaged = animated[: second + 30] + bytes(len(animated) - second - 30)
    np.testing.assert_array_equal(read(damaged, tmp_path), PATTERN)
    with pytest.raises(MimError, match="ends too early"):
        read(animated[:-40], tmp_path)


def test_images_that_cost_more_than_their_pixels_have_lower_limits(tmp_path: Path) -> None:
    def refused(content: bytes, complaint: str) -> None:
        with pytest.raises(MimError, match=complaint):
            read(content, tmp_path)

    progressive = bytearray(jpeg(progressive=True))
    place = bytes(progressive).index(b"\xff\xc2") + 5
    progressive[place : place + 4] = struct.pack(">HH", 8400, 8400)
    refused(bytes(progressive), "more than 69,000,000 pixels")
    progressive[place : place + 4] = struct.pack(">HH", 5000, 5000)
    start = bytes(progressive).rindex(b"\xff\xda")
    refused(bytes(progressive[:-2] + progressive[start:-2] * 40 + progressive[-2:]), "more than 20,000,000 pixels")
    deep = bytearray(png(PATTERN.astype(np.uint16), 16, 2))
    deep[16:33] = struct.pack(">IIBBBBB", 6000, 6000, 16, 2, 0, 0, 0) + bytes(4)
    refused(bytes(deep), "more than 30,000,000 pixels")
    deep[16:33] = struct.pack(">IIBBBBB", 1, 1_000_001, 8, 0, 0, 0, 0) + bytes(4)
    refused(bytes(deep), "more than 1,000,000 rows")


def _written(content: bytes, folder: Path) -> Path:
    path = folder / "damaged.image"
    path.write_bytes(content)
    return path


@given(st.lists(st.binary(max_size=12), max_size=6), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 30))))
@settings(max_examples=60, deadline=None)
def test_spliced_reads_like_the_joined_pieces(contents: list[bytes], reads: list[tuple[int, int]]) -> None:
    source = io.BytesIO(b"".join(b"--" + content for content in contents))
    pieces, position = [], 0
    for number, content in enumerate(contents):
        position += 2
        pieces.append(content if number % 2 else (position, position + len(content)))
        position += len(content)
    spliced, joined = io.BufferedReader(Spliced(source, tuple(pieces))), io.BytesIO(b"".join(contents))
    for offset, count in reads:
        assert spliced.seek(offset) == joined.seek(offset)
        assert spliced.read(count) == joined.read(count)


def test_decoding_leaves_the_filters_of_warnings_alone(tmp_path: Path) -> None:
    before = list(warnings.filters)
    read(jpeg(), tmp_path)
    assert warnings.filters == before
