"""`mim_export.tflite.flatbuffer`: convolutions of two signatures with the same weights have the same name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from mim_export.tflite import flatbuffer

KERNELS = np.random.default_rng(0).normal(size=(3, 3, 3, 2, 2)).astype(np.float32)
IMAGE = tf.TensorSpec([1, 8, 8, 2], tf.float32, "x")


class Module(tf.Module):
    """The signature `whole` begins with a convolution that `part` does not have."""

    @tf.function(input_signature=[IMAGE])
    def whole(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.part(tf.nn.conv2d(x, KERNELS[0], 1, "SAME"))

    @tf.function(input_signature=[IMAGE])
    def part(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.conv2d(tf.nn.relu(tf.nn.conv2d(x, KERNELS[1], 1, "SAME")), KERNELS[2], 1, "SAME")}


def test_layers_have_the_same_names_in_both_signatures(tmp_path: Path) -> None:
    module = Module()
    tf.saved_model.save(module, str(tmp_path), signatures={"whole": module.whole, "part": module.part})
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["whole", "part"]).convert()
    model = flatbuffer.read(flatbuffer.finish(content, "whole", ["first", "second"], half=False))
    named = {
        tensor.name.decode(): model.buffers[tensor.buffer].data.tobytes()
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.name.endswith(b"kernel")
    }
    kernels = [kernel.transpose(3, 0, 1, 2).tobytes() for kernel in KERNELS]
    assert named == {
        "whole/00_conv_2d/kernel": kernels[0],
        **{f"{key}/first/kernel": kernels[1] for key in ("whole", "part")},
        **{f"{key}/second/kernel": kernels[2] for key in ("whole", "part")},
    }
