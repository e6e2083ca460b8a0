"""`mim_tf.evaluation.plots`: figures are not empty, and refused images are counted as documented."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mim_export.score.decide import Judgement
from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.data.folder import scan_folder
from mim_tf.evaluation import evaluate, plots
from mim_tf.evaluation.plots import (
    example_figure,
    inpainting_figure,
    roc_figure,
    save,
    similarity_figure,
    text_of,
)
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"test": {"mpox": 8, "plain": 6, "macules": 6, "no_skin": 6}}
    return dataset.write_sample(tmp_path_factory.mktemp("report") / "data", counts=counts)


class _Fake:
    size, measure, normal_class, min_side = 32, "fake", "mpox", 32
    threshold, other_threshold = 0.0, None

    def judge(self, pixels: np.ndarray) -> Judgement:
        similarity = pixels.mean(axis=(1, 2, 3)).astype(np.float32)
        reason = np.zeros(len(pixels), np.int32)
        reason[0] = 1  # the gate refuses the first image of each class
        verdict = np.where(reason > 0, 3, 0).astype(np.int32)
        return Judgement(similarity, similarity, similarity, verdict, reason)

    def inpaint(self, pixels: np.ndarray, masks: np.ndarray | None = None) -> Inpainted:
        return Inpainted(pixels, 0.9 * pixels.astype(np.float32) / 255, mask_set(32, 8, 4) if masks is None else masks)


def test_refused_images_count_as_missed_and_by_their_similarity(folder: Path) -> None:
    metrics = evaluate.evaluate(_Fake(), scan_folder(folder), "test", warn=print).metrics
    assert metrics["sensitivity"]["value"] == 7 / 8
    assert metrics["classes"]["plain"]["images"] == 6 and metrics["classes"]["plain"]["groups"] == 3
    skin = [entry["auroc"] for name, entry in metrics["classes"].items() if name != "no_skin"]
    assert metrics["mean_auroc"] == pytest.approx(np.mean(skin))
    low, high = metrics["mean_auroc_ci"]
    assert 0 <= low <= metrics["mean_auroc"] <= high <= 1


def test_figures_are_written_and_show_something(tmp_path: Path, folder: Path) -> None:
    result = evaluate.evaluate(_Fake(), scan_folder(folder), "test", warn=print)
    paths = [roc_figure(result, "title", tmp_path / "roc.png")]
    paths.append(similarity_figure(result, (100.0, 150.0), "title", tmp_path / "similarities.png"))
    paths.append(inpainting_figure(result.metrics, tmp_path / "inpainting.png"))
    for path in paths:
        assert np.asarray(Image.open(path).convert("L")).std() > 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["inpainting.png", "roc.png", "similarities.png"]


@pytest.mark.parametrize(("high", "lines"), [(150.0, 2), (None, 1)])
def test_similarities_have_the_limits_of_the_verdicts(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, high: float | None, lines: int
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure) or path)
    result = evaluate.evaluate(_Fake(), scan_folder(folder), "test", warn=print)
    similarity_figure(result, (100.0, high), "title", tmp_path / "similarities.png")
    (axis,) = drawn[0].axes
    assert [line.get_xdata()[0] for line in axis.get_lines()] == [100.0, 150.0][:lines]
    words = [text.get_text() for text in axis.get_legend().get_texts()]
    assert words == ["below 100.000: mpox is excluded", "above 150.000: other skin is excluded"][:lines]


@pytest.mark.parametrize("name", ["$x_{1$", r"\$", "$$", "_hidden", "__", "漢字", "صورة", "a\nb", "caf\udce9", "[b]"])
def test_any_name_is_shown_literally_and_without_a_warning(tmp_path: Path, name: str) -> None:
    figure = Figure()
    axis = figure.subplots()
    axis.plot([0, 1], label=text_of(name))
    axis.set(title=text_of(name), xlabel=f"AUROC of {text_of(name)} against ...")
    axis.set_yticks([0, 1], [text_of(name), text_of(name)])
    legend = axis.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path / "a.png")
    assert len(legend.get_texts()) == 1
    text, is_formula = legend.get_texts()[0]._preprocess_math(text_of(name))
    assert not is_formula and text.count("$") == name.count("$")


def test_names_of_classes_reach_the_figures_escaped(tmp_path: Path) -> None:
    pictures = {title: np.zeros((4, 4, 3), np.float32) for title in ("original", "inpainted")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        example_figure(dict.fromkeys(("$x_{1$", "漢", "_a"), (pictures, 0.5)), tmp_path / "a.png")
    assert text_of("plain_skin") == "plain_skin" and text_of("é") == "é" and text_of("漢") == r"\u6f22"
