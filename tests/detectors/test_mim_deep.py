"""The method `mim` with the measure `deep`: fit, files, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_outputs import EXPLAIN_OUTPUTS, VERDICT_OUTPUTS, own_outputs
from sklearn.metrics import roc_auc_score

from mim_export.bundle.export import export_run
from mim_export.check.verify import verify
from mim_export.score.errors import MimError
from mim_export.score.manifest import masks_of
from mim_export.score.preprocess import resample
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer
from mim_export.tflite import operators
from mim_tf.backbones.efficientnet import weights_file
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import select
from mim_tf.detector import Detector
from mim_tf.detectors import mim_deep as deep_inpainting
from mim_tf.detectors.base import Measures
from mim_tf.detectors.factory import create_model
from mim_tf.measures.head import HeadSample
from mim_tf.negatives.kinds import NEGATIVES
from mim_tf.negatives.views import make_views
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training
from mim_tf.training.pretrained import pretrained_generator
from mim_tf.training.run_folder import SCRATCH

pytestmark = pytest.mark.slow

COUNTS = {"train": {"mpox": 16}, "val": {"mpox": 40}, "test": {"mpox": 10, "plain": 10, "macules": 10}}
TRAINING = Training(steps=40, batch_size=4, precision="float32")


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    try:
        weights_file()
    except MimError as missing:
        pytest.skip(str(missing))


def fit(root: Path) -> Detector:
    detector = Detector("mim", size=96, measure="deep", width=8, views=1)
    photos = scan_folder(root / "data")
    detector.fit_folder(photos, root / "run", alpha=0.05, training=TRAINING, warn=print, progress=lambda *line: None)
    return detector


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with synthetic photographs, a run and its bundle."""
    root = tmp_path_factory.mktemp("deep")
    dataset.write_sample(root / "data", counts=COUNTS)
    fit(root)
    export_run(root / "run", root / "bundle", None, None, print)
    return root


def pixels(root: Path, label: str) -> np.ndarray:
    return load_photos(select(scan_folder(root / "data"), "test", label), 96, warn=print, what=label).pixels


def test_it_tells_the_class_from_others_that_it_has_not_seen(root: Path) -> None:
    detector = Detector.load(root / "run")
    own = detector.score_samples(pixels(root, "mpox"))
    for label in ("plain", "macules"):
        scores = np.r_[own, detector.score_samples(pixels(root, label))]
        assert roc_auc_score(np.repeat([1, 0], 10), scores) > 0.9
    # The SSIM of the same inpainting is returned as well.
    judgement = detector.judge(pixels(root, "mpox"))
    halves = np.stack([resample(image, 48) for image in pixels(root, "mpox")])
    assert judgement.ssim is not None
    np.testing.assert_allclose(judgement.ssim, detector.model.inpainting.score_samples(halves), atol=1e-6)


def test_views_are_made_once_for_all_fits_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(photo: np.ndarray, size: int, rounds: int, seed: int) -> dict[str, np.ndarray]:
        seen.append(photo.tobytes())
        return make_views(photo, size, rounds, seed)

    monkeypatch.setattr(deep_inpainting, "make_views", counted)
    dataset.write_sample(tmp_path / "data", counts={"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}})
    detector = Detector("mim", size=64, measure="deep", width=4, views=1)
    quiet = {"warn": print, "progress": lambda *line: None}
    training = Training(steps=1, batch_size=2, precision="float32")
    detector.fit_folder(scan_folder(tmp_path / "data"), tmp_path / "run", alpha=0.2, training=training, **quiet)
    assert detector.tables.calibration.method == "cross" and len(seen) == len(set(seen)) == 12
    assert not (tmp_path / "run" / SCRATCH).exists()
    # A finished run is not fitted again.
    monkeypatch.setattr(deep_inpainting, "fit_head", None)
    again = Detector("mim", size=64, measure="deep", width=4, views=1)
    again.fit_folder(scan_folder(tmp_path / "data"), tmp_path / "run", alpha=0.2, training=training, **quiet)
    assert again.tables == detector.tables


def test_cached_views_belong_to_their_photograph_options_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int, int]] = []

    def views(photo: np.ndarray, size: int, rounds: int, seed: int) -> dict[str, np.ndarray]:
        made.append((size, rounds, seed))
        return {"photo": photo[None], "number": np.array([len(made)])}

    monkeypatch.setattr(deep_inpainting, "make_views", views)
    photos = dataset.render("mpox", range(2), size=32)

    def numbers(size: int = 64, rounds: int = 1, seed: int = 0) -> list[int]:
        model = create_model("mim", size, "deep", width=4, views=rounds)
        return [int(found["number"][0]) for found in model._views(photos, tmp_path, seed)]

    first = numbers()
    assert sorted(first) == [1, 2] and numbers() == first
    assert not set(numbers(size=96)) & set(first) and len(made) == 4
    assert not set(numbers(rounds=2)) & set(first) and len(made) == 6
    assert not set(numbers(seed=1)) & set(first) and len(made) == 8
    monkeypatch.setattr(deep_inpainting, "_code", lambda: "another version")
    assert not set(numbers()) & set(first) and len(made) == 10
    # A damaged file is made again.
    monkeypatch.undo()
    monkeypatch.setattr(deep_inpainting, "make_views", views)
    files = sorted(tmp_path.iterdir())
    contents = [path.read_bytes() for path in files]
    for cut in (lambda content: b"", lambda content: content[:100], lambda content: b"PK" + content[2:-40] + b"x" * 40):
        for path, content in zip(files, contents, strict=True):
            path.write_bytes(cut(content))
        before = len(made)
        found = numbers()
        assert len(made) == before + 2 and numbers() == found


