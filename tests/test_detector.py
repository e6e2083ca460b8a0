"""`mim_tf.detector` and `mim_tf.detectors.base`, on a small synthetic folder."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from mim_export.bundle import golden
from mim_export.score.conformal import SLACK, Condition, Reference
from mim_export.score.decide import REASONS, VERDICTS
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, read_manifest
from mim_export.score.preprocess import resample
from mim_tf.calibration import FOLDS
from mim_tf.data.content import record_rows, unseen_by_test
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import Photo, fold_of
from mim_tf.detector import Detector, load_detector
from mim_tf.detectors.base import OneClassModel
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.evaluate import evaluate
from mim_tf.synthetic import dataset
from mim_tf.training.checkpoint import CHUNK, read_state
from mim_tf.training.config import Training

RELEASED_FILES = ("detector.json", "generator.weights.h5", "head.npz")
COUNTS = {
    "train": {"mpox": 12},
    "val": {"mpox": 40, "plain": 2},
    "test": {"mpox": 8, "plain": 6, "macules": 6, "no_skin": 6},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("detector") / "data", counts=COUNTS)


def fitted(folder: Path, out: Path, name: str, alpha: float = 0.05) -> Detector:
    detector = Detector(name, size=48)
    detector.fit_folder(scan_folder(folder), out, alpha=alpha)
    return detector


def test_too_few_groups_in_val_are_made_up_out_of_fold(tmp_path: Path) -> None:
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.tables.calibration.method == "cross" and detector.tables.calibration.groups == 6 + 2
    with pytest.raises(MimError, match=r"8 calibration groups cannot support alpha 0\.05; use alpha 0\.1112"):
        fitted(folder, tmp_path / "other", "colour", alpha=0.05)
    assert not (tmp_path / "other").exists()


def test_an_out_of_fold_table_holds_no_image_that_its_fit_has_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Memory(OneClassModel):
        """Says 1 of what it was fitted on, 0 of the rest."""

        measure = "memory"

        parameters = 0

        def fit(self, pixels, *_: object, **__: object) -> None:  # type: ignore[no-untyped-def]
            self.seen = {image.tobytes() for image in pixels}

        def score_samples(self, pixels):  # type: ignore[no-untyped-def]
            return np.array([image.tobytes() in self.seen for image in pixels], np.float32)

        def save(self, folder: Path) -> None: ...

        def load(self, folder: Path) -> None: ...

    for module in ("detector", "out_of_fold"):
        monkeypatch.setattr(f"mim_tf.{module}.create_model", lambda name, size, measure, **options: Memory(size))
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.tables.calibration.similarities == (0.0,) * 16


def read_record_of(out: Path) -> list[dict[str, str]]:
    with (out / "photographs.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_out_of_fold_fits_have_their_share_of_steps_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[tuple[int | None, float | None]] = []
    watched: list[int] = []

    class Recorder(OneClassModel):
        """Records the lengths of its fits, and the number of images that it watches."""

        measure = "recorder"
        left_out_share = 0.25
        parameters = 0

        def fit(self, pixels, folder, training, *_: object, **__: object) -> None:  # type: ignore[no-untyped-def]
            lengths.append((training.steps, training.seconds))

        def watch(self, pixels) -> None:  # type: ignore[no-untyped-def]
            watched.append(len(pixels))

        def score_samples(self, pixels):  # type: ignore[no-untyped-def]
            return np.zeros(len(pixels), np.float32)

        def save(self, folder: Path) -> None: ...

        def load(self, folder: Path) -> None: ...

    for module in ("detector", "out_of_fold"):
        monkeypatch.setattr(f"mim_tf.{module}.create_model", lambda name, size, measure, **options: Recorder(size))
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    photos = scan_folder(dataset.write_sample(tmp_path / "data", counts=counts))
    trainings = (Training(steps=82), Training(steps=2, seconds=7.0), Training(steps=None, seconds=7.0))
    for number, training in enumerate(trainings):
        detector = Detector("colour", size=48)
        detector.fit_folder(photos, tmp_path / str(number), alpha=0.2, training=training)
    assert lengths[:4] == [(82, None), *FOLDS * [(20, None)]]
    # The time is that of the four fits together.
    assert lengths[4:8] == [(2, 4.0), *FOLDS * [(1, 1.0)]]
    assert lengths[8:] == [(None, 4.0), *FOLDS * [(None, 1.0)]]
    assert watched == 3 * [4]
    assert DeepInpaintingModel.left_out_share == 0.1 and InpaintingModel.left_out_share == 1


def test_a_run_records_what_it_was_fitted_and_calibrated_on(folder: Path, tmp_path: Path) -> None:
    detector = fitted(folder, tmp_path / "run", "colour")
    used = [photo for photo in scan_folder(folder) if photo.split in ("train", "val")]
    expected = {
        (photo.split, photo.label, photo.group, hashlib.sha256(photo.path.read_bytes()).hexdigest()) for photo in used
    }
    # 12 + 40 of the class, and the reference: 2 of `plain`.
    assert {tuple(row.values()) for row in read_record_of(tmp_path / "run")} == expected and len(used) == 54
    assert set(load_detector(tmp_path / "run").photographs) == expected
    assert detector.about["split_seed"] is None


def test_the_split_seed_of_a_plain_folder_is_kept(folder: Path, tmp_path: Path) -> None:
    for label in ("mpox", "plain"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for path in folder.glob(f"*/{label}/*.png"):
            shutil.copy(path, tmp_path / "data" / label)
    photos = scan_folder(tmp_path / "data", split_seed=7)
    detector = Detector("colour", size=48)
    detector.fit_folder(photos, tmp_path / "run")
    assert load_detector(tmp_path / "run").about["split_seed"] == 7
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["split_seed"] == 7
    evaluate(detector, photos, "test", warn=print)
    with pytest.raises(MimError, match="split seed 8, but the training used 7"):
        evaluate(detector, scan_folder(tmp_path / "data", split_seed=8), "test", warn=print)


def write_photo(path: Path, index: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(dataset.render("mpox", [2 * index], size=64)[0]).save(path)


@pytest.mark.parametrize("other", ["val", "test"])
def test_a_group_in_two_splits_is_refused(tmp_path: Path, other: str) -> None:
    for number in range(8):
        write_photo(tmp_path / f"data/train/mpox/{number}.png", number)
        write_photo(tmp_path / f"data/{other}/mpox/{number}.png", 10 + number)
    rows = [f"{split}/mpox/{n}.png,{split if n else 'p'}{n}" for n in range(8) for split in ("train", other)]
    (tmp_path / "data/MANIFEST.csv").write_text("\n".join(["file,group", *rows]))
    with pytest.raises(MimError, match=rf"group p0 is in train \(0\.png\) and {other} \(0\.png\); move") as caught:
        fitted(tmp_path / "data", tmp_path / "run", "colour", alpha=0.2)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_near_duplicates_in_train_are_one_group_of_the_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        write_photo(tmp_path / f"data/train/mpox/{number}.png", number)
    image = Image.open(tmp_path / "data/train/mpox/3.png")
    image.resize((60, 60)).save(tmp_path / "data/train/mpox/copy.jpg", quality=90)
    image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "data/train/mpox/mirrored.png")
    lines: list[str] = []
    detector = Detector("colour", size=48)
    detector.fit_folder(scan_folder(tmp_path / "data"), tmp_path / "run", alpha=0.2, warn=lines.append)
    assert detector.tables.calibration.groups == 8 and sorted(detector.tables.calibration.weights)[:4] == pytest.approx(
        [1 / 3] * 3 + [1]
    )
    line, few = lines
    assert "10 groups were joined to 8" in line and "copy.jpg" in line and "mirrored.png" in line
    assert few.startswith("0 groups of other skin are too few")
    # Ten files, but eight groups: counted before the training.
    with pytest.raises(MimError, match=r"8 calibration groups cannot support alpha 0\.1;"):
        Detector("colour", size=48).fit_folder(scan_folder(tmp_path / "data"), tmp_path / "other", alpha=0.1)
    assert not (tmp_path / "other").exists()


def test_groups_are_counted_from_what_can_be_decoded(tmp_path: Path) -> None:
    for number in range(5):
        write_photo(tmp_path / f"data/train/mpox/{number}.png", number)
    good = (tmp_path / "data/train/mpox/4.png").read_bytes()
    (tmp_path / "data/train/mpox/4.png").write_bytes(bytes(len(good)))  # the same size
    with pytest.raises(MimError, match=r"4 calibration groups cannot support alpha 0\.17"):
        fitted(tmp_path / "data", tmp_path / "run", "colour", alpha=0.17)
    assert not (tmp_path / "run").exists()
    fitted(tmp_path / "data", tmp_path / "run", "colour", alpha=0.2)
    assert [row["group"] for row in read_record_of(tmp_path / "run")] == [f"train/mpox/{n}.png" for n in range(4)]
    (tmp_path / "data/train/mpox/4.png").write_bytes(good)
    with pytest.raises(MimError, match=r"a run with other settings \(data\)"):
        fitted(tmp_path / "data", tmp_path / "run", "colour", alpha=0.2)


def test_a_missing_class_is_named_with_those_that_exist(tmp_path: Path) -> None:
    for number in range(4):
        write_photo(tmp_path / f"data/train/Monkeypox/{number}.png", number)
    with pytest.raises(MimError, match=r"no photographs in train/mpox: the classes are Monkeypox; rename"):
        fitted(tmp_path / "data", tmp_path / "run", "colour")
    with pytest.raises(MimError, match="an out-of-fold calibration needs 3 groups to train on, received 2"):
        colour().fit(dataset.render("mpox", range(4), size=64), groups=[0, 0, 1, 1], alpha=0.4)


def colour(size: int = 32) -> Detector:
    return Detector("colour", size=size)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Forty synthetic images of twenty patients, 64 px."""
    return dataset.render("mpox", range(40), size=64)


