"""The scorer in C, through cffi, against numpy, Pillow, scikit-image and the definitions in Python."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zlib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cffi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from skimage.metrics import structural_similarity

from mim_export.bundle import golden
from mim_export.score import conformal, decide, preprocess
from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, masks_of, read_manifest
from mim_export.sources import golden_header

SOURCES = Path(__file__).parents[2] / "export" / "c"
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
OK, NULL, SIZE, STRIDE, BUFFER, ARGUMENT, NUMBER, ORDER = range(8)
#: The released bundle for microcontrollers.
MICRO = RELEASED.with_name("released_micro")
MANIFEST = read_manifest(RELEASED)
ENTRIES, STAGES = golden.read(RELEASED)


def _compiler(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no C compiler: {name} is not installed")
    return path


def _declarations() -> str:
    """The headers as cffi reads them: without directives and extern "C"."""
    texts = []
    for name in ("status", "pixels", "masks", "ssim", "decide", "deep"):
        text = (SOURCES / "include" / f"mim_{name}.h").read_text()
        text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
        texts.append(re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    return "\n".join(texts)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The object files of the library, compiled with all warnings as errors."""
    folder = tmp_path_factory.mktemp("c")
    files = sorted((SOURCES / "src").glob("*.c"))
    command = [_compiler("gcc"), "-std=c99", "-O2", *STRICT, "-fPIC", "-c", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return sorted(folder.glob("*.o"))


@pytest.fixture(scope="module")
def c(objects: list[Path]) -> SimpleNamespace:
    """The library (`lib`) and its types (`ffi`)."""
    shared = objects[0].with_name("libmim.so")
    subprocess.run([_compiler("gcc"), "-shared", *objects, "-lm", "-o", shared], check=True)
    ffi = cffi.FFI()
    ffi.cdef(_declarations())
    return SimpleNamespace(lib=ffi.dlopen(str(shared)), ffi=ffi)


def _pointer(c: SimpleNamespace, array: np.ndarray) -> Any:
    kinds = {"uint8": "uint8_t *", "int8": "int8_t *", "float32": "float *", "uint64": "void *"}
    return c.ffi.cast(kinds[array.dtype.name], array.ctypes.data)


def _workspace(count: int) -> np.ndarray:
    return np.zeros((count + 7) // 8, np.uint64)


def _strided(pixels: np.ndarray, extra: int) -> np.ndarray:
    """Rows with `extra` bytes of padding after each, uint8 (height, stride)."""
    rows = pixels.reshape(len(pixels), -1)
    return np.concatenate([rows, np.full((len(rows), extra), 171, np.uint8)], axis=1)


def _over_white(c: SimpleNamespace, rgba: np.ndarray, extra: int = 0) -> np.ndarray:
    height, width = rgba.shape[:2]
    source, target = _strided(rgba, extra), np.zeros((height, width, 3), np.uint8)
    arguments = width, height, source.shape[1], _pointer(c, target), target.nbytes
    assert c.lib.mim_over_white(_pointer(c, source), *arguments) == OK
    return target


def _resample(c: SimpleNamespace, pixels: np.ndarray, size: int, extra: int = 0, orientation: int = 1) -> np.ndarray:
    height, width = pixels.shape[:2]
    source, target = _strided(pixels, extra), np.zeros((size, size, 3), np.uint8)
    needed = c.lib.mim_resample_bytes(size)
    work = _workspace(needed)
    arguments = _pointer(c, target), size, target.nbytes, _pointer(c, work), needed
    assert c.lib.mim_resample(_pointer(c, source), width, height, source.shape[1], orientation, *arguments) == OK
    return target


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The oracle, Pillow."""
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


def _ssim(c: SimpleNamespace, x: np.ndarray, q: np.ndarray, fixed: bool = False) -> float:
    x, q = np.ascontiguousarray(x), np.ascontiguousarray(q)
    height, width, channels = x.shape
    needed = c.lib.mim_ssim_bytes(width, channels)
    work = _workspace(needed)
    name = "mim_ssim_fixed" if fixed else "mim_ssim"
    state = c.ffi.new(f"{name} *")
    begin, push, end = (getattr(c.lib, f"{name}_{verb}") for verb in ("begin", "push", "end"))
    assert begin(state, width, height, channels, _pointer(c, work), needed) == OK
    for row in range(height):
        assert push(state, _pointer(c, x[row]), _pointer(c, q[row])) == OK
    result = c.ffi.new("int32_t *" if fixed else "float *")
    assert end(state, result) == OK
    return float(result[0]) / 65536 if fixed else float(result[0])


def _error_map(c: SimpleNamespace, x: np.ndarray, q: np.ndarray) -> np.ndarray:
    height, width, channels = x.shape
    needed = c.lib.mim_ssim_bytes(width, channels)
    work, errors = _workspace(needed), np.zeros((height, width), np.float32)
    arguments = width, height, channels, _pointer(c, errors), errors.nbytes, _pointer(c, work), needed
    assert c.lib.mim_error_map(_pointer(c, x), _pointer(c, q), *arguments) == OK
    return errors


def _scikit(x: np.ndarray, q: np.ndarray, full: bool = False) -> Any:
    """The oracle, in float64."""
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    a, b = x / 255.0, (q.astype(np.float64) + 128) / 255
    return structural_similarity(a, b, data_range=1, channel_axis=-1, full=full, **window)


def _mask_set(c: SimpleNamespace, size: int, cell: int, count: int) -> Any:
    return c.ffi.new("mim_mask_set *", (size, cell, count, max(1, count // 2)))


def _filled(c: SimpleNamespace, masks: Any, pixels: np.ndarray) -> np.ndarray:
    size, pixels = pixels.shape[0], np.ascontiguousarray(pixels)
    inputs, needed = np.zeros((masks.count, size, size, 4), np.int8), c.lib.mim_filled_bytes(size)
    work = _pointer(c, _workspace(needed))
    for number, target in enumerate(inputs):
        arguments = number, _pointer(c, target), target.nbytes, work, needed
        assert c.lib.mim_filled(masks, _pointer(c, pixels), *arguments) == OK
    return inputs


def _assembled(c: SimpleNamespace, masks: Any, outputs: np.ndarray) -> np.ndarray:
    inpainted = np.zeros(outputs.shape[1:], np.int8)
    for number, output in enumerate(np.ascontiguousarray(outputs)):
        assert c.lib.mim_assemble(masks, _pointer(c, output), number, _pointer(c, inpainted), inpainted.nbytes) == OK
    return inpainted


def _value(c: SimpleNamespace, function: Any, pixels: np.ndarray) -> float:
    """mim_contrast or mim_detail."""
    result = c.ffi.new("float *")
    assert function(_pointer(c, np.ascontiguousarray(pixels)), len(pixels), result) == OK
    return float(result[0])


def _limits(c: SimpleNamespace, gate: dict[str, Any]) -> Any:
    max_novelty = np.inf if gate["max_novelty"] is None else gate["max_novelty"]
    return c.ffi.new("mim_gate_limits *", (gate["min_contrast"], gate["min_detail"], gate["min_side"], max_novelty))


def _gate(c: SimpleNamespace, limits: Any, side: int, contrast: float, detail: float, novelty: float) -> int:
    reason = c.ffi.new("mim_reason_code *")
    assert c.lib.mim_gate(limits, side, contrast, detail, novelty, reason) == OK
    return int(reason[0])


class _Tables:
    """The tables of a manifest in C's memory."""

    def __init__(self, c: SimpleNamespace, calibration: dict[str, Any], reference: dict[str, Any]) -> None:
        self.c, self.levels = c, (calibration["alpha"], reference["beta"])
        self.arrays, entries = [], []
        for table in (calibration, reference):
            arrays = [np.array(table[key], np.float32) for key in ("similarities", "weights")]
            pointers = [_pointer(c, array) if len(array) else c.ffi.NULL for array in arrays]
            entries.append((*pointers, len(arrays[0]), table["groups"]))
            self.arrays += arrays
        self.tables = c.ffi.new("mim_tables *", (*entries, *self.levels))
        self.calibration, self.reference = (c.ffi.addressof(self.tables, name) for name in ("calibration", "reference"))

    def p_values(self, similarity: float) -> tuple[float, float]:
        """Of the class and of other skin."""
        own, other = self.c.ffi.new("float *"), self.c.ffi.new("float *")
        assert self.c.lib.mim_p_class(self.calibration, similarity, own) == OK
        assert self.c.lib.mim_p_other(self.reference, similarity, other) == OK
        return float(own[0]), float(other[0])

    def verdict(self, own: float, other: float, reason: int) -> int:
        result = self.c.ffi.new("mim_verdict_code *")
        assert self.c.lib.mim_verdict(own, other, reason, *self.levels, result) == OK
        return int(result[0])


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


# Pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_of_golden_files(c: SimpleNamespace, orientation: int) -> None:
    entry = next(entry for entry in golden.decoded(RELEASED) if entry["file"] == f"exif_{orientation}.jpg")
    with Image.open(RELEASED / "golden" / entry["file"]) as image:
        stored = np.asarray(image)
    size = min(stored.shape[:2])
    expected = preprocess.resample(entry["pixels"], size)
    levels = _resample(c, stored, size, orientation=orientation).astype(int) - expected
    assert np.abs(levels).max() <= entry["tolerance"]


def test_over_white_on_every_colour_and_alpha(c: SimpleNamespace) -> None:
    alpha, colour = np.mgrid[:256, :256]
    rgba = np.stack([colour, 255 - colour, colour // 2, alpha], axis=-1).astype(np.uint8)
    exact = rgba[..., :3] * (alpha[..., None] / 255.0) + 255.0 - alpha[..., None]
    white = _over_white(c, rgba, extra=5)
    assert np.abs(white - exact).max() <= 0.5 + 1e-9
    assert np.array_equal(white[255], rgba[255, :, :3]) and (white[0] == 255).all()
    reused = rgba.copy()
    assert c.lib.mim_over_white(_pointer(c, reused), 256, 256, 1024, _pointer(c, reused), 3 * 65536) == OK
    assert np.array_equal(reused.ravel()[: 3 * 65536], white.ravel())


def test_over_white_on_the_golden_file(c: SimpleNamespace) -> None:
    entry = next(entry for entry in golden.decoded(RELEASED) if entry["file"] == "alpha.png")
    with Image.open(RELEASED / "golden" / entry["file"]) as image:
        assert np.array_equal(_over_white(c, np.asarray(image.convert("RGBA"))), entry["pixels"])


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 5), (1, 1), (64, 63)])
def test_yuv_is_the_float_formula_rounded(c: SimpleNamespace, step: int, height: int, width: int) -> None:
    rows, columns = (height + 1) // 2, (width + 1) // 2
    luma, u, v = _noise((height, width), 1), _noise((rows, columns), 2), _noise((rows, columns), 3)
    luma[0, 0], u[0, 0], v[0, 0] = 255, 255, 0
    y_plane = _strided(luma, 4)
    chroma = np.zeros((2, rows, step * columns + 3), np.uint8)
    if step == 2:  # as Android's cameras store it: one plane, with u and v as views
        chroma[0, :, : 2 * columns : 2], chroma[0, :, 1 : 2 * columns : 2] = v, u
        views = _pointer(c, chroma[0].ravel()[1:]), _pointer(c, chroma[0])
    else:
        chroma[0, :, :columns], chroma[1, :, :columns] = u, v
        views = _pointer(c, chroma[0]), _pointer(c, chroma[1])
    strides = y_plane.shape[1], chroma.shape[2], step
    image = c.ffi.new("mim_yuv *", (_pointer(c, y_plane), *views, width, height, *strides))
    rgb = np.zeros((height, width, 3), np.uint8)
    assert c.lib.mim_yuv_to_rgb(image, _pointer(c, rgb), rgb.nbytes) == OK
    cb, cr = (plane.repeat(2, 0).repeat(2, 1)[:height, :width] - 128.0 for plane in (u, v))
    parts = [1.402 * cr, -0.344136286 * cb - 0.714136286 * cr, 1.772 * cb]
    exact = np.clip(np.stack([luma + part for part in parts], axis=-1), 0, 255)
    assert np.abs(rgb - exact).max() <= 0.5 + 0.002  # coefficients of 16 bits, times 128


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_resample_is_the_definition(c: SimpleNamespace, data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    size, extra = data.draw(st.integers(1, 40)), data.draw(st.integers(0, 5))
    pixels = _noise((height, width, 3), data.draw(st.integers(0, 9)))
    assert np.array_equal(_resample(c, pixels, size, extra), preprocess.resample(pixels, size))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_rows_in_any_portions_give_the_upright_image(c: SimpleNamespace, data: st.DataObject) -> None:
    """For all orientations, and for odd differences of the sides, where the square of a turned image is another."""
    height, width = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60))
    size, extra, orientation = (data.draw(st.integers(*ends)) for ends in ((1, 40), (0, 5), (1, 8)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    source, target = _strided(pixels, extra), np.zeros((size, size, 3), np.uint8)
    needed = c.lib.mim_resample_bytes(size)
    assert needed == 36 * size
    work, state = _workspace(needed), c.ffi.new("mim_resampler *")
    arguments = _pointer(c, target), size, target.nbytes, _pointer(c, work), needed
    assert c.lib.mim_resample_begin(state, width, height, orientation, *arguments) == OK
    row = 0
    while row < height:
        assert c.lib.mim_resample_end(state) == ORDER
        count = int(rng.integers(0, height - row + 1))
        assert c.lib.mim_resample_push(state, _pointer(c, source[row:]), count, source.shape[1]) == OK
        row += count
    assert c.lib.mim_resample_end(state) == OK
    assert c.lib.mim_resample_push(state, _pointer(c, source), 1, source.shape[1]) == ORDER
    assert np.array_equal(target, preprocess.resample(_upright(pixels, orientation), size))


@pytest.mark.parametrize(("height", "width", "size"), [(1512, 2016, 192), (333, 4000, 96), (95, 97, 96)])
def test_resample_of_photographs(c: SimpleNamespace, height: int, width: int, size: int) -> None:
    pixels = np.maximum(_noise((height, width, 3), 4), 128)
    assert np.array_equal(_resample(c, pixels, size), preprocess.resample(pixels, size))
    assert (_resample(c, np.full_like(pixels, 255), size) == 255).all()


@pytest.mark.parametrize(("width", "height"), [(16384, 15258), (65535, 3814)])
def test_the_largest_photographs(c: SimpleNamespace, width: int, height: int) -> None:
    """Of equal rows, so that the columns of the result are those of one row, and each row is the same."""
    row, size = np.ascontiguousarray(_noise((1, width, 3), 1)), 7
    target, needed = np.zeros((size, size, 3), np.uint8), c.lib.mim_resample_bytes(size)
    work, state = _workspace(needed), c.ffi.new("mim_resampler *")
    arguments = 1, _pointer(c, target), size, target.nbytes, _pointer(c, work), needed
    assert c.lib.mim_resample_begin(state, width, height, *arguments) == OK
    for _ in range(height):
        assert c.lib.mim_resample_push(state, _pointer(c, row), 1, 3 * width) == OK
    assert c.lib.mim_resample_end(state) == OK
    side = min(width, height)
    square = row[0, (width - side) // 2 :][:side].astype(np.float64)
    edges = np.concatenate([np.zeros((1, 3)), np.cumsum(square, 0)])  # integrals, linear between pixels
    at = np.arange(size + 1) * side / size
    integrals = np.stack([np.interp(at, np.arange(side + 1), edges[:, channel]) for channel in range(3)], axis=1)
    means = np.diff(integrals, axis=0) * size / side
    assert np.array_equal(target, np.tile(np.floor(means + 0.5), (size, 1, 1)))
    assert c.lib.mim_resample_begin(state, width, height + 1, *arguments) == SIZE


# Masks


@pytest.mark.parametrize(("size", "cell", "count"), [(96, 8, 4), (12, 3, 2), (10, 1, 5), (7, 7, 3), (64, 4, 255)])
def test_masks_partition_the_image_as_defined(c: SimpleNamespace, size: int, cell: int, count: int) -> None:
    masks, pixels = _mask_set(c, size, cell, count), _noise((size, size, 3), 5)
    label = c.ffi.new("uint8_t *")
    labels = np.zeros((size, size), np.uint8)
    for y in range(size):
        for x in range(size):
            assert c.lib.mim_mask_label(masks, y, x, label) == OK
            labels[y, x] = label[0]
    assert np.array_equal(labels, preprocess.mask_labels(size, cell, count))
    inputs = _filled(c, masks, pixels)
    assert np.array_equal(inputs, golden.filled_int8(pixels, preprocess.mask_set(size, cell, count)))
    assert ((inputs[..., 3] == -128).sum(axis=0) == 1).all()  # each pixel is hidden exactly once


def test_assembling_what_was_cut_apart_gives_the_image(c: SimpleNamespace) -> None:
    whole = _noise((96, 96, 3), 6).view(np.int8)
    hidden = preprocess.mask_labels(96, 8, 4) == np.arange(4)[:, None, None]
    outputs = np.where(hidden[..., None], whole, _noise((4, 96, 96, 3), 7).view(np.int8))
    assert np.array_equal(_assembled(c, _mask_set(c, 96, 8, 4), outputs), whole)


# SSIM


def _pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Image and inpainting, random, flat, noisy, smooth and sharp, 11 to 96 px, 1 to 4 channels."""
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(120):
        height, width, channels = *rng.integers(11, 97, 2), rng.integers(1, 5)
        shape, low, high = (height, width, channels), rng.integers(0, 256, 4), rng.integers(0, 256, 4)
        kind = number % 6
        y, x, _ = np.mgrid[:height, :width, :channels]
        if kind == 0:  # random
            a, b = rng.integers(0, 256, shape), rng.integers(0, 256, shape)
        elif kind == 1:  # flat
            a, b = np.full(shape, low[0]), np.full(shape, high[0])
        elif kind == 2:  # noise on one colour
            a = np.full(shape, low[0])
            b = a + rng.normal(0, rng.uniform(0, 20), shape)
        elif kind == 3:  # a ramp, and noise on it
            a = 255.0 * x / width
            b = a + rng.normal(0, 3, shape)
        elif kind == 4:  # squares with sharp edges, often of one pixel
            squares = (x // rng.integers(1, 9) + y // rng.integers(1, 9)) % 2
            a, b = np.where(squares, low[1], high[1]), np.where(squares, low[2], high[2])
        else:  # nearly black
            a, b = rng.integers(0, 6, shape), rng.integers(0, 6, shape)
        levels = [np.clip(np.round(v), 0, 255).astype(np.uint8) for v in (a, b)]
        pairs.append((levels[0], (levels[1] ^ 128).view(np.int8)))
    return pairs


def test_ssim_is_that_of_scikit_image(c: SimpleNamespace) -> None:
    for x, q in _pairs():
        expected = _scikit(x, q)
        assert _ssim(c, x, q) == pytest.approx(expected, abs=1e-5)
        assert _ssim(c, x, q, fixed=True) == pytest.approx(expected, abs=1e-3)


def test_ssim_of_flat_images_is_the_luminance_term(c: SimpleNamespace) -> None:
    """By hand, because a variance that is not exactly 0 has the largest effect here."""
    for level in range(0, 256, 5):
        for other in range(0, 256, 51):
            x, q = np.full((11, 11, 1), level, np.uint8), np.full((11, 11, 1), other - 128, np.int8)
            a, b = level / 255, other / 255
            expected = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
            assert _ssim(c, x, q) == pytest.approx(expected, abs=1e-6)
            assert _ssim(c, x, q, fixed=True) == pytest.approx(expected, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(11, 40), st.integers(11, 40), st.integers(0, 255))
def test_ssim_of_an_image_with_itself_is_one(c: SimpleNamespace, height: int, width: int, seed: int) -> None:
    x = _noise((height, width, 3), seed)
    assert _ssim(c, x, (x ^ 128).view(np.int8)) == 1
    assert 1 - 1e-4 <= _ssim(c, x, (x ^ 128).view(np.int8), fixed=True) <= 1


def test_error_map_is_that_of_scikit_image(c: SimpleNamespace) -> None:
    for x, q in _pairs()[::3]:
        padded = [np.pad(image, ((5, 5), (5, 5), (0, 0)), mode="symmetric") for image in (x, q)]
        similar = _scikit(*padded, full=True)[1][5:-5, 5:-5]
        assert np.abs(_error_map(c, x, q) - (1 - similar.mean(axis=-1))).max() <= 1e-5


def test_ssim_workspace_is_small(c: SimpleNamespace) -> None:
    assert c.lib.mim_ssim_bytes(96, 3) == 8456 <= 16 * 1024


# Gate, p-values, verdict


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 64), st.integers(0, 255), st.integers(1, 256))
def test_contrast_and_detail_are_the_definitions(c: SimpleNamespace, size: int, seed: int, levels: int) -> None:
    pixels = (_noise((size, size, 3), seed).astype(int) % levels + 256 - levels).astype(np.uint8)
    # For nearly blank images the definition's float32 has an error of some 1e-8.
    assert _value(c, c.lib.mim_contrast, pixels) == pytest.approx(float(decide.contrast(pixels)), rel=1e-6, abs=1e-7)
    assert _value(c, c.lib.mim_detail, pixels) == pytest.approx(float(decide.detail(pixels)), rel=1e-6, abs=1e-7)


def test_one_colour_has_neither_contrast_nor_detail(c: SimpleNamespace) -> None:
    pixels = np.full((192, 192, 3), 201, np.uint8)
    assert _value(c, c.lib.mim_contrast, pixels) == 0 == _value(c, c.lib.mim_detail, pixels)
    pixels[:, ::2], pixels[:, 1::2] = 0, 255
    assert _value(c, c.lib.mim_contrast, pixels) == 0.5 == _value(c, c.lib.mim_detail, pixels)


@pytest.mark.parametrize("max_novelty", [None, 0.5])
def test_gate_is_the_definition(c: SimpleNamespace, max_novelty: float | None) -> None:
    gate = {"min_contrast": 0.1, "min_detail": 0.15, "min_side": 10, "max_novelty": max_novelty}
    limits = _limits(c, gate)
    rng = np.random.default_rng(1)
    for _ in range(60):
        pixels = (rng.integers(0, 256, (12, 12, 3)) // rng.integers(1, 9)).astype(np.uint8)
        found = _value(c, c.lib.mim_contrast, pixels), _value(c, c.lib.mim_detail, pixels)
        novelty = rng.uniform(0, 1)
        given_ = np.array([novelty], np.float32)
        expected = int(decide.gate(pixels[None], decide.Gate.from_dict(gate), given_)[0])
        assert _gate(c, limits, 10, *found, novelty) == expected
        assert _gate(c, limits, 9, *found, novelty) == decide.REASONS.index("too small")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=30),
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=8), max_size=6),
    st.integers(0, 99),
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.5),
)
def test_p_values_and_verdict_are_the_definitions(
    c: SimpleNamespace, groups: list[int], conditions: list[list[int]], seed: int, alpha: float, beta: float
) -> None:
    """With ties, and with references of conditions with different numbers of groups, or without any."""
    rng = np.random.default_rng(seed)
    own = {**_entry(rng, [(count, 1.0) for count in groups]), "alpha": alpha, "method": "split"}
    total = sum(map(len, conditions))
    weighted = [(count, total / len(conditions) / len(counts)) for counts in conditions for count in counts]
    other = {**_entry(rng, weighted), "beta": beta, "conditions": []}
    tables = _Tables(c, own, other)
    definition = conformal.Tables(conformal.Calibration.from_dict(own), conformal.Reference.from_dict(other))
    for similarity in [-99.0, 99.0, *own["similarities"][:5], *other["similarities"][:5], *rng.normal(0, 2, 5)]:
        expected = (
            float(conformal.p_class(similarity, definition.calibration)),
            float(conformal.p_other(similarity, definition.reference)),
        )
        found = tables.p_values(similarity)
        assert found == pytest.approx(expected, abs=1e-6)
        if abs(expected[0] - alpha) > 2e-5 and abs(expected[1] - beta) > 2e-5:
            for reason in range(7):
                verdict = decide.verdict([expected[0]], [expected[1]], [reason], definition)
                assert tables.verdict(*found, reason) == int(verdict[0])


def _entry(rng: np.random.Generator, groups: list[tuple[int, float]]) -> dict[str, Any]:
    """Similarities and weights of a table, of groups with these numbers of images and weights."""
    similarities = np.sort(np.round(rng.normal(0, 2, sum(count for count, _ in groups)), 1))
    weights = rng.permutation([weight / count for count, weight in groups for _ in range(count)])
    return {"similarities": similarities.tolist(), "weights": weights.tolist(), "groups": len(groups)}


@pytest.mark.parametrize("reason", range(7))
def test_every_combination_of_excluded_hypotheses(c: SimpleNamespace, reason: int) -> None:
    """At and just above the levels, for which the slack is needed."""
    one = {"similarities": [0.0], "weights": [1.0], "groups": 1}
    tables = _Tables(c, {**one, "alpha": 0.05}, {**one, "beta": 0.2})
    for own, no_class in [(0.03, 1), (0.05, 1), (0.050009, 1), (0.05002, 0), (1.0, 0)]:
        for other, no_other in [(0.1, 1), (0.2, 1), (0.200009, 1), (0.20002, 0), (1.0, 0)]:
            judged = {(0, 1): 0, (1, 0): 1, (0, 0): 2, (1, 1): 2}[no_class, no_other]
            assert tables.verdict(own, other, reason) == (judged if reason == 0 else 3)


def test_without_reference_nothing_excludes_other_skin(c: SimpleNamespace) -> None:
    own = {"similarities": [0.0], "weights": [1.0], "groups": 1, "alpha": 0.5}
    tables = _Tables(c, own, {"similarities": [], "weights": [], "groups": 0, "beta": 0.2})
    assert tables.p_values(9.0) == (1, 1) and tables.p_values(-9.0) == (0.5, 1)
    assert tables.verdict(1, 1, 0) == 2 and tables.verdict(0.5, 1, 0) == 1


def test_names_are_those_of_the_manifest(c: SimpleNamespace) -> None:
    verdicts = [c.ffi.string(c.lib.mim_verdict_name(code)).decode() for code in range(5)]
    reasons = [c.ffi.string(c.lib.mim_reason_name(code)).decode() or None for code in range(8)]
    assert verdicts == [*MANIFEST["verdicts"], "unknown"]
    assert reasons == [*MANIFEST["reasons"], "unknown"]


# Golden vectors


@pytest.mark.parametrize("entry", golden.entries_of(RELEASED / "golden", "fills"))
def test_golden_fills(c: SimpleNamespace, entry: dict[str, int]) -> None:
    masks = c.ffi.new("mim_mask_set *", tuple(entry[key] for key in ("size", "cell", "count", "step")))
    filled = _filled(c, masks, _resample(c, STAGES[0]["resampled"], entry["size"]))
    assert zlib.crc32(filled[entry["mask"]].tobytes()) == entry["filled_crc32"]


@pytest.mark.parametrize("number", range(len(ENTRIES)))
def test_golden_images(c: SimpleNamespace, number: int) -> None:
    entry, stage, entries = ENTRIES[number], STAGES[number], MANIFEST["mask_set"]
    resampled = _resample(c, stage["input"], MANIFEST["size"])
    assert np.array_equal(resampled, stage["resampled"])
    small = _resample(c, resampled, entries["size"])
    assert np.array_equal(small, stage["small"])
    masks = c.ffi.new("mim_mask_set *", tuple(entries[key] for key in ("size", "cell", "count", "step")))
    assert zlib.crc32(_filled(c, masks, small).tobytes()) == entry["filled_crc32"]
    outputs = np.stack(np.split(stage["micro"], entries["count"], axis=1)) ^ 128
    inpainted = _assembled(c, masks, outputs.view(np.int8))
    step = MANIFEST["size"] // entries["size"]
    levels = inpainted.astype(np.int16) + 128
    assert np.array_equal(levels, stage["inpainted"][::step, ::step])
    assert _ssim(c, small, inpainted) == pytest.approx(_scikit(small, inpainted), abs=1e-5)
    assert _ssim(c, small, inpainted) == pytest.approx(entry["ssim"], abs=1e-4)  # of float32 in another order
    assert _ssim(c, small, inpainted, fixed=True) == pytest.approx(entry["ssim"], abs=1e-3)
    assert np.abs(_error_map(c, small, inpainted) - stage["error_map"][::step, ::step]).max() <= 1e-4
    contrast, detail = _value(c, c.lib.mim_contrast, resampled), _value(c, c.lib.mim_detail, resampled)
    assert contrast == pytest.approx(entry["contrast"], rel=1e-6)
    assert detail == pytest.approx(entry["detail"], rel=1e-6)
    side = min(stage["input"].shape[:2])
    reason = _gate(c, _limits(c, MANIFEST["gate"]), side, contrast, detail, entry["novelty"])
    assert MANIFEST["reasons"][reason] == entry["reason"]
    tables = _Tables(c, MANIFEST["calibration"], MANIFEST["reference"])
    own, other = tables.p_values(entry["similarity"])
    assert own == pytest.approx(entry["p_class"], abs=1e-5) and other == pytest.approx(entry["p_other"], abs=1e-5)
    assert MANIFEST["verdicts"][tables.verdict(own, other, reason)] == entry["verdict"]


@pytest.mark.parametrize("entry", golden.entries_of(RELEASED / "golden", "decisions"))
def test_golden_decisions(c: SimpleNamespace, entry: dict[str, Any]) -> None:
    """At the similarities of the tables, where < differs from <=."""
    tables = _Tables(c, MANIFEST["calibration"], MANIFEST["reference"])
    own, other = tables.p_values(entry["similarity"])
    assert own == pytest.approx(entry["p_class"], abs=1e-5) and other == pytest.approx(entry["p_other"], abs=1e-5)
    assert MANIFEST["verdicts"][tables.verdict(own, other, 0)] == entry["verdict"]


def test_golden_header_says_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(MimError, match="no such file"):
        golden_header.header(tmp_path)
    write_json(tmp_path / "manifest.json", {**read_json(RELEASED / "manifest.json", ""), "mask_set": None})
    with pytest.raises(MimError, match="has no mask set; name a bundle of the method mim"):
        golden_header.header(tmp_path)


#: In place of the README's `litert.c`: checks the image, and gives the codes that the environment names.
STAND_IN = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
const char *run_verdict(const char *model, const uint8_t *image, size_t bytes, const char *const *names, void *values) {
    FILE *file = fopen(model, "wb");
    if (!file || fwrite(image, 1, bytes, file) != bytes || fclose(file)) return "not written";
    if (getenv("FAILS")) return "did not run";
    ((int32_t *)values)[0] = atoi(getenv("VERDICT"));
    ((int32_t *)values)[1] = atoi(getenv("REASON"));
    return names[2]; /* NULL ends the names */
}
"""


@pytest.fixture(scope="module")
def example(objects: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's program with the stand-in. `export/c/fresh.sh` runs it with LiteRT."""
    folder = tmp_path_factory.mktemp("example")
    code = re.search(r"\*\*`main\.c`\*\*\n```c\n(.*?)```", (SOURCES / "README.md").read_text(), re.DOTALL)
    assert code is not None
    (folder / "main.c").write_text(code[1])
    (folder / "stand_in.c").write_text(STAND_IN)
    flags = ["-std=c99", *STRICT, "-I", SOURCES / "include", "-I", RELEASED]
    command = [_compiler("gcc"), *flags, folder / "main.c", folder / "stand_in.c", *objects, "-lm"]
    done = subprocess.run([*command, "-o", folder / "judge"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "judge"


def _ppm(pixels: np.ndarray) -> bytes:
    return f"P6\n{pixels.shape[1]} {pixels.shape[0]}\n255\n".encode() + pixels.tobytes()


def _judge(example: Path, ppm: bytes, *arguments: str, **codes: object) -> tuple[int, list[str], str]:
    """Exit status, printed lines, and the error. The image that the model got is in the file `image` beside."""
    (example.parent / "image").unlink(missing_ok=True)
    environment = {name: str(value) for name, value in codes.items()}
    command = [example, example.parent / "image", *arguments]
    done = subprocess.run(command, input=ppm, capture_output=True, env=environment)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().strip()


def _advice() -> str:
    """What docs/app.md tells apps to show with each verdict."""
    page = re.sub(r"\s+", " ", (SOURCES.parents[1] / "docs" / "app.md").read_text())
    found = re.search(r'\*\*What to do next\.\*\*[^"]*"([^"]+)"', page)
    assert found is not None
    return found[1]


def test_example_passes_the_resampled_image_and_shows_the_verdict(example: Path) -> None:
    for entry, stage in zip(ENTRIES, STAGES, strict=True):
        codes = {"VERDICT": MANIFEST["verdicts"].index(entry["verdict"])}
        codes["REASON"] = MANIFEST["reasons"].index(entry["reason"])
        shown = entry["verdict"] + (f": {entry['reason']}" if entry["reason"] else "")
        assert _judge(example, _ppm(stage["input"]), **codes) == (0, [shown, MANIFEST["statement"], _advice()], "")
        if entry["reason"] != "too small":  # which does not run the model
            assert (example.parent / "image").read_bytes() == stage["resampled"].tobytes()
    turned = np.rot90(STAGES[0]["input"])  # counter-clockwise; the orientation 6 turns it back
    _judge(example, _ppm(turned), "6", VERDICT=2, REASON=0)
    assert (example.parent / "image").read_bytes() == STAGES[0]["resampled"].tobytes()


def test_example_gives_no_verdict_by_mistake(example: Path) -> None:
    ppm = _ppm(STAGES[0]["input"])
    for verdict, reason in [(-1, 0), (4, 0), (0, -1), (3, 7), (3, 0), (0, 1), (2, 1)]:
        status, lines, error = _judge(example, ppm, VERDICT=verdict, REASON=reason)
        assert (status, lines) == (2, []) and "invalid outputs" in error
    assert _judge(example, ppm, VERDICT=3, REASON=3)[1][0] == "cannot-judge: not skin"
    assert _judge(example, ppm, FAILS=1) == (2, [], "did not run")
    assert _judge(example, ppm, "9", VERDICT=2, REASON=0)[:2] == (2, [])
    for damaged in (b"", b"P5 300 300 255 ", b"P6 300 300 65535 ", ppm[:-1], b"P6 300"):
        assert _judge(example, damaged, VERDICT=2, REASON=0)[1][0] == "cannot-judge: unreadable"
    for size in ("15812 15811", "65536 200", "99999999999999999999 9"):
        assert _judge(example, f"P6 {size} 255\n".encode())[1][0] == "cannot-judge: too large"
    assert _judge(example, b"P6 191 300 255\n")[1][0] == "cannot-judge: too small"


@pytest.mark.skipif(
    not (shutil.which("djpeg") and shutil.which("exiftool")), reason="djpeg or exiftool is not installed"
)
def test_documented_commands_give_no_verdict_for_a_truncated_jpeg(example: Path, tmp_path: Path) -> None:
    commands = re.search(r"\*\*`judge\.sh`\*\*\n```sh\n(.*?)```", (SOURCES / "README.md").read_text(), re.DOTALL)
    assert commands is not None
    (tmp_path / "build").symlink_to(example.parent)
    (tmp_path / "BUNDLE").mkdir()
    environment = {**os.environ, "VERDICT": "2", "REASON": "0"}

    def shown(jpeg: bytes) -> str:
        (tmp_path / "photo.jpg").write_bytes(jpeg)
        done = subprocess.run(["sh", "-c", commands[1]], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[0]

    def encoded(mode: str, **options: Any) -> bytes:
        file = io.BytesIO()
        Image.fromarray(STAGES[0]["input"]).convert(mode).save(file, "JPEG", **options)
        return file.getvalue()

    for jpeg in (encoded("RGB"), encoded("RGB", progressive=True), encoded("L")):
        assert shown(jpeg) == "undecided"
        for kept in (len(jpeg) // 2, len(jpeg) - 40, len(jpeg) - 2, 0):
            assert shown(jpeg[:kept]) == "cannot-judge: unreadable", kept
    exif = Image.Exif()
    exif[0x0112] = 6
    assert shown(encoded("L", exif=exif)) == "undecided"
    with Image.open(tmp_path / "photo.jpg") as photo:
        upright = np.array(ImageOps.exif_transpose(photo).convert("RGB"))
    expected = preprocess.resample(upright, MANIFEST["size"])
    found = np.frombuffer((tmp_path / "BUNDLE" / "mim.tflite").read_bytes(), np.uint8).reshape(expected.shape)
    assert np.abs(found.astype(int) - expected).max() <= 2  # decoders differ


def test_amalgamation_is_one_translation_unit_and_that_of_the_swift_package(tmp_path: Path) -> None:
    subprocess.run([SOURCES / "amalgamate.sh", tmp_path], check=True)
    swift = SOURCES.parent / "swift" / "Sources" / "CMim"
    assert (tmp_path / "mim.h").read_text() == (swift / "include" / "mim.h").read_text()
    assert (tmp_path / "mim.c").read_text() == (swift / "mim.c").read_text()
    for compiler, *flags in (("gcc", "-std=c99"), ("clang", "-std=c99"), ("g++", "-x", "c++", "-std=c++11")):
        command = [_compiler(compiler), *flags, *STRICT, "-c", tmp_path / "mim.c", "-o", tmp_path / "mim.o"]
        assert subprocess.run(command).returncode == 0
        # A program that needs nothing but the two files.
        program = "int main(void) { return mim_resample_bytes(192) != 6912; }"
        (tmp_path / "app.c").write_text(f'#include "mim.h"\n{program}\n')
        command = [_compiler(compiler), *flags, *STRICT, tmp_path / "app.c", tmp_path / "mim.c", "-lm"]
        subprocess.run([*command, "-o", tmp_path / "app"], check=True)
        assert subprocess.run([tmp_path / "app"]).returncode == 0


def test_version_is_that_of_the_package() -> None:
    text = (SOURCES / "include" / "mim_version.h").read_text()
    numbers = re.findall(r"#define MIM_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text)
    assert ".".join(numbers) == re.match(r"\d+\.\d+\.\d+", version("mim-tf"))[0]  # type: ignore[index]
    assert int(re.findall(r"#define MIM_FORMAT (\d+)", text)[0]) == MANIFEST["format"]


# Bad arguments


def test_bad_images_are_refused(c: SimpleNamespace) -> None:
    image, target, work = np.zeros(64, np.uint8), np.zeros(64, np.uint8), _workspace(400)
    x, y, w = (_pointer(c, array) for array in (image, target, work))
    null, lib, most = c.ffi.NULL, c.lib, 2**64 - 1
    for pointers in ((null, y, w), (x, null, w), (x, y, null)):
        assert lib.mim_resample(pointers[0], 2, 2, 6, 1, pointers[1], 2, 12, pointers[2], 400) == NULL
    for size in (0, 65536, most):
        assert lib.mim_over_white(x, size, 2, most, y, 64) == SIZE
        assert lib.mim_resample(x, size, 2, most, 1, y, 2, 64, w, 400) == SIZE
        assert lib.mim_resample(x, 2, size, 6, 1, y, 2, 64, w, 400) == SIZE
    assert lib.mim_over_white(x, 65535, 65535, 4 * 65535, y, 64) == SIZE  # more than 250 million pixels
    for orientation in (0, 9, -1, 2**31 - 1):
        assert lib.mim_resample(x, 2, 2, 6, orientation, y, 2, 12, w, 400) == ARGUMENT
    for stride in (0, 5, most, most // 2):
        assert lib.mim_resample(x, 2, 3, stride, 1, y, 2, 12, w, 400) == STRIDE
    assert lib.mim_over_white(x, 2, 2, 8, y, 11) == BUFFER
    assert lib.mim_resample(x, 2, 2, 6, 1, y, 2, 11, w, 400) == BUFFER
    assert lib.mim_resample(x, 2, 2, 6, 1, y, 2, 12, w, 71) == BUFFER
    assert lib.mim_resample(x, 2, 2, 6, 1, y, 2, 12, c.ffi.cast("void *", work.ctypes.data + 4), 100) == BUFFER
    for size in (0, 4097, most):
        assert lib.mim_resample_bytes(size) == 0
        assert lib.mim_resample(x, 2, 2, 6, 1, y, size, most, w, most) == SIZE
    state = c.ffi.new("mim_resampler *")
    assert lib.mim_resample_push(state, x, 1, 6) == ORDER == lib.mim_resample_end(state)  # never begun
    assert lib.mim_resample_begin(null, 2, 2, 1, y, 2, 12, w, 400) == NULL == lib.mim_resample_end(null)
    assert lib.mim_resample_begin(state, 2, 2, 1, y, 2, 12, w, 400) == OK
    assert lib.mim_resample_push(state, null, 1, 6) == NULL == lib.mim_resample_push(null, x, 1, 6)
    for count in (3, most):
        assert lib.mim_resample_push(state, x, count, 6) == ORDER
    assert lib.mim_resample_push(state, x, 2, 5) == STRIDE
    assert lib.mim_resample_begin(state, 2, 2, 1, y, 2, 11, w, 400) == BUFFER
    assert lib.mim_resample_push(state, x, 1, 6) == ORDER  # begin was refused
    for fields, expected in [
        ((null, x, x, 2, 2, 2, 1, 1), NULL),
        ((x, x, x, 0, 2, 2, 1, 1), SIZE),
        ((x, x, x, 2, 2, 1, 1, 1), STRIDE),
        ((x, x, x, 2, 2, 2, 1, 0), STRIDE),
        ((x, x, x, 4, 4, 4, 2, 2), STRIDE),
        ((x, x, x, 4, 4, 4, most, 2), STRIDE),
        ((x, x, x, 3, 3, 3, 2, 1), BUFFER),
    ]:
        assert lib.mim_yuv_to_rgb(c.ffi.new("mim_yuv *", fields), y, 26) == expected


def test_bad_masks_are_refused(c: SimpleNamespace) -> None:
    image, model = np.zeros(768, np.uint8), np.zeros(1024, np.int8)
    x, m, label = _pointer(c, image), _pointer(c, model), c.ffi.new("uint8_t *")
    w, most = _pointer(c, _workspace(96)), 2**64 - 1
    assert c.lib.mim_filled_bytes(16) == 96 and c.lib.mim_filled_bytes(most) == 0
    for fields in [(0, 8, 4, 2), (16, 0, 4, 2), (16, 3, 4, 2), (16, 8, 1, 1), (16, 8, 256, 1), (16, 8, 4, 0)]:
        masks = c.ffi.new("mim_mask_set *", fields)
        assert c.lib.mim_mask_label(masks, 0, 0, label) == ARGUMENT
        assert c.lib.mim_filled(masks, x, 0, m, 1024, w, 96) == ARGUMENT
        assert c.lib.mim_assemble(masks, m, 0, m, 1024) == ARGUMENT
    masks = c.ffi.new("mim_mask_set *", (16, 8, 4, 2))
    assert c.lib.mim_mask_label(masks, 16, 0, label) == SIZE == c.lib.mim_mask_label(masks, 0, most, label)
    assert c.lib.mim_filled(masks, x, 4, m, 1024, w, 96) == ARGUMENT == c.lib.mim_assemble(masks, m, most, m, 1024)
    assert c.lib.mim_filled(masks, x, 3, m, 1023, w, 96) == BUFFER == c.lib.mim_assemble(masks, m, 3, m, 767)
    assert c.lib.mim_filled(masks, x, 3, m, 1024, w, 95) == BUFFER
    assert c.lib.mim_filled(masks, x, 3, m, 1024, c.ffi.NULL, 96) == NULL
    assert c.lib.mim_filled(c.ffi.NULL, x, 3, m, 1024, w, 96) == NULL
    assert c.lib.mim_assemble(masks, m, 3, c.ffi.NULL, 768) == NULL


@pytest.mark.parametrize("name", ["mim_ssim", "mim_ssim_fixed"])
def test_bad_rows_are_refused(c: SimpleNamespace, name: str) -> None:
    begin, push, end = (getattr(c.lib, f"{name}_{verb}") for verb in ("begin", "push", "end"))
    state, result = c.ffi.new(f"{name} *"), c.ffi.new("float *" if name == "mim_ssim" else "int32_t *")
    work, row = _workspace(8456), np.zeros(288, np.uint8)
    w, x, q = _pointer(c, work), _pointer(c, row), _pointer(c, row.view(np.int8))
    null, most = c.ffi.NULL, 2**64 - 1
    assert push(state, x, q) == ORDER == end(state, result)  # never begun
    assert begin(null, 96, 96, 3, w, 8456) == NULL == begin(state, 96, 96, 3, null, 8456)
    for size in (0, 10, 4097, most):
        assert begin(state, size, 96, 3, w, most) == SIZE == begin(state, 96, size, 3, w, most)
    assert begin(state, 96, 96, 0, w, 8456) == SIZE == begin(state, 96, 96, 5, w, most)
    assert begin(state, 96, 96, 3, w, 8455) == BUFFER
    assert begin(state, 96, 96, 3, c.ffi.cast("void *", work.ctypes.data + 1), 8456) == BUFFER
    assert push(state, x, q) == ORDER  # begin was refused
    assert begin(state, 96, 11, 3, w, 8456) == OK
    assert push(state, null, q) == NULL == push(state, x, null)
    for _ in range(11):
        assert end(state, result) == ORDER
        assert push(state, x, q) == OK
    assert push(state, x, q) == ORDER
    assert end(state, null) == NULL
    assert end(state, result) == OK


def test_bad_error_maps_are_refused(c: SimpleNamespace) -> None:
    image, errors, work = np.zeros(300, np.uint8), np.zeros(100, np.float32), _workspace(8456)
    x, q, m, w = (_pointer(c, array) for array in (image, image.view(np.int8), errors, work))
    assert c.lib.mim_error_map(x, q, 10, 10, 3, m, 400, w, 8456) == OK
    assert c.lib.mim_error_map(x, q, 10, 10, 3, m, 399, w, 8456) == BUFFER
    assert c.lib.mim_error_map(x, q, 10, 10, 3, m, 400, w, 1059) == BUFFER
    assert c.lib.mim_error_map(x, q, 4, 10, 3, m, 400, w, 8456) == SIZE
    assert c.lib.mim_error_map(x, q, 10, 2**64 - 1, 3, m, 400, w, 8456) == SIZE
    assert c.lib.mim_error_map(x, q, 10, 10, 3, c.ffi.NULL, 400, w, 8456) == NULL
    assert c.lib.mim_ssim_bytes(4, 3) == c.lib.mim_ssim_bytes(96, 5) == c.lib.mim_ssim_bytes(2**63, 1) == 0


def test_bad_numbers_never_give_a_verdict(c: SimpleNamespace) -> None:
    lib, new = c.lib, c.ffi.new
    reason, verdict, result = new("mim_reason_code *"), new("mim_verdict_code *"), new("float *")
    own = {"similarities": [0.5, 0.7, 0.9], "weights": [1.0, 0.5, 0.5], "groups": 2, "alpha": 0.05}
    other = {"similarities": [0.2, 0.4, 0.6], "weights": [1.5, 0.75, 0.75], "groups": 3, "beta": 0.2}

    def p_class(similarity: float, **changed: Any) -> int:
        return int(lib.mim_p_class(_Tables(c, {**own, **changed}, other).calibration, similarity, result))

    def p_other(similarity: float, **changed: Any) -> int:
        return int(lib.mim_p_other(_Tables(c, own, {**other, **changed}).reference, similarity, result))

    limits = _limits(c, {"min_contrast": 0.1, "min_detail": 0.1, "min_side": 10, "max_novelty": 1.0})
    for bad in (np.nan, np.inf, -np.inf):
        assert lib.mim_gate(limits, 10, bad, 0.2, 0.0, reason) == NUMBER
        assert lib.mim_gate(limits, 10, 0.2, bad, 0.0, reason) == NUMBER
        assert lib.mim_gate(limits, 10, 0.2, 0.2, bad, reason) == NUMBER
        for p_value in (p_class, p_other):
            assert p_value(0.6) == OK and p_value(bad) == NUMBER
            assert p_value(0.6, weights=[1.0, bad, 0.5]) == NUMBER
            assert p_value(0.6, similarities=[bad, 0.7, 0.9]) == NUMBER
        for values in [(bad, 0.5, 0, 0.05, 0.2), (0.5, bad, 0, 0.05, 0.2), (0.5, 0.5, 0, bad, 0.2)]:
            assert lib.mim_verdict(*values, verdict) == NUMBER
        assert lib.mim_verdict(0.5, 0.5, 0, 0.05, bad, verdict) == NUMBER
    for bad in (-0.1, 1.1):
        assert lib.mim_verdict(bad, 0.5, 0, 0.05, 0.2, verdict) == NUMBER
        assert lib.mim_verdict(0.5, bad, 0, 0.05, 0.2, verdict) == NUMBER
    for bad in (0.0, 1.0):
        assert lib.mim_verdict(0.5, 0.5, 0, bad, 0.2, verdict) == NUMBER
        assert lib.mim_verdict(0.5, 0.5, 0, 0.05, bad, verdict) == NUMBER
    assert lib.mim_verdict(0.5, 0.5, 7, 0.05, 0.2, verdict) == ARGUMENT
    assert lib.mim_verdict(0.5, 0.5, 0, 0.05, 0.2, c.ffi.NULL) == NULL
    # A weight larger than the one group of a class, or than all groups of a reference.
    assert p_class(0.6, weights=[1.1, 0.5, 0.4]) == NUMBER == p_other(0.6, weights=[3.1, 0.0, 0.0])
    assert p_class(0.6, groups=0) == ARGUMENT == p_class(0.6, groups=3)
    assert p_other(0.6, groups=0) == ARGUMENT == p_other(0.6, groups=4)
    # Tables whose last image, or all images, were lost.
    assert p_class(0.6, similarities=[0.5, 0.7], weights=[1.0, 0.5]) == ARGUMENT
    assert p_other(0.6, similarities=[0.2, 0.4], weights=[1.5, 0.75]) == ARGUMENT
    assert p_class(0.6, similarities=[], weights=[]) == ARGUMENT == p_other(0.6, similarities=[], weights=[])
    assert p_class(0.6, similarities=[], weights=[], groups=0) == ARGUMENT
    missing = c.ffi.new("mim_table *", (c.ffi.NULL, c.ffi.NULL, 3, 3))
    assert lib.mim_p_class(missing, 0.6, result) == NULL == lib.mim_p_other(missing, 0.6, result)
    assert lib.mim_p_class(c.ffi.NULL, 0.6, result) == NULL == lib.mim_p_other(c.ffi.NULL, 0.6, result)
    pixels = _pointer(c, np.zeros((2, 2, 3), np.uint8))
    assert lib.mim_contrast(pixels, 0, result) == SIZE == lib.mim_detail(pixels, 1, result)
    assert lib.mim_contrast(c.ffi.NULL, 2, result) == NULL == lib.mim_detail(pixels, 2, c.ffi.NULL)


def test_each_status_has_a_line_with_a_remedy(c: SimpleNamespace) -> None:
    lines = [c.ffi.string(c.lib.mim_status_text(status)).decode() for status in range(9)]
    assert len(set(lines)) == 9 and not any("\n" in line for line in lines)
    assert all(";" in line for line in lines[1:])


def _statistics(c: SimpleNamespace, features: np.ndarray, scale: float, zero: int, weights: np.ndarray) -> np.ndarray:
    positions, channels = features.shape
    found = np.zeros(2 * channels, np.float32)
    arguments = positions, channels, scale, zero, _pointer(c, weights), _pointer(c, found), found.nbytes
    assert c.lib.mim_statistics(_pointer(c, features), *arguments) == OK
    return found


def _error_weights(c: SimpleNamespace, x: np.ndarray, q: np.ndarray) -> np.ndarray:
    weights = np.zeros((len(x) // 8, len(x) // 8), np.float32)
    x, q = np.ascontiguousarray(x), np.ascontiguousarray(q)
    assert c.lib.mim_error_weights(_pointer(c, x), _pointer(c, q), len(x), _pointer(c, weights), weights.nbytes) == OK
    return weights


def _head(c: SimpleNamespace) -> tuple[Any, np.ndarray]:
    """The head of the released bundle for microcontrollers, and the values that it points to."""
    network, values = read_manifest(MICRO)["measure"]["network"], np.fromfile(MICRO / "head.f32", "<f4")
    head = c.ffi.new("mim_head *", {"values": _pointer(c, values), "count": len(values)})
    for key in ("statistics", "components", "distance_weight", "novelty_weight", "novelty_start", "novelty_range"):
        setattr(head, key, network[key])
    return head, values


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_error_weights_and_statistics_are_numpys(c: SimpleNamespace, cells: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (8 * cells, 8 * cells, 3)).astype(np.uint8)
    q = rng.integers(-128, 128, x.shape).astype(np.int8)
    errors = np.abs(x / 255 - (q + 128.0) / 255).reshape(cells, 8, cells, 8, 3).mean((1, 3, 4)) + 1e-2
    weights = _error_weights(c, x, q)
    np.testing.assert_allclose(weights, errors / errors.sum(), rtol=1e-5)
    features = rng.integers(-128, 128, (cells * cells, 7)).astype(np.int8)
    real = 0.3 * (features.astype(float) - 5)
    mean = weights.ravel() @ real
    deviation = np.sqrt(weights.ravel() @ (real - mean) ** 2)
    found = _statistics(c, features, 0.3, 5, weights.ravel())
    np.testing.assert_allclose(found, np.concatenate([mean, deviation]), rtol=1e-4, atol=1e-3)


def test_the_measure_deep_from_the_integer_models_is_that_of_the_graph(c: SimpleNamespace) -> None:
    """A microcontroller that runs `mim_micro.tflite` and `mim_features.tflite` gets what `mim.tflite` gives."""
    manifest, (entries, stages) = read_manifest(MICRO), golden.read(MICRO)
    masks = masks_of(manifest)
    output = manifest["models"]["mim_features.tflite"]["signatures"]["features"]["outputs"]["features"]
    (scale,), (zero,) = output["scale"], output["zero_point"]
    head, _values = _head(c)
    similarity, novelty = c.ffi.new("float *"), c.ffi.new("float *")
    for entry, stage in zip(entries, stages, strict=True):
        outputs = np.stack(np.split(stage["micro"], len(masks), axis=1)).astype(np.int16) - 128
        inpainted = (outputs * (1 - masks).astype(np.int16)).sum(0).astype(np.int8)
        weights = _error_weights(c, stage["small"], inpainted)
        features = stage["features"].reshape(weights.size, -1).copy()
        found = _statistics(c, features, scale, zero, weights.ravel())
        assert c.lib.mim_similarity(head, _pointer(c, found), similarity, novelty) == OK
        assert similarity[0] == pytest.approx(entry["similarity"], abs=1e-3)
        assert novelty[0] == pytest.approx(entry["novelty"], abs=1e-3)


def test_bad_heads_and_features_are_refused(c: SimpleNamespace) -> None:
    head, values = _head(c)
    statistics, result = np.zeros(head.statistics, np.float32), c.ffi.new("float *")
    assert c.lib.mim_similarity(head, _pointer(c, statistics), result, result) == OK
    assert c.lib.mim_head_count(160, 30) == 30_755
    assert c.lib.mim_similarity(head, c.ffi.NULL, result, result) == NULL
    statistics[3] = np.nan
    assert c.lib.mim_similarity(head, _pointer(c, statistics), result, result) == NUMBER
    head.count = len(values) - 1  # a file that was cut off
    assert c.lib.mim_similarity(head, _pointer(c, statistics), result, result) == ARGUMENT
    head.components = head.statistics + 1
    assert c.lib.mim_similarity(head, _pointer(c, statistics), result, result) == SIZE
    x, weights = np.zeros((16, 16, 3), np.uint8), np.zeros(4, np.float32)
    arguments = _pointer(c, x), _pointer(c, x.view(np.int8))
    assert c.lib.mim_error_weights(*arguments, 12, _pointer(c, weights), 16) == SIZE
    assert c.lib.mim_error_weights(*arguments, 16, _pointer(c, weights), 15) == BUFFER
    features = np.zeros((4, 3), np.int8)
    for scale, size, answer in ((0.0, 24, NUMBER), (np.nan, 24, NUMBER), (1.0, 23, BUFFER)):
        arguments = 4, 3, scale, 0, _pointer(c, weights), _pointer(c, statistics), size
        assert c.lib.mim_statistics(_pointer(c, features), *arguments) == answer