def test_the_head_has_seen_every_kind_of_view(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[HeadSample] = []
    monkeypatch.setattr(deep_inpainting, "fit_head", lambda sample, known: seen.append(sample))
    made = create_model("mim", 96, "deep", width=8, views=2)
    photos = load_photos(select(scan_folder(root / "data"), "test", "mpox")[:2], 128, warn=print, what="").pixels
    made.fit(photos, tmp_path / "run" / "final", Training(steps=1, batch_size=1), lambda *line: None)
    (sample,) = seen
    assert [len(part) for part in (sample.plain, sample.positives, sample.negatives)] == [2, 34, 4 * len(NEGATIVES)]
    np.testing.assert_array_equal(sample.positive_sources, np.repeat([0, 1], 17))
    np.testing.assert_array_equal(sample.negative_sources, np.repeat([0, 1], 2 * len(NEGATIVES)))


def test_left_out_groups_are_measured_by_heads_that_know_all_but_their_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []
    fitted: list[set[str]] = []
    measured: list[tuple[int, set[str]]] = []
    model = create_model("mim", 64, "deep", width=4, views=1)
    groups = np.array(list("aabbccddee"))
    photos = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 85, 85, 3), np.uint8)
    small = photos[:, :64, :64]

    def head_sample(pixels: np.ndarray, names: np.ndarray, *_: object) -> tuple[HeadSample, None]:
        rows, sources = np.zeros((len(pixels), 4)), np.arange(len(pixels))
        return HeadSample(rows, rows, rows, names, sources, sources), None

    def measures(images: np.ndarray) -> Measures:
        measured.extend((int(image[0, 0, 0]), fitted[-1]) for image in images)
        values = images[:, 0, 0, 0].astype(np.float32)
        return Measures(values, values + 100, values + 200)

    monkeypatch.setattr(model, "_fit_gan", lambda pixels, *_: trained.extend(pixels[:, 0, 0, 0].tolist()))
    monkeypatch.setattr(model, "_head_sample", head_sample)
    monkeypatch.setattr(model, "measures", measures)
    monkeypatch.setattr(deep_inpainting, "fit_head", lambda sample, known: fitted.append(set(sample.groups)))
    left_out = np.isin(groups, ["b", "c", "d"])
    found = model.measure_left_out(photos, small, groups, left_out, tmp_path, Training(steps=1), lambda *line: None)
    assert trained == [0, 1, 8, 9]
    np.testing.assert_array_equal(found.similarity, np.arange(2, 8))
    np.testing.assert_array_equal(found.ssim, np.arange(102, 108))
    np.testing.assert_array_equal(found.novelty, np.arange(202, 208))
    assert len(fitted) == deep_inpainting.HEAD_FOLDS == 3
    for image, known in measured:
        assert known == set("abcde") - {groups[image]}


