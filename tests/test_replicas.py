"""`mim_tf.replicas`: training steps on several devices are those on one device."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mim_tf import replicas

#: Steps of each model on the whole batch and on several devices; SGD, because Adam makes steps of the same size of
#: gradients that differ by rounding alone. Prints the largest differences: of weights, averages, statistics and
#: optimizers of the first device from one that has the whole batch, after a few steps; of the means of the losses of
#: all steps; and of the other devices from the first.
_COMPARE = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, tensorflow as tf
count = int(sys.argv[1])
parts = [tf.config.LogicalDeviceConfiguration()] * count
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
sys.path.insert(0, sys.argv[2])
from test_batches import MODELS
from mim_tf.replicas import Replica, part
from mim_tf.training.checkpoint import variables_of
devices = [Replica(i, count, f"/device:CPU:{i}", 1) for i in range(count)]
def compiled(name):
    model = MODELS[name][0]()
    model.compile(*(keras.optimizers.SGD(0.05, global_clipnorm=0.5) for _ in range(2 if name == "mim" else 1)))
    return model
def state(model):
    return [np.asarray(value) for value in variables_of(model)]
def means(model):
    return [np.float32(metric.result()) for metric in model.metrics]
def difference(first, second):
    return float(max(np.abs(a - b).max() for a, b in zip(first, second, strict=True)))
found = {}
for name in MODELS:
    one, many = compiled(name), []
    for device in devices:
        with device.active():
            many.append(compiled(name))
    @tf.function
    def step(batch):
        for device, model in zip(devices, many):
            with device.active():
                model.train_step(tf.nest.map_structure(part, batch))
    whole, draw = tf.function(one.train_step), np.random.default_rng(0)
    for number in range(50 if name in ("mim", "autoencoder") else 3):
        batch = images = tf.constant(draw.uniform(0, 1, (8, 32, 32, 3)), tf.float32)
        if MODELS[name][1] is not None:
            batch = images, (tf.constant([1.0, 0.0] * 4) if name == "classifier" else images / 2)
        whole(batch)
        step(batch)
        if number == 2:
            weights = difference(state(one), state(many[0]))
    losses = difference(means(one), means(many[0]))
    copies = [difference(state(many[0]) + means(many[0]), state(model) + means(model)) for model in many[1:]]
    found[name] = [weights, losses, max(copies)]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_steps_on_several_devices_are_those_on_one() -> None:
    """Of all models: masks, batch statistics, nonlinear losses, R1, the limit of the norm, averages and metrics."""
    command = [sys.executable, "-c", _COMPARE, "2", str(Path(__file__).parent / "models")]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    assert len(found) == 5
    for name, (weights, losses, copies) in found.items():
        # One step changes some weights by 0.02. Rounding changes the sign of some gradients of absolute values.
        assert weights < 1e-4, name
        # Within 50 steps rounding changes the sign of a gradient of an absolute value, and from then on the weights.
        assert losses < 1e-3, name
        assert copies == 0, name


def test_one_replica_has_the_whole_batch() -> None:
    values = tf.constant(np.arange(6.0).reshape(3, 2))
    assert replicas.count() == 1 and replicas.whole_size(values) == 3
    assert replicas.part(values) is values and replicas.mean(values) is values
    assert replicas.means([values]) == [values]
