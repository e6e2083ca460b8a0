"""Keras models of this project on batches of any length, given as datasets and as arrays."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_tf.detectors.autoencoder import Autoencoder, AutoencoderConfig
from mim_tf.detectors.classifier import Classifier, ClassifierConfig
from mim_tf.detectors.riad import RIAD, RIADConfig
from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.models.proxyano import ProxyAno, ProxyAnoConfig

IMAGES = np.random.default_rng(0).uniform(0, 1, (5, 32, 32, 3)).astype(np.float32)
MODELS: dict[str, tuple[Callable[[], keras.Model], np.ndarray | None]] = {
    "mim": (lambda: MIM(MIMConfig(size=32, cell=4, width=2, discriminator_width=2)), None),
    "proxyano": (lambda: ProxyAno(ProxyAnoConfig(size=32, width=2, memory=4)), IMAGES / 2),
    "riad": (lambda: RIAD(RIADConfig(size=32, width=2)), None),
    "autoencoder": (lambda: Autoencoder(AutoencoderConfig(size=32, width=2)), None),
    "classifier": (lambda: Classifier(ClassifierConfig(size=32, width=2)), np.float32([0, 1, 0, 1, 0])),
}


def compiled(name: str) -> keras.Model:
    model = MODELS[name][0]()
    model.compile(*(keras.optimizers.Adam(1e-3) for _ in range(2 if name == "mim" else 1)))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_fit_takes_a_short_last_batch_a_batch_of_one_and_arrays(name: str) -> None:
    targets = MODELS[name][1]
    model = compiled(name)
    data = tf.data.Dataset.from_tensor_slices(IMAGES if targets is None else (IMAGES, targets))
    histories = [
        model.fit(data.batch(2), verbose=0),  # 2, 2 and 1 images
        model.fit(data.batch(1), verbose=0),
        model.fit(IMAGES, targets, batch_size=2, verbose=0),
    ]
    assert all(np.isfinite(values).all() for fit in histories for values in fit.history.values())
    assert all(np.isfinite(value).all() for value in model.get_weights())


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_of_unknown_length_trains_as_one_of_known_length(name: str) -> None:
    """Masks and patches are the same, so the weights are the same."""
    targets = MODELS[name][1]
    batch = tf.constant(IMAGES[:4]) if targets is None else (tf.constant(IMAGES[:4]), tf.constant(targets[:4]))
    known, unknown = compiled(name), compiled(name)
    tf.function(known.train_step)(batch)
    specs = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), batch)
    tf.function(unknown.train_step, input_signature=[specs])(batch)
    for a, b in zip(known.get_weights(), unknown.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_evaluate_takes_a_short_last_batch() -> None:
    result = compiled("mim").evaluate(IMAGES, batch_size=2, verbose=0, return_dict=True)
    assert np.isfinite(list(result.values())).all()
