"""`mim_export.score.fill` against exact fractions, and the version in TensorFlow against it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mim_export.score.fill import fill, sides
from mim_export.score.preprocess import mask_set


def _half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def _exact(image: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The specification in fractions, for one channel."""
    size, filled = len(image), np.zeros((0, 0), int)
    for side in reversed(sides(size)):
        step = size // side
        blocks = {
            (y, x): [
                int(image[i, j])
                for i in range(y * step, (y + 1) * step)
                for j in range(x * step, (x + 1) * step)
                if kept[i, j]
            ]
            for y in range(side)
            for x in range(side)
        }
        known = {place: _half_up(Fraction(sum(block), len(block))) for place, block in blocks.items() if block}
        if len(filled):
            filled = np.kron(filled, np.ones((2, 2), int))
        else:
            start = _half_up(Fraction(sum(known.values()), len(known))) if known else 0
            filled = np.full((side, side), start)
        for place, value in known.items():
            filled[place] = value
        for _ in range(8 if side < size else 2):
            before = filled.copy()
            for y, x in blocks.keys() - known.keys():
                around = ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
                inside = [before[p] if 0 <= p[0] < side and 0 <= p[1] < side else before[y, x] for p in around]
                filled[y, x] = _half_up(Fraction(int(sum(inside)), 4))
    return filled.astype(np.uint8)


@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 5, 8, 12, 16]), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_fill_is_that_of_exact_fractions(seed: int, size: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
    mask = (rng.uniform(size=(1, size, size, 1)) < share).astype(np.float32)
    expected = _exact(pixels[..., 1], mask[0, ..., 0] > 0)
    np.testing.assert_array_equal(fill(pixels, mask)[0, ..., 1], expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from([32, 48, 96, 112]), st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_tensorflow_computes_the_same_bytes(seed: int, size: int, share: float) -> None:
    models = pytest.importorskip("mim_tf.models.fill")
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
    masks = (rng.uniform(size=(2, size, size, 1)) < share).astype(np.float32)
    filled = models.fill(pixels[None].astype(np.float32), masks).numpy()
    np.testing.assert_array_equal(filled, fill(pixels, masks))


@pytest.mark.parametrize(("size", "cell", "count"), [(96, 12, 2), (80, 10, 7)])
def test_a_converted_model_computes_the_same_bytes(size: int, cell: int, count: int) -> None:
    """The converter divides by constants as it multiplies by their reciprocals."""
    tf, runtime = pytest.importorskip("tensorflow"), pytest.importorskip("ai_edge_litert.interpreter")
    models, masks = pytest.importorskip("mim_tf.models.fill"), mask_set(size, cell, count)
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    pixels[: size // 2] = pixels[: size // 2] // 128  # sums whose quotients are often whole
    image = tf.TensorSpec([1, size, size, 3], tf.float32)
    traced = tf.function(lambda x: models.fill(x, masks), input_signature=[image]).get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    for kind in ("AUTO", "BUILTIN_REF"):
        resolver = runtime.OpResolverType[kind]
        model = runtime.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
        model.allocate_tensors()
        model.set_tensor(model.get_input_details()[0]["index"], pixels[None].astype(np.float32))
        model.invoke()
        filled = model.get_tensor(model.get_output_details()[0]["index"])
        np.testing.assert_array_equal(filled, fill(pixels, masks))


def test_kept_pixels_and_constants_are_unchanged() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    masks = mask_set(96, 8, 4)
    kept = np.broadcast_to(masks == 1, (4, 96, 96, 3))
    np.testing.assert_array_equal(fill(pixels, masks)[kept], np.broadcast_to(pixels, (4, 96, 96, 3))[kept])
    constant = np.full((96, 96, 3), 77, np.uint8)
    assert (fill(constant, masks) == 77).all()


def test_documented_rows() -> None:
    pixels = np.broadcast_to(np.array([10, 0, 0, 20], np.uint8)[None, :, None], (4, 4, 3)).copy()
    masks = np.ones((1, 4, 4, 1), np.float32)
    masks[:, :, 1:3] = 0
    assert fill(pixels, masks)[0, 0, :, 0].tolist() == [10, 14, 17, 20]
    assert (fill(pixels, 0 * masks) == 0).all()
    assert (sides(96), sides(64)) == ([96, 48, 24, 12, 6, 3], [64, 32, 16, 8, 4])
