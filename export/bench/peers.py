"""Models that `mim-tf bench` compares with: common int8 classifiers, and a convolution with peak int8 throughput."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mim_tf.backbones.efficientnet import SIDE, classifier
from mim_tf.training.config import Progress

from ..score.atomic_files import temporary_folder
from ..score.errors import quiet_stderr


def classifiers(size: int, progress: Progress) -> dict[str, bytes]:
    """Converts EfficientNet-Lite0 and MobileNetV2-0.35 to int8, for images of the given size and of 224 px.

    Args:
        size: side S of the images in pixels.
        progress: is called with the number of converted files.

    Returns:
        TFLite files by name, such as "EfficientNet-Lite0, 224", with input uint8 (1, S, S, 3) and output
        uint8 (1, 1000). The weights of MobileNetV2 are random, since they do not affect its speed.

    Raises:
        MimError: the weights of EfficientNet-Lite0 are not installed.
    """
    sides = sorted({size, SIDE})
    networks = {f"EfficientNet-Lite0, {side}": classifier(side, enlarge=False) for side in sides}
    for side in sides:
        network = keras.applications.MobileNetV2((side, side, 3), alpha=0.35, weights=None)
        networks[f"MobileNetV2-0.35, {side}"] = network
    files = {}
    for name, network in networks.items():
        files[name] = to_int8(network, tf.uint8)
        progress("files", len(files), len(networks), {})
    return files


def peak() -> bytes:
    """Returns an int8 model whose throughput is taken as the peak.

    It is a 1 x 1 convolution of 16 x 16 pixels from 2048 to 512 channels. Of thirteen shapes it had the highest
    throughput on an AMD EPYC with AVX-512 VNNI; the lowest throughput was an eighth less.
    """
    inputs = keras.Input((16, 16, 2048))
    return to_int8(keras.Model(inputs, keras.layers.Conv2D(512, 1)(inputs)), tf.int8)


def to_int8(network: keras.Model, dtype: tf.DType) -> bytes:
    """Converts a network to an integer-only TFLite file with batch size 1.

    Args:
        network: a model with one input. Its activations for uniform noise in [0, 255] determine the ranges.
        dtype: dtype of input and output, int8 or uint8.

    Returns:
        The file.
    """
    shape = (1, *network.input.shape[1:])
    random = np.random.default_rng(0)
    with temporary_folder() as folder, quiet_stderr():
        network.export(str(folder), verbose=False, input_signature=[tf.TensorSpec(shape, tf.float32, "image")])
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: [[random.uniform(0, 255, shape).astype(np.float32)]]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = dtype
        content: bytes = converter.convert()
    return content
