"""A fitted `Detector` -> TFLite files.

Of the method `mim` they are `mim.tflite` (int8 generator, signatures `score` and `inpaint`) and `mim_micro.tflite`. Of
another method that compares an image with its reconstruction by SSIM, `proxyano` among them, it is `mim.tflite` alone,
with the signature `score` and float32 weights: the cosine and softmax of a memory have no int8 twin here. ProxyAno
needs no superpixels on a device, for its network extracts the proxy; the superpixels were the target in training.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_tf import deep
from mim_tf.detector import Detector
from mim_tf.head import DISTANCE_WEIGHT
from mim_tf.measure import error_map, ssim
from mim_tf.models.deep_inpainting import DeepInpainting
from mim_tf.models.inpainting import Inpainting
from mim_tf.models.mim import masked_input
from mim_tf.models.trained import Reconstruction

from . import decide, flatbuffer
from .errors import MimError
from .preprocess import resample
from .quantize import activation_ranges, int8_twin

#: Largest file that may be released.
MAX_BYTES = 6_000_000


@dataclass(frozen=True)
class Converted:
    """The TFLite files; there is no `micro` where the network has no integer form."""

    mim: bytes
    micro: bytes | None


class _Graph(tf.Module):
    """The scorer as a graph; everything but the reconstruction is float in every file."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._calibration = detector.calibration
        self._gate = detector.gate

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """Float (1, S, S, 3) in [0, 1] -> the same."""
        raise NotImplementedError

    def compare(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Float (1, S, S, 3) in [0, 255] -> similarity (1,), what was reconstructed, and its reconstruction."""
        original = pixels * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        return ssim(original, inpainted), original, inpainted

    def score(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, S, S, 3) -> the outputs that the manifest lists."""
        pixels = tf.cast(image, tf.float32)
        similarity, original, inpainted = self.compare(pixels)
        p = self._p_value(similarity)
        reason = self._reason(pixels * (1.0 / 255.0))
        judged = tf.cast(p <= np.float32(self._calibration.alpha + decide.SLACK), tf.int32)
        refused = tf.minimum(reason, 1)
        return {
            "similarity": similarity,
            "p_value": p,
            "verdict": judged * (1 - refused) + 2 * refused,
            "reason": reason,
            "inpainted": _to_uint8(_enlarged(inpainted, image)),
            "error_map": _enlarged(error_map(original, inpainted), image),
            "ssim": ssim(original, inpainted),
        }

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
        down = tf.reduce_mean(tf.abs(luma[:, 1:] - luma[:, :-1]), axis=[1, 2])
        right = tf.reduce_mean(tf.abs(luma[:, :, 1:] - luma[:, :, :-1]), axis=[1, 2])
        blank = tf.cast(contrast < np.float32(self._gate.min_contrast), tf.int32)
        blurred = tf.cast((down + right) * 0.5 < np.float32(self._gate.min_detail), tf.int32)
        return blank + 2 * blurred * (1 - blank)


class _Masked(_Graph):
    """Reconstruction by inpainting under each mask."""

    def __init__(self, detector: Detector, generator: keras.Model, masks: NDArray[np.float32]) -> None:
        super().__init__(detector)
        self._generate = generator
        self._masks = masks

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """All masks as one batch: one generator, with one set of scales."""
        count = len(self._masks)
        outputs = self._generate(masked_input(tf.tile(original, [count, 1, 1, 1]), tf.constant(self._masks)))
        return tf.reduce_sum(outputs * (1.0 - self._masks), axis=0, keepdims=True)

    def inpaint(self, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, s, s, 3) and uint8 (1, s, s, 1), 0 or 1 -> the generator's output under that mask; s: its side."""
        original = tf.cast(image, tf.float32) * (1.0 / 255.0)
        return {"inpainted": _to_uint8(self._generate(masked_input(original, tf.cast(mask, tf.float32))))}

    def micro(self, masked: tf.Tensor) -> dict[str, tf.Tensor]:
        """Float (1, S, S, 4) -> float (1, S, S, 3); both become int8."""
        return {"output": self._generate(masked)}


class _Deep(_Masked):
    """Inpainting at half the side, compared with the image in the features of a second network."""

    def __init__(
        self,
        detector: Detector,
        method: DeepInpainting,
        generator: keras.Model,
        backbone: keras.Model,
    ) -> None:
        super().__init__(detector, generator, method.inpainting.masks)
        self._backbone = backbone
        self._head = method.head

    def compare(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `DeepInpainting.similarity`."""
        original = deep.halved(pixels) * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        vector = deep.vectors(self._backbone, pixels, inpainted)
        head = self._head
        whitened = tf.linalg.matmul(vector, head.components.T.astype(np.float32)) + np.float32(head.components_offset)
        far = (tf.sqrt(tf.reduce_sum(whitened**2, axis=1)) - head.distance[0]) * (1.0 / head.distance[1])
        lean = tf.reduce_sum(vector * head.lean.astype(np.float32), axis=1) + np.float32(head.lean_offset)
        return lean - DISTANCE_WEIGHT * far, original, inpainted


class _Direct(_Graph):
    """Reconstruction in one pass, in float."""

    def __init__(self, detector: Detector, method: Reconstruction) -> None:
        super().__init__(detector)
        self._method = method
        # What is not reachable from the module is not saved with it.
        self._variables = [variable.value for variable in method.model.variables]

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """As the method does it in Keras."""
        return self._method.reconstruct(self._method.model, original)


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    # FLOOR, since LiteRT's reference kernels lack ROUND.
    return tf.cast(tf.floor(values * 255.0 + 0.5), tf.uint8)


def _enlarged(values: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Repeats pixels of (1, s, s, C) to the side of the image; an app lays them over it."""
    if values.shape[1] == image.shape[1]:
        return values
    return tf.image.resize(values, image.shape[1:3], method="nearest")


def convert(detector: Detector, sample: NDArray[np.uint8]) -> Converted:
    """Converts a detector.

    Args:
        detector: fitted, of the method `mim` or of another that measures a reconstruction by SSIM.
        sample: uint8 (N, S, S, 3), photographs of its class; they set the ranges of int8 activations.

    Returns:
        The files.

    Raises:
        MimError: the method reconstructs nothing, or a file would be larger than `MAX_BYTES`.
    """
    method, side = detector.method, detector.size
    image = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    if isinstance(method, Inpainting):
        generator = _int8_generator(method, sample)
        result = _convert_masked(_Masked(detector, generator, method.masks), method, image)
    elif isinstance(method, DeepInpainting):
        halves = np.stack([resample(pixels, method.inpainting.size) for pixels in sample])
        backbone = _int8_backbone(method, sample)
        graph = _Deep(detector, method, _int8_generator(method.inpainting, halves), backbone)
        result = _convert_masked(graph, method.inpainting, image)
    elif isinstance(method, Reconstruction) and method.measure == "ssim":
        graph = _Direct(detector, method)
        content = _convert(graph, {"score": (graph.score, [image])}, None)
        result = Converted(flatbuffer.finish(content, "score", []), None)
    else:
        problem = f"the method {detector.name} has no reconstruction that SSIM compares"
        raise MimError(problem, "export a run of mim, proxyano or autoencoder")
    if len(result.mim) + len(result.micro or b"") > MAX_BYTES:
        raise MimError(f"the models would take more than {MAX_BYTES} bytes", "train a smaller width")
    return result


def _int8_generator(method: Inpainting, sample: NDArray[np.uint8]) -> keras.Model:
    network = method.network
    return int8_twin(network, activation_ranges(network, _masked_batches(sample, method.masks)))


def _int8_backbone(method: DeepInpainting, sample: NDArray[np.uint8]) -> keras.Model:
    images = [tf.constant(pixels[None], tf.float32) for pixels in sample]
    inpainted = [255.0 * deep.doubled(method.inpaint(image)) for image in images]
    return int8_twin(method.backbone, activation_ranges(method.backbone, [*images, *inpainted]))


def _convert_masked(graph: _Masked, method: Inpainting, image: tf.TensorSpec) -> Converted:
    network, side = method.network, method.size
    layers = [layer.name.removesuffix("_conv") for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    mask = tf.TensorSpec([1, side, side, 1], tf.uint8, "mask")
    masked = tf.TensorSpec([1, side, side, 4], tf.float32, "masked")
    small = tf.TensorSpec([1, side, side, 3], tf.uint8, "image")
    mim = _convert(graph, {"score": (graph.score, [image]), "inpaint": (graph.inpaint, [small, mask])}, False)
    micro = _convert(graph, {"inpaint": (graph.micro, [masked])}, True)
    return Converted(flatbuffer.finish(mim, "score", layers), flatbuffer.finish(micro, "inpaint", layers))


def _masked_batches(sample: NDArray[np.uint8], masks: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for pixels in sample:
        image = tf.constant(pixels[None], tf.float32) / 255.0
        yield masked_input(tf.repeat(image, len(masks), axis=0), tf.constant(masks)).numpy()


def _convert(graph: tf.Module, signatures: dict[str, tuple[Any, list[tf.TensorSpec]]], integer: bool | None) -> bytes:
    """Builtin ops only. The fake-quantization nodes decide what becomes int8; with `integer` None, nothing does."""
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
        content: bytes = converter.convert()
    return content