PATIENTS = np.arange(40) // 2


def test_fit_on_arrays_calibrates_out_of_fold(images: np.ndarray) -> None:
    detector = colour()
    assert not detector.is_fitted
    assert detector.fit(images, groups=PATIENTS) is detector and detector.is_fitted
    assert detector.tables.calibration.method == "cross" and detector.tables.calibration.groups == 20
    assert sum(detector.tables.calibration.weights) == pytest.approx(20)
    # Every table entry is the score of a model that has not seen the patient.
    folds = fold_of(PATIENTS.astype(str), FOLDS, 0)
    small = np.stack([resample(image, 32) for image in images])
    expected = []
    for fold in range(FOLDS):
        model = create_model("colour", 32)
        model.fit(small[folds != fold], Path(), Training(), lambda *line: None)
        expected.append(model.score_samples(small[folds == fold]))
    np.testing.assert_allclose(detector.tables.calibration.similarities, np.sort(np.concatenate(expected)), rtol=1e-6)


def test_arrays_and_photographs_of_any_size_are_judged(images: np.ndarray) -> None:
    detector = colour().fit(images, groups=PATIENTS)
    scores = detector.score_samples(images[:3])
    assert scores.shape == (3,) and scores.dtype == np.float32
    resampled = np.stack([resample(image, 32) for image in images[:3]])
    np.testing.assert_array_equal(scores, detector.score_samples(resampled))
    photographs = [np.pad(images[0], ((0, 0), (10, 10), (0, 0))), images[1], images[2, :20]]
    np.testing.assert_array_equal(detector.score_samples(photographs)[:2], scores[:2])
    own, other = detector.p_values(images[:3])
    table = np.array(detector.tables.calibration.similarities, np.float32)
    groups = np.array([(1 + 0.5 * (table <= score).sum()) / 21 for score in scores])  # two images a patient
    np.testing.assert_allclose(own, groups, rtol=1e-6)
    np.testing.assert_array_equal(other, np.ones(3, np.float32))
    # The third photograph is smaller than the model's input.
    assert detector.predict(photographs)[2] == "cannot-judge"
    assert detector.judge(photographs).reason[2] == REASONS.index("too small")


