"""`mim_tf.evaluation.evaluate` against scikit-learn: metrics of a data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import beta, binomtest
from sklearn.metrics import roc_auc_score

from mim_export.score.decide import VERDICTS, Judgement
from mim_export.score.errors import MimError
from mim_export.score.preprocess import Inpainted, mask_set
from mim_tf.data.folder import scan_folder
from mim_tf.evaluation.evaluate import by_ssim, evaluate
from mim_tf.synthetic import dataset

COUNTS = {"train": {"mpox": 2}, "test": {"mpox": 6, "plain": 4, "macules": 5, "no_skin": 4}}
#: Mean grey level below which the fake detector calls an image not-mpox-like, and from which on mpox-like.
LOW, HIGH = 0.4, 0.5


def reference(positive: list[float], negative: list[float]) -> float:
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), positive + negative))


class FakeJudge:
    """Brightness as similarity; refuses the first image of each class."""

    size, measure, normal_class, min_side = 16, "brightness", "mpox", 16
    threshold, other_threshold = LOW, HIGH

    def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
        similarity = (pixels.mean(axis=(1, 2, 3)) / 255).astype(np.float32)
        reason = np.zeros(len(pixels), np.int32)
        reason[0] = 1
        judged = np.where(similarity < LOW, 1, np.where(similarity < HIGH, 2, 0))
        verdict = np.where(reason > 0, 3, judged).astype(np.int32)
        return Judgement(similarity, similarity, 1 - similarity, verdict, reason)

    def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted | None:
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("evaluate") / "data", counts=COUNTS)


def test_metrics_of_a_folder_are_those_of_its_pixels(folder: Path) -> None:
    result = evaluate(FakeJudge(), scan_folder(folder), "test", warn=print)
    # The test split starts after the 2 indices of train; the images are rendered directly.
    bright = {
        name: dataset.render(name, range(2, 2 + count), size=16).mean(axis=(1, 2, 3)) / 255
        for name, count in COUNTS["test"].items()
    }
    metrics = result.metrics
    assert set(result.scores) == set(bright) and set(metrics["classes"]) == set(bright) - {"mpox"}
    for name, entry in metrics["classes"].items():
        assert entry["auroc"] == pytest.approx(reference([*bright["mpox"]], [*bright[name]]))
        assert (entry["images"], entry["groups"]) == (len(bright[name]), (len(bright[name]) + 1) // 2)
        assert 0 <= entry["ci_low"] <= entry["ci_high"] <= 1
        called = (bright[name][1:] >= HIGH).sum()
        assert entry["called_mpox_like"] == pytest.approx(called / len(bright[name]))
    # The refused first mpox image counts as missed, regardless of its brightness, and is not called another class.
    assert metrics["sensitivity"]["value"] == pytest.approx((bright["mpox"][1:] >= HIGH).sum() / 6)
    assert metrics["excluded"]["value"] == pytest.approx((bright["mpox"][1:] < LOW).sum() / 6)
    assert metrics["sensitivity"]["groups"] == metrics["excluded"]["groups"] == 3
    assert metrics["sensitivity"]["images"] == metrics["excluded"]["images"] == 6
    for name, entry in metrics["verdicts"]["classes"].items():
        shares = [(bright[name][1:] >= HIGH).sum(), (bright[name][1:] < LOW).sum()]
        shares += [len(bright[name]) - 1 - sum(shares), 1]
        found = [entry["shares"][verdict]["value"] for verdict in VERDICTS]
        assert found == pytest.approx(np.array(shares) / len(bright[name]))


def test_what_is_no_skin_is_left_out_of_the_mean(folder: Path) -> None:
    metrics = evaluate(FakeJudge(), scan_folder(folder), "test", warn=print).metrics
    classes = metrics["classes"]
    assert [name for name, entry in classes.items() if not entry["skin"]] == ["no_skin"]
    mean = (classes["macules"]["auroc"] + classes["plain"]["auroc"]) / 2
    assert metrics["mean_auroc"] == pytest.approx(mean)
    only_easy = [photo for photo in scan_folder(folder) if photo.label in ("mpox", "no_skin")]
    assert evaluate(FakeJudge(), only_easy, "test", warn=print).metrics["mean_auroc"] is None


def test_small_photographs_are_refused(folder: Path) -> None:
    judge = FakeJudge()
    side = int(evaluate(judge, scan_folder(folder), "test", warn=print).scores["mpox"].photos.sides.min())
    judge.min_side = side + 1
    metrics = evaluate(judge, scan_folder(folder), "test", warn=print).metrics
    assert metrics["sensitivity"]["value"] == metrics["excluded"]["value"] == 0.0
    assert metrics["refused"] == COUNTS["test"]
    judge.min_side = side
    refused = evaluate(judge, scan_folder(folder), "test", warn=print).metrics["refused"]
    assert refused == dict.fromkeys(COUNTS["test"], 1)


def test_figures_by_group_count_each_group_once(folder: Path) -> None:
    result = evaluate(FakeJudge(), scan_folder(folder), "test", warn=print)
    metrics, parts = result.metrics, result.scores
    own, other = parts["mpox"], parts["plain"]
    weights = [1 / np.sum(part.photos.groups == group) for part in (own, other) for group in part.photos.groups]
    truth = [1] * len(own.photos) + [0] * len(other.photos)
    scores = np.concatenate([own.judgement.similarity, other.judgement.similarity])
    entry = metrics["classes"]["plain"]["by_group"]
    assert entry["auroc"] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))


def test_verdicts_on_the_class_are_counted_by_photograph_and_by_group(tmp_path: Path) -> None:
    """Grey photographs of the patients a to d and of another class; the first one, of a, is refused."""
    like, unlike, undecided = 200, 50, 115
    grey = {"a": [like, like], "b": [like, like], "c": [unlike], "d": [undecided, unlike, like]}
    rows = ["file,group"]
    for group, values in grey.items():
        for number, value in enumerate(values):
            rows.append(f"test/mpox/{group}{number}.png,{group}")
            write_grey(tmp_path / rows[-1].partition(",")[0], value)
    write_grey(tmp_path / "test/acne/x.png", like)
    (tmp_path / "MANIFEST.csv").write_text("\n".join(rows))
    metrics = evaluate(FakeJudge(), scan_folder(tmp_path), "test", warn=print).metrics
    sensitivity, excluded = metrics["sensitivity"], metrics["excluded"]
    assert (sensitivity["value"], excluded["value"]) == (4 / 8, 2 / 8)
    by_group = {"sensitivity": (1 / 2 + 1 + 0 + 1 / 3) / 4, "excluded": (0 + 0 + 1 + 1 / 3) / 4}
    for key, share in by_group.items():
        entry = metrics[key]["by_group"]
        low, high = beta.ppf(0.025, 4 * share, 5 - 4 * share), beta.ppf(0.975, 4 * share + 1, 4 - 4 * share)
        assert (entry["value"], entry["ci_low"], entry["ci_high"]) == pytest.approx((share, low, high))
    whole = sensitivity["groups_without_miss"]
    exact = binomtest(1, 4).proportion_ci(method="exact")
    assert (whole["count"], whole["ci_low"], whole["ci_high"]) == pytest.approx((1, exact.low, exact.high))
    for entry in (sensitivity, excluded):
        assert (entry["images"], entry["groups"]) == (8, 4) and entry["ci_low"] < entry["value"] < entry["ci_high"]
    assert "groups_without_miss" not in excluded


def write_grey(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(path)


def test_the_published_measure_of_the_same_images(folder: Path) -> None:
    class InpaintingModel(FakeJudge):
        """SSIM is the negative brightness, so its ranking is the reverse."""

        def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
            judgement = super().judge(pixels)
            return judgement._replace(ssim=-judgement.similarity)

    whole = evaluate(InpaintingModel(), scan_folder(folder), "test", warn=print)
    published = by_ssim(whole)
    for name, entry in published.metrics["classes"].items():
        assert entry["auroc"] == pytest.approx(1 - whole.metrics["classes"][name]["auroc"])
    assert published.metrics["measure"] == "ssim" and not {"sensitivity", "excluded"} & set(published.metrics)
    dark = published.scores["mpox"].judgement.similarity
    np.testing.assert_array_equal(dark, -whole.scores["mpox"].judgement.similarity)
    with pytest.raises(ValueError, match="without SSIM"):
        by_ssim(evaluate(FakeJudge(), scan_folder(folder), "test", warn=print))


def test_inpaintings_are_measured_by_class(folder: Path) -> None:
    class HalfRight(FakeJudge):
        """Inpaints every pixel 0.1 too bright."""

        size = 32

        def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted:
            masks = mask_set(32, 8, 4) if masks is None else masks
            return Inpainted(pixels, pixels.astype(np.float32) / 255 + np.float32(0.1), masks)

    assert evaluate(FakeJudge(), scan_folder(folder), "test", warn=print).metrics["inpainting"] is None
    found = evaluate(HalfRight(), scan_folder(folder), "test", warn=print).metrics["inpainting"]
    assert (found["size"], found["masks"], set(found["classes"])) == (32, 4, set(COUNTS["test"]))
    for name, rows in found["classes"].items():
        assert rows["rows"]["model"]["psnr"]["value"] == pytest.approx(20, abs=1e-3)
        assert rows["images"] == COUNTS["test"][name]
    # 32 / 12, 32 / 6 and 32 / 8 px, by divisors of 32; the fills depend on the masks, this model does not.
    assert list(found["mask_sets"]) == ["2 px, 4 masks", "4 px, 4 masks", "4 px, 2 masks"]
    for rows in found["mask_sets"].values():
        assert rows["rows"]["model"]["psnr"]["value"] == pytest.approx(20, abs=1e-3)
    biharmonic = [rows["rows"]["biharmonic"]["psnr"]["value"] for rows in found["mask_sets"].values()]
    assert biharmonic[0] > max(biharmonic[1:])

    class Small(HalfRight):
        """Inpaints at a side at which there is no SSIM."""

        def inpaint(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted:
            small = pixels[:, :8, :8]
            return Inpainted(small, small.astype(np.float32) / 255, mask_set(8, 4, 2))

    assert evaluate(Small(), scan_folder(folder), "test", warn=print).metrics["inpainting"] is None


def test_a_split_needs_the_normal_class_and_another(folder: Path) -> None:
    photos = scan_folder(folder)
    for chosen, split, words in (
        (photos, "train", "split train lacks every other class"),
        (photos, "val", "split val lacks mpox"),
        ([photo for photo in photos if photo.label == "plain"], "test", "split test lacks mpox"),
    ):
        with pytest.raises(MimError, match=words):
            evaluate(FakeJudge(), chosen, split, warn=print)


def test_a_similarity_that_is_no_number_names_its_photograph(folder: Path) -> None:
    class Broken(FakeJudge):
        """Computes no number for the second photograph of each class."""

        def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
            judgement = super().judge(pixels)
            judgement.similarity[1] = np.nan
            return judgement

    photos = scan_folder(folder)
    second = [photo for photo in photos if (photo.split, photo.label) == ("test", "mpox")][1]
    with pytest.raises(MimError, match="no finite similarity for 1 photographs of test/mpox; train or export") as named:
        evaluate(Broken(), photos, "test", warn=print)
    assert named.value.path == second.path
