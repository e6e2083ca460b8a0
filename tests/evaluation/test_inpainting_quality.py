"""`mim_tf.evaluation.inpainting_quality` against scikit-image and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.backbones.efficientnet import feature_network
from mim_tf.evaluation.inpainting_quality import (
    PERCEPTUAL_BLOCKS,
    can_measure,
    mask_sets,
    measure,
    perceptual_distances,
    quality,
    sets_table,
    table,
)
from mim_tf.measures.fills import FILLS
from mim_tf.synthetic import dataset

MASKS = mask_set(32, 8, 4)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return dataset.render("mpox", range(4), size=32)


def test_measures_are_those_of_scikit_image(images: NDArray[np.uint8]) -> None:
    original = images.astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, 0.05, original.shape)
    changed = np.clip(original + noise, 0, 1).astype(np.float32)
    found = measure(original, {"changed": changed}, MASKS)["changed"]
    for number, (a, b) in enumerate(zip(original, changed, strict=True)):
        assert found["psnr"][number] == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-3)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        assert found["ssim"][number] == pytest.approx(structural_similarity(a, b, channel_axis=2, **options))
    assert (found["sharpness"] > 1).all()  # noise has large gradients
    same = measure(original, {"same": original}, MASKS)["same"]
    assert same["perceptual_distance"].max() == 0
    np.testing.assert_allclose(same["sharpness"], 1)


def test_documented_example() -> None:
    original = np.random.default_rng(0).uniform(0, 0.9, (1, 32, 32, 3)).astype(np.float32)
    found = measure(original, {"off": original + np.float32(0.1)}, MASKS)["off"]
    assert (found["psnr"][0], found["sharpness"][0]) == (pytest.approx(20, abs=1e-4), pytest.approx(1, abs=1e-4))


def test_perceptual_distance_is_lpips_without_weights(images: NDArray[np.uint8]) -> None:
    original = images[:1].astype(np.float32) / 255
    flipped = original[:, ::-1]
    expected = 0.0
    for block in PERCEPTUAL_BLOCKS:
        network = feature_network(32, block, enlarge=False)
        a, b = (
            np.asarray(network(x * 255), np.float64)[0].reshape(-1, network.output_shape[-1])
            for x in (original, flipped)
        )
        cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        expected += np.mean(2 - 2 * cosines) / len(PERCEPTUAL_BLOCKS)  # |u - v|^2 of unit vectors
    assert perceptual_distances(original, {"": flipped})[""][0] == pytest.approx(expected, rel=1e-4)


def test_seams_are_not_sharpness() -> None:
    """Cells of one colour each: all gradients are between cells."""
    cells = np.random.default_rng(0).uniform(0, 1, (1, 4, 4, 3)).astype(np.float32)
    flat = cells.repeat(8, axis=1).repeat(8, axis=2)
    original = np.random.default_rng(1).uniform(0, 1, flat.shape).astype(np.float32)
    assert measure(original, {"flat": flat}, MASKS)["flat"]["sharpness"][0] == 0


def test_quality_compares_a_model_with_the_fills(images: NDArray[np.uint8]) -> None:
    groups = np.array(["a", "a", "b", "c"])
    made = {name: make(images, MASKS) for name, make in FILLS.items()}
    result = quality(Inpainted(images, made["biharmonic"], MASKS), groups)
    rows, against = result["rows"], result["against_biharmonic"]
    assert result["images"] == 4 and rows["model"] == rows["biharmonic"]
    assert (against["psnr"]["value"], against["perceptual_distance_ratio"]["value"]) == (0, 1)
    psnr = measure(images.astype(np.float32) / 255, made, MASKS)["blur"]["psnr"]
    assert rows["blur"]["psnr"]["value"] == pytest.approx(psnr.mean())
    # With groups of one photograph the jackknife is the t interval of a mean.
    alone = quality(Inpainted(images, made["blur"], MASKS), np.array(list("abcd")))["rows"]["model"]["psnr"]
    low, high = stats.t.interval(0.95, 3, loc=psnr.mean(), scale=stats.sem(psnr))
    assert (alone["ci_low"], alone["ci_high"]) == (pytest.approx(low), pytest.approx(high))
    header, *lines = table(rows)
    assert [line[0] for line in lines] == ["model", "blur", "push-pull", "biharmonic"] and len(header) == len(lines[0])
    assert lines[1][1].startswith(f"{psnr.mean():.1f} [")
    header, line = sets_table({"8 px, 4 masks": quality(Inpainted(images, made["blur"], MASKS), groups)})
    difference = np.mean(psnr - measure(images.astype(np.float32) / 255, made, MASKS)["biharmonic"]["psnr"])
    assert len(header) == len(line) and line[0] == "8 px, 4 masks"
    assert line[1].startswith(f"{psnr.mean():.1f} [") and line[2].startswith(f"{difference:+.2f} [")


@pytest.mark.parametrize(
    ("size", "expected"),
    [(96, [(8, 4), (16, 4), (12, 2)]), (64, [(4, 4), (8, 4), (8, 2)]), (97, [(1, 4), (1, 4), (1, 2)])],
)
def test_mask_sets_have_cells_that_divide_the_side(size: int, expected: list[tuple[int, int]]) -> None:
    assert mask_sets(size) == expected


def test_blank_images_give_finite_figures() -> None:
    blank = np.full((2, 32, 32, 3), 90, np.uint8)
    bad = Inpainted(blank, np.full(blank.shape, 0.5, np.float32), MASKS)
    result = quality(bad, np.array(["a", "b"]))
    assert result["against_biharmonic"]["perceptual_distance_ratio"] is None
    figures = [entry["value"] for row in result["rows"].values() for entry in row.values()]
    assert np.isfinite(figures).all() and result["rows"]["biharmonic"]["psnr"]["value"] == pytest.approx(60)


@pytest.mark.parametrize(
    ("size", "cell", "count", "expected"), [(32, 8, 4, True), (8, 4, 2, False), (32, 32, 2, False)]
)
def test_masks_that_cannot_be_measured(size: int, cell: int, count: int, expected: bool) -> None:
    assert can_measure(mask_set(size, cell, count)) == expected
