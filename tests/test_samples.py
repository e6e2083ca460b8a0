"""`mim_tf.samples`: which images a fit is made of, at which sizes, from arrays and from folders."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import Photo
from mim_tf.detectors.base import OneClassModel
from mim_tf.samples import FitFiles, data_of_arrays, files_of_folder, load_files
from mim_tf.synthetic import dataset

IMAGES = dataset.render("mpox", range(4), size=32)
OTHERS = dataset.render("plain", range(3), size=32)
#: Photographs of a data folder: 12 files.
NAMES = (
    *("train/mpox/a", "train/mpox/b", "train/acne/c"),
    *("val/mpox/d", "val/acne/e", "val/acne/f", "val/wheals/g", "val/no_skin/h", "val/abnormal/i"),
    *("test/mpox/j", "test/acne/k", "test/no_skin/l"),
)


def model(supervised: bool = False) -> OneClassModel:
    """The part of a model that is read here."""
    return cast(OneClassModel, SimpleNamespace(size=8, source_size=16, supervised=supervised))


def arrays(**changed: Any) -> tuple[Any, dict[str, Any]]:
    arguments = {
        "images": IMAGES,
        **dict.fromkeys(("groups", "negatives", "reference", "reference_groups", "conditions")),
    }
    return data_of_arrays(model(), **{**arguments, **changed})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / "data" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.render("mpox", [3 * number], size=64)[0]).save(path)
    return tmp_path / "data"


def names(photos: Sequence[Photo]) -> str:
    return "".join(photo.path.stem for photo in photos)


def test_arrays_are_resampled_to_the_sizes_of_the_model() -> None:
    data, _ = arrays(negatives=OTHERS, reference=OTHERS, reference_groups=["p", "p", "q"], conditions=["x", "y", "y"])
    for part, source, side in (
        (data.train.large, IMAGES, 16),
        (data.train.small, IMAGES, 8),
        (data.negatives, OTHERS, 16),
        (data.reference.pixels, OTHERS, 8),
    ):
        np.testing.assert_array_equal(part, [resample(image, side) for image in source])
    assert data.val is None and data.train.groups.tolist() == ["0", "1", "2", "3"]
    assert data.reference.groups.tolist() == ["p", "p", "q"] and data.reference.conditions.tolist() == ["x", "y", "y"]


def test_without_a_reference_there_are_no_images_of_other_skin() -> None:
    data, fingerprints = arrays()
    assert data.reference.pixels.shape == (0, 8, 8, 3) and data.negatives is None
    assert len(data.reference.groups) == len(data.reference.conditions) == 0
    assert fingerprints["negatives"] is None and fingerprints["reference"] != arrays(reference=OTHERS)[1]["reference"]


def test_fingerprints_see_which_images_are_together_and_not_their_names() -> None:
    def fingerprint(groups: list[Any], conditions: list[Any]) -> Any:
        return arrays(reference=OTHERS, reference_groups=groups, conditions=conditions)[1]["reference"]

    first = fingerprint(["p", "p", "q"], ["x", "y", "y"])
    assert fingerprint([1, 1, 2], ["acne", "eczema", "eczema"]) == first
    assert fingerprint(["p", "q", "q"], ["x", "y", "y"]) != first
    assert fingerprint(["p", "p", "q"], ["x", "x", "y"]) != first


def test_groups_of_no_reference_are_refused() -> None:
    for arguments in ({"reference_groups": [1]}, {"conditions": ["acne"]}):
        with pytest.raises(MimError, match="groups or conditions of a reference, but no reference; pass the images"):
            arrays(**arguments)


def test_files_of_a_one_class_model(folder: Path) -> None:
    """Nothing is fitted on other classes; those of val that show skin are the reference."""
    files = files_of_folder(model(), scan_folder(folder), "mpox", (), ())
    assert [names(part) for part in (files.train, files.val, files.negatives, files.reference)] == [
        "ab",
        "d",
        "",
        "efg",
    ]


def test_files_of_a_supervised_model(folder: Path) -> None:
    """It is fitted on the other classes of val, also on those that show no skin, so they are no reference."""
    files = files_of_folder(model(supervised=True), scan_folder(folder), "mpox", (), ())
    assert sorted(names(files.negatives)) == list("efghi") and files.reference == []


def test_a_reference_is_added_and_what_shows_no_skin_left_out(folder: Path, tmp_path: Path) -> None:
    further = [
        Photo(tmp_path / f"{name}.png", "reference", label, name)
        for name, label in (("x", "eczema"), ("y", "no_skin"), ("z", "abnormal"))
    ]
    photos = scan_folder(folder)
    assert names(files_of_folder(model(), photos, "mpox", (), further).reference) == "efgx"
    assert names(files_of_folder(model(supervised=True), photos, "mpox", (), further).reference) == "x"


def test_a_photograph_of_the_reference_is_not_trained_on(folder: Path, tmp_path: Path) -> None:
    photos = scan_folder(folder)
    shutil.copy(folder / "val/acne/e.png", tmp_path / "copy.png")
    copy = Photo(tmp_path / "copy.png", "negatives", "eczema", "copy")
    with pytest.raises(MimError, match=r"e\.png: is in the reference and in the negatives; remove it from one of them"):
        files_of_folder(model(), photos, "mpox", [copy], ())
    with pytest.raises(MimError, match=r"copy\.png: is in the reference and in the negatives; remove it"):
        files_of_folder(model(supervised=True), photos, "mpox", (), [copy])


@pytest.mark.parametrize("supervised", [False, True])
def test_a_group_of_other_skin_is_in_one_split(folder: Path, supervised: bool) -> None:
    (folder / "MANIFEST.csv").write_text("file,group\nval/acne/e.png,p\ntest/acne/k.png,p\n")
    with pytest.raises(MimError, match=r"group p is in val \(e\.png\) and test \(k\.png\); move"):
        files_of_folder(model(supervised), scan_folder(folder), "mpox", (), ())


def test_a_missing_class_is_refused(folder: Path) -> None:
    with pytest.raises(MimError, match="no photographs in train/measles"):
        files_of_folder(model(), scan_folder(folder), "measles", (), ())


def test_files_are_read_at_the_sizes_of_the_model(folder: Path) -> None:
    photos = scan_folder(folder)
    files = files_of_folder(model(), photos, "mpox", [photo for photo in photos if photo.path.stem == "c"], ())
    lines: list[str] = []
    data, used = load_files(files, photos, model(), "mpox", lines.append)
    assert names(used) == "abdcefg" and not lines
    pixels = {photo.path.stem: np.asarray(Image.open(photo.path)) for photo in photos}
    assert data.val is not None
    for part, letters, side in (
        (data.train.large, "ab", 16),
        (data.train.small, "ab", 8),
        (data.val.small, "d", 8),
        (data.negatives, "c", 16),
        (data.reference.pixels, "efg", 8),
    ):
        np.testing.assert_array_equal(part, [resample(pixels[letter], side) for letter in letters])
    assert data.reference.conditions.tolist() == ["acne", "acne", "wheals"]
    assert data.reference.groups.tolist() == [f"val/{name}.png" for name in ("acne/e", "acne/f", "wheals/g")]


def test_near_duplicates_in_the_reference_are_one_group(folder: Path) -> None:
    image = Image.open(folder / "val/acne/e.png")
    image.resize((60, 60)).save(folder / "val/acne/copy.jpg", quality=90)
    photos = scan_folder(folder)
    lines: list[str] = []
    data, _ = load_files(files_of_folder(model(), photos, "mpox", (), ()), photos, model(), "mpox", lines.append)
    assert len(data.reference.groups) == 4 and len(set(data.reference.groups)) == 3
    (line,) = lines
    assert "e.png" in line and "copy.jpg" in line


def test_a_near_duplicate_of_the_reference_in_test_is_named(folder: Path) -> None:
    image = Image.open(folder / "val/acne/e.png")
    image.resize((60, 60)).save(folder / "test/acne/copy.jpg", quality=90)
    photos = scan_folder(folder)
    lines: list[str] = []
    load_files(files_of_folder(model(), photos, "mpox", (), ()), photos, model(), "mpox", lines.append)
    (line,) = lines
    assert "e.png" in line and "copy.jpg" in line


def test_a_broken_photograph_of_the_reference_is_left_out(folder: Path) -> None:
    (folder / "val/acne/f.png").write_bytes(b"broken")
    photos = scan_folder(folder)
    files = files_of_folder(model(), photos, "mpox", (), ())
    lines: list[str] = []
    data, used = load_files(files, photos, model(), "mpox", lines.append)
    assert names(used) == "abdeg" and data.reference.conditions.tolist() == ["acne", "wheals"]
    assert len(lines) == 1 and "f.png" in lines[0]
    only = FitFiles(files.train, files.val, [], [photo for photo in files.reference if photo.path.stem == "f"])
    with pytest.raises(MimError, match="the reference"):
        load_files(only, photos, model(), "mpox", lines.append)
