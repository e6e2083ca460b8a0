"""`mim_tf.training.held_out` against scikit-image."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import inpaint_biharmonic

from mim_export.score.fill import fill
from mim_export.score.preprocess import mask_set
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training
from mim_tf.training.held_out import HeldOutPSNR

MASKS = mask_set(32, 4, 2)


def psnr(pixels: NDArray[np.uint8], inpainted: NDArray[np.floating]) -> float:
    pairs = zip(pixels / 255, inpainted, strict=True)
    return float(np.mean([peak_signal_noise_ratio(image, found, data_range=1.0) for image, found in pairs]))


def biharmonic(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    filled = pixels / 255
    for image, result in zip(pixels, filled, strict=True):
        for mask in MASKS:
            hidden = mask[..., 0] == 0
            result[hidden] = inpaint_biharmonic(image / 255, hidden, channel_axis=2)[hidden]
    return filled.clip(0, 1)


def push_pull(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    filled = np.stack([(fill(image, MASKS) * (1 - MASKS)).sum(axis=0) for image in pixels])
    return np.asarray(filled / 255)


def test_psnr_is_that_of_scikit_image() -> None:
    pixels = dataset.render("mpox", range(3), size=32)
    held_out = HeldOutPSNR(pixels, MASKS)
    noise = np.random.default_rng(0).normal(0, [[[[0.02]]], [[[0.1]]], [[[0.3]]]], pixels.shape).astype(np.float32)
    found = held_out(lambda images: images + noise)
    assert found == {
        "val_psnr": pytest.approx(psnr(pixels, pixels / 255 + noise), abs=1e-3),
        "val_biharmonic": pytest.approx(psnr(pixels, biharmonic(pixels)), abs=1e-3),
        "val_push_pull": pytest.approx(psnr(pixels, push_pull(pixels)), abs=1e-3),
    }
    assert held_out(lambda images: images)["val_psnr"] == 60


@pytest.mark.parametrize(("count", "used"), [(1, [0]), (5, range(5)), (31, range(0, 31, 2))])
def test_sixteen_images_are_spread_evenly(count: int, used: list[int]) -> None:
    pixels = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 32, 32, 3))
    held_out = HeldOutPSNR(pixels, MASKS)
    np.testing.assert_array_equal(held_out.images[:, 0, 0, 0], np.float32(used) / np.float32(255))


def test_a_training_reports_held_out_images(tmp_path: Path) -> None:
    """The generator starts as the push-pull fill. Without images to watch there are no such metrics."""
    method = InpaintingModel(32, width=2, discriminator_width=2)
    pixels = dataset.render("mpox", range(2), size=32)
    seen: list[dict[str, float]] = []

    def fit(name: str) -> keras.Model:
        training = Training(steps=1, batch_size=2, precision="float32")
        large = dataset.render("mpox", range(2), size=method.source_size)
        method.fit(large, tmp_path / name, training, lambda *line: seen.append(line[3]))
        return method.keras_model

    fit("without")
    method.watch(pixels)
    model = fit("with")
    inpainted = model.inpaint(pixels / np.float32(255), method.masks).numpy()
    assert "val_psnr" not in seen[0] and seen[0].keys() < seen[1].keys()
    assert seen[1]["val_psnr"] == pytest.approx(psnr(pixels, inpainted), abs=1e-3)
    assert seen[1]["val_biharmonic"] == pytest.approx(psnr(pixels, biharmonic(pixels)), abs=1e-3)


def test_the_measure_deep_watches_halves() -> None:
    method = DeepInpaintingModel(64, width=2)
    pixels = dataset.render("mpox", range(2), size=64)
    method.watch(pixels)
    halves = pixels.reshape(2, 32, 2, 32, 2, 3).mean(axis=(2, 4)) / 255
    watched = method.inpainting._watched
    assert watched is not None
    np.testing.assert_allclose(watched.images, halves, atol=0.5 / 255 + 1e-6)
