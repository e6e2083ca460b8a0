"""ProxyAno: an image is rebuilt from a proxy of itself (Zhou et al., arXiv 2110.01761)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from mim_export.score.errors import MimError
from mim_tf.measures.ssim import ssim
from mim_tf.models.ema import AveragedModel
from mim_tf.models.losses import masked_error
from mim_tf.models.memory import MemoryAddress
from mim_tf.models.networks import (
    check_shape,
    decoder,
    encoder,
    generator,
)
from mim_tf.negatives.patch_paste import paste_patch
from mim_tf.negatives.proxies import PROXIES


@dataclass(frozen=True)
class ProxyAnoConfig:
    """What a `ProxyAno` is built from.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: filters of the first level of both modules.
        proxy: "superpixel", "blur", "edges" or "low_resolution".
        memory: items of the memory; 0 = no memory.
        pseudo_anomalies: whether the Image Reconstruction Module has to mend pasted patches.
        precision: dtype policy.
        seed: of initial weights and patches.
    """

    size: int = 96
    width: int = 16
    proxy: str = "superpixel"
    memory: int = 64
    pseudo_anomalies: bool = True
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.proxy not in PROXIES:
            raise MimError(f"no proxy {self.proxy!r}", f"choose one of {', '.join(PROXIES)}")
        check_shape(self.size, self.width)


@keras.saving.register_keras_serializable("mim_tf")
class ProxyAno(AveragedModel):
    """Two modules: the image's features, through a memory, to its proxy; and the proxy to the image.

    The Proxy Extraction Module maps the image to its superpixel image (each superpixel set to its mean). The
    features pass a memory that has learnt what normal images need; what it has not learnt is lost. The Image
    Reconstruction Module maps the superpixel image back to the image. In training, a patch of the image is pasted
    onto the superpixel image and the normal image remains the target, so that anomalies are not rebuilt.

    The abstract says no more. Ours are:

    * the networks: MIM's encoder and decoder without skips and three levels deep (a code of S / 8 x S / 8) as Proxy
      Extraction Module, MIM's generator as Image Reconstruction Module;
    * a key-value memory of 64 items, addressed by cosine and softmax at each position of the code;
    * mean absolute error of the proxy; mean absolute error and 1 - SSIM of the image, weighted as in MIM, and the
      absolute error within the pasted patch once more, for it is too small to be heard otherwise; no discriminator;
    * the reconstruction does not train the extraction (its gradient is stopped): otherwise the proxy would turn into
      a hidden channel for the image's texture;
    * one half of each batch shows the Image Reconstruction Module the extracted proxy, which it gets in inference,
      the other half the true one with a pasted patch;
    * one square patch of 1/8 to 1/3 of the side, from a random place of the same image;
    * SLIC with about 150 segments, compactness 10, on the photograph; photograph and proxy are augmented alike;
    * the score: SSIM of image and reconstruction, MIM's measure, so that a comparison is one of models.

    Args:
        config: sizes and parts; a mapping as `get_config` gives it is accepted too.

    Example:
        >>> model = ProxyAno(ProxyAnoConfig(size=96))
        >>> model.compile(keras.optimizers.Adam(4e-4))
        >>> model.fit(pairs, steps_per_epoch=100)   # (images, proxies), float32 (B, 96, 96, 3) in [0, 1]
        >>> model(images)                           # float32 (B, 96, 96, 3)
    """

    config_class = ProxyAnoConfig

    def __init__(self, config: ProxyAnoConfig | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        config = self.read_config(config) or ProxyAnoConfig()
        builders = {
            "extraction": lambda dtype: proxy_extraction(config.size, config.width, config.memory, dtype),
            "reconstruction": lambda dtype: generator(config.size, config.width, dtype, channels=3),
        }
        super().__init__(config, builders, ("proxy", "error", "ssim", "mended"), **kwargs)

    # ---- inference --------------------------------------------------------------------------------

    def extract(self, images: tf.Tensor) -> tf.Tensor:
        """The proxy as the averaged extraction module sees it, float32 (B, S, S, 3)."""
        return self.averages["extraction"](images, training=False)

    def attention(self, images: tf.Tensor) -> tf.Tensor:
        """The memory's attention, float32 (B, S / 8, S / 8, M), summing to 1 over the items."""
        module = self.averages["extraction"]
        return keras.Model(module.input, module.get_layer("memory_address").output)(images, training=False)

    def rebuild(self, proxies: tf.Tensor) -> tf.Tensor:
        """The image that the averaged reconstruction module sees in a proxy, float32 (B, S, S, 3)."""
        return self.averages["reconstruction"](proxies, training=False)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Image to proxy to image: float32 (B, S, S, 3) in [0, 1] to the same."""
        return self.rebuild(self.extract(images))

    # ---- training ---------------------------------------------------------------------------------

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of both modules on images and their proxies, float32 (B, S, S, 3) each."""
        images, proxies = batch
        shown, where = proxies, tf.zeros_like(images[..., :1])
        if self.config.pseudo_anomalies:
            shown, where = paste_patch(self.step_key(), images, proxies)
        half = images.shape[0] // 2
        where = tf.concat([tf.zeros_like(where[:half]), where[half:]], axis=0)
        with tf.GradientTape() as tape:
            extracted = self.networks["extraction"](images, training=True)
            inputs = tf.concat([tf.stop_gradient(extracted[:half]), shown[half:]], axis=0)
            rebuilt = self.networks["reconstruction"](inputs, training=True)
            losses = {
                "proxy": tf.reduce_mean(tf.abs(proxies - extracted)),
                "error": tf.reduce_mean(tf.abs(images - rebuilt)),
                "ssim": 1.0 - tf.reduce_mean(ssim(images, rebuilt)),
                "mended": masked_error(images, rebuilt, where),
            }
            loss = 6.0 * (losses["proxy"] + losses["error"] + losses["mended"]) + losses["ssim"]
        return self.descend(tape, loss, losses)


def proxy_extraction(size: int, width: int, memory: int, dtype: str | None = None) -> keras.Model:
    """The Proxy Extraction Module.

    Args:
        size: side S of the images in pixels, a multiple of 8.
        width: filters w of the first level.
        memory: items of the memory; 0 = none.
        dtype: dtype policy.

    Returns:
        A functional model: float (B, S, S, 3) -> float32 (B, S, S, 3) in (0, 1). With a memory the layer
        `memory_address` gives its attention, (B, S / 8, S / 8, M), and `memory_values` holds its values.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = encoder(inputs, width, dtype, depth=3)[-1]  # (B, S / 8, S / 8, 4 w)
    if memory:
        x = MemoryAddress(memory, name="memory_address", dtype=dtype)(x)  # (B, S / 8, S / 8, M)
        x = layers.Dense(4 * width, use_bias=False, name="memory_values", dtype=dtype)(x)
    return keras.Model(inputs, decoder(x, width, dtype, depth=3), name="extraction")
