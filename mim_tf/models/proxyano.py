"""ProxyAno: reconstructs an image from a simplified proxy of it (Zhou et al., arXiv 2110.01761)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from mim_export.score.errors import MimError, check_whole
from mim_tf import replicas
from mim_tf.measures.ssim import ssim
from mim_tf.models.ema import AveragedModel
from mim_tf.models.losses import masked_error
from mim_tf.models.memory import MemoryAddress
from mim_tf.models.networks import (
    check_shape,
    decoder,
    encoder,
    unet,
)
from mim_tf.negatives.patch_paste import paste_patch
from mim_tf.negatives.proxies import PROXIES


@dataclass(frozen=True)
class ProxyAnoConfig:
    """Configuration of a `ProxyAno`.

    Attributes:
        size: side S of the images in pixels, a multiple of 16.
        width: number of filters in the first level of both modules.
        proxy: kind of proxy, "superpixel", "blur", "edges", "low_resolution" or "none", the image itself.
        memory: number of items of the memory; 0 = no memory.
        pseudo_anomalies: whether the Image Reconstruction Module is trained to remove pasted patches.
        precision: dtype policy of the networks in training.
        seed: seed of initial weights and patches.
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
        check_whole("number of items of the memory", self.memory, 0)


@keras.saving.register_keras_serializable("mim_tf")
class ProxyAno(AveragedModel):
    """Two modules: one maps an image through a memory to its proxy, the other maps the proxy back to the image.

    The Proxy Extraction Module maps the image to its superpixel image (each superpixel set to its mean). Its
    features pass through a memory learned from normal images; content that is not in the memory is lost. The Image
    Reconstruction Module maps the superpixel image back to the image. In training, a patch of the image is pasted
    onto the superpixel image while the normal image remains the target, so that anomalies are not reconstructed.

    The abstract gives no further details. The choices of this implementation are:

    * networks: the Proxy Extraction Module is the encoder and decoder of MIM with three levels (a code of
      S / 8 x S / 8) and without skip connections; the Image Reconstruction Module is the U-Net of `networks.py`;
    * a key-value memory of 64 items, addressed by cosine similarity and softmax at each position of the code;
    * losses: mean absolute error of the proxy; mean absolute error and 1 - SSIM of the image, weighted as in MIM; and
      the mean absolute error within the pasted patch as a separate term, because the patch contributes too little to
      the mean over the image; no discriminator;
    * the gradient of the reconstruction is stopped at the proxy, since the proxy could otherwise encode the texture of
      the image;
    * for half of each batch, the input of the Image Reconstruction Module is the extracted proxy, as in inference; for
      the other half, it is the true proxy with a pasted patch;
    * one square patch of 1/8 to 1/3 of the side, from a random place of the same image;
    * SLIC with about 150 segments and compactness 10 on the photograph; photograph and proxy get the same augmentation;
    * the score is the SSIM of image and reconstruction, the measure of MIM, so that a comparison is one of models.

    Args:
        config: the configuration, or the mapping `config` from `get_config`; None = the defaults.

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
            "reconstruction": lambda dtype: unet(config.size, config.width, dtype),
        }
        super().__init__(config, builders, ("proxy", "error", "ssim", "patch"), **kwargs)

    # ---- inference --------------------------------------------------------------------------------

    def extract(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the proxy with the averaged extraction module: float32 (B, S, S, 3) -> float32 (B, S, S, 3)."""
        return self.averages["extraction"](images, training=False)

    def attention(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the attention of the memory: float32 (B, S / 8, S / 8, M), of sum 1 over the items."""
        module = self.averages["extraction"]
        return keras.Model(module.input, module.get_layer("memory_address").output)(images, training=False)

    def rebuild(self, proxies: tf.Tensor) -> tf.Tensor:
        """Reconstructs images from proxies with the averaged reconstruction module, float32 (B, S, S, 3)."""
        return self.averages["reconstruction"](proxies, training=False)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Reconstructs images from their extracted proxies, float32 (B, S, S, 3) in [0, 1]."""
        return self.rebuild(self.extract(images))

    # ---- training ---------------------------------------------------------------------------------

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Trains both modules for one step.

        Args:
            batch: images and their proxies, each float32 (B, S, S, 3) in [0, 1].

        Returns:
            The tracked means: the error of the proxy, the error of the image, 1 - SSIM, and as "patch" the error
            within the pasted patch.
        """
        images, proxies = batch
        pasted, where = proxies, tf.zeros_like(images[..., :1])
        if self.config.pseudo_anomalies:
            pasted, where = paste_patch(self.step_key(), images, proxies)
        count = replicas.whole_size(images)
        extracts = replicas.part(tf.range(count) < count // 2)[:, None, None, None]
        where = tf.where(extracts, 0.0, where)
        with tf.GradientTape() as tape:
            extracted = self.networks["extraction"](images, training=True)
            inputs = tf.where(extracts, tf.stop_gradient(extracted), pasted)
            rebuilt = self.networks["reconstruction"](inputs, training=True)
            losses = {
                "proxy": tf.reduce_mean(tf.abs(proxies - extracted)),
                "error": tf.reduce_mean(tf.abs(images - rebuilt)),
                "ssim": 1.0 - tf.reduce_mean(ssim(images, rebuilt)),
                "patch": masked_error(images, rebuilt, where),
            }
            loss = 6.0 * (losses["proxy"] + losses["error"] + losses["patch"]) + losses["ssim"]
        return self.descend(tape, loss, losses)


def proxy_extraction(size: int, width: int, memory: int, dtype: str | None = None) -> keras.Model:
    """Builds the Proxy Extraction Module.

    Args:
        size: side S of the images in pixels, a multiple of 8.
        width: number of filters w of the first level.
        memory: number of items of the memory; 0 = no memory.
        dtype: dtype policy.

    Returns:
        A functional model: float (B, S, S, 3) -> float32 (B, S, S, 3) in (0, 1). With a memory, the output of the layer
        `memory_address` is its attention, (B, S / 8, S / 8, M), and the kernel of `memory_values` holds its values.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = encoder(inputs, width, dtype, depth=3)[-1]  # (B, S / 8, S / 8, 4 w)
    if memory:
        x = MemoryAddress(memory, name="memory_address", dtype=dtype)(x)  # (B, S / 8, S / 8, M)
        x = layers.Dense(4 * width, use_bias=False, name="memory_values", dtype=dtype)(x)
    return keras.Model(inputs, decoder(x, width, dtype, depth=3), name="extraction")
