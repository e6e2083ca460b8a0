"""`mim_tf.models.proxyano`: the effect of each of its parts."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_tf.data.augment import source_size
from mim_tf.detectors.proxyano import ProxyAnoModel
from mim_tf.measures.ssim import ssim
from mim_tf.models.losses import masked_error
from mim_tf.models.memory import MemoryAddress
from mim_tf.models.proxyano import ProxyAno, ProxyAnoConfig
from mim_tf.negatives.patch_paste import paste_patch
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

SIZE = 48


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> ProxyAnoModel:
    method = ProxyAnoModel(SIZE, width=8)
    pixels = dataset.render("mpox", range(24), size=source_size(SIZE))
    training = Training(steps=150, batch_size=8, precision="float32")
    method.fit(pixels, tmp_path_factory.mktemp("fitted"), training, lambda *line: None)
    return method


@pytest.fixture(scope="module")
def images() -> tf.Tensor:
    return tf.constant(dataset.render("mpox", range(200, 216), size=SIZE) / np.float32(255))


def test_memory_attention_is_selective(fitted: ProxyAnoModel, images: tf.Tensor) -> None:
    attention = fitted.keras_model.attention(images).numpy()  # (B, S / 8, S / 8, 64)
    np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)
    entropy = -(attention * np.log(attention)).sum(-1).mean() / np.log(64)
    assert entropy < 0.8, "1 is uniform"
    # Different positions attend to different items.
    assert len(np.unique(attention.argmax(-1))) >= 4


def halves(step: int, count: int) -> tf.Tensor:
    """Draws images of two colours on both sides of a line, float32 (count, 32, 32, 3)."""
    keys = tf.random.split(tf.constant([step, 7], tf.int64), 3)
    colours = tf.random.stateless_uniform((2, count, 1, 1, 3), keys[0], 0.1, 0.9)
    angle = tf.random.stateless_uniform((count, 1, 1, 1), keys[1], 0, 6.28)
    offset = tf.random.stateless_uniform((count, 1, 1, 1), keys[2], -0.5, 0.5)
    down, right = (axis[..., None] for axis in tf.meshgrid(*[tf.linspace(-1.0, 1.0, 32)] * 2, indexing="ij"))
    side = tf.cast(tf.cos(angle) * right + tf.sin(angle) * down > offset, tf.float32)
    return side * colours[0] + (1 - side) * colours[1]


def patch_error(pseudo_anomalies: bool) -> tuple[float, float]:
    """Trains on two-coloured images and reconstructs images with pasted patches of the wrong colour.

    Returns:
        The mean absolute error of the reconstruction at the patches, and the fraction of the difference between pasted
        and original colour that the reconstruction removes.
    """
    model = ProxyAno(ProxyAnoConfig(size=32, width=8, pseudo_anomalies=pseudo_anomalies))
    model.compile(keras.optimizers.Adam(4e-3))
    train_step = tf.function(model.train_step)
    for step in range(600):
        batch = halves(step, 16)
        train_step((batch, batch))  # images of two colours are their own proxies
    images = halves(1000, 96)
    pasted, where = paste_patch(tf.constant([3, 4], tf.int64), images, images)
    anomalous = where * tf.cast(tf.reduce_mean(tf.abs(pasted - images), -1, keepdims=True) > 0.1, tf.float32)
    rebuilt = model.rebuild(pasted)
    difference = (images - pasted) * anomalous
    removed = tf.reduce_sum((rebuilt - pasted) * difference) / tf.reduce_sum(difference * difference)
    return float(masked_error(rebuilt, pasted, anomalous)), float(removed)


@pytest.mark.slow
def test_pseudo_anomalies_raise_the_error_at_the_pasted_patch() -> None:
    """Training with pseudo-anomalies makes the module remove pasted patches instead of reconstructing them."""
    (error, removed), (error_without, removed_without) = patch_error(True), patch_error(False)
    assert error > 1.1 * error_without
    assert removed > removed_without + 0.04


def test_extracted_proxy_is_flatter_than_the_image(fitted: ProxyAnoModel, images: tf.Tensor) -> None:
    """The first module gives flat regions, the second restores texture."""
    variation = [
        float(tf.reduce_mean(tf.image.total_variation(x))) for x in (fitted.keras_model.extract(images), images)
    ]
    assert variation[0] < variation[1]
    rebuilt = fitted.keras_model(images)
    assert float(tf.reduce_mean(ssim(images, rebuilt))) > float(tf.reduce_mean(ssim(images, 0 * images + 0.5)))


def test_extraction_is_not_trained_by_the_reconstruction() -> None:
    """With its own output as target, the extraction module must not change."""
    model = ProxyAno(ProxyAnoConfig(size=32, width=4, pseudo_anomalies=False))
    model.compile(keras.optimizers.SGD(1.0))
    images = tf.random.stateless_uniform((4, 32, 32, 3), (0, 1))
    proxies = model.networks["extraction"](images, training=True)
    before = [value.numpy() for value in model.networks["extraction"].trainable_variables]
    reconstruction = [value.numpy() for value in model.networks["reconstruction"].trainable_variables]
    model.train_step((images, proxies))
    for x, y in zip(before, model.networks["extraction"].trainable_variables, strict=True):
        # The subgradient of the mean absolute error at 0 is 0.
        np.testing.assert_allclose(x, y.numpy(), atol=1e-6)
    moved = [
        np.abs(x - y.numpy()).max()
        for x, y in zip(reconstruction, model.networks["reconstruction"].trainable_variables, strict=True)
    ]
    assert max(moved) > 1e-4


def test_memory_attention_matches_the_formula() -> None:
    layer = MemoryAddress(64, sharpness=10.0)
    layer.build((None, 4, 4, 64))
    layer.keys.assign(np.eye(64, dtype=np.float32))
    attention = layer(np.eye(64, dtype=np.float32)[None, None] * 3.0).numpy()
    np.testing.assert_allclose(np.diag(attention[0, 0]), np.exp(10) / (np.exp(10) + 63), rtol=1e-5)
    uniform = MemoryAddress(8, sharpness=0.0)
    np.testing.assert_allclose(uniform(np.ones((1, 2, 2, 5), np.float32)), 1 / 8, rtol=1e-6)
    assert MemoryAddress.from_config(layer.get_config()).sharpness == 10.0


def test_memory_is_optional_and_model_can_be_saved(tmp_path: Path) -> None:
    plain = ProxyAno(ProxyAnoConfig(size=32, width=4, memory=0, proxy="blur"))
    assert not any("memory" in layer.name for layer in plain.averages["extraction"].layers)
    plain.compile(keras.optimizers.Adam())
    plain.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.config == plain.config
    images = tf.random.stateless_uniform((2, 32, 32, 3), (0, 1))
    np.testing.assert_array_equal(again(images), plain(images))
    with pytest.raises(MimError, match="choose one of superpixel, blur, edges, low_resolution"):
        ProxyAnoConfig(proxy="sketch")
