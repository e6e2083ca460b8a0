"""`mim_export.score.scorer`: threads, processes, and photographs as decoded arrays."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mim_export.score.batch import score_paths
from mim_export.score.decide import REASONS, VERDICTS
from mim_export.score.decode import decode
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED
from mim_export.score.preprocess import resample
from mim_export.score.runtimes import runtime, runtimes
from mim_export.score.scorer import Scorer

BUNDLES = pytest.mark.parametrize("bundle", [RELEASED, RELEASED.with_name("released_micro")], ids=["phone", "micro"])


@BUNDLES
def test_four_threads_get_the_rows_of_one(bundle: Path) -> None:
    rng = np.random.default_rng(0)
    scorer = Scorer(bundle)
    images = [rng.integers(0, 256, (192, 192, 3), dtype=np.uint8) // (i + 1) for i in range(8)]
    expected = [scorer.score_pixels(image) for image in images]
    assert len({row["similarity"] for row in expected}) > 4
    wrong: list[Any] = []

    def work(number: int) -> None:
        for turn in range(40):
            i = (3 * number + turn) % len(images)
            try:
                row: object = scorer.score_pixels(images[i])
            except Exception as error:
                row = error
            if row != expected[i]:
                wrong.append((expected[i], row))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_outputs_are_not_changed_by_the_next_image() -> None:
    scorer = Scorer()
    first = scorer.run(np.full((scorer.size,) * 2 + (3,), 200, np.uint8))
    kept = {name: output.copy() for name, output in first.items()}
    scorer.run(np.random.default_rng(0).integers(0, 256, (scorer.size,) * 2 + (3,), dtype=np.uint8))
    for name, output in first.items():
        np.testing.assert_array_equal(output, kept[name])


@BUNDLES
def test_verdict_and_explain_judge_alike_and_explain_adds_what_it_is_based_on(bundle: Path) -> None:
    scorer = Scorer(bundle)
    pixels = np.random.default_rng(3).integers(0, 256, (scorer.size, scorer.size, 3), dtype=np.uint8)
    judged, explained = scorer.run(pixels, "verdict"), scorer.run(pixels)
    assert set(judged) == {"similarity", "p_class", "p_other", "novelty", "verdict", "reason"}
    assert set(explained) == set(judged) | {"ssim", "inpainted", "error_map"}
    for name, value in judged.items():
        np.testing.assert_array_equal(value, explained[name])


def test_thresholds_of_a_scorer_are_those_of_both_tables() -> None:
    """From the p-values of the model: below the one it excludes the class, above the other it excludes other skin."""
    scorer = Scorer()
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8).repeat(48, axis=1).repeat(48, axis=2)
    images = np.stack([resample(image, scorer.size) // (number % 4 + 1) for number, image in enumerate(images)])
    judgement = scorer.judge(images)
    assert scorer.other_threshold is not None
    alpha, beta = scorer.manifest["calibration"]["alpha"], scorer.manifest["reference"]["beta"]
    np.testing.assert_array_equal(judgement.similarity < scorer.threshold, judgement.p_class <= alpha + 1e-5)
    np.testing.assert_array_equal(judgement.similarity > scorer.other_threshold, judgement.p_other <= beta + 1e-5)


@pytest.mark.parametrize("name", [None, *runtimes()])
def test_a_scorer_can_be_pickled(name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path and runtime are stored, and hold from another working directory."""
    monkeypatch.chdir(RELEASED.parent)
    scorer = Scorer(RELEASED.name, None if name is None else runtimes()[name])
    content = pickle.dumps(scorer)
    assert len(content) < 2000
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert pickle.loads(content).score_pixels(image) == scorer.score_pixels(image)


def test_an_unknown_runtime_is_one_line() -> None:
    assert runtime() == runtime(next(iter(runtimes())))
    with pytest.raises(MimError, match="no TFLite runtime magic; choose one of"):
        runtime("magic")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_file_is_scored_like_its_decoded_pixels(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    pixels = np.random.default_rng(2).integers(0, 256, (410, 333, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path, exif=exif)
    scorer = Scorer()
    assert scorer.score(path) == {"image": str(path), **scorer.score_pixels(decode(path))}


def test_a_similarity_that_is_no_number_cannot_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph takes NaN for a very low similarity, so the scorer checks it."""
    scorer = Scorer()
    outputs = {"similarity": np.nan, "p_class": 0.05, "p_other": 0.9, "verdict": 1, "reason": 0, "ssim": 0.5}
    values = {key: np.array([value], np.float32) for key, value in outputs.items()}
    monkeypatch.setattr(scorer, "_runners", dict.fromkeys(("verdict", "explain"), lambda image: values))
    judgement = scorer.judge(np.zeros((2, scorer.size, scorer.size, 3), np.uint8))
    assert [VERDICTS[code] for code in judgement.verdict] == ["cannot-judge"] * 2
    assert [REASONS[code] for code in judgement.reason] == ["unreadable"] * 2
    assert np.isnan(judgement.p_class).all() and np.isnan(judgement.p_other).all()
    path = tmp_path / "photo.png"
    Image.new("RGB", (300, 300)).save(path)
    with pytest.raises(MimError, match=r"photo\.png: the model computed no finite similarity; check the bundle"):
        scorer.score(path)
    rows, failed = score_paths(scorer, [path])
    assert rows[0]["verdict"] == "cannot-judge" and rows[0]["similarity"] is None and len(failed) == 1
