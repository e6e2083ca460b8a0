"""Recovers the Keras detector of the released bundle from its `mim.tflite`, for `load_detector("released")`.

    python benchmarks/released_detector.py

Writes `export/released/detector` and updates the manifest and `SHA256SUMS`. The float32 weights of the released
training were not kept. The generator therefore gets the dequantized int8 weights, and its batch normalization, which is
folded into them, becomes the identity plus the bias. The head is float32 in `mim.tflite` and is recovered exactly.
Conformal table and gate are those of the manifest. Prints the differences between the recovered detector and the golden
vectors.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mim_export.bundle import golden
from mim_export.bundle.write import list_files, write_sums
from mim_export.score.atomic_files import write_json
from mim_export.score.decide import Calibration, Gate
from mim_export.score.manifest import RELEASED, read_checked, read_manifest
from mim_export.tflite import flatbuffer
from mim_tf.detector import Detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.measures.head import Combination, Distance, Head

#: Convolutions of the generator in the order of execution.
LAYERS = ("down0", "down1", "down2", "down3", "middle", "up2", "up1", "up0", "last", "out")


class Graph:
    """Reads operators and constants of the signature `score`.

    Args:
        content: the TFLite file.
    """

    def __init__(self, content: bytes) -> None:
        self.model = flatbuffer.read(content)
        self.graph = self.model.subgraphs[0]

    def operators(self, name: str) -> list[Any]:
        """Returns the operators of a type, such as CONV_2D, in the order of execution."""
        return [op for op in self.graph.operators if flatbuffer.op_name(self.model, op) == name]

    def constant(self, index: int) -> np.ndarray:
        """Returns a constant tensor, dequantized to float32."""
        tensor = self.graph.tensors[index]
        dtype = {0: "<f4", 2: "<i4", 9: "i1"}[tensor.type]
        data = np.asarray(self.model.buffers[tensor.buffer].data, np.uint8).tobytes()
        values = np.frombuffer(data, dtype).reshape(tensor.shape).astype(np.float32)
        if tensor.type == 0:
            return values
        scale = np.asarray(tensor.quantization.scale, np.float32)
        shape = [1] * values.ndim
        shape[tensor.quantization.quantizedDimension] = -1
        return np.asarray(values * (scale.reshape(shape) if scale.size > 1 else scale))

    def following(self, output: int) -> Any:
        """Returns the first operator that reads a tensor."""
        return next(op for op in self.graph.operators if output in op.inputs)

    def scalar_of(self, operator: Any) -> float:
        """Returns the constant operand of a binary operator."""
        constants = [i for i in operator.inputs if self.model.buffers[self.graph.tensors[i].buffer].data is not None]
        return float(self.constant(int(constants[0])))


def recovered_head(graph: Graph, network: dict[str, Any]) -> Head:
    """Recovers the head from the constants of the operators that compute it, and from `measure.network`."""
    distances = []
    for layer in graph.operators("FULLY_CONNECTED"):
        operator = layer
        for _ in range(3):  # square, sum, square root
            operator = graph.following(operator.outputs[0])
        mean = graph.following(operator.outputs[0])
        factor = graph.following(mean.outputs[0])
        scale = np.array([graph.scalar_of(mean), 1 / graph.scalar_of(factor)])
        matrix, offset = (graph.constant(int(i)).astype(np.float64) for i in layer.inputs[1:3])
        distances.append(Distance(matrix, offset, scale))
    (product,) = (
        op
        for op in graph.operators("MUL")
        if any(list(graph.graph.tensors[i].shape) == [distances[0].matrix.shape[1]] for i in op.inputs)
    )
    (weights,) = (i for i in product.inputs if len(graph.graph.tensors[i].shape) == 1)
    added = graph.following(graph.following(product.outputs[0]).outputs[0])
    bias = np.asarray(graph.scalar_of(added), np.float64)
    keys = ("distance_weight", "foreign", "foreign_most", "foreign_weight")
    combination = Combination(*(float(network[key]) for key in keys))
    return Head(graph.constant(int(weights)).astype(np.float64), bias, *distances, combination)


def set_generator(model: DeepInpaintingModel, graph: Graph) -> None:
    """Sets the weights of the generator to the dequantized weights of the int8 convolutions."""
    keras_model = model.inpainting.make_model(model.inpainting.config)
    integer = [op for op in graph.operators("CONV_2D") if graph.graph.tensors[op.inputs[1]].type == 9]
    for name, operator in zip(LAYERS, integer, strict=True):
        kernel, bias = (graph.constant(int(i)) for i in operator.inputs[1:3])
        layer = keras_model.ema_generator.get_layer(f"{name}_conv")
        layer.kernel.assign(kernel.transpose(1, 2, 3, 0))
        if name == "out":
            layer.bias.assign(bias)
            continue
        norm = keras_model.ema_generator.get_layer(f"{name}_norm")
        for variable, value in ((norm.gamma, 1), (norm.beta, bias), (norm.moving_mean, 0)):
            variable.assign(np.broadcast_to(np.float32(value), variable.shape))
        norm.moving_variance.assign(np.full(norm.moving_variance.shape, 1 - norm.epsilon, np.float32))
    model.inpainting._keras_model = keras_model


def main() -> None:
    """Writes the detector, updates the manifest of the bundle, and prints the differences."""
    manifest = read_manifest(RELEASED)
    graph = Graph(read_checked(RELEASED, "mim.tflite", manifest))
    network = manifest["measure"]["network"]
    detector = Detector("mim", size=manifest["size"], views=2, block=network["block"])
    assert isinstance(detector.model, DeepInpaintingModel)
    set_generator(detector.model, graph)
    detector.model.head = recovered_head(graph, network)
    detector._calibration = Calibration.from_dict(manifest["calibration"])
    detector._gate = Gate.from_dict(manifest["gate"])
    detector.about = {key: value for key, value in manifest["training"].items() if key != "commands"}
    detector.save(RELEASED / "detector")
    manifest["files"] = list_files(RELEASED)
    write_json(RELEASED / "manifest.json", manifest)
    write_sums(RELEASED, [*manifest["files"], "manifest.json"])

    detector = Detector.load(RELEASED / "detector")
    entries, stages = golden.read(RELEASED)
    judged = detector.judge(np.stack([stage["resampled"] for stage in stages]))
    differences = np.abs(judged.similarity - [entry["similarity"] for entry in entries])
    report = {"images": len(entries), "similarity_largest": float(differences.max())}
    report["similarity_median"] = float(np.median(differences))
    names = ("mpox-like", "not-mpox-like", "cannot-judge")
    small = [min(stage["input"].shape[:2]) < manifest["gate"]["min_side"] for stage in stages]
    verdicts = [names[code] for code in judged.verdict]
    report["verdicts"] = sum(v == e["verdict"] for v, e, s in zip(verdicts, entries, small, strict=True) if not s)
    report["judged"] = len(entries) - sum(small)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
