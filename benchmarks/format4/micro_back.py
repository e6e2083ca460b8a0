"""Recovers a Keras detector of the bundle for microcontrollers from its int8 files."""
import json, sys
from pathlib import Path
import numpy as np
from mim_tf.detector import Detector
from mim_tf.measures.head import Head, Distance, Combination
from mim_tf.measures import head as H
from mim_export.tflite import flatbuffer
from mim_export.score.conformal import Calibration, Reference, Tables
from mim_export.score.decide import Gate
src, out = map(Path, sys.argv[1:3])  # the bundle of format 3, the run to write
m = json.loads((src/"manifest.json").read_text())
d = Detector("mim", size=64, width=14, block=5, views=2, teacher="released")
inp = d.model.inpainting
from mim_tf.training.config import Training
inp._restore = None
cfg = inp.make_config("float32", 0)
gan = inp.make_model(cfg, None)
gen = gan.ema_generator
f = flatbuffer.read((src/"mim_micro.tflite").read_bytes())
g = f.subgraphs[0]
w = {}
for op in g.operators:
    if flatbuffer.op_name(f, op) != "CONV_2D": continue
    k, b = g.tensors[op.inputs[1]], g.tensors[op.inputs[2]]
    kv = np.asarray(f.buffers[k.buffer].data, np.uint8).view(np.int8).reshape(k.shape)
    bv = np.asarray(f.buffers[b.buffer].data, np.uint8).view(np.int32)
    ks = np.asarray(k.quantization.scale); bs = np.asarray(b.quantization.scale)
    name = k.name.decode().split("/")[1]
    kernel = (kv * ks[:, None, None, None]).transpose(1, 2, 3, 0).astype(np.float32)
    w[name] = (kernel, (bv * bs).astype(np.float32))
print({n: v[0].shape for n, v in w.items()})
import keras
for layer in gen.layers:
    if isinstance(layer, keras.layers.Conv2D):
        name = layer.name.removesuffix("_conv")
        kernel, bias = w[name]
        assert tuple(layer.kernel.shape) == kernel.shape, (layer.name, layer.kernel.shape, kernel.shape)
        layer.kernel.assign(kernel)
        if layer.use_bias: layer.bias.assign(bias)
        last = name
    elif isinstance(layer, keras.layers.BatchNormalization):
        src_name = layer.input._keras_history.operation.name.removesuffix("_conv")
        layer.gamma.assign(np.full(layer.gamma.shape, np.sqrt(1 + layer.epsilon), np.float32) if False else np.ones(layer.gamma.shape, np.float32))
        layer.moving_variance.assign(np.full(layer.gamma.shape, 1 - layer.epsilon, np.float32))
        layer.moving_mean.assign(np.zeros(layer.gamma.shape, np.float32))
        layer.beta.assign(w[src_name][1])
gan.generator.set_weights(gen.get_weights())
inp._keras_model = gan
inp._config = cfg
raw = np.frombuffer((src/"head.f32").read_bytes(), "<f4").astype(np.float64)
n = m["measure"]["network"]; D, K = n["statistics"], n["components"]
pos = 0
def take(shape):
    global pos
    c = int(np.prod(shape)) if shape else 1
    v = raw[pos:pos+c].reshape(shape); pos += c
    return v
lw, lb = take((D,)), float(take(()))
cd = Distance(take((K, D)), take((K,)), take((2,)))
nv = Distance(take((D, D)), take((D,)), take((2,)))
assert pos == len(raw)
comb = Combination(n["distance_weight"], n["foreign"], n["foreign_most"], n["foreign_weight"])
print(Combination._fields, comb)
d.model.head = Head(lw, lb, cd, nv, comb)
d.model._compute_vectors = d.model._trace_vectors()
c = m["calibration"]
d._tables = Tables(Calibration.from_dict(c), Reference((), (), 0, 0.2, ()))
gt = m["gate"]
d._gate = Gate(gt["min_contrast"], gt["min_detail"], gt["min_side"], gt["max_foreignness"])
d.about = {k: v for k, v in m["training"].items() if k != "commands"}
d.save(out)
