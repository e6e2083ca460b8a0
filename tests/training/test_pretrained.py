"""`mim_tf.training.pretrained`: the generator of the released bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from mim_export.score.errors import MimError
from mim_export.score.preprocess import mask_set
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.measures.fills import biharmonic
from mim_tf.synthetic import dataset
from mim_tf.training import pretrained
from mim_tf.training.pretrained import pretrained_generator


def test_a_training_starts_from_the_weights() -> None:
    model = InpaintingModel(64, start="released")
    keras_model = model.make_model(model.config, 10)
    for network in (keras_model.generator, keras_model.ema_generator):
        for found, expected in zip(network.get_weights(), pretrained_generator("released").get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_it_inpaints_images_that_it_was_not_trained_on_better_than_the_biharmonic_fill() -> None:
    pixels, masks = dataset.render("mpox", range(8), size=96), mask_set(96, 12, 2)
    model = InpaintingModel(96, start="released")
    inpainted = model.make_model(model.config, 10)(pixels / np.float32(255)).numpy()
    found, expected = (
        np.mean([peak_signal_noise_ratio(a / 255, b, data_range=1) for a, b in zip(pixels, images, strict=True)])
        for images in (inpainted, biharmonic(pixels, masks))
    )
    assert found > expected and pretrained_generator("released").count_params() == 522_348


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "detector").mkdir()
    (tmp_path / "detector" / "generator.weights.h5").write_bytes(b"no weights")
    monkeypatch.setattr(pretrained, "RELEASED", tmp_path)
    with pytest.raises(MimError, match=r"generator\.weights\.h5: not a readable model"):
        pretrained_generator("released")
