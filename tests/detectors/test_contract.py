"""Contract test of all methods: files, dtype, shape, orientation, minimum AUROC, reproducibility by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export.score.errors import MimError
from mim_export.score.preprocess import mask_set
from mim_tf import detectors
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.data.folder import scan_folder
from mim_tf.detector import Detector
from mim_tf.detectors.factory import create_model, model_names
from mim_tf.evaluation import controls
from mim_tf.evaluation.evaluate import evaluate
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

SIZE = 48
COUNTS = {"train": {"mpox": 16}, "val": {"mpox": 40, "plain": 8}, "test": {"mpox": 10, "plain": 4}}
#: Steps and options that suffice to separate skin from pages of text.
QUICK = {
    "mim": (150, {"measure": "ssim", "width": 8, "discriminator_width": 4}),
    "proxyano": (150, {"width": 8}),
    "autoencoder": (150, {"width": 8}),
    "riad": (250, {"width": 12}),
    "classifier": (150, {"width": 8}),
}
#: Methods that need ImageNet weights.
PRETRAINED = ("features", "patchcore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic skin, and pages of text."""
    root = dataset.write_sample(tmp_path_factory.mktemp("contract") / "data", counts=COUNTS)
    for split, count in (("val", 12), ("test", 12)):
        (root / split / "text").mkdir()
        for i, pixels in enumerate(controls.text(count, 128, np.random.default_rng(len(split)))):
            Image.fromarray(pixels).save(root / split / "text" / f"{i}.png")
    return root


def fitted(name: str, folder: Path, out: Path, steps: int | None = None) -> tuple[Detector, list[int]]:
    enough, options = QUICK.get(name, (1, {}))
    seen: list[int] = []
    training = Training(steps=steps or enough, batch_size=8, precision="float32")
    detector = Detector(name, size=SIZE, **options)
    returned = detector.fit_folder(
        scan_folder(folder),
        out,
        training=training,
        progress=lambda name, step, steps, values: seen.append(step),
    )
    assert returned is detector and detector.is_fitted
    return detector, seen


@pytest.mark.slow
@pytest.mark.parametrize("name", model_names())
def test_the_contract_of_a_method(name: str, folder: Path, tmp_path: Path) -> None:
    if name in PRETRAINED:
        try:
            weights_file()
        except MimError as missing:
            pytest.skip(str(missing))
    detector, seen = fitted(name, folder, tmp_path / "run")
    assert seen[-1:] == ([QUICK[name][0]] if name in QUICK else [])
    pixels = dataset.render("mpox", range(300, 304), size=SIZE)
    similarity = detector.score_samples(pixels)
    assert similarity.shape == (4,) and similarity.dtype == np.float32 and np.isfinite(similarity).all()

    # A saved and loaded model gives the same results.
    again = Detector.load(tmp_path / "run")
    np.testing.assert_array_equal(similarity, again.score_samples(pixels))
    assert again.tables == detector.tables and again.gate == detector.gate
    assert again.model.parameters == detector.model.parameters >= 0
    assert again.model.options == detector.model.options

    # Single images and batches give equal results, up to the order of summation.
    np.testing.assert_allclose(similarity[:1], again.score_samples(pixels[:1]), rtol=1e-4, atol=1e-5)

    # p-values are within the range of a table of 20 groups, and of the reference: 4 groups of skin and 12 of text.
    calibration, reference = detector.tables
    assert calibration.method == "split" and calibration.groups == 20
    assert reference.groups == (0 if detector.model.supervised else 16)
    for p, table in zip(again.p_values(pixels), detector.tables, strict=True):
        assert p.dtype == np.float32 and ((p >= 1 / (table.groups + 1) - 1e-6) & (p <= 1 + 1e-6)).all()
    assert set(again.predict(pixels)) <= {"mpox-like", "not-mpox-like", "undecided", "cannot-judge"}

    # The first reconstruction step is the original image.
    steps = again.reconstruction_steps(pixels)
    for pictures in steps.values():
        assert pictures.shape == pixels.shape and pictures.dtype == np.float32
    if steps:
        np.testing.assert_allclose(next(iter(steps.values())), pixels / 255.0, atol=1e-6)

    # Each pixel of an inpainting is predicted while it is hidden: a change of visible pixels alone changes it.
    found = again.inpaint(pixels)
    assert (found is not None) == (name in ("mim", "blur", "biharmonic"))
    if found is not None:
        np.testing.assert_array_equal(found.images, pixels)
        changed = pixels.copy()
        changed[:, :2, :2] = 255 - changed[:, :2, :2]
        other = again.inpaint(changed)
        assert other is not None
        np.testing.assert_array_equal(found.inpainted[:, :2, :2], other.inpainted[:, :2, :2])
        assert found.inpainted.min() >= 0 and found.inpainted.max() <= 1
        masks = mask_set(pixels.shape[1], 4, 2)
        other = again.inpaint(pixels, masks)
        assert other is not None and other.masks is masks and (other.inpainted != found.inpainted).any()

    # Anomaly maps have the size of the images and do not depend on the batch.
    maps = again.model.anomaly_maps(pixels)
    assert (maps is None) == (name in ("features", "colour", "classifier"))
    if maps is not None:
        assert maps.shape == (4, SIZE, SIZE) and maps.dtype == np.float32 and np.isfinite(maps).all()
        alone = again.model.anomaly_maps(pixels[:1])
        assert alone is not None
        np.testing.assert_allclose(maps[:1], alone, rtol=1e-3, atol=1e-4)

    # Higher is more similar to the class: skin against pages of text.
    result = evaluate(again, scan_folder(folder), "test", warn=print)
    assert result.metrics["classes"]["text"]["auroc"] >= 0.9


@pytest.mark.parametrize("name", [name for name in model_names() if name not in PRETRAINED])
def test_a_second_fit_with_the_same_seed_gives_the_same_scores(name: str, folder: Path, tmp_path: Path) -> None:
    pixels = dataset.render("mpox", range(300, 304), size=SIZE)
    first, second = (fitted(name, folder, tmp_path / run, steps=8)[0].score_samples(pixels) for run in ("a", "b"))
    # The order of summation of gradients depends on the threads.
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4)


def test_a_method_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(detectors.__file__).parent / "blur.py").read_text().replace("class BlurModel", "class OtherModel")
    (tmp_path / "another.py").write_text(text)
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])
    assert "another" in model_names()
    assert type(create_model("another", 96)).__name__ == "OtherModel"
    monkeypatch.delitem(__import__("sys").modules, "mim_tf.detectors.another")


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(MimError, match="choose one of mim, proxyano, autoencoder, biharmonic, blur, classifier"):
        create_model("magic", 96)
    with pytest.raises(MimError, match="the method colour has no option width; leave it out"):
        create_model("colour", 96, width=8)
    with pytest.raises(MimError, match="the method riad has no option shape"):
        create_model("riad", 96, shape=8)


def test_a_supervised_method_needs_other_classes(tmp_path: Path) -> None:
    counts = {"train": {"mpox": 8}, "val": {"mpox": 40}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = Detector("classifier", size=SIZE)
    with pytest.raises(MimError, match="no photographs in val beside mpox; add those of other classes to val"):
        detector.fit_folder(scan_folder(folder), tmp_path / "run")
    assert not (tmp_path / "run" / "final").exists()
    images = dataset.render("mpox", range(40), size=SIZE)
    with pytest.raises(MimError, match="is supervised; pass images of other classes as negatives"):
        detector.fit(images)
