"""Hostile files for `hostile.py`: damaged, odd and deceptive photographs, drawn from a seed.

Each kind is a function of a random generator that returns a file and what is expected of it. What is expected follows
from how the file was made, never from a decoder:

* `unreadable`: pixels are certainly missing or damaged, and the format shows it. It must get no verdict.
* `whole`: all pixels are there, and only something beside them is odd. It must not be called unreadable.
* `hidden`: pixels are missing or damaged, but the format has no means to show it (`export/README.md`, Damage).
* `any`: whether pixels are lost depends on where the damage falls.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hostile_pictures import (
    HEIGHT,
    SIGNATURE,
    WIDTH,
    Rng,
    chunk,
    entry,
    extended,
    header,
    image_data,
    photo,
    pixels,
    png,
    png_rows,
    riff,
    saved,
    segment,
    tiff,
    webp_chunks,
    with_segments,
)
from PIL import Image

#: 50 MB of zeros, compressed.
_HUGE = zlib.compress(bytes(50_000_000))


@dataclass(frozen=True)
class Made:
    """A hostile file.

    Attributes:
        content: its bytes.
        expect: `unreadable`, `whole`, `hidden` or `any`.
        suffix: of its name.
        detail: how it was made.
    """

    content: bytes
    expect: str
    suffix: str
    detail: str = ""


def _made(kind: str, content: bytes, expect: str, detail: str = "") -> Made:
    return Made(content, expect, {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[kind], detail)


def truncated(rng: Rng) -> Made:
    """Ends at a random place, at least 24 bytes before the end of the image data."""
    kind, content = photo(rng)
    end = image_data(content)[1] if kind == "PNG" else len(content)
    cut = int(rng.integers(1, end - 24))
    return _made(kind, content[:cut], "unreadable", f"{cut} of {len(content)} bytes")


def truncated_in_a_scan(rng: Rng) -> Made:
    """A progressive JPEG that ends with its first scans, as a browser shows it while it is loaded."""
    content = saved(pixels(rng), "JPEG", progressive=True)
    scans = [place for place in range(len(content) - 1) if content[place : place + 2] == b"\xff\xda"]
    cut = int(rng.choice(scans[1:]))
    return _made("JPEG", content[:cut], "unreadable", f"{cut} of {len(content)} bytes")


def truncated_beside_a_thumbnail(rng: Rng) -> Made:
    """A truncated JPEG whose EXIF holds a whole thumbnail."""
    content = saved(pixels(rng), "JPEG")
    small = saved(pixels(rng, 96, 96), "JPEG")
    exif = segment(0xE1, b"Exif\0\0" + tiff([entry(0x201, 4, 1, b"\x1a\0\0\0")]) + small)
    cut = int(rng.integers(len(content) // 2, len(content) - 24))
    return _made("JPEG", with_segments(content, exif)[: len(exif) + cut], "unreadable")


def patched_end(rng: Rng) -> Made:
    """A truncated JPEG with an end marker, a tail of zeros, or another photograph behind it."""
    content = saved(pixels(rng), "JPEG")
    cut = int(rng.integers(len(content) // 2, len(content) - 200))
    tail = (b"\xff\xd9", bytes(len(content) - cut), content)[rng.integers(3)]
    return _made("JPEG", content[:cut] + tail, "hidden")


def flipped(rng: Rng) -> Made:
    """A few random bytes are changed."""
    kind, content = photo(rng)
    changed = bytearray(content)
    most = int(rng.choice([100, 700, len(content)]))
    for _ in range(rng.integers(1, 8)):
        changed[rng.integers(2, most)] = rng.integers(256)
    return _made(kind, bytes(changed), "any")


def flipped_image_data(rng: Rng) -> Made:
    """A PNG with a changed byte in the image data, so that their checksums differ."""
    content = bytearray(png(pixels(rng), interlaced=bool(rng.integers(2)), level=int(rng.choice([0, 1, 9]))))
    start, end = image_data(bytes(content))
    place = int(rng.integers(start + 10, end - 4))
    content[place] ^= 1 << int(rng.integers(8))
    return _made("PNG", bytes(content), "unreadable", f"byte {place}")


def wrong_checksum(rng: Rng) -> Made:
    """A PNG with a wrong checksum, or a wrong length, of a critical chunk."""
    kind = rng.choice([b"IHDR", b"IDAT", b"IEND"])
    content = bytearray(png(pixels(rng)))
    place = bytes(content).rindex(bytes(kind))
    if rng.integers(2):
        length = int.from_bytes(content[place - 4 : place], "big")
        content[place + 4 + length] ^= 0x55
    else:
        content[place - 4 : place] = struct.pack(">I", int(rng.integers(2**32)))
    return _made("PNG", bytes(content), "any", bytes(kind).decode())


def odd_chunks(rng: Rng) -> Made:
    """A PNG with ancillary chunks that are huge, damaged or nonsense."""
    choices = [
        chunk(b"tEXt", b"k\0" + bytes(rng.integers(1, 255, 2_000_000, np.uint8))),
        chunk(b"zTXt", b"k\0\0" + _HUGE),
        chunk(b"iTXt", b"k\0\1\0\0\0" + _HUGE),
        chunk(b"iCCP", b"p\0\0" + _HUGE),
        chunk(b"iCCP", b"not a profile"),
        chunk(b"tIME", b"\0"),
        chunk(b"gAMA", bytes(4)),
        chunk(b"cHRM", b"\xff" * 3),
        chunk(b"pHYs", bytes(9), crc=1),
        chunk(b"acTL", b"\xff" * 8),
        chunk(b"fcTL", b"\xff" * 26),
        chunk(b"eXIf", rng.bytes(60), crc=5),
        chunk(b"tRNS", b"\0\1", crc=7),
        chunk(b"sBIT", b""),
        chunk(b"a\xffb\0", b"x"),
    ]
    some = [choices[i] for i in rng.choice(len(choices), 3, replace=False)]
    return _made("PNG", png(pixels(rng), before=some[0] + some[1], after=some[2]), "whole")


def _bad_exif(rng: Rng) -> bytes:
    """Returns a damaged block of EXIF. None of them states an orientation from 2 to 8."""
    order = str(rng.choice(["<", ">"]))
    loop = struct.pack(f"{order}I", 8)
    kinds = [
        tiff([entry(0x11A, 10, 1, struct.pack("<i", -1))], order),
        tiff([entry(0x11A, 2, 3, b"72\0"), entry(0x13B, 5, 1, b"\xff\xff\xff\xff")], order),
        tiff([entry(0x2BC, 4, 2**32 - 1, b"\1\0\0\0", order)], order),
        tiff([entry(0x8825, 9, 1, struct.pack(f"{order}i", -100), order)], order),
        tiff([entry(0x8769, 4, 1, loop, order), entry(0x8825, 4, 1, loop, order)], order),
        tiff([], order, count=65535),
        tiff([], order, start=2**32 - 1),
        tiff([], order, start=0),
        b"II*\0",
        b"MM*\0" + bytes(20),
        b"Exif\0\0Exif\0\0" + tiff([], order),
        rng.bytes(int(rng.integers(1, 400))),
        tiff([entry(int(rng.integers(0x113, 65536)), int(rng.integers(0, 20)), 7, rng.bytes(4)) for _ in range(60)]),
    ]
    return kinds[rng.integers(len(kinds))]


def _with_exif(rng: Rng, exif: bytes, detail: str) -> Made:
    kind, content = photo(rng)
    if kind == "JPEG":
        return _made(kind, with_segments(content, segment(0xE1, b"Exif\0\0" + exif)), "whole", detail)
    if kind == "PNG":
        return _made(kind, content[:33] + chunk(b"eXIf", exif) + content[33:], "whole", detail)
    return _made(kind, extended(content, 8, (b"EXIF", exif)), "whole", detail)


def bad_exif(rng: Rng) -> Made:
    """A whole photograph with damaged EXIF."""
    exif = _bad_exif(rng)
    return _with_exif(rng, exif, exif[:40].hex())


def odd_orientation(rng: Rng) -> Made:
    """An orientation that is no number from 1 to 8, of a wrong type, or stated several times."""
    order = str(rng.choice(["<", ">"]))
    value = int(rng.choice([0, 3, 6, 9, 255, 65535]))
    kind = int(rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 129]))
    number = int(rng.choice([0, 1, 2, 2**31]))
    one = entry(0x112, kind, number, struct.pack(f"{order}HH", value, 0), order)
    exif = tiff([one] * int(rng.integers(1, 4)), order)
    return _with_exif(rng, exif, f"type {kind}, {number} values, {value}")


def xmp(rng: Rng) -> Made:
    """An orientation in XMP, in an unclosed or huge packet, or an entity bomb."""
    texts = [
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>',
        b'<x:xmpmeta tiff:Orientation="99999999999999999999"',
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;&b;&b;</x>',
        b"<" * 60_000,
        rng.bytes(3000),
    ]
    text = texts[rng.integers(len(texts))]
    kind, content = photo(rng)
    if kind == "JPEG":
        return _made(kind, with_segments(content, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text)), "whole")
    if kind == "PNG":
        body = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
        return _made(kind, content[:33] + body + content[33:], "whole")
    return _made(kind, extended(content, 4, (b"XMP ", text)), "whole")


def depths(rng: Rng) -> Made:
    """A PNG of 1, 2, 4 or 16 bits, grey, palette or colour, with or without transparency of any length."""
    colour, depth = ((0, 1), (0, 2), (0, 4), (0, 16), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 16), (6, 16))[
        rng.integers(11)
    ]
    count = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    samples = rng.integers(0, 2**depth, (HEIGHT, WIDTH, count))
    entries = 2**depth if colour == 3 else 0
    before = chunk(b"PLTE", rng.bytes(3 * entries)) if entries else b""
    lengths = {0: (0, 1, 2, 3), 2: (0, 5, 6, 8), 3: (0, 1, entries, entries + 9)}.get(colour, (0, 2, 6))
    length = int(rng.choice(lengths))
    before += chunk(b"tRNS", rng.bytes(length)) if length else b""
    content = png(samples, depth, colour, bool(rng.integers(2)), before)
    return _made("PNG", content, "whole", f"colour type {colour}, {depth} bits, tRNS of {length} bytes")


def four_colours(rng: Rng) -> Made:
    """A JPEG in CMYK, YCCK or grey, with an Adobe segment of any transform, several, or none."""
    picture = Image.fromarray(np.concatenate([pixels(rng), pixels(rng)[..., :1]], axis=2), "CMYK")
    content = saved(picture if rng.integers(3) else Image.fromarray(pixels(rng)).convert("L"), "JPEG")
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0" + bytes([rng.integers(0, 4)]))
    short = segment(0xEE, b"Adobe")
    return _made("JPEG", with_segments(content, *(adobe, short)[: rng.integers(3)]), "whole")


def many_scans(rng: Rng) -> Made:
    """A progressive JPEG whose last scan is repeated up to 1,000 times."""
    content = saved(pixels(rng), "JPEG", progressive=True)
    start, times = content.rindex(b"\xff\xda"), int(rng.choice([1, 40, 60, 300, 1000]))
    return _made("JPEG", content[:-2] + content[start:-2] * times + b"\xff\xd9", "any", f"{times} more scans")


def tiny(rng: Rng) -> Made:
    """One pixel, or one row or column of pixels."""
    height, width = ((1, 1), (1, 3000), (3000, 1), (2, 2), (1, 8), (7, 1))[rng.integers(6)]
    kind = str(rng.choice(["JPEG", "PNG", "WEBP"]))
    picture = pixels(rng, height, width)
    return _made(kind, png(picture) if kind == "PNG" else saved(picture, kind), "whole", f"{width} x {height}")


def no_picture(rng: Rng) -> Made:
    """Nothing, text, a web page, a program, zeros or noise with the name of a photograph."""
    contents = [
        b"",
        b"\0",
        b"hello",
        "мама мыла раму\n".encode() * 99,
        b"<!DOCTYPE html><title>404</title>",
        b'{"error": "not found"}',
        b"#!/bin/sh\nrm -rf /\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        bytes(5000),
        rng.bytes(5000),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + rng.bytes(4000).replace(b"\xff", b"\0"),
        SIGNATURE,
        SIGNATURE + header(WIDTH, HEIGHT) + chunk(b"IEND"),
        SIGNATURE + rng.bytes(4000),
        b"RIFF\x04\0\0\0WEBP",
        riff((b"VP8 ", rng.bytes(90)), (b"EXIF", b"")),
        riff((b"VP8X", bytes(10))),
        b"RIFF" + rng.bytes(3000),
    ]
    number = int(rng.integers(len(contents)))
    return _made(str(rng.choice(["JPEG", "PNG", "WEBP"])), contents[number], "unreadable", f"content {number}")


def wrong_suffix(rng: Rng) -> Made:
    """A whole photograph with the suffix of another format."""
    suffix = str(rng.choice([".jpg", ".JPEG", ".jpe", ".jfif", ".png", ".PnG", ".webp"]))
    return Made(photo(rng)[1], "whole", suffix)


def other_format(rng: Rng) -> Made:
    """A picture in a format that is not read, named as a photograph."""
    picture = Image.fromarray(pixels(rng))
    kinds = ("GIF", "BMP", "TIFF", "PPM", "ICO", "JPEG2000", "TGA", "heic", "avif", "PDF", "svg", "psd")
    kind = str(rng.choice(kinds))
    if kind.isupper():
        content = saved(picture, kind)
    else:
        texts = {"svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "psd": b"8BPS\0\1" + bytes(60)}
        content = texts.get(kind, b"\0\0\0\x18ftyp" + kind.encode() + bytes(4) + b"mif1" + kind.encode() + bytes(400))
    return _made("JPEG", content, "unreadable", kind)


def animated(rng: Rng) -> Made:
    """Several frames: animated WebP, animated PNG, or several JPEG in one file (MPO)."""
    kind = str(rng.choice(["WEBP", "PNG", "MPO"]))
    frames = [Image.fromarray(pixels(rng)) for _ in range(3)]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    return _made("JPEG" if kind == "MPO" else kind, content, "whole", kind)


def missing_rows(rng: Rng) -> Made:
    """A PNG whose image data are a whole stream of too few rows."""
    interlaced = bool(rng.integers(2))
    rows = png_rows(pixels(rng), 8, interlaced)
    kept = int(rng.integers(0, len(rows) - 1))
    data = zlib.compress(rows[:kept])
    content = SIGNATURE + header(WIDTH, HEIGHT, 8, 2, interlaced) + chunk(b"IDAT", data) + chunk(b"IEND")
    return _made("PNG", content, "unreadable", f"{kept} of {len(rows)} bytes")


def impossible_header(rng: Rng) -> Made:
    """A size or a type that the image data cannot have, such as 2^31 - 1 pixels."""
    if rng.integers(2):
        sizes = ((0, HEIGHT), (WIDTH, 0), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (65535, 65535), (WIDTH, 2**31))
        width, height = sizes[rng.integers(len(sizes))]
        depth, colour = ((8, 2), (8, 2), (3, 0), (8, 5), (16, 3), (0, 2), (255, 255))[rng.integers(7)]
        content = png(pixels(rng))
        return _made("PNG", SIGNATURE + header(width, height, depth, colour) + content[33:], "unreadable")
    content = bytearray(saved(pixels(rng), "JPEG"))
    place = bytes(content).index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", *((0, WIDTH), (HEIGHT, 0), (65535, 65535))[rng.integers(3)])
    return _made("JPEG", bytes(content), "unreadable")


def odd_segments(rng: Rng) -> Made:
    """A JPEG with odd segments before the image: damaged profiles, thousands of comments, fill bytes."""
    choices = [
        segment(0xFE) * int(rng.choice([1, 5000])),
        segment(0xE2, b"ICC_PROFILE\0\5\1" + rng.bytes(300)),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"MPF\0" + rng.bytes(50)),
        segment(0xED, b"Photoshop 3.0\x008BIM" + rng.bytes(40)),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE0, b"JFXX\0\x10" + rng.bytes(20)),
        segment(0xE8, b"\xff\xd9\xff\xda" * 100),
        b"\xff" * int(rng.integers(1, 5000)),
    ]
    some = [choices[i] for i in rng.choice(len(choices), 3, replace=False)]
    return _made("JPEG", with_segments(saved(pixels(rng), "JPEG"), *some), "whole")


def nonsense_segments(rng: Rng) -> Made:
    """A JPEG with impossible segments: wrong lengths, tables of zeros, other kinds of frames, two frames."""
    content = saved(pixels(rng), "JPEG")
    frame = content.index(b"\xff\xc0")
    kinds = [
        with_segments(content, segment(0xFE, b"x", int(rng.choice([0, 1, 65535])))),
        with_segments(content, segment(0xDB, bytes(65))),
        content[: frame + 1] + bytes([rng.choice([0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xF7])]) + content[frame + 2 :],
        content[:frame] + content[frame : frame + 19] + content[frame:],
        content[: frame + 4] + bytes([12]) + content[frame + 5 :],
        content[: frame + 11] + rng.bytes(2) + content[frame + 13 :],
        with_segments(content, segment(0xDD, b"\0\1")),
        with_segments(content, segment(0xC4, b"\0" + b"\xff" * 16 + bytes(200))),
        with_segments(content, rng.bytes(50)),
        with_segments(content, b"\xff\xd8"),
    ]
    number = int(rng.integers(len(kinds)))
    return _made("JPEG", kinds[number], "any", f"kind {number}")


def trailing(rng: Rng) -> Made:
    """A whole photograph with something behind it: an archive, a film, another photograph, zeros."""
    kind, content = photo(rng)
    tails = [b"PK\x03\x04" + rng.bytes(500), bytes(1_000_000), content, rng.bytes(5000), b"\0\0\0\x18ftypmp42", b"\n"]
    return _made(kind, content + tails[rng.integers(len(tails))], "whole")


def many_pieces(rng: Rng) -> Made:
    """A PNG whose image data are in thousands of chunks, some of them empty."""
    content = png(pixels(rng), pieces=int(rng.choice([2, 300, 5000])))
    empty = chunk(b"IDAT") * int(rng.choice([0, 1, 5000]))
    return _made("PNG", content[:33] + empty + content[33:], "whole")


def chunk_order(rng: Rng) -> Made:
    """A PNG whose chunks are in a wrong order, missing or doubled."""
    samples = rng.integers(0, 256, (HEIGHT, WIDTH, 1))
    content = png(samples, 8, 3)
    start, data, end = content[8:33], content[33:-12], content[-12:]
    palette, split = chunk(b"PLTE", rng.bytes(3 * int(rng.choice([0, 1, 256, 257])))), chunk(b"tEXt", b"a\0b")
    orders = [
        (data, start, end),
        (start, data, palette, end),
        (start, data, end),
        (start, start, palette, data, end),
        (start, palette, palette, data, end),
        (start, palette, data, data, end),
        (start, palette, data[: len(data) // 2], split, data[len(data) // 2 :], end),
        (end, start, palette, data),
        (start, palette, data),
        (palette, start, data, end),
    ]
    number = int(rng.integers(len(orders)))
    return _made("PNG", SIGNATURE + b"".join(orders[number]), "any", f"order {number}")


def odd_compression(rng: Rng) -> Made:
    """A PNG with an unknown filter, compression, dictionary or window, or data behind the last row."""
    rows = bytearray(png_rows(pixels(rng), 8))
    data = zlib.compress(bytes(rows))
    rows[0] = int(rng.integers(5, 256))
    with_dictionary = zlib.compressobj(zdict=b"mim")
    streams = [
        zlib.compress(bytes(rows)),
        b"\x08\x1d" + data[2:],
        b"\x79\x9c" + data[2:],
        with_dictionary.compress(bytes(rows)) + with_dictionary.flush(),
        data + rng.bytes(2000),
        data[:-4] + _HUGE,
        zlib.compress(png_rows(pixels(rng), 8) + bytes(4_000_000)),
    ]
    number = int(rng.integers(len(streams)))
    content = SIGNATURE + header(WIDTH, HEIGHT) + chunk(b"IDAT", streams[number]) + chunk(b"IEND")
    return _made("PNG", content, "any", f"stream {number}")


def odd_webp(rng: Rng) -> Made:
    """A WebP file with chunks that are damaged, unknown or missing; `whole` where they hold no pixels."""
    lossless = bool(rng.integers(2))
    content = saved(pixels(rng), "WEBP", lossless=lossless, method=0)
    inner = webp_chunks(content)[0]
    whole = [
        extended(content, 0x20, (b"ICCP", b"no profile")),
        extended(content, 0x2C, (b"ICCP", bytes(500_000)), (b"EXIF", rng.bytes(99)), (b"XMP ", b"<")),
        extended(content, 0, (b"ABCD", rng.bytes(99))),
        riff(inner, (b"JUNK", rng.bytes(501))),
    ]
    odd = [
        extended(content, 0xFF),
        extended(content, 2),
        riff(inner, size=int(rng.choice([0, 3, 12, 2**32 - 1]))),
        riff((b"VP8X", bytes(10)), inner),
        riff((b"VP8X", bytes(4) + b"\xff" * 6), inner),
        riff(inner, inner),
        riff((b"ALPH", rng.bytes(30)), inner),
        riff((b"VP8L" if inner[0] == b"VP8 " else b"VP8 ", inner[1])),
    ]
    if rng.integers(2):
        return _made("WEBP", whole[rng.integers(len(whole))], "whole")
    return _made("WEBP", odd[rng.integers(len(odd))], "any")


def transparent(rng: Rng) -> Made:
    """A whole photograph with an alpha channel of any values: PNG or WebP."""
    alpha = rng.integers(0, 256, (HEIGHT, WIDTH, 1)) * int(rng.integers(0, 2))
    picture = np.concatenate([pixels(rng), alpha.astype(np.uint8)], axis=2)
    kind = str(rng.choice(["PNG", "WEBP"]))
    return _made(kind, png(picture, colour=6) if kind == "PNG" else saved(picture, kind), "whole")


KINDS: tuple[Callable[[Rng], Made], ...] = (
    truncated,
    truncated_in_a_scan,
    truncated_beside_a_thumbnail,
    patched_end,
    flipped,
    flipped_image_data,
    wrong_checksum,
    odd_chunks,
    bad_exif,
    odd_orientation,
    xmp,
    depths,
    four_colours,
    many_scans,
    tiny,
    no_picture,
    wrong_suffix,
    other_format,
    animated,
    missing_rows,
    impossible_header,
    odd_segments,
    nonsense_segments,
    trailing,
    many_pieces,
    chunk_order,
    odd_compression,
    odd_webp,
    transparent,
)
#: Kinds with more cases than the others.
_OFTEN = {truncated: 4, flipped: 4, bad_exif: 2, odd_orientation: 2, no_picture: 2}


def draw(seed: int, number: int) -> tuple[str, Made]:
    """Returns the kind and the file of a number; each depends on the seed and its number alone."""
    turns = [kind for kind in KINDS for _ in range(_OFTEN.get(kind, 1))]
    kind = turns[number % len(turns)]
    return kind.__name__, kind(np.random.default_rng([seed, number]))
