"""`mim_export.score.decode` against Pillow, exact fractions, and hand-made arrays."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mim_export.score.decode import MAX_JPEG_PIXELS, MAX_PNG_PIXELS, Photograph, decode
from mim_export.score.errors import MimError, TooLargeError
from mim_export.score.preprocess import resample

PATTERN = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.uint8)
#: The inverse of each EXIF orientation, on arrays.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PATTERN).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), UPRIGHT[orientation](PATTERN))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_formats_decode_as_pillow_decodes_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PATTERN).save(path)
    np.testing.assert_array_equal(decode(path), np.asarray(Image.open(path).convert("RGB")))


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 0] = 200
    rgba[0, :, 3] = [0, 51, 255]
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    # 0.2 of (200, 0, 0) and 0.8 of white: (244, 204, 204).
    np.testing.assert_array_equal(decode(tmp_path / "a.png")[0], [[255] * 3, [244, 204, 204], [200, 0, 0]])


def test_grey_palette_and_cmyk(tmp_path: Path) -> None:
    Image.fromarray(PATTERN[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(decode(tmp_path / "grey.png"), np.repeat(PATTERN[..., :1], 3, axis=-1))
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    palette.save(tmp_path / "palette.png", transparency=1)
    np.testing.assert_array_equal(decode(tmp_path / "palette.png")[0], [[10, 20, 30], [255, 255, 255]])
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    assert np.abs(decode(tmp_path / "cmyk.jpg").astype(int) - [255, 0, 0]).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    wide = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    expected = [int(Fraction(int(v), 257) + Fraction(1, 2)) for v in wide[0]]
    np.testing.assert_array_equal(decode(tmp_path / "a.png")[0, :, 0], expected)


def _png(width: int, height: int) -> bytes:
    """A PNG that declares a size but contains almost no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9)))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.jpg", b"hello", "not a readable image"),
        ("empty.png", b"", "not a readable image"),
    ],
    ids=["text", "empty"],
)
def test_what_is_no_photograph_is_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MimError, match=words) as caught:
        decode(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (20_000, 20_000, "more than 100,000,000 pixels"),
        (10_001, 10_000, "more than 100,000,000 pixels"),
        (1, 1_000_001, "more than 1,000,000 rows"),
    ],
)
def test_a_photograph_that_is_too_large_is_refused_by_its_header(
    tmp_path: Path, width: int, height: int, words: str
) -> None:
    (tmp_path / "a.png").write_bytes(_png(width, height))
    with pytest.raises(TooLargeError) as caught:
        Photograph(tmp_path / "a.png")
    assert str(caught.value) == f"{tmp_path / 'a.png'}: has {words}; shrink the image"


def test_100_million_pixels_of_a_png_are_not_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_png(12_500, 8_000))
    with Photograph(tmp_path / "a.png") as photo:
        assert photo.width * photo.height == MAX_PNG_PIXELS == 100_000_000


def test_220_million_pixels_of_a_jpeg_are_not_too_large(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "a.jpg")
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    start = content.index(b"\xff\xc0") + 5
    for height, refused in ((13_750, False), (13_751, True)):
        content[start : start + 4] = struct.pack(">HH", height, 16_000)
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(TooLargeError) if refused else nullcontext(), Photograph(tmp_path / "a.jpg") as photo:
            assert photo.width * photo.height == MAX_JPEG_PIXELS == 220_000_000


