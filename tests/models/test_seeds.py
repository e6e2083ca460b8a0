"""`mim_tf.models.seeds`: initial weights are a function of the seed, and the random state of the user is kept."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_tf.detectors.riad import RIAD, RIADConfig
from mim_tf.models.mim import MIM, MIMConfig
from mim_tf.models.proxyano import ProxyAno, ProxyAnoConfig


def mim(seed: int = 3) -> MIM:
    return MIM(MIMConfig(size=32, cell=4, width=4, discriminator_width=4, seed=seed))


def proxyano(seed: int = 3) -> ProxyAno:
    return ProxyAno(ProxyAnoConfig(size=32, width=4, memory=8, seed=seed))


def riad(seed: int = 3) -> RIAD:
    return RIAD(RIADConfig(size=32, width=4, seed=seed))


@pytest.mark.parametrize(
    ("make", "digest"),
    [
        (mim, "c08a24564cd3d7d2510f45862cd6ebd05b3735dd1e5d6ff1cc4c5c29cb9b009f"),
        (proxyano, "bca55cf0c5918604c8084bab59fdcb613f19b21ebee4e35bf6bf06c2bcb1e0d1"),
        (riad, "5178e201674413860a7f075e4dba453d1fbbd64758fede9084c0bf23a168ab37"),
    ],
)
def test_initial_weights_are_those_of_earlier_versions(make: Callable[[], keras.Model], digest: str) -> None:
    """Those of `proxyano` and `riad` are of when construction still seeded all random generators (Keras 3.15)."""
    random.seed(11)
    assert hashlib.sha256(b"".join(value.tobytes() for value in make().get_weights())).hexdigest() == digest


@pytest.mark.parametrize("make", [mim, proxyano, riad])
def test_the_random_state_of_the_user_is_kept(make: Callable[[], keras.Model]) -> None:
    def draws() -> list[float]:
        values = [random.random(), np.random.random(), float(tf.random.uniform([])), float(keras.random.uniform([]))]
        return [*values, float(keras.initializers.RandomUniform()((1,))[0])]

    def restart() -> None:
        keras.utils.clear_session()  # older Keras does not restart its global generator otherwise
        keras.utils.set_random_seed(5)

    make()  # layers are imported
    restart()
    expected = draws() + draws()
    restart()
    found = draws()
    make()
    assert found + draws() == expected


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(MimError, match="seed -1 is not possible; choose a whole number from 0 on"):
        mim(-1)
