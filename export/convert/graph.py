"""The scorer as graphs that TFLite can hold: photograph in, verdict out; one class for each way to a similarity.

The networks that they are given may be int8; everything else is float in every file.
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
from mim_tf.measures.head import (
    DISTANCE_WEIGHT,
    NOVELTY_RANGE,
    NOVELTY_START,
    NOVELTY_WEIGHT,
    Distance,
    Head,
)
from mim_tf.measures.ssim import error_map, ssim_of
from mim_tf.models.mim import masked_input
from mim_tf.models.networks import repeat_pixels

from ..score import decide


class Compared(NamedTuple):
    """Similarity (1,), reconstruction (1, s, s, 3) in [0, 1], error map (1, s, s, 1), SSIM and foreignness (1,)."""

    similarity: tf.Tensor
    inpainted: tf.Tensor
    errors: tf.Tensor
    ssim: tf.Tensor
    novelty: tf.Tensor | None


class Graph(tf.Module):
    """What all of them do; where an image is reconstructed, SSIM compares the two."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._calibration = detector.calibration
        self._gate = detector.gate

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """Float (1, S, S, 3) in [0, 1] -> the same."""
        raise NotImplementedError

    def compare(self, pixels: tf.Tensor) -> Compared:
        """Compares float (1, S, S, 3) in [0, 255] with its reconstruction."""
        original = pixels * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        errors = error_map(original, inpainted)
        similar = ssim_of(errors)
        return Compared(similar, inpainted, errors, similar, None)

    def score(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, S, S, 3) -> the outputs that the manifest lists."""
        pixels = tf.cast(image, tf.float32)
        similarity, inpainted, errors, similar, novelty = self.compare(pixels)
        p = self._p_value(similarity)
        reason = self._reason(pixels * (1.0 / 255.0), novelty)
        judged = tf.cast(p <= np.float32(self._calibration.alpha + decide.SLACK), tf.int32)
        refused = tf.minimum(reason, 1)
        scale = image.shape[1] // inpainted.shape[1]  # of the side, so that an app can lay pictures over the image
        return {
            "similarity": similarity,
            "p_value": p,
            "verdict": judged * (1 - refused) + 2 * refused,
            "reason": reason,
            "inpainted": repeat_pixels(_to_uint8(inpainted), scale),
            "error_map": repeat_pixels(errors, scale),
            # Operations that change nothing make tensors of their own: the converter would merge an SSIM with the same
            # similarity, so that some runtimes knew one of the names alone, and make a constant of a foreignness of 0.
            "ssim": tf.maximum(similar, -1.0),
            "foreignness": tf.minimum(p, 0.0) if novelty is None else novelty,
        }

    def _p_value(self, similarity: tf.Tensor) -> tf.Tensor:
        """As `decide.p_value`."""
        table = np.asarray(self._calibration.similarities, np.float32)
        weights = np.asarray(self._calibration.weights, np.float32)
        below = tf.cast(similarity[:, None] >= table[None], tf.float32)
        return (1.0 + tf.reduce_sum(below * weights, axis=1)) * np.float32(1 / (self._calibration.groups + 1))

    def _reason(self, original: tf.Tensor, novelty: tf.Tensor | None) -> tf.Tensor:
        """As `decide.gate`."""
        # A convolution, which XNNPACK does three times as fast as product and sum.
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
    """Reconstruction by inpainting under each mask."""

    def __init__(self, detector: Detector, generator: keras.Model, masks: NDArray[np.float32]) -> None:
        super().__init__(detector)
        self._generate = generator
        self._masks = masks
        self._variables = _values(generator)

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """All masks as one batch: one generator, with one set of scales."""
        outputs = self._generate(masked_input(original, tf.constant(self._masks)))
        return tf.reduce_sum(outputs * (1.0 - self._masks), axis=0, keepdims=True)

    def inpaint(self, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 (1, s, s, 3) and uint8 (1, s, s, 1), 0 or 1 -> the generator's output under that mask; s: its side."""
        original = tf.cast(image, tf.float32) * (1.0 / 255.0)
        return {"inpainted": _to_uint8(self._generate(masked_input(original, tf.cast(mask, tf.float32))))}

    def micro(self, masked: tf.Tensor) -> dict[str, tf.Tensor]:
        """Float (1, S, S, 4) -> float (1, S, S, 3); both become int8."""
        return {"output": self._generate(masked)}


