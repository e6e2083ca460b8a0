"""A fitted `Detector` -> `mim.tflite` (signatures `score` and `inpaint`) and `mim_micro.tflite`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_tf.detector import Detector
from mim_tf.measure import error_map, ssim
from mim_tf.models.inpainting import Inpainting
from mim_tf.models.mim import masked_input

from . import decide, flatbuffer
from .errors import MimError
from .quantize import activation_ranges, int8_twin

#: Largest file that may be released.
MAX_BYTES = 3_000_000


@dataclass(frozen=True)
class Converted:
    """The two TFLite files."""

    mim: bytes
    micro: bytes


class _Graph(tf.Module):
    """The scorer as a graph; everything but `generator` stays float."""

    def __init__(self, generator: keras.Model, detector: Detector, masks: NDArray[np.float32]) -> None:
        super().__init__()
        self._generate = generator
        self._masks = masks
        self._calibration = detector.calibration
        self._gate = detector.gate

    def score(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, S, S, 3) -> the outputs that the manifest lists."""
        original = tf.cast(image, tf.float32) * (1.0 / 255.0)
        count = len(self._masks)
        # All masks as one batch: one generator, with one set of scales.
        outputs = self._generate(masked_input(tf.tile(original, [count, 1, 1, 1]), tf.constant(self._masks)))
        inpainted = tf.reduce_sum(outputs * (1.0 - self._masks), axis=0, keepdims=True)
        similarity = ssim(original, inpainted)
        p = self._p_value(similarity)
        reason = self._reason(original)
        judged = tf.cast(p <= np.float32(self._calibration.alpha + decide.SLACK), tf.int32)
        return {
            "similarity": similarity,
            "p_value": p,
            "verdict": judged * (1 - reason) + 2 * reason,
            "reason": reason,
            "inpainted": _to_uint8(inpainted),
            "error_map": error_map(original, inpainted),
        }

    def inpaint(self, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, S, S, 3) and uint8 (1, S, S, 1), 0 or 1 -> the generator's output under that mask."""
        original = tf.cast(image, tf.float32) * (1.0 / 255.0)
        return {"inpainted": _to_uint8(self._generate(masked_input(original, tf.cast(mask, tf.float32))))}

    def micro(self, masked: tf.Tensor) -> dict[str, tf.Tensor]:
        """Float (1, S, S, 4) -> float (1, S, S, 3); both become int8."""
        return {"output": self._generate(masked)}

    def _p_value(self, similarity: tf.Tensor) -> tf.Tensor:
        """As `decide.p_value`."""
        table = np.asarray(self._calibration.similarities, np.float32)
        weights = np.asarray(self._calibration.weights, np.float32)
        below = tf.cast(similarity[:, None] >= table[None], tf.float32)
        return (1.0 + tf.reduce_sum(below * weights, axis=1)) * np.float32(1 / (self._calibration.groups + 1))

    def _reason(self, original: tf.Tensor) -> tf.Tensor:
        """As `decide.gate`."""
        luma = tf.reduce_sum(original * np.asarray(decide.LUMA, np.float32), axis=-1)
        offset = luma - tf.reduce_mean(luma, axis=[1, 2], keepdims=True)
        contrast = tf.sqrt(tf.reduce_mean(offset * offset, axis=[1, 2]))
        return tf.cast(contrast < np.float32(self._gate.min_contrast), tf.int32)


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    # FLOOR, since LiteRT's reference kernels lack ROUND.
    return tf.cast(tf.floor(values * 255.0 + 0.5), tf.uint8)


def convert(detector: Detector, sample: NDArray[np.uint8]) -> Converted:
    """Converts a detector.

    Args:
        detector: fitted, of the method `mim`.
        sample: uint8 (N, S, S, 3), photographs of its class; they set the ranges of the activations.

    Returns:
        The two files.

    Raises:
        MimError: the method has no network, or a file would be larger than `MAX_BYTES`.
    """
    if not isinstance(detector.method, Inpainting):
        raise MimError(f"the method {detector.name} has no network to export", "export a run of the method mim")
    masks = detector.method.masks
    network = detector.method.network
    twin = int8_twin(network, activation_ranges(network, _masked_batches(sample, masks)))
    graph = _Graph(twin, detector, masks)
    layers = [layer.name.removesuffix("_conv") for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    side = detector.size
    image = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    mask = tf.TensorSpec([1, side, side, 1], tf.uint8, "mask")
    masked = tf.TensorSpec([1, side, side, 4], tf.float32, "masked")
    mim = _convert(graph, {"score": (graph.score, [image]), "inpaint": (graph.inpaint, [image, mask])}, False)
    micro = _convert(graph, {"inpaint": (graph.micro, [masked])}, True)
    result = Converted(flatbuffer.finish(mim, "score", layers), flatbuffer.finish(micro, "inpaint", layers))
    if len(result.mim) + len(result.micro) > MAX_BYTES:
        raise MimError(f"the models would take more than {MAX_BYTES} bytes", "train a smaller width")
    return result


def _masked_batches(sample: NDArray[np.uint8], masks: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for pixels in sample:
        image = tf.constant(pixels[None], tf.float32) / 255.0
        yield masked_input(tf.repeat(image, len(masks), axis=0), tf.constant(masks)).numpy()


def _convert(graph: tf.Module, signatures: dict[str, tuple[Any, list[tf.TensorSpec]]], integer: bool) -> bytes:
    """Builtin ops only; the fake-quantization nodes decide what becomes int8."""
    functions = {
        name: tf.function(method, input_signature=specs).get_concrete_function()
        for name, (method, specs) in signatures.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(graph, folder, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(functions))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if integer:
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
        content: bytes = converter.convert()
    return content
