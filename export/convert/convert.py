"""A fitted `Detector` -> TFLite files.

Of the method `mim` they are `mim.tflite` (int8 generator, signatures `score` and `inpaint`) and `mim_micro.tflite`. The
network of the measure `deep` stays float32: in int8 its similarities would differ between runtimes by a tenth of the
spread of the class. For a microcontroller it becomes int8 all the same, in `mim.tflite` and in `mim_features.tflite`,
which goes with the head. Of another method that compares an image with its reconstruction by SSIM, `proxyano` among
them, it is `mim.tflite` alone, with the signature `score` and float32 weights: the cosine and softmax of a memory have
no int8 twin here. ProxyAno needs no superpixels on a device, for its network extracts the proxy; they were the target
in training.
"""

from __future__ import annotations

import tempfile
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
from mim_tf.models.mim import masked_input
from mim_tf.negatives.views import make_views

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

#: What all models of a bundle may take together.
MAX_BYTES = 6_000_000
#: Photographs of the sample of which views are made, for the ranges of the measure `deep`.
_VIEWED = 8
_BATCH = 16


@dataclass(frozen=True)
class Converted:
    """What a bundle holds of a detector.

    Attributes:
        models: content of each TFLite file by name.
        head: what `mim_features.tflite` goes with, as `Head.to_bytes` gives it, or None.
    """

    models: dict[str, bytes]
    head: bytes | None


def convert(detector: Detector, sample: NDArray[np.uint8], micro: bool) -> Converted:
    """Converts a detector.

    Args:
        detector: fitted, of the method `mim` or of another that measures a reconstruction by SSIM.
        sample: uint8 (N, S, S, 3), photographs of its class; they set the ranges of int8 activations.
        micro: whether every network becomes int8, for a microcontroller.

    Returns:
        The files.

    Raises:
        MimError: the method reconstructs nothing, a file would be larger than `MAX_BYTES`, or have operators that
            not every runtime has.
    """
    method, side = detector.model, detector.size
    image = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    if isinstance(method, InpaintingModel):
        generator = _int8_generator(method, sample)
        result = Converted(_convert_masked(Masked(detector, generator, method.masks), method, image), None)
    elif isinstance(method, DeepInpaintingModel):
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
    """The scorer's graph with the networks as they were trained, in float32.

    Raises:
        MimError: the method reconstructs nothing.
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
    """`mim.tflite` of a run as it would be with float32 networks, signature `score` alone; see `convert`."""
    return _convert_float(Detector.load(run))


def score_function(run: Path) -> Callable[[tf.Tensor], Any]:
    """The score path of a run in Keras and TensorFlow, in the form in which it is fastest.

    It is one function from uint8 (1, S, S, 3) to all outputs of `mim.tflite`, in float32, the masks as one batch, the
    weights as constants, so that TensorFlow folds batch normalisations into convolutions.
    """
    detector = Detector.load(run)
    image = tf.TensorSpec([1, detector.size, detector.size, 3], tf.uint8, "image")
    traced = tf.function(float_graph(detector).score, input_signature=[image]).get_concrete_function()
    return convert_variables_to_constants_v2(traced)


def _convert_float(detector: Detector) -> bytes:
    graph = float_graph(detector)
    image = tf.TensorSpec([1, detector.size, detector.size, 3], tf.uint8, "image")
    return _convert(graph, {"score": (graph.score, [image])}, None, [])


def _int8_generator(method: InpaintingModel, sample: NDArray[np.uint8]) -> keras.Model:
    network = method.network
    return int8_twin(network, activation_ranges(network, _masked_batches(sample, method.masks)))


def _deep_graph(detector: Detector, method: DeepInpaintingModel, sample: NDArray[np.uint8], micro: bool) -> Deep:
    halves = np.stack([resample(pixels, method.inpainting.size) for pixels in sample])
    backbone = _int8_backbone(method, sample) if micro else method.backbone
    graph = Deep(detector, method, _int8_generator(method.inpainting, halves), backbone)
    exact, _ = method.vectors(sample)
    look = tf.function(lambda pixels: graph.look(pixels)[0])
    rounded = np.concatenate([look(tf.constant(pixels[None], tf.float32)).numpy() for pixels in sample])
    graph.correct(exact, rounded)
    return graph


def _int8_backbone(method: DeepInpaintingModel, sample: NDArray[np.uint8]) -> keras.Model:
    # Ranges have to hold what is not of the class as well, or the most foreign features would be cut off.
    made = [make_views(pixels, method.size, 1, 0) for pixels in sample[:: max(1, len(sample) // _VIEWED)]]
    images = np.concatenate([sample, *(images for views in made for images in views.values())])
    floats = [tf.constant(images[start : start + _BATCH], tf.float32) for start in range(0, len(images), _BATCH)]
    return int8_twin(method.backbone, activation_ranges(method.backbone, floats))


def _convert_masked(graph: Masked, method: InpaintingModel, image: tf.TensorSpec) -> dict[str, bytes]:
    network, side = method.network, method.size
    layers = [layer.name.removesuffix("_conv") for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    mask = tf.TensorSpec([1, side, side, 1], tf.uint8, "mask")
    masked = tf.TensorSpec([1, side, side, 4], tf.float32, "masked")
    small = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    both = {"score": (graph.score, [image]), "inpaint": (graph.inpaint, [small, mask])}
    micro = {"inpaint": (graph.micro, [masked])}
    return {
        "mim.tflite": _convert(graph, both, False, layers),
        "mim_micro.tflite": _convert(graph, micro, True, layers),
    }


def _masked_batches(sample: NDArray[np.uint8], masks: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for pixels in sample:
        image = tf.constant(pixels[None], tf.float32) / 255.0
        yield masked_input(tf.repeat(image, len(masks), axis=0), tf.constant(masks)).numpy()


def _convert(
    graph: tf.Module,
    signatures: dict[str, tuple[Any, list[tf.TensorSpec]]],
    integer: bool | None,
    layers: list[str],
) -> bytes:
    """The fake-quantization nodes decide what becomes int8; with `integer` None, nothing does."""
    functions = {
        name: tf.function(method, input_signature=specs).get_concrete_function()
        for name, (method, specs) in signatures.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(graph, folder, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(functions))
        converter.optimizations = [] if integer is None else [tf.lite.Optimize.DEFAULT]
        if integer:
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
        try:
            content = converter.convert()
        except ConverterError as error:
            raise operators.missing(str(error)) or error from None
    finished = flatbuffer.finish(content, next(iter(signatures)), layers)
    operators.check(finished, operators.MICRO if integer else operators.SCORE)
    return finished
