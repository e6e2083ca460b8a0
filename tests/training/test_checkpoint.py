"""`mim_tf.training.checkpoint`: the state of a training, and trainings that diverge."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mim_export.score.errors import MimError
from mim_tf.detectors.autoencoder import Autoencoder, AutoencoderConfig
from mim_tf.training.checkpoint import CHUNK, State, check_finite, read_state
from mim_tf.training.config import Training
from mim_tf.training.loop import train

GOOD = {"step": 50, "seconds": 1.5, "checkpoint": "checkpoint-50.weights.h5"}


def test_the_state_is_read(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(GOOD))
    assert read_state(tmp_path / "state.json") == State(50, 1.5, "checkpoint-50.weights.h5")


@pytest.mark.parametrize(
    "content",
    [
        *({key: value for key, value in GOOD.items() if key != missing} for missing in GOOD),
        *({**GOOD, "step": value} for value in (-1, 1.5, "50", True, None)),
        *({**GOOD, "seconds": value} for value in (-1, float("nan"), float("inf"), "1", None)),
        *({**GOOD, "checkpoint": value} for value in ("../other.weights.h5", "/etc/passwd", "", 5, None)),
        *({}, [], None, 3),
    ],
)
def test_a_damaged_state_is_one_line(tmp_path: Path, content: object) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(content))
    with pytest.raises(MimError, match=r"state\.json: damaged.*; remove the run folder and train again"):
        read_state(path)


def made() -> Autoencoder:
    model = Autoencoder(AutoencoderConfig(size=32, width=2))
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def test_weights_and_optimizers_are_checked_as_well_as_losses() -> None:
    model = made()
    check_finite(model, {"error": 0.5}, 50, 0, "final")
    with pytest.raises(MimError, match="the loss error is inf at a step from 51 to 100, the checkpoint of step 50"):
        check_finite(model, {"error": float("inf")}, 100, 50, "final")
    for variable in (model.networks["network"].variables[0], model.optimizer.variables[-1]):
        before = variable.numpy()
        variable.assign(np.full(before.shape, np.nan))
        with pytest.raises(MimError, match="a weight is not a finite number at a step from 1 to 50, no checkpoint"):
            check_finite(model, {"error": 0.5}, 50, 0, "final")
        variable.assign(before)


def test_a_scale_of_the_loss_that_vanishes_is_named() -> None:
    """In float16 a step whose gradient is not finite is left out, so that losses and weights stay finite."""
    model = Autoencoder(AutoencoderConfig(size=32, width=2, precision="mixed_float16"))
    model.compile(keras.optimizers.Adam(1e-3))
    check_finite(model, {"error": 0.5}, 50, 0, "final")
    model.scaled_optimizer.dynamic_scale.assign(0.5)
    with pytest.raises(MimError, match=r"the gradient is not a finite number .* precision float32"):
        check_finite(model, {"error": 0.5}, 50, 0, "final")


def test_a_training_that_diverges_keeps_its_last_good_checkpoint(tmp_path: Path) -> None:
    def batches(start: int) -> tf.data.Dataset:
        images = tf.random.stateless_uniform((2, 32, 32, 3), (0, 1))
        data = tf.data.Dataset.range(start, 10**6)
        return data.map(lambda step: tf.where(step == CHUNK + 7, np.nan, 1.0) * images)

    seen: list[int] = []
    for _ in range(2):  # the second training resumes from the checkpoint
        with pytest.raises(MimError, match=r"the loss error is nan at a step from 51 to 100, .* float32, a lower"):
            train(
                made,
                batches,
                tmp_path,
                Training(steps=3 * CHUNK, precision="float32"),
                lambda name, step, *rest: seen.append(step),
                lambda model, path: None,
            )
    assert seen == [CHUNK]
    assert [path.name for path in tmp_path.glob("*.h5")] == [f"checkpoint-{CHUNK}.weights.h5"]
    assert read_state(tmp_path / "state.json").step == CHUNK
    model = made()
    model.load_weights(tmp_path / f"checkpoint-{CHUNK}.weights.h5")
    assert all(np.isfinite(value).all() for value in model.get_weights())
