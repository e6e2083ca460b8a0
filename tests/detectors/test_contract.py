"""One body for every method: it trains, is saved, loaded, scores, and tells an easy pair apart."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf import baselines
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.data.folder import scan_folder
from mim_tf.detector import Detector
from mim_tf.detectors.registry import create_model, model_names
from mim_tf.evaluation import controls as made_images
from mim_tf.evaluation import evaluate
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

SIZE = 48
COUNTS = {"train": {"mpox": 16}, "val": {"mpox": 40, "plain": 6}, "test": {"mpox": 10, "plain": 4}}
#: Steps and options that suffice for the easy pair.
QUICK = {
    "mim": (150, {"width": 8, "discriminator_width": 4}),
    "proxyano": (150, {"width": 8}),
    "autoencoder": (150, {"width": 8}),
    "riad": (250, {"width": 8}),
    "classifier": (150, {"width": 8}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic skin, and pages of text."""
    root = dataset.write_sample(tmp_path_factory.mktemp("method") / "data", counts=COUNTS)
    for split, count in (("val", 12), ("test", 12)):
        (root / split / "text").mkdir()
        for i, pixels in enumerate(made_images.text(count, 128, np.random.default_rng(len(split)))):
            Image.fromarray(pixels).save(root / split / "text" / f"{i}.png")
    return root


@pytest.mark.parametrize("name", model_names())
def test_every_method_trains_saves_loads_and_tells_an_easy_pair(name: str, folder: Path, tmp_path: Path) -> None:
    if name in ("features", "patchcore"):
        try:
            weights_file()
        except MimError as missing:
            pytest.skip(str(missing))
    steps, options = QUICK.get(name, (1, {}))
    detector = Detector(name, size=SIZE, **options)
    seen: list[int] = []
    detector.fit(
        scan_folder(folder),
        tmp_path / "run",
        alpha=0.05,
        training=Training(steps=steps, batch_size=8, precision="float32"),
        warn=print,
        progress=lambda name, step, steps, values: seen.append(step),
    )
    assert seen[-1:] == ([steps] if name in QUICK else [])
    again = Detector.load(tmp_path / "run")
    pixels = dataset.render("mpox", range(300, 304), size=SIZE)
    similarity = detector.score_samples(pixels)
    assert similarity.shape == (4,) and similarity.dtype == np.float32 and np.isfinite(similarity).all()
    np.testing.assert_array_equal(similarity, again.score_samples(pixels))
    # One image a call gives what a batch gives, up to the order of summation.
    np.testing.assert_allclose(similarity[:1], again.score_samples(pixels[:1]), rtol=1e-4, atol=1e-5)
    assert again.calibration == detector.calibration and again.gate == detector.gate
    assert detector.verdict(pixels) == again.verdict(pixels)
    assert again.p_value(pixels).dtype == np.float32
    assert detector.calibration.method == "split" and detector.calibration.groups == 20
    assert again.model.parameters == detector.model.parameters >= 0
    result = evaluate.evaluate(again, scan_folder(folder), "test", seed=0, warn=print)
    assert result.metrics["classes"]["text"]["auroc"] >= 0.9


def test_a_method_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(baselines.__file__).parent / "blur.py").read_text().replace("class Blur", "class Other")
    (tmp_path / "another.py").write_text(text)
    monkeypatch.setattr(baselines, "__path__", [*baselines.__path__, str(tmp_path)])
    assert "another" in model_names()
    assert type(create_model("another", 96)).__name__ == "Other"
    monkeypatch.delitem(sys.modules, "mim_tf.baselines.another")


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(MimError, match="choose one of mim, proxyano, autoencoder, blur, classifier, colour"):
        create_model("magic", 96)
    with pytest.raises(MimError, match="the method colour does not know one of: width; leave it out"):
        create_model("colour", 96, width=8)
    with pytest.raises(MimError, match="the method riad does not know one of: shape"):
        create_model("riad", 96, shape=8)


def test_a_supervised_method_needs_other_classes(tmp_path: Path) -> None:
    counts = {"train": {"mpox": 8}, "val": {"mpox": 40}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = Detector("classifier", size=SIZE)
    with pytest.raises(MimError, match="no photographs in val beside mpox; add those of other classes to val"):
        detector.fit(
            scan_folder(folder),
            tmp_path / "run",
            alpha=0.05,
            training=Training(),
            warn=print,
            progress=lambda *line: None,
        )
    assert not (tmp_path / "run" / "final").exists()