def test_a_photograph_for_which_memory_does_not_suffice_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(PATTERN).save(tmp_path / "a.png")

    def no_memory(*_: object) -> None:
        raise MemoryError

    with Photograph(tmp_path / "a.png") as photo:
        monkeypatch.setattr(Image.Image, "crop", no_memory)
        with pytest.raises(TooLargeError, match="not enough memory to decode it; shrink the image"):
            photo.resampled([3])


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(sorted(UPRIGHT)), st.integers(1, 9), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_the_small_image_is_that_of_the_upright_photograph(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, orientation: int, size: int, strip: int
) -> None:
    """Also where the square is not in the middle, because the difference of the sides is odd."""
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path_factory.getbasetemp() / "turned.png"
    Image.fromarray(pixels).save(path, exif=exif)
    upright = UPRIGHT[orientation](pixels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mim_export.score.decode._STRIP", strip)
        with Photograph(path) as photo:
            assert (photo.height, photo.width) == upright.shape[:2]
            np.testing.assert_array_equal(photo.pixels(), upright)
            for rows in (None, 1, photo.height):
                small, whole = photo.resampled((size, min(upright[:rows].shape[:2])), rows)
                np.testing.assert_array_equal(small, resample(upright[:rows], size))
                np.testing.assert_array_equal(whole, resample(upright[:rows], len(whole)))


def test_little_memory_is_needed_beside_that_of_pillow(tmp_path: Path) -> None:
    """`tracemalloc` sees the arrays of numpy, but not the image of Pillow. One of 20 MP has 60 MB as an array."""
    Image.new("RGB", (5000, 4000), (200, 140, 120)).save(tmp_path / "a.jpg")
    with Photograph(tmp_path / "a.jpg") as photo:
        tracemalloc.start()
        try:
            (small,) = photo.resampled([192])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    np.testing.assert_array_equal(small, np.full((192, 192, 3), small[0, 0], np.uint8))
    assert peak < 6_000_000


def test_truncated_missing_and_folder(tmp_path: Path) -> None:
    Image.fromarray(np.repeat(PATTERN, 20, axis=0)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-400])
    cases = ((tmp_path / "cut.jpg", "readable"), (tmp_path / "no.jpg", "no such"), (tmp_path, "folder"))
    for path, words in cases:
        with pytest.raises(MimError, match=words):
            decode(path)


def test_a_transparent_level_of_sixteen_bits_is_laid_over_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "a.png", transparency=257)
    np.testing.assert_array_equal(decode(tmp_path / "a.png")[0, :, 0], [0, 255, 255])


def test_a_photograph_with_another_inside_is_read_as_its_first(tmp_path: Path) -> None:
    """Phones write JPEG files that contain a second image (MPO)."""
    first, second = (Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (40, 200))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    assert (decode(tmp_path / "a.jpg") == 40).all()


@pytest.mark.parametrize("junk", [b"garbage", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff\x01\x12"])
def test_damaged_exif_is_passed_over_without_a_word(
    tmp_path: Path, junk: bytes, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(PATTERN).save(path)
    expected, content = decode(path), path.read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(junk) + 8) + b"Exif\0\0" + junk
    path.write_bytes(content[:2] + segment + content[2:])
    np.testing.assert_array_equal(decode(path), expected)
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
def test_sixteen_bits_are_turned_upright_too(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PATTERN[..., 0].astype(np.uint16) * 257).save(tmp_path / "a.png", exif=exif)
    expected = np.repeat(UPRIGHT[orientation](PATTERN)[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_every_truncation_is_refused_or_whole(tmp_path: Path, suffix: str) -> None:
    """A truncated file is either rejected with a one-line error or, if it contains all pixels, decoded as before."""
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    Image.fromarray(PATTERN).save(whole)
    content, expected = whole.read_bytes(), decode(whole)
    for length in range(0, len(content) - 1, 7):
        cut.write_bytes(content[:length])
        try:
            pixels = decode(cut)
        except MimError as error:
            assert str(error).startswith(f"{cut}: ") and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("closed", ["a.png", "inside", "."])
def test_what_may_not_be_read_is_one_line(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]], closed: str
) -> None:
    """The file, its folder, or the parent of the folder cannot be read."""
    path = open_folder / "inside" / "a.png"
    path.parent.mkdir()
    Image.fromarray(PATTERN).save(path)
    np.testing.assert_array_equal(decode(path), PATTERN)
    (path if closed == "a.png" else open_folder / closed).chmod(0)
    with other_user(), pytest.raises(MimError, match=r"may not be read|permission denied") as caught:
        decode(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MimError):
        decode(tmp_path / ("a" * 300 + ".jpg"))