def test_verdicts_in_words_name_the_class(images: np.ndarray) -> None:
    detector = Detector("colour", size=32, normal_class="measles").fit(images, groups=PATIENTS)
    assert set(detector.predict(images)) <= {"not-measles-like", "undecided"}
    assert "of measles images" in detector.tables.calibration.guarantee(detector.normal_class)
    words = "no image is called measles-like: there are 0 groups of other skin, too few for 0.2"
    assert detector.tables.reference.guarantee(detector.normal_class) == words


def test_what_cannot_be_fitted_or_judged_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    for call in ("score_samples", "p_values", "predict", "judge"):
        with pytest.raises(MimError, match="expected a fitted detector, received one that is not fitted"):
            getattr(colour(), call)(images)
    with pytest.raises(MimError, match="not fitted"):
        colour().save(tmp_path)
    with pytest.raises(MimError, match=r"received float32 \(40, 64, 64, 3\)"):
        colour().fit(images.astype(np.float32))
    with pytest.raises(MimError, match=r"10 calibration groups cannot support alpha 0\.05"):
        colour().fit(images[:10])
    with pytest.raises(MimError, match="the method colour with the measure colour cannot use negatives"):
        colour().fit(images, negatives=images)
    for name in ("alpha", "beta"):
        with pytest.raises(MimError, match=f"^{name} 1.5 is not between 0 and 1"):
            colour().fit(images, **{name: 1.5})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("")
    with pytest.raises(MimError, match="exists and is not a run"):
        colour().fit(images, folder=tmp_path / "other")


