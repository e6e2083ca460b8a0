"""The synthetic sample set: frozen pixels, independent indices, groups, and matched colours."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.synthetic import dataset
from mim_tf.synthetic.skin import Layers, lesion_mask

SKIN_DISEASES = ("macules", "scales", "wheals")
TEST = range(200, 240)  # the indices of the test split, see test_default_counts
#: SHA-256 of the pixels of images 0 to 3 of each class, seed 0, 128 px.
FROZEN = "53172e288c1d0cc2b9a0d13fdfb8dba9acbc9892c3660f99bc8062c2e50df237"
#: The same at 64 px.
FROZEN_64 = "7331f2315a01ee4a7e23bf4ccbdb292708295d90518b14accb13643a6fb0f395"


def statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Computes mean and standard deviation of R, G, B, float64 (N, 6)."""
    values = pixels / 255.0
    return np.concatenate([values.mean((1, 2)), values.std((1, 2))], axis=1)


def mean_gradient(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Computes the mean length of the forward differences of the luma, float64 (N,)."""
    luma = pixels / 255.0 @ np.array([0.299, 0.587, 0.114])
    across, down = np.diff(luma, axis=2)[:, :-1], np.diff(luma, axis=1)[:, :, :-1]
    return np.sqrt(across**2 + down**2).mean((1, 2))


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


@pytest.fixture(scope="module")
def tested() -> dict[str, NDArray[np.uint8]]:
    return {name: dataset.render(name, TEST) for name in ("mpox", *SKIN_DISEASES)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"train": {"mpox": 3}, "val": {"mpox": 2, "plain": 1}, "test": {"mpox": 2, "no_skin": 2}}
    return dataset.write_sample(tmp_path_factory.mktemp("sample") / "data", seed=5, counts=counts)


def test_colour_does_not_separate(tested: dict[str, NDArray[np.uint8]]) -> None:
    model = LedoitWolf().fit(statistics(dataset.render("mpox", range(160))))
    scores = {name: -model.mahalanobis(statistics(pixels)) for name, pixels in tested.items()}
    for name in SKIN_DISEASES:
        assert 0.35 <= auroc(scores["mpox"], scores[name]) <= 0.65
        for single in range(6):
            area = auroc(statistics(tested["mpox"])[:, single], statistics(tested[name])[:, single])
            assert 0.35 <= area <= 0.65, (name, single)


def test_roughness_does_not_separate(tested: dict[str, NDArray[np.uint8]]) -> None:
    for name in SKIN_DISEASES:
        assert 0.35 <= auroc(mean_gradient(tested["mpox"]), mean_gradient(tested[name])) <= 0.65


def test_matched_targets(tested: dict[str, NDArray[np.uint8]]) -> None:
    """The i-th images of the classes agree, apart from clipping and rounding to uint8."""
    for name in SKIN_DISEASES:
        assert np.abs(statistics(tested[name]) - statistics(tested["mpox"])).max() < 0.02
        ratio = mean_gradient(tested[name]) / mean_gradient(tested["mpox"])
        assert ratio.min() > 0.85 and ratio.max() < 1.15


def test_pixels_are_frozen() -> None:
    digest, small = hashlib.sha256(), hashlib.sha256()
    for name in dataset.CLASSES:
        pixels = dataset.render(name, range(4))
        digest.update(pixels.tobytes())
        small.update(np.stack([resample(image, 64) for image in pixels]).tobytes())
    assert digest.hexdigest() == FROZEN and small.hexdigest() == FROZEN_64


@pytest.mark.parametrize("name", dataset.CLASSES)
def test_images(name: str) -> None:
    both = dataset.render(name, [1, 3])
    assert both.shape == (2, 128, 128, 3) and both.dtype == np.uint8
    assert np.array_equal(dataset.render(name, [3])[0], both[1])
    assert dataset.render(name, [3], size=64).shape == (1, 64, 64, 3)
    assert not np.array_equal(both[0], both[1])
    assert not np.array_equal(dataset.render(name, [3], seed=1)[0], both[1])
    assert both[0].std() > 2


@pytest.mark.parametrize("name", ["scales", "no_skin"])
def test_smaller_image_is_the_area_average(name: str) -> None:
    """At 64 px each pixel is the mean of 4 of the 128 px image, with 0.5 rounded up."""
    blocks = dataset.render(name, [5]).reshape(1, 64, 2, 64, 2, 3).astype(int).sum(axis=(2, 4))
    np.testing.assert_array_equal(dataset.render(name, [5], size=64), (blocks + 2) // 4)


def test_order_and_repetition_of_indices_do_not_matter() -> None:
    shuffled = dataset.render("wheals", [7, 2, 7], size=32)
    np.testing.assert_array_equal(shuffled[0], shuffled[2])
    np.testing.assert_array_equal(shuffled[[1, 0]], dataset.render("wheals", [2, 7], size=32))


def test_no_indices_give_no_images() -> None:
    assert dataset.render("plain", [], size=32).shape == (0, 32, 32, 3)


@pytest.mark.parametrize("name", ["mpox", *SKIN_DISEASES])
def test_masks_fit_the_lesions(name: str) -> None:
    """The colour changes more across the masks than within the skin, and the share of the masks is that of lesions."""
    masks, pixels = dataset.render_masks(name, range(200, 204)), dataset.render(name, range(200, 204)) / 255.0
    assert masks.dtype == np.bool_ and masks.shape == (4, 128, 128)
    assert 0.1 < masks.mean() < 0.6
    for mask, picture in zip(masks, pixels, strict=True):
        skin = np.median(picture[~mask], axis=0)
        far = np.abs(picture - skin).sum(axis=-1)
        assert auroc(far[mask], far[~mask]) > 0.7


def test_masks_are_literal() -> None:
    """Pigment that absorbs 0.2 of the light, an opacity of 0.2 and a height of 1 px are the limits."""
    zero = np.zeros((128, 128))
    layers = {key: zero.copy() for key in ("haemoglobin", "melanin", "height", "white")}
    for column, (key, below, above) in enumerate(
        [("haemoglobin", 0.51, 0.52), ("melanin", 0.36, 0.37), ("height", 1 / 128, 1.01 / 128), ("white", 0.2, 0.21)]
    ):
        layers[key][0, column], layers[key][1, column] = below, above
    mask = lesion_mask(Layers(**layers))
    assert not mask[0].any() and mask[1, :4].all() and mask.sum() == 4


def test_smaller_mask_is_the_area_average() -> None:
    whole = dataset.render_masks("macules", [5])
    share = whole.reshape(1, 64, 2, 64, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(dataset.render_masks("macules", [5], size=64), share >= 0.5)
    np.testing.assert_array_equal(dataset.render_masks("macules", [4, 5])[1], whole[0])


def test_moles_are_normal_and_pictures_without_skin_have_no_mask() -> None:
    assert not dataset.render_masks("plain", range(6), size=32).any()
    with pytest.raises(MimError, match="the class no_skin has no masks; use one of mpox, macules"):
        dataset.render_masks("no_skin", [0])


def test_counts_of_another_normal_class() -> None:
    counts = dataset.sample_counts("plain")
    assert counts["train"] == {"plain": 160} and counts["test"] == dataset.COUNTS["test"]
    assert counts["val"] == dict.fromkeys(dataset.CLASSES, 10) | {"plain": 40}
    with pytest.raises(MimError, match="no synthetic class 'acne'"):
        dataset.sample_counts("acne")


def test_default_counts() -> None:
    others = set(dataset.CLASSES) - {"mpox"}
    assert dataset.COUNTS["train"] == {"mpox": 160}
    assert dataset.COUNTS["val"] == {"mpox": 40} | dict.fromkeys(others, 10)
    assert dataset.COUNTS["test"] == dict.fromkeys(dataset.CLASSES, 40)


def test_folder(folder: Path) -> None:
    with (folder / "MANIFEST.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["file"], row["group"]) for row in rows] == [
        ("train/mpox/synthetic_mpox_0000.png", "synthetic_mpox_patient_0000"),
        ("train/mpox/synthetic_mpox_0001.png", "synthetic_mpox_patient_0000"),
        ("train/mpox/synthetic_mpox_0002.png", "synthetic_mpox_patient_0001"),
        # 3 is omitted: its group is in train.
        ("val/mpox/synthetic_mpox_0004.png", "synthetic_mpox_patient_0002"),
        ("val/mpox/synthetic_mpox_0005.png", "synthetic_mpox_patient_0002"),
        ("val/plain/synthetic_plain_0004.png", "synthetic_plain_patient_0002"),
        ("test/mpox/synthetic_mpox_0006.png", "synthetic_mpox_patient_0003"),
        ("test/mpox/synthetic_mpox_0007.png", "synthetic_mpox_patient_0003"),
        ("test/no_skin/synthetic_no_skin_0006.png", "synthetic_no_skin_patient_0003"),
        ("test/no_skin/synthetic_no_skin_0007.png", "synthetic_no_skin_patient_0003"),
    ]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert files == {row["file"] for row in rows} | {row["mask"] for row in rows if row["mask"]}
    assert [row["mask"] for row in rows] == [
        f".masks/{row['file']}" if "no_skin" not in row["file"] else "" for row in rows
    ]
    mask = np.asarray(Image.open(folder / ".masks" / "val" / "mpox" / "synthetic_mpox_0004.png"))
    assert np.array_equal(mask, 255 * dataset.render_masks("mpox", [4], seed=5)[0].astype(np.uint8))
    written = np.asarray(Image.open(folder / "val" / "plain" / "synthetic_plain_0004.png"))
    assert np.array_equal(written, dataset.render("plain", [4], seed=5)[0])


def test_splits_and_groups_are_disjoint(folder: Path) -> None:
    with (folder / "MANIFEST.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for column in (lambda row: row["group"], lambda row: (row["file"].split("/")[1], row["file"][-8:])):
        splits: dict[object, set[str]] = {}
        for row in rows:
            splits.setdefault(column(row), set()).add(row["file"].split("/")[0])
        assert all(len(found) == 1 for found in splits.values())


def test_images_of_a_group_have_similar_tone(tested: dict[str, NDArray[np.uint8]]) -> None:
    means = statistics(tested["mpox"])[:, :3]
    within = np.abs(means[0::2] - means[1::2]).mean()
    assert within < 0.25 * np.abs(means[0:-2:2] - means[2::2]).mean()


def test_invalid_arguments_raise(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MimError, match="not an empty folder"):
        dataset.write_sample(folder)
    with pytest.raises(MimError, match="no synthetic class 'acne'"):
        dataset.render("acne", [0])
    with pytest.raises(MimError, match="negative"):
        dataset.render("mpox", [-1])
    with pytest.raises(MimError, match="no synthetic class"):
        dataset.write_sample(tmp_path / "data", counts={"test": {"mpox": 1, "acne": 1}})
    assert not list(tmp_path.iterdir())  # neither the folder nor the temporary folder