def test_known_negatives_are_for_this_measure_and_a_run_of_its_own(root: Path, tmp_path: Path) -> None:
    photos = scan_folder(root / "data")
    known = select(photos, "test", "plain")[:3]
    quiet = {"alpha": 0.05, "training": TRAINING, "warn": print, "progress": lambda *line: None}
    with pytest.raises(MimError, match="colour with the measure colour cannot use negatives"):
        Detector("colour", size=48).fit_folder(photos, tmp_path / "run", known=known, **quiet)
    with pytest.raises(MimError, match=r"other settings \(negatives\)"):
        Detector("mim", size=96, measure="deep", width=8, views=1).fit_folder(
            photos, root / "run", known=known, **quiet
        )


def test_the_graph_scores_as_keras_does(root: Path) -> None:
    detector = Detector.load(root / "run")
    scorer = Scorer(root / "bundle", runtimes()["litert-reference"])
    images = np.concatenate([pixels(root, label) for label in ("mpox", "plain", "macules")])
    keras, lite = detector.judge(images), scorer.judge(images)
    assert np.corrcoef(keras.similarity, lite.similarity)[0, 1] > 0.999
    # Within the class, near the threshold: no bias and a small deviation.
    own = (lite.similarity - keras.similarity)[:10]
    assert abs(own.mean()) < 0.05 * keras.similarity[:10].std() and own.std() < 0.1 * keras.similarity[:10].std()
    assert keras.ssim is not None and lite.ssim is not None
    np.testing.assert_allclose(lite.ssim, keras.ssim, atol=0.02)
    np.testing.assert_array_equal(lite.reason, keras.reason)
    novelty = [float(scorer.run(image)["novelty"][0]) for image in images]
    assert np.corrcoef(novelty, detector.model.measures(images).novelty)[0, 1] > 0.999


def test_what_is_inpainted_is_half_of_the_side_and_shown_whole(root: Path) -> None:
    scorer = Scorer(root / "bundle", runtimes()["litert-reference"])
    assert scorer.manifest["mask_set"]["size"] == 48 and scorer.size == 96
    masks = masks_of(scorer.manifest)
    image = pixels(root, "mpox")[0]
    result = scorer.run(image)
    assert result["inpainted"].shape == (1, 96, 96, 3) and result["error_map"].shape == (1, 96, 96, 1)
    small = resample(image, 48)
    model = runtimes()["litert-reference"]((root / "bundle" / "mim.tflite").read_bytes())
    inpaint = model.get_signature_runner("inpaint")
    pieces = sum((1 - m) * inpaint(image=small[None], mask=m[None].astype(np.uint8))["inpainted"][0] for m in masks)
    np.testing.assert_array_equal(result["inpainted"][0], pieces.repeat(2, axis=0).repeat(2, axis=1))


def test_the_bundle_holds_on_every_runtime_and_names_its_network(root: Path) -> None:
    assert not any(row.bad for row in verify(root / "bundle"))
    manifest = Scorer(root / "bundle").manifest
    network = manifest["measure"]["network"]
    named = {"name": "EfficientNet-Lite0", "block": 10, "size": 96, "band": 96, "statistics": 224, "components": 15}
    assert network.items() >= named.items()
    content = (root / "bundle" / "mim.tflite").read_bytes()
    assert own_outputs(content, "verdict") == VERDICT_OUTPUTS and own_outputs(content, "explain") == EXPLAIN_OUTPUTS
    for path in (root / "bundle").glob("*.tflite"):
        operators.check(path.read_bytes(), operators.SCORE if path.name == "mim.tflite" else operators.MICRO)
    assert sorted(manifest["models"]) == ["mim.tflite", "mim_micro.tflite"]
    assert (root / "bundle" / "mim.tflite").stat().st_size < 4_000_000


def test_a_bundle_for_a_microcontroller_is_all_int8(root: Path, tmp_path: Path) -> None:
    """The feature network has its own file; similarities correlate with those of Keras, with larger deviations."""
    manifest = export_run(root / "run", tmp_path / "bundle", None, None, print, micro=True)
    assert manifest["training"]["commands"][-1].endswith(" --micro")
    assert not any(row.bad for row in verify(tmp_path / "bundle"))
    assert sorted(manifest["models"]) == ["mim.tflite", "mim_features.tflite", "mim_micro.tflite"]
    operators.check((tmp_path / "bundle" / "mim_features.tflite").read_bytes(), operators.MICRO)
    # Number of values of the head for 224 statistics and 15 components.
    values = 225 + 15 * 224 + 15 + 2 + 224 * 224 + 224 + 2
    assert (tmp_path / "bundle" / "head.f32").stat().st_size == 4 * values
    images = np.concatenate([pixels(root, label) for label in ("mpox", "plain", "macules")])
    keras = Detector.load(root / "run").judge(images).similarity
    integer, mixed = (Scorer(folder / "bundle").judge(images).similarity for folder in (tmp_path, root))
    assert np.corrcoef(keras, integer)[0, 1] > 0.98
    assert np.abs(mixed - keras).mean() < 0.5 * np.abs(integer - keras).mean()


