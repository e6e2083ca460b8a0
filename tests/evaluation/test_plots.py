"""`mim_tf.evaluation.plots`: figures are not empty, and refused images are counted as documented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mim_export.score.decide import Judgement
from mim_tf.data.folder import scan_folder
from mim_tf.evaluation import evaluate
from mim_tf.evaluation.plots import roc_figure, similarity_figure
from mim_tf.synthetic import dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"test": {"mpox": 8, "plain": 6, "macules": 6, "no_skin": 6}}
    return dataset.write_sample(tmp_path_factory.mktemp("report") / "data", counts=counts)


class _Fake:
    size, measure, normal_class = 32, "fake", "mpox"

    def judge(self, pixels: np.ndarray) -> Judgement:
        similarity = pixels.mean(axis=(1, 2, 3)).astype(np.float32)
        reason = np.zeros(len(pixels), np.int32)
        reason[0] = 1  # the gate refuses the first image of each class
        verdict = np.where(reason > 0, 2, 0).astype(np.int32)
        return Judgement(similarity, similarity, verdict, reason)


def test_refused_images_count_as_missed_and_by_their_similarity(folder: Path) -> None:
    metrics = evaluate.evaluate(_Fake(), scan_folder(folder), "test", seed=0, warn=print).metrics
    assert metrics["sensitivity_at_threshold"] == 7 / 8
    assert metrics["classes"]["plain"]["images"] == 6 and metrics["classes"]["plain"]["groups"] == 3
    skin = [entry["auroc"] for name, entry in metrics["classes"].items() if name != "no_skin"]
    assert metrics["mean_auroc"] == pytest.approx(np.mean(skin))
    low, high = metrics["mean_auroc_ci"]
    assert 0 <= low <= metrics["mean_auroc"] <= high <= 1


def test_figures_are_written_and_show_something(tmp_path: Path, folder: Path) -> None:
    result = evaluate.evaluate(_Fake(), scan_folder(folder), "test", seed=0, warn=print)
    paths = [roc_figure(result, "title", tmp_path / "roc.png")]
    paths.append(similarity_figure(result, 100.0, "title", tmp_path / "similarities.png"))
    for path in paths:
        assert np.asarray(Image.open(path).convert("L")).std() > 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["roc.png", "similarities.png"]
