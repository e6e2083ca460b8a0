"""`mim_tf.detector`, `mim_tf.evaluate`, `mim_tf.report` and the baselines, on a small synthetic folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from mim_export.decide import Judgement
from mim_export.errors import MimError
from mim_export.preprocess import mask_set
from mim_tf import data, evaluate, method, report, sample
from mim_tf.baselines.blur import blur_inpaint
from mim_tf.baselines.colour import colour_statistics
from mim_tf.detector import Detector
from mim_tf.method import Method, Training

COUNTS = {
    "train": {"mpox": 12},
    "val": {"mpox": 40, "plain": 2},
    "test": {"mpox": 8, "plain": 6, "macules": 6, "no_skin": 6},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.write_sample(tmp_path_factory.mktemp("detector") / "data", counts=COUNTS)


def fitted(folder: Path, out: Path, name: str, alpha: float = 0.05) -> Detector:
    detector = Detector(name, size=48)
    quiet: Callable[..., None] = lambda *line: None  # noqa: E731
    detector.fit(data.scan(folder), out, alpha=alpha, training=Training(), warn=quiet, progress=quiet)
    return detector


@pytest.mark.parametrize("name", ["blur", "colour"])
def test_every_method_fits_saves_loads_and_scores(name: str, folder: Path, tmp_path: Path) -> None:
    detector = fitted(folder, tmp_path / "run", name)
    again = Detector.load(tmp_path / "run")
    pixels = sample.render("mpox", range(4), size=48)
    np.testing.assert_array_equal(detector.similarity(pixels), again.similarity(pixels))
    assert again.calibration == detector.calibration and again.gate == detector.gate
    assert detector.verdict(pixels) == again.verdict(pixels)
    assert again.p_value(pixels).dtype == np.float32
    assert detector.calibration.method == "split" and detector.calibration.groups == 20


def test_an_easy_pair_is_told_apart(folder: Path, tmp_path: Path) -> None:
    """The floor of every method that sees colour: skin against what is no skin."""
    result = evaluate.evaluate(fitted(folder, tmp_path, "colour"), data.scan(folder), "test", seed=0, warn=print)
    assert result.metrics["classes"]["no_skin"]["auroc"] >= 0.9


def test_too_few_groups_in_val_are_made_up_out_of_fold(tmp_path: Path) -> None:
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = sample.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.calibration.method == "cross" and detector.calibration.groups == 6 + 2
    with pytest.raises(MimError, match=r"8 calibration groups cannot support alpha 0\.05; use alpha 0\.1111"):
        fitted(folder, tmp_path / "other", "colour", alpha=0.05)
    assert not (tmp_path / "other").exists()


def test_an_out_of_fold_table_holds_no_image_that_its_fit_has_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Memory(Method):
        """Says 1 of what it was fitted on, 0 of the rest."""

        measure = "memory"

        def fit(self, pixels, folder, training, progress) -> None:  # type: ignore[no-untyped-def]
            self.seen = {image.tobytes() for image in pixels}

        def similarity(self, pixels):  # type: ignore[no-untyped-def]
            return np.array([image.tobytes() in self.seen for image in pixels], np.float32)

        def save(self, folder: Path) -> None: ...

        def load(self, folder: Path) -> None: ...

    monkeypatch.setattr(method, "make", lambda name, size, **options: Memory(size))
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = sample.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.calibration.similarities == (0.0,) * 16


# ---- evaluation -----------------------------------------------------------------------------------


def test_auroc_equals_scikit_learn_with_weights_and_ties() -> None:
    rng = np.random.default_rng(0)
    positive, negative = (rng.integers(0, 6, n).astype(np.float32) for n in (20, 30))
    truth = np.repeat([1, 0], [20, 30])
    scores = np.concatenate([positive, negative])
    assert evaluate.auroc(positive, negative) == pytest.approx(roc_auc_score(truth, scores))
    weights = [rng.integers(0, 4, (5, n)).astype(np.float64) for n in (20, 30)]
    found = evaluate.weighted_auroc(positive, negative, *weights)
    expected = [roc_auc_score(truth, scores, sample_weight=np.concatenate(pair)) for pair in zip(*weights, strict=True)]
    np.testing.assert_allclose(found, expected)
    assert evaluate.auroc(np.array([3, 2], np.float32), np.array([1, 2], np.float32)) == 0.875


def test_bootstrap_draws_groups_as_a_whole() -> None:
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    weights = evaluate.group_weights(groups, np.random.default_rng(0), 500)
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(1) == 3).all()
    assert weights.mean() == pytest.approx(1.0, abs=0.1)
    assert evaluate.interval(np.arange(1001) / 1000.0) == {"ci_low": 0.025, "ci_high": 0.975}


class _Fake:
    size, measure, normal_class = 32, "fake", "mpox"

    def judge(self, pixels: np.ndarray) -> Judgement:
        similarity = pixels.mean(axis=(1, 2, 3)).astype(np.float32)
        reason = np.zeros(len(pixels), np.int32)
        reason[0] = 1  # the gate refuses the first image of each class
        verdict = np.where(reason > 0, 2, 0).astype(np.int32)
        return Judgement(similarity, similarity, verdict, reason)


def test_refused_images_count_as_missed_and_by_their_similarity(folder: Path) -> None:
    metrics = evaluate.evaluate(_Fake(), data.scan(folder), "test", seed=0, warn=print).metrics
    assert metrics["sensitivity_at_threshold"] == 7 / 8
    assert metrics["classes"]["plain"]["images"] == 6 and metrics["classes"]["plain"]["groups"] == 3
    skin = [entry["auroc"] for name, entry in metrics["classes"].items() if name != "no_skin"]
    assert metrics["mean_auroc"] == pytest.approx(np.mean(skin))
    low, high = metrics["mean_auroc_ci"]
    assert 0 <= low <= metrics["mean_auroc"] <= high <= 1


def test_a_split_without_other_classes_is_refused(folder: Path) -> None:
    with pytest.raises(MimError, match="split train lacks every other class"):
        evaluate.evaluate(_Fake(), data.scan(folder), "train", seed=0, warn=print)


# ---- baselines and figures ------------------------------------------------------------------------


def test_colour_is_the_mahalanobis_distance_of_scikit_learn() -> None:
    pixels = sample.render("mpox", range(10), size=32)
    detector = method.make("colour", 32)
    detector.fit(pixels, Path(), Training(), lambda *line: None)
    expected = -LedoitWolf().fit(colour_statistics(pixels)).mahalanobis(colour_statistics(pixels))
    np.testing.assert_allclose(detector.similarity(pixels), expected, rtol=1e-4)
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(colour_statistics(red)[0], [1, 0, 0, 0, 0, 0])


def test_blur_sees_kept_pixels_only() -> None:
    masks = mask_set(32, 8, 4)
    image = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    filled = blur_inpaint(image, masks)
    changed = image.copy()
    changed[0, :8, :8] = 0
    np.testing.assert_allclose(blur_inpaint(changed, masks)[0, :8, :8], filled[0, :8, :8], atol=1e-6)
    flat = np.full((1, 32, 32, 3), 0.4, np.float32)
    np.testing.assert_allclose(blur_inpaint(flat, masks), flat, atol=1e-5)
    kept = gaussian_filter(masks[0][..., 0].astype(np.float64), 4.0)
    by_hand = gaussian_filter(image[0, :, :, 1].astype(np.float64) * masks[0][..., 0], 4.0) / kept
    np.testing.assert_allclose(filled[0, 3, 3, 1], by_hand[3, 3], atol=1e-4)


def test_figures_are_written_and_show_something(tmp_path: Path, folder: Path) -> None:
    originals = sample.render("mpox", range(2), size=32) / np.float32(255)
    path = report.preview_figure(originals, 1 - originals, mask_set(32, 8, 4), tmp_path / "preview.png")
    result = evaluate.evaluate(_Fake(), data.scan(folder), "test", seed=0, warn=print)
    paths = [path, report.roc_figure(result, "title", tmp_path / "roc.png")]
    paths.append(report.similarity_figure(result, 100.0, "title", tmp_path / "similarities.png"))
    for path in paths:
        assert np.asarray(Image.open(path).convert("L")).std() > 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["preview.png", "roc.png", "similarities.png"]


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(MimError, match="choose one of blur, colour, mim"):
        method.make("magic", 96)