class Deep(Masked):
    """Inpainting at half the side, and the features of a second network where it errs."""

    def __init__(
        self,
        detector: Detector,
        method: DeepInpaintingModel,
        generator: keras.Model,
        backbone: keras.Model,
    ) -> None:
        super().__init__(detector, generator, method.inpainting.masks)
        self._backbone = backbone
        self.head = method.head
        self._variables = [*_values(generator), *_values(backbone)]

    def correct(self, exact: NDArray[np.float64], rounded: NDArray[np.float64]) -> None:
        """Takes out what rounding to int8 adds on average, to the vectors and then to the similarity.

        Args:
            exact: float (N, D), vectors of photographs of the class, not rounded.
            rounded: float (N, D), what `look` gives of them.
        """
        shift = exact.mean(axis=0) - rounded.mean(axis=0)

        def corrected(distance: Distance) -> Distance:
            moved = replace(distance, offset=distance.offset + distance.matrix @ shift)
            more = (moved.score(rounded).mean() - distance.score(exact).mean()) * distance.scale[1]
            return replace(moved, scale=distance.scale + np.array([more, 0.0]))

        head = self.head
        bias = head.linear_bias + head.linear_weights @ shift
        self.head = Head(head.linear_weights, bias, corrected(head.class_distance), corrected(head.novelty))

    def look(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Float (1, S, S, 3) in [0, 255] -> what the head reads, (1, D), what was inpainted, and its inpainting."""
        original = deep.halved(pixels) * (1.0 / 255.0)
        inpainted = self.reconstruct(original)
        return deep.vectors(self._backbone, pixels, original, inpainted), original, inpainted

    def features(self, scaled: tf.Tensor) -> dict[str, tf.Tensor]:
        """Float (1, S, S, 3), (pixel - 127) / 128 -> float (1, S / 16, S / 16, C); both become int8."""
        *_, rounded, network = self._backbone.layers
        return {"features": network(rounded(scaled))}

    def compare(self, pixels: tf.Tensor) -> Compared:
        """As `DeepInpaintingModel.measures`."""
        vector, original, inpainted = self.look(pixels)
        logit = tf.reduce_sum(vector * np.float32(self.head.linear_weights), axis=1)
        logit += np.float32(self.head.linear_bias)
        class_distance, novelty = _distance(vector, self.head.class_distance), _distance(vector, self.head.novelty)
        beyond = tf.minimum(tf.nn.relu(novelty - NOVELTY_START), NOVELTY_RANGE)
        similarity = logit - DISTANCE_WEIGHT * class_distance - NOVELTY_WEIGHT * beyond
        errors = error_map(original, inpainted)
        return Compared(similarity, inpainted, errors, ssim_of(errors), novelty)


class Direct(Graph):
    """Reconstruction in one pass, in float."""

    def __init__(self, detector: Detector, method: ReconstructionModel) -> None:
        super().__init__(detector)
        self._method = method
        self._variables = _values(method.keras_model)

    def reconstruct(self, original: tf.Tensor) -> tf.Tensor:
        """As the method does it in Keras."""
        return self._method.reconstruct(self._method.keras_model, original)


def _values(network: keras.Model) -> list[tf.Variable]:
    """TensorFlow's variables of a network; what is not reachable from a module is not saved with it."""
    return [variable.value for variable in network.variables]


def _distance(vector: tf.Tensor, distance: Distance) -> tf.Tensor:
    """As `Distance.of`, of float32 (1, D)."""
    matrix = np.float32(distance.matrix)
    whitened = tf.linalg.matmul(vector, matrix.T) + np.float32(distance.offset)
    mean, deviation = np.float32(distance.scale)
    return (tf.sqrt(tf.reduce_sum(whitened * whitened, axis=1)) - mean) * (1.0 / deviation)


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    # FLOOR, since LiteRT's reference kernels lack ROUND.
    return tf.cast(tf.floor(values * 255.0 + 0.5), tf.uint8)