@pytest.fixture(scope="module")
def others() -> np.ndarray:
    """Six synthetic images of other skin, 64 px: four of one condition, two of another."""
    return np.concatenate([dataset.render("plain", range(4), size=64), dataset.render("wheals", range(2), size=64)])


CONDITIONS = ["plain"] * 4 + ["wheals"] * 2


def test_the_reference_is_scored_by_the_final_model_and_not_fitted_on(images: np.ndarray, others: np.ndarray) -> None:
    alone = colour().fit(images, groups=PATIENTS)
    detector = colour().fit(
        images,
        groups=PATIENTS,
        reference=others,
        reference_groups=[1, 1, 2, 3, 7, 7],
        conditions=CONDITIONS,
        beta=0.3,
    )
    assert detector.tables.calibration == alone.tables.calibration
    table = detector.tables.reference
    scores = alone.score_samples(others)
    np.testing.assert_array_equal(table.similarities, np.sort(scores))
    # Four groups in two conditions: each condition has 2, each of the three groups of `plain` has 2 / 3.
    weights = np.array([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(table.weights, weights[np.argsort(scores, kind="stable")])
    assert (table.groups, table.beta) == (4, 0.3)
    assert table.conditions == (Condition("plain", 4, 3), Condition("wheals", 2, 1))
    own, other = detector.p_values(images[:5])
    judged = detector.score_samples(images[:5])
    expected = np.array([(1 + weights[scores >= score].sum()) / 5 for score in judged])
    np.testing.assert_allclose(other, expected, rtol=1e-6)
    assert own.dtype == other.dtype == np.float32
    # By the definition of the verdict.
    no_class, no_other = own <= 0.05 + SLACK, other <= 0.3 + SLACK
    words = np.where(no_class == no_other, "undecided", np.where(no_class, "not-mpox-like", "mpox-like"))
    assert detector.predict(images[:5]) == words.tolist() and detector.about["reference_images"] == 6


def test_each_image_of_the_reference_is_a_group_of_one_condition_by_default(
    images: np.ndarray, others: np.ndarray
) -> None:
    table = colour().fit(images, groups=PATIENTS, reference=list(others)).tables.reference
    assert table.groups == 6 and table.conditions == (Condition("other skin", 6, 6),)
    np.testing.assert_allclose(table.weights, np.ones(6))


def test_without_a_reference_no_image_is_of_the_class(images: np.ndarray, others: np.ndarray) -> None:
    detector = colour().fit(images, groups=PATIENTS)
    assert detector.tables.reference == Reference((), (), 0, 0.2, ()) and detector.other_threshold is None
    assert set(detector.predict(np.concatenate([images, others]))) <= {"not-mpox-like", "undecided"}
    # Three groups of other skin are too few for beta 0.2: 1 / (3 + 1).
    few = colour().fit(images, groups=PATIENTS, reference=others[:3])
    assert few.other_threshold is None and set(few.predict(images)) <= {"not-mpox-like", "undecided"}


def test_a_wrong_reference_is_one_line(images: np.ndarray, others: np.ndarray) -> None:
    for arguments, words in (
        ({"reference": others.astype(np.float32)}, r"received float32 \(6, 64, 64, 3\)"),
        ({"reference": others[:0]}, "received 0 images"),
        (
            {"reference": others, "reference_groups": [1, 2]},
            r"expected reference groups of shape \(6,\), received \(2,\)",
        ),
        ({"reference": others, "conditions": "acne"}, r"expected conditions of shape \(6,\), received str"),
        (
            {"reference": others, "conditions": ["a", "", *"bcde"]},
            "image 1 has no condition; give each image a condition",
        ),
        ({"conditions": CONDITIONS}, "groups or conditions of a reference, but no reference; pass the images"),
        ({"reference_groups": [1]}, "groups or conditions of a reference, but no reference; pass the images"),
    ):
        with pytest.raises(MimError, match=words) as caught:
            colour().fit(images, groups=PATIENTS, **arguments)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


def test_a_run_belongs_to_its_reference(images: np.ndarray, others: np.ndarray, tmp_path: Path) -> None:
    def fit(**arguments: object) -> Detector:
        return colour().fit(images, groups=PATIENTS, folder=tmp_path, **arguments)  # type: ignore[arg-type]

    fit(reference=others, conditions=CONDITIONS)
    assert fit(reference=others, conditions=CONDITIONS).is_fitted
    for arguments, changed in (
        ({}, "reference"),
        ({"reference": others}, "reference"),
        ({"reference": others[::-1], "conditions": CONDITIONS}, "reference"),
        ({"reference": others, "conditions": CONDITIONS, "reference_groups": [1] * 6}, "reference"),
        ({"reference": others, "conditions": CONDITIONS, "beta": 0.1}, "beta"),
        ({"reference": others, "conditions": CONDITIONS, "alpha": 0.1}, "alpha"),
    ):
        with pytest.raises(MimError, match=rf"a run with other settings \({changed}\)"):
            fit(**arguments)


def quiet(_: str) -> None:
    """Receives warnings that a test does not look at."""


def write_reference(folder: Path, labels: dict[str, int], split: str = "") -> Path:
    """Writes photographs of other skin, unlike those of `folder` of these tests."""
    for label, count in labels.items():
        for number, pixels in enumerate(dataset.render("scales", range(500, 500 + count), size=64)):
            path = folder / split / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            # The last row differs, so that each file has a content of its own.
            pixels[-1] = len(label) + number
            Image.fromarray(pixels).save(path)
    return folder


def test_the_reference_of_a_folder_is_the_other_skin_of_val(tmp_path: Path) -> None:
    counts = {
        "train": {"mpox": 12, "plain": 2},
        "val": {"mpox": 40, "plain": 4, "wheals": 2, "no_skin": 2},
        "test": {"mpox": 2, "plain": 2},
    }
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    lines: list[str] = []
    detector = Detector("colour", size=48)
    detector.fit_folder(scan_folder(folder), tmp_path / "run", beta=0.25, warn=lines.append)
    table = detector.tables.reference
    # Two images are a group of the synthetic folder. Pages of text show no skin, and `train` is not used.
    assert table.conditions == (Condition("plain", 4, 2), Condition("wheals", 2, 1)) and table.groups == 3
    val = [photo for photo in scan_folder(folder) if photo.split == "val" and photo.label in ("plain", "wheals")]
    scores = detector.score_samples([np.asarray(Image.open(photo.path)) for photo in val])
    np.testing.assert_allclose(table.similarities, np.sort(scores), rtol=1e-5)
    assert sorted(table.weights) == pytest.approx([3 / 8] * 4 + [3 / 4] * 2)
    assert not lines and detector.other_threshold is not None
    assert detector.about["reference_images"] == 6 and detector.about["further_reference"] == 0
    recorded = [row for row in detector.photographs if row[1] != "mpox"]
    assert sorted(recorded) == sorted(record_rows(val))
    # Four groups are needed for 0.2.
    Detector("colour", size=48).fit_folder(scan_folder(folder), tmp_path / "other", beta=0.2, warn=lines.append)
    (line,) = lines
    assert line.startswith("3 groups of other skin are too few for beta 0.2, so that nothing is mpox-like; add other")


def test_a_reference_adds_conditions_that_are_recorded_and_refused_in_test(folder: Path, tmp_path: Path) -> None:
    labels = {"acne": 3, "plain": 1, "no_skin": 1}
    further = scan_folder(write_reference(tmp_path / "more", labels), split_seed=None, warn=quiet)
    photos = scan_folder(folder)
    reference = unseen_by_test(further, photos, "mpox", "reference")
    detector = Detector("colour", size=48)
    detector.fit_folder(photos, tmp_path / "run", reference=reference, warn=quiet)
    table = detector.tables.reference
    # The two images of `plain` in val are one group.
    assert table.conditions == (Condition("acne", 3, 3), Condition("plain", 3, 2)) and table.groups == 5
    assert detector.about["reference_images"] == 6 and detector.about["further_reference"] == 4
    loaded = load_detector(tmp_path / "run")
    assert loaded.tables == detector.tables and loaded.about == detector.about
    recorded = [row for row in loaded.photographs if row[0] == "reference"]
    assert sorted(recorded) == sorted(record_rows([photo for photo in reference if photo.label != "no_skin"]))
    # The model itself does not depend on the reference.
    np.testing.assert_array_equal(
        table.similarities, np.sort(loaded.score_samples([load(photo) for photo in used_reference(photos, reference)]))
    )
    with pytest.raises(MimError, match=r"other settings \(reference\)"):
        Detector("colour", size=48).fit_folder(photos, tmp_path / "run", warn=quiet)
    # The same photograph in test, under another name and class.
    leaking = tmp_path / "leaking"
    shutil.copytree(folder / "test", leaking / "test")
    shutil.copy(tmp_path / "more/acne/1.png", leaking / "test/macules/copy.png")
    with pytest.raises(MimError, match=r"1 photographs of test were fitted or calibrated on: .*copy\.png; remove"):
        evaluate(loaded, scan_folder(leaking), "test", warn=quiet)
    evaluate(loaded, photos, "test", warn=quiet)


def used_reference(photos: Sequence[Photo], reference: Sequence[Photo]) -> list[Photo]:
    """The other skin of val and of a reference."""
    found = [*(photo for photo in photos if photo.split == "val" and photo.label != "mpox"), *reference]
    return [photo for photo in found if photo.label != "no_skin"]


def load(photo: Photo) -> np.ndarray:
    """The pixels of a photograph."""
    return np.asarray(Image.open(photo.path))


def test_known_negatives_are_warned_of(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = scan_folder(write_reference(tmp_path / "more", {"acne": 4}), split_seed=None, warn=quiet)
    lines: list[str] = []
    fitted_on: list[int] = []
    monkeypatch.setattr(Detector, "_fit", lambda _, data, *__: fitted_on.append(len(data.negatives)))
    detector = Detector("mim", size=64, measure="deep", normal_class="mpox")
    detector.fit_folder(scan_folder(folder), tmp_path / "run", beta=0.5, known=known, warn=lines.append)
    assert fitted_on == [4] and len(lines) == 1
    assert lines[0].startswith("4 known negatives: ") and lines[0].endswith("unless mpox has the same sources")


def test_what_was_trained_on_is_no_reference(folder: Path, tmp_path: Path) -> None:
    """A supervised method is fitted on the other classes of val; its reference is what the user gives."""
    photos = scan_folder(folder)
    further = scan_folder(write_reference(tmp_path / "more", {"acne": 4}), split_seed=None, warn=quiet)
    lines: list[str] = []
    detector = Detector("classifier", size=32, width=2)
    training = Training(steps=1, batch_size=2, precision="float32")
    detector.fit_folder(photos, tmp_path / "run", training=training, warn=lines.append)
    assert detector.tables.reference.groups == 0 and detector.about["known_negatives"] == 2
    assert "0 groups of other skin are too few for beta 0.2" in lines[0] and len(lines) == 1
    detector = Detector("classifier", size=32, width=2)
    detector.fit_folder(photos, tmp_path / "other", training=training, reference=further, warn=lines.append)
    assert detector.tables.reference.conditions == (Condition("acne", 4, 4),) and len(lines) == 1
    shutil.copy(
        folder / "val/plain" / sorted(path.name for path in (folder / "val/plain").iterdir())[0], tmp_path / "more/acne"
    )
    further = scan_folder(tmp_path / "more", split_seed=None, warn=quiet)
    with pytest.raises(
        MimError, match=r"\.png: is in the reference and in the negatives; remove it from one"
    ) as caught:
        Detector("classifier", size=32, width=2).fit_folder(photos, tmp_path / "third", reference=further, warn=quiet)
    assert "\n" not in str(caught.value) and not (tmp_path / "third").exists()


class Stop(keras.callbacks.Callback):
    """Stops a training at its first checkpoint."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.stop_training = True


def test_folds_are_trained_as_long_as_a_final_fit_that_a_callback_stops(images: np.ndarray, tmp_path: Path) -> None:
    detector = Detector("autoencoder", size=32, width=2)
    training = Training(steps=4 * CHUNK, batch_size=2, precision="float32")
    detector.fit(images, groups=PATIENTS, training=training, folder=tmp_path, callbacks=[Stop()])
    steps = [read_state(tmp_path / fit / "state.json").step for fit in ("final", "fold0", "fold1", "fold2")]
    assert steps[0] < 4 * CHUNK
    # A slow machine writes a checkpoint before `CHUNK` steps.
    assert steps == [detector.model.steps] * 4


def test_callbacks_of_a_method_without_a_network_are_refused(folder: Path, images: np.ndarray, tmp_path: Path) -> None:
    line = "the method colour trains no network, so callbacks have no effect; leave them out"
    with pytest.raises(MimError, match=line):
        colour().fit(images, groups=PATIENTS, callbacks=[Stop()])
    with pytest.raises(MimError, match=line):
        colour().fit_folder(scan_folder(folder), tmp_path / "run", callbacks=[Stop()])
    assert not (tmp_path / "run").exists() and colour().model.steps is None


def test_callbacks_see_one_device_only(images: np.ndarray) -> None:
    training = Training(steps=10, strategy="mirrored")
    with pytest.raises(MimError, match="callbacks are not possible with the strategy mirrored; leave them out, or"):
        Detector("autoencoder").fit(images, groups=PATIENTS, training=training, callbacks=[Stop()])


def test_a_run_folder_is_kept_and_belongs_to_its_images(images: np.ndarray, tmp_path: Path) -> None:
    detector = colour().fit(images, groups=PATIENTS, folder=tmp_path / "run")
    loaded = load_detector(tmp_path / "run")
    np.testing.assert_array_equal(loaded.score_samples(images), detector.score_samples(images))
    assert loaded.tables == detector.tables and len(loaded.sample) == 40
    again = colour().fit(images, groups=PATIENTS, folder=tmp_path / "run")
    assert again.tables == detector.tables
    with pytest.raises(MimError, match=r"a run with other settings \(data\)"):
        colour().fit(images[::-1], groups=PATIENTS, folder=tmp_path / "run")


def test_public_names_are_the_documented_ones() -> None:
    import mim_tf

    assert set(mim_tf.__all__) == {
        *("Detector", "load_detector", "MIM", "MIMConfig", "ProxyAno", "ssim", "__version__"),
    }
    assert mim_tf.Detector is Detector and set(mim_tf.__all__) <= set(dir(mim_tf))
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        mim_tf.Detektor  # noqa: B018


def test_the_released_detector_agrees_with_the_released_bundle() -> None:
    """Its generator has the weights of the bundle, dequantized, and float activations: the same verdicts."""
    try:
        detector = load_detector("released")
    except MimError as missing:
        pytest.skip(str(missing))
    manifest = read_manifest(RELEASED)
    size = sum(manifest["files"][f"detector/{name}"]["bytes"] for name in RELEASED_FILES)
    assert size <= 5_000_000
    entries, stages = golden.read(RELEASED)
    judgement = detector.judge([stage["input"] for stage in stages])
    assert [VERDICTS[code] for code in judgement.verdict] == [entry["verdict"] for entry in entries]
    assert [REASONS[code] for code in judgement.reason] == [entry["reason"] for entry in entries]
    limits = golden.tolerance(manifest)
    for similarity, entry in zip(judgement.similarity, entries, strict=True):
        assert abs(similarity - entry["similarity"]) <= 2 * golden.allowed(limits, "deep", entry["similarity"])
