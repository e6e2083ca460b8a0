"""`mim_export.convert.quantize`: ranges of activations."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mim_export.convert.quantize import activation_ranges


@pytest.mark.parametrize("within", [1.0, 0.99])
def test_ranges_are_quantiles_of_the_activations(within: float) -> None:
    inputs = keras.Input((4, 4, 3))
    positive = keras.layers.ReLU(name="positive")(inputs)
    signed = keras.layers.Conv2D(3, 1, name="signed")(inputs)
    network = keras.Model(inputs, keras.layers.Add(name="sum")([positive, signed]))
    network.get_layer("signed").set_weights([np.eye(3, dtype=np.float32)[None, None], np.zeros(3, np.float32)])
    batches = np.random.default_rng(0).normal(size=(5, 2, 4, 4, 3)).astype(np.float32)
    batches[3, 0, 1, 2] *= 100
    ranges = activation_ranges(network, list(batches), within)
    expected = {
        "positive": (0.0, np.quantile(np.maximum(batches, 0), within)),
        "signed": tuple(np.quantile(batches, (1 - within, within))),
        "sum": tuple(np.quantile(batches + np.maximum(batches, 0), (1 - within, within))),
    }
    assert set(ranges) == set(expected)
    for name, limits in expected.items():
        np.testing.assert_allclose(ranges[name], limits, rtol=1e-5, err_msg=name)
