"""Converts a fitted `Detector` to TFLite files.

The method `mim` gives `mim.tflite` (int8 generator, signatures `verdict`, `explain` and `inpaint`) and
`mim_micro.tflite` (the generator alone, with int8 inputs and outputs). The feature network of the measure `deep`
computes in float32 by default, with weights stored as float16: quantized to int8, its similarities would differ between
runtimes by a tenth of their spread over the class. For a microcontroller it is quantized in `mim.tflite` and in
`mim_features.tflite`, and the head is stored in `head.f32`.

Other methods that compare an image with its reconstruction by SSIM, such as `proxyano`, give `mim.tflite` with the
signatures `verdict` and `explain` and float32 weights: the cosine similarity and softmax of ProxyAno's memory have no
int8 version here. ProxyAno needs no superpixels on a device. They were the target in training, and its network predicts
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.convert_phase import ConverterError
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mim_tf.detector import Detector
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.models.mim import generator_input
from mim_tf.negatives.views import make_views

from ..score.atomic_files import no_temporary_files, temporary_folder
from ..score.errors import MimError
from ..score.preprocess import resample
from ..tflite import flatbuffer, operators
from .graph import (
    Deep,
    Direct,
    Graph,
    Masked,
)
from .quantize import activation_ranges, int8_twin

#: Maximum size of all models of a bundle together, in bytes.
MAX_BYTES = 6_000_000
#: Number of sample photographs whose views are used to find the activation ranges of the feature network.
_VIEWED = 8
#: Fraction of the activations of the generator that its int8 ranges contain. With all of them, held-out inpaintings
#: lost 0.8 dB, because single values are ten times as large as the others; with this fraction they lose 0.04 dB.
_WITHIN = 0.9999
#: Images per batch when activation ranges are found.
_BATCH = 16


@dataclass(frozen=True)
class Converted:
    """Files of a converted detector.

    Attributes:
        models: content of each TFLite file by file name.
        head: content of `head.f32`, as `Head.to_bytes` returns it, or None without `mim_features.tflite`.
    """

    models: dict[str, bytes]
    head: bytes | None


def convert(detector: Detector, sample: NDArray[np.uint8], micro: bool) -> Converted:
    """Converts a detector to TFLite files.

    Args:
        detector: a fitted detector of the method `mim`, or of a method that compares a reconstruction by SSIM.
        sample: uint8 (N, S, S, 3), photographs of the normal class; they determine the ranges of int8 activations.
        micro: quantize every network to int8, for a microcontroller.

    Returns:
        The files.

    Raises:
        MimError: the method has no reconstruction, the models have more than `MAX_BYTES` bytes together, or a model
            has an operator that not every runtime supports.
    """
    method, side = detector.model, detector.size
    image = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    if isinstance(method, InpaintingModel):
        generator = _int8_generator(method, sample)
        result = Converted(_convert_masked(Masked(detector, generator, method.masks), method, image), None)
    elif isinstance(method, DeepInpaintingModel):
        if micro and method.options["band"] != side:
            problem = f"the features are limited to {method.options['band']} px, which the integer models do not do"
            raise MimError(problem, f"train with --band {side}")
        deep = _deep_graph(detector, method, sample, micro)
        models = _convert_masked(deep, method.inpainting, image)
        result = Converted(models, None)
        if micro:
            scaled = tf.TensorSpec([1, side, side, 3], tf.float32, "scaled")
            features = _convert(deep, {"features": (deep.features, [scaled])}, True, [])
            result = Converted({**models, "mim_features.tflite": features}, deep.head.to_bytes())
    else:
        result = Converted({"mim.tflite": _convert_float(detector)}, None)
    if sum(map(len, result.models.values())) > MAX_BYTES:
        raise MimError(f"the models would take more than {MAX_BYTES} bytes", "train a smaller width")
    return result


def float_graph(detector: Detector) -> Graph:
    """Returns the graph of the model with float32 networks, without quantization.

    Raises:
        MimError: the method has no reconstruction that is compared by SSIM.
    """
    method = detector.model
    if isinstance(method, InpaintingModel):
        return Masked(detector, method.network, method.masks)
    if isinstance(method, DeepInpaintingModel):
        return Deep(detector, method, method.inpainting.network, method.backbone)
    if isinstance(method, ReconstructionModel) and method.measure == "ssim":
        return Direct(detector, method)
    problem = f"the method {detector.name} has no reconstruction that SSIM compares"
    raise MimError(problem, "export a run of mim, proxyano or autoencoder")


def convert_float(run: Path) -> bytes:
    """Converts a run to a `mim.tflite` with float32 networks, for comparisons of speed; without `inpaint`.

    Args:
        run: the run folder.

    Returns:
        A TFLite file.
    """
    return _convert_float(Detector.load(run))


def verdict_function(run: Path) -> Callable[[tf.Tensor], Any]:
    """Returns the signature `verdict` of a run as a TensorFlow function, optimized for speed.

    It computes in float32, with the masks as one batch. The weights are constants, so that TensorFlow folds batch
    normalization into the convolutions.

    Args:
        run: the run folder.

    Returns:
        A function from uint8 (1, S, S, 3) to the outputs of the signature.
    """
    detector = Detector.load(run)
    image = tf.TensorSpec([1, detector.size, detector.size, 3], tf.uint8, "image")
    traced = tf.function(float_graph(detector).verdict, input_signature=[image]).get_concrete_function()
    return convert_variables_to_constants_v2(traced)


def _convert_float(detector: Detector) -> bytes:
    graph = float_graph(detector)
    image = tf.TensorSpec([1, detector.size, detector.size, 3], tf.uint8, "image")
    return _convert(graph, {"verdict": (graph.verdict, [image]), "explain": (graph.explain, [image])}, None, [])


def _int8_generator(method: InpaintingModel, sample: NDArray[np.uint8]) -> keras.Model:
    network = method.network
    return int8_twin(network, activation_ranges(network, _filled_batches(sample, method.masks), _WITHIN))


def _deep_graph(detector: Detector, method: DeepInpaintingModel, sample: NDArray[np.uint8], micro: bool) -> Deep:
    halves = np.stack([resample(pixels, method.inpainting.size) for pixels in sample])
    backbone = _int8_backbone(method, sample) if micro else method.backbone
    graph = Deep(detector, method, _int8_generator(method.inpainting, halves), backbone)
    exact, _ = method.vectors(sample)
    vectors = tf.function(lambda pixels: graph.vectors(pixels)[0])
    rounded = np.concatenate([vectors(tf.constant(pixels[None], tf.float32)).numpy() for pixels in sample])
    graph.correct(exact, rounded)
    return graph


def _int8_backbone(method: DeepInpaintingModel, sample: NDArray[np.uint8]) -> keras.Model:
    # The ranges must also cover images that are not of the class. Otherwise features of high novelty would be clipped.
    viewed = [make_views(pixels, method.size, 1, 0) for pixels in sample[:: max(1, len(sample) // _VIEWED)]]
    images = np.concatenate([sample, *(images for views in viewed for images in views.values())])
    floats = [tf.constant(images[start : start + _BATCH], tf.float32) for start in range(0, len(images), _BATCH)]
    return int8_twin(method.backbone, activation_ranges(method.backbone, floats))


def _convert_masked(graph: Masked, method: InpaintingModel, image: tf.TensorSpec) -> dict[str, bytes]:
    network, side = method.network, method.size
    layers = [layer.name.removesuffix("_conv") for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    mask = tf.TensorSpec([1, side, side, 1], tf.uint8, "mask")
    filled = tf.TensorSpec([1, side, side, 4], tf.float32, "filled")
    small = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    three = {
        "verdict": (graph.verdict, [image]),
        "explain": (graph.explain, [image]),
        "inpaint": (graph.inpaint, [small, mask]),
    }
    micro = {"inpaint": (graph.micro, [filled])}
    return {
        "mim.tflite": _convert(graph, three, False, layers),
        "mim_micro.tflite": _convert(graph, micro, True, layers),
    }


def _filled_batches(sample: NDArray[np.uint8], masks: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for pixels in sample:
        image = tf.constant(pixels[None], tf.float32) / 255.0
        yield generator_input(image, tf.constant(masks)).numpy()


def _convert(
    graph: tf.Module,
    signatures: dict[str, tuple[Any, list[tf.TensorSpec]]],
    integer: bool | None,
    layers: list[str],
) -> bytes:
    """Converts signatures of a graph to one TFLite file.

    Args:
        graph: the module that owns the variables.
        signatures: method and input specifications by name; the first one becomes subgraph 0.
        integer: True: int8 inputs and outputs. False: float inputs and outputs, int8 where the graph has
            fake-quantization nodes, and other large weights as float16. None: no quantization.
        layers: names of the convolutions of the last signature.

    Returns:
        The file.

    Raises:
        MimError: TFLite lacks an operator, or not every runtime supports one, or there is no space for temporary files.
    """
    functions = {
        name: tf.function(method, input_signature=specs).get_concrete_function()
        for name, (method, specs) in signatures.items()
    }
    with temporary_folder() as folder:
        try:
            tf.saved_model.save(graph, str(folder), signatures=functions)
        except tf.errors.OpError as error:  # the disk is full, or may not be written
            raise no_temporary_files(error, folder.parent) from error
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=list(functions))
        converter.optimizations = [] if integer is None else [tf.lite.Optimize.DEFAULT]
        if integer:
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
        try:
            content = converter.convert()
        except ConverterError as error:
            named = operators.missing(str(error))
            if named is None:
                raise
            raise named from error
    finished = flatbuffer.finish(content, next(iter(signatures)), layers, half=integer is False)
    operators.check(finished, operators.MICRO if integer else operators.SCORE)
    return finished