def test_a_head_with_a_band_limit_is_fitted_for_the_released_gan_and_exported(root: Path, tmp_path: Path) -> None:
    detector = Detector("mim", size=96, width=24, views=1, band=64, start="released")
    training = Training(steps=0, precision="float32")
    detector.fit_folder(scan_folder(root / "data"), tmp_path / "run64", training=training, warn=print)
    images = pixels(root, "mpox")
    scores = detector.score_samples(images)
    assert detector.model.inpainting.steps == 0
    generator = Detector.load(tmp_path / "run64").model.inpainting
    released = pretrained_generator("released").get_weights()
    for found, expected in zip(generator.network.get_weights(), released, strict=True):
        np.testing.assert_array_equal(found, expected)
    export_run(tmp_path / "run64", tmp_path / "bundle64", None, None, print)
    assert Scorer(tmp_path / "bundle64").manifest["measure"]["network"]["band"] == 64
    assert not any(row.bad for row in verify(tmp_path / "bundle64"))
    np.testing.assert_allclose(Scorer(tmp_path / "bundle64").judge(images).similarity, scores, atol=0.1)
    with pytest.raises(MimError, match=r"features are limited to 64 px.*; train with --band 96"):
        export_run(tmp_path / "run64", tmp_path / "micro", None, None, print, micro=True)


def test_steps_of_zero_need_trained_weights(root: Path, tmp_path: Path) -> None:
    with pytest.raises(MimError, match="0 steps are not possible for the method mim from random weights; train for 1"):
        Detector("mim", size=96).fit_folder(scan_folder(root / "data"), tmp_path / "run", training=Training(steps=0))
    with pytest.raises(MimError, match="for the method colour"):
        Detector("colour", size=96).fit(pixels(root, "mpox"), alpha=0.2, training=Training(steps=0))
    assert not (tmp_path / "run").exists()


def test_examples_show_the_way(root: Path) -> None:
    columns = Detector.load(root / "run").reconstruction_steps(pixels(root, "mpox")[:2])
    assert list(columns) == ["original", "under one mask", "inpainted"]
    assert all(images.shape == (2, 96, 96, 3) for images in columns.values())


@pytest.mark.parametrize(
    ("name", "size", "measure", "line"),
    [
        ("colour", 48, "deep", "the method colour has no measure 'deep'; choose one of colour"),
        ("mim", 96, "nearest", "the method mim has no measure 'nearest'; choose one of deep, ssim"),
        ("mim", 80, "deep", "size 80 is not possible; choose a multiple of 32 from 64 on"),
    ],
)
def test_what_cannot_be_made_is_named(name: str, size: int, measure: str, line: str) -> None:
    with pytest.raises(MimError, match=line):
        create_model(name, size, measure)


def test_a_block_without_features_of_that_size_is_named() -> None:
    with pytest.raises(MimError, match="block 4 has no features at 1/16 of the resolution; choose 5 to 10"):
        create_model("mim", 96, "deep", block=4)


@pytest.mark.parametrize(
    ("band", "line"),
    [(40, "band 40 is not possible; choose a multiple of 32 from 32 to 96"), (128, "band 128 is"), (0, "band 0 is")],
)
def test_a_band_that_is_not_possible_is_named(band: int, line: str) -> None:
    with pytest.raises(MimError, match=line):
        create_model("mim", 96, "deep", band=band)


def test_the_default_band_depends_on_the_side() -> None:
    assert [create_model("mim", side, "deep").options["band"] for side in (64, 128, 160, 192)] == [64, 128, 128, 128]


def test_a_damaged_head_is_named(root: Path, tmp_path: Path) -> None:
    for path in (root / "run").glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "head.npz").write_bytes(b"PK")
    with pytest.raises(MimError, match=r"head\.npz: damaged"):
        Detector.load(tmp_path)
