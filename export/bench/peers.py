"""What a developer would take otherwise, as int8 TFLite files, and a file for the peak of int8: for `mim-tf bench`."""

from __future__ import annotations

import tempfile

import keras
import numpy as np
import tensorflow as tf

from mim_tf.backbones.efficientnet import SIDE, classifier
from mim_tf.training.config import Progress

from ..score.errors import quiet_stderr


def classifiers(size: int, progress: Progress) -> dict[str, bytes]:
    """Two usual classifiers of 1000 classes, for images of the size and of the 224 px that they were made for.

    Args:
        size: side S in pixels.
        progress: told how many files are made.

    Returns:
        By name, such as "EfficientNet-Lite0, 224", files that take uint8 (1, S, S, 3) and give uint8 (1, 1000).
        The weights of MobileNetV2 are random, for they do not matter to its speed.

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
    """A convolution of 1 x 1 that is all multiplying and adding int8: 16 x 16 pixels, 2048 channels to 512.

    Of thirteen shapes it had the highest throughput on an AMD EPYC with AVX-512 VNNI; the worst had an eighth less.
    """
    inputs = keras.Input((16, 16, 2048))
    return to_int8(keras.Model(inputs, keras.layers.Conv2D(512, 1)(inputs)), tf.int8)


def to_int8(network: keras.Model, dtype: tf.DType) -> bytes:
    """A network as an integer-only TFLite file for a batch of one.

    Args:
        network: of one input; what it gives for noise in [0, 255] sets the ranges.
        dtype: of input and output, int8 or uint8.
    """
    shape = (1, *network.input.shape[1:])
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, quiet_stderr():
        network.export(folder, verbose=False, input_signature=[tf.TensorSpec(shape, tf.float32, "image")])
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: [[random.uniform(0, 255, shape).astype(np.float32)]]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = dtype
        content: bytes = converter.convert()
    return content
