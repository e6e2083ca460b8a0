"""`OneClassModel.anomaly_maps`: definitions, and where an anomaly is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom
from skimage.metrics import structural_similarity

from mim_export.score.errors import MimError
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.models.proxyano import ProxyAno, ProxyAnoConfig
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training


def quiet(*_: Any) -> None: ...


def spotted() -> tuple[np.ndarray, np.ndarray]:
    """Smooth images, uint8 (2, 32, 32, 3), and where each has a chequered square."""
    pixels = np.repeat(np.linspace(90, 160, 32).astype(np.uint8)[None, :, None, None], 2, axis=0)
    pixels = np.broadcast_to(pixels, (2, 32, 32, 3)).copy()
    masks = np.zeros((2, 32, 32), np.bool_)
    masks[0, 4:14, 16:26] = masks[1, 18:28, 5:15] = True
    chequered = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)
    pixels[masks] = np.broadcast_to(chequered[None, :, :, None], pixels.shape)[masks]
    return pixels, masks


@pytest.mark.parametrize("name", ["blur", "biharmonic"])
def test_map_of_a_fill_is_1_minus_ssim(name: str) -> None:
    """By scikit-image, whose windows at the border are mirrored in the same way."""
    pixels, masks = spotted()
    model = create_model(name, 32)
    maps, found = model.anomaly_maps(pixels), model.inpaint(pixels)
    assert maps is not None and found is not None and maps.shape == (2, 32, 32) and maps.dtype == np.float32
    for image, filled, errors, mask in zip(pixels / 255.0, found.inpainted, maps, masks, strict=True):
        _, similarity = structural_similarity(
            image,
            filled.astype(np.float64),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            full=True,
        )
        np.testing.assert_allclose(errors, 1 - similarity.mean(axis=-1), atol=5e-4)
        assert errors[mask].min() > np.median(errors[~mask])


@pytest.mark.parametrize("name", ["mim", "proxyano", "autoencoder", "riad"])
def test_map_of_a_reconstruction(name: str) -> None:
    """The mean of 1 - map over the windows inside the image is the similarity; for `riad` the minimum is."""
    options = {"width": 4, "discriminator_width": 4} if name == "mim" else {"width": 4}
    model = create_model(name, 48, **options)
    assert isinstance(model, ReconstructionModel)
    model._keras_model = model.make_model(model.config)
    pixels = dataset.render("mpox", range(35), size=48)  # more than one batch
    maps, similarity = model.anomaly_maps(pixels), model.score_samples(pixels)
    assert maps.shape == (35, 48, 48) and maps.dtype == np.float32
    expected = 1 - maps.max(axis=(1, 2)) if name == "riad" else 1 - maps[:, 5:-5, 5:-5].mean(axis=(1, 2))
    np.testing.assert_allclose(similarity, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["colour", "classifier"])
def test_other_methods_have_no_map(name: str) -> None:
    assert create_model(name, 32).anomaly_maps(dataset.render("mpox", [0], size=32)) is None


def test_map_of_patchcore_is_the_enlarged_and_smoothed_distance(tmp_path: Path) -> None:
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))
    model = create_model("patchcore", 64)
    model.fit(dataset.render("plain", range(3), size=64), tmp_path, Training(steps=1), quiet)
    pixels = dataset.render("scales", [200], size=64)
    maps = model.anomaly_maps(pixels)
    assert maps is not None and maps.shape == (1, 64, 64) and maps.min() >= 0
    patches, memory = model.patches(pixels)[0], model.memory  # type: ignore[attr-defined]
    side = int(len(patches) ** 0.5)
    distances = np.array([np.sqrt(((memory - patch) ** 2).sum(axis=1)).min() for patch in patches]).reshape(side, side)
    enlarged = zoom(distances, 64 / side, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(maps[0], gaussian_filter(enlarged, 64 * 4 / 224), rtol=1e-3, atol=1e-3)
    assert -model.score_samples(pixels)[0] == pytest.approx(distances.max(), rel=1e-4)


def test_each_part_of_proxyano_can_be_left_out() -> None:
    """Without the proxy, the first module is trained to reproduce the image itself."""
    images = dataset.render("plain", range(2), size=32)
    model = create_model("proxyano", 32, width=4, proxy="none", memory=0, pseudo_anomalies=False)
    assert isinstance(model, ReconstructionModel)
    (pair, *_) = model.batches(images, None, Training(steps=1, batch_size=2), 0)
    assert pair[0].shape == pair[1].shape == (2, 32, 32, 3)
    for items in (0, 8):
        network = ProxyAno(ProxyAnoConfig(size=32, width=4, memory=items)).networks["extraction"]
        assert any(layer.name == "memory_address" for layer in network.layers) == (items > 0)
    with pytest.raises(
        MimError, match="no proxy 'nothing'; choose one of superpixel, blur, edges, low_resolution, none"
    ):
        ProxyAnoConfig(proxy="nothing")
