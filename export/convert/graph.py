"""The TensorFlow graphs of `mim.tflite`, from resampled photograph to verdict, with one class per type of measure.

The networks may contain fake-quantization nodes and become int8. All other operations are float32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_tf.detector import Detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.detectors.reconstruction import ReconstructionModel
from mim_tf.measures import deep
from mim_tf.measures.head import Distance, Head
from mim_tf.measures.ssim import error_map, ssim_of
from mim_tf.models.mim import inpaint_hidden
from mim_tf.models.networks import repeat_pixels

from ..score import decide
from ..score.conformal import SLACK, Calibration, Reference


class Compared(NamedTuple):
    """Results of `Graph.compare`, float32.

    Attributes:
        similarity: (1,).
        inpainted: (1, s, s, 3) in [0, 1], the reconstruction; its side s may be smaller than the image's.
        errors: (1, s, s, 1) in [0, 2], 1 - SSIM of image and reconstruction.
        ssim: (1,), mean SSIM.
        novelty: (1,), in standard deviations over the class; None for the measure `ssim`.
    """

    similarity: tf.Tensor
    inpainted: tf.Tensor
    errors: tf.Tensor
    ssim: tf.Tensor
    novelty: tf.Tensor | None


class Graph(tf.Module):
    """Base class: compares an image with its reconstruction by SSIM and judges the similarity.

    Args:
        detector: a fitted detector, for its conformal tables and gate.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._tables = detector.tables
        self._gate = detector.gate

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """Reconstructs an image: float32 (1, S, S, 3) in [0, 1] -> the same."""
        raise NotImplementedError

    def compare(self, pixels: tf.Tensor) -> Compared:
        """Compares an image, float32 (1, S, S, 3) in [0, 255], with its reconstruction."""
        original = pixels * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        errors = error_map(original, inpainted)
        similar = ssim_of(errors)
        return Compared(similar, inpainted, errors, similar, None)

    def verdict(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature `verdict`.

        Args:
            image: uint8 (1, S, S, 3).

        Returns:
            The outputs by name; the manifest lists their shapes and dtypes.
        """
        return self._judge(image)[0]

    def explain(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature `explain`: the outputs of `verdict`, and what they are based on.

        Args:
            image: uint8 (1, S, S, 3).

        Returns:
            The outputs by name.
        """
        outputs, compared = self._judge(image)
        scale = image.shape[1] // compared.inpainted.shape[1]  # outputs have the image's size, to overlay them
        return {
            **outputs,
            "inpainted": repeat_pixels(_to_uint8(compared.inpainted), scale),
            "error_map": repeat_pixels(compared.errors, scale),
            # Does not change the value, but creates a separate tensor. Otherwise the converter would merge `ssim` and
            # `similarity` of the measure ssim, so that some runtimes would find only one of the names.
            "ssim": tf.maximum(compared.ssim, -1.0),
        }

    def _judge(self, image: tf.Tensor) -> tuple[dict[str, tf.Tensor], Compared]:
        pixels = tf.cast(image, tf.float32)
        compared = self.compare(pixels)
        own, other = self._p_values(compared.similarity)
        calibration, reference = self._tables
        no_class = tf.cast(own <= np.float32(calibration.alpha + SLACK), tf.int32)
        no_other = tf.cast(other <= np.float32(reference.beta + SLACK), tf.int32)
        # 0 where other skin alone is excluded, 1 where the class alone is, 2 where both or neither are.
        judged = 2 - 2 * no_other - no_class + 3 * no_class * no_other
        reason = self._reason(pixels * (1.0 / 255.0), compared.novelty)
        refused = tf.minimum(reason, 1)
        outputs = {
            "similarity": compared.similarity,
            "p_class": own,
            "p_other": other,
            "verdict": judged * (1 - refused) + 3 * refused,
            "reason": reason,
            # The converter would turn a novelty of 0 into a constant, which is no output.
            "novelty": tf.minimum(own, 0.0) if compared.novelty is None else compared.novelty,
        }
        return outputs, compared

    def _p_values(self, similarity: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Implements `conformal.p_class` and `conformal.p_other`."""
        calibration, reference = self._tables
        table = np.asarray(calibration.similarities, np.float32)
        below = tf.cast(similarity[:, None] >= table[None], tf.float32)
        own = _p_value(below, calibration)
        if not reference.similarities:
            return own, tf.maximum(own, 1.0)  # 1, but not a constant
        table = np.asarray(reference.similarities, np.float32)
        above = tf.cast(similarity[:, None] <= table[None], tf.float32)
        return own, _p_value(above, reference)

    def _reason(self, original: tf.Tensor, novelty: tf.Tensor | None) -> tf.Tensor:
        """Implements `decide.gate`."""
        # As a convolution, for which XNNPACK takes a third of the time of multiplication and sum.
        luma = tf.nn.conv2d(original, np.asarray(decide.LUMA, np.float32).reshape(1, 1, 3, 1), 1, "VALID")
        luma = tf.squeeze(luma, axis=3)
        offset = luma - tf.reduce_mean(luma, axis=[1, 2], keepdims=True)
        contrast = tf.sqrt(tf.reduce_mean(offset * offset, axis=[1, 2]))
        down = tf.reduce_mean(tf.abs(luma[:, 1:] - luma[:, :-1]), axis=[1, 2])
        right = tf.reduce_mean(tf.abs(luma[:, :, 1:] - luma[:, :, :-1]), axis=[1, 2])
        blank = tf.cast(contrast < np.float32(self._gate.min_contrast), tf.int32)
        blurred = tf.cast((down + right) * 0.5 < np.float32(self._gate.min_detail), tf.int32)
        novel = tf.zeros_like(blank)
        if novelty is not None and self._gate.max_novelty is not None:
            novel = tf.cast(novelty > np.float32(self._gate.max_novelty), tf.int32)
        return blank + (1 - blank) * (2 * blurred + 3 * (1 - blurred) * novel)


class Masked(Graph):
    """Method `mim`: reconstructs an image by inpainting the hidden pixels of each mask.

    Args:
        detector: a fitted detector.
        generator: float32 or fake-quantized generator.
        masks: float32 (n, s, s, 1), 1 = kept.
    """

    def __init__(self, detector: Detector, generator: keras.Model, masks: NDArray[np.float32]) -> None:
        super().__init__(detector)
        self._generate = generator
        self._masks = masks
        self._variables = _values(generator)

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """Inpaints all masks as one batch, so that the model contains the generator once, with one set of scales."""
        outputs = inpaint_hidden(self._generate, original, tf.constant(self._masks))
        return tf.reduce_sum(outputs * (1.0 - self._masks), axis=0, keepdims=True)

    def inpaint(self, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature `inpaint`.

        Args:
            image: uint8 (1, s, s, 3); s is the side of the generator's input.
            mask: uint8 (1, s, s, 1), 1 = kept, 0 = hidden.

        Returns:
            `inpainted`: uint8 (1, s, s, 3), the output of the generator.
        """
        original = tf.cast(image, tf.float32) * (1.0 / 255.0)
        return {"inpainted": _to_uint8(inpaint_hidden(self._generate, original, tf.cast(mask, tf.float32)))}

    def micro(self, filled: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature `inpaint` of `mim_micro.tflite`: (1, s, s, 4) -> (1, s, s, 3), float32 that becomes int8."""
        return {"output": self._generate(filled)}


class Deep(Masked):
    """Measure `deep`: inpaints at half the side, and pools features of the image, weighted by the inpainting error.

    Args:
        detector: a fitted detector.
        method: its model.
        generator: float32 or fake-quantized generator.
        backbone: float32 or fake-quantized feature network.
    """

    def __init__(
        self,
        detector: Detector,
        method: DeepInpaintingModel,
        generator: keras.Model,
        backbone: keras.Model,
    ) -> None:
        super().__init__(detector, generator, method.inpainting.masks)
        self._backbone, self._band = backbone, method.options["band"]
        self.head = method.head
        self._variables = [*_values(generator), *_values(backbone)]

    def correct(self, exact: NDArray[np.float64], rounded: NDArray[np.float64]) -> None:
        """Corrects the head for the mean quantization error of the vectors and of the two distances.

        Args:
            exact: float (N, D), vectors of photographs of the class from the float32 networks.
            rounded: float (N, D), vectors of the same photographs from `vectors`.
        """
        shift = exact.mean(axis=0) - rounded.mean(axis=0)

        def corrected(distance: Distance) -> Distance:
            moved = replace(distance, offset=distance.offset + distance.matrix @ shift)
            more = (moved.score(rounded).mean() - distance.score(exact).mean()) * distance.scale[1]
            return replace(moved, scale=distance.scale + np.array([more, 0.0]))

        head = self.head
        bias = head.linear_bias + head.linear_weights @ shift
        distances = corrected(head.class_distance), corrected(head.novelty)
        self.head = Head(head.linear_weights, bias, *distances, head.combination)

    def vectors(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Computes the input of the head.

        Args:
            pixels: float32 (1, S, S, 3) in [0, 255].

        Returns:
            The vector (1, D), the image at half the side (1, s, s, 3) in [0, 1], and its inpainting, of the same shape.
        """
        original = deep.halved(pixels) * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        return deep.vectors(self._backbone, pixels, original, inpainted, self._band), original, inpainted

    def features(self, scaled: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature `features` of `mim_features.tflite`; input and output become int8.

        Args:
            scaled: float32 (1, S, S, 3), (pixel - 127) / 128.

        Returns:
            `features`: float32 (1, S / 16, S / 16, C).
        """
        *_, rounded, network = self._backbone.layers
        return {"features": network(rounded(scaled))}

    def compare(self, pixels: tf.Tensor) -> Compared:
        """Implements `DeepInpaintingModel.measures`."""
        vector, original, inpainted = self.vectors(pixels)
        logit = tf.reduce_sum(vector * np.float32(self.head.linear_weights), axis=1)
        logit += np.float32(self.head.linear_bias)
        class_distance, novelty = _distance(vector, self.head.class_distance), _distance(vector, self.head.novelty)
        distance_weight, start, reach, novelty_weight = self.head.combination
        excess = tf.minimum(tf.nn.relu(novelty - start), reach)
        similarity = logit - distance_weight * class_distance - novelty_weight * excess
        errors = error_map(original, inpainted)
        return Compared(similarity, inpainted, errors, ssim_of(errors), novelty)


class Direct(Graph):
    """Other methods: reconstruct an image in one pass, in float32.

    Args:
        detector: a fitted detector.
        method: its model.
    """

    def __init__(self, detector: Detector, method: ReconstructionModel) -> None:
        super().__init__(detector)
        self._method = method
        self._variables = _values(method.keras_model)

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """Reconstructs an image with the Keras model of the method."""
        return self._method.reconstruct(self._method.keras_model, original)


def _p_value(counted: tf.Tensor, table: Calibration | Reference) -> tf.Tensor:
    """The p-value if the weights of the counted entries, float32 (1, N) of 0 and 1, are summed."""
    total = tf.reduce_sum(counted * np.asarray(table.weights, np.float32), axis=1)
    # The rounded weights may sum to slightly more than the number of groups.
    return tf.minimum((1.0 + total) * np.float32(1 / (table.groups + 1)), 1.0)


def _values(network: keras.Model) -> list[tf.Variable]:
    """Returns the TensorFlow variables of a network. A SavedModel holds only variables that the module references."""
    return [variable.value for variable in network.variables]


def _distance(vector: tf.Tensor, distance: Distance) -> tf.Tensor:
    """Implements `Distance.score` for float32 (1, D)."""
    matrix = np.float32(distance.matrix)
    whitened = tf.linalg.matmul(vector, matrix.T) + np.float32(distance.offset)
    mean, deviation = np.float32(distance.scale)
    return (tf.sqrt(tf.reduce_sum(whitened * whitened, axis=1)) - mean) * (1.0 / deviation)


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    # FLOOR instead of ROUND, which LiteRT's reference kernels do not have.
    return tf.cast(tf.floor(values * 255.0 + 0.5), tf.uint8)
