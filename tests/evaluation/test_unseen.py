"""`mim_tf.evaluation.unseen`: photographs that were fitted on are not scored as test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mim_export.score.errors import MimError
from mim_export.score.scorer import Scorer
from mim_tf.data.content import record_rows
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import Photo, split_of_group
from mim_tf.evaluation.unseen import check_unseen, scan_all, scan_for


class FakeRun:
    """A detector that says how it was trained."""

    def __init__(self, photographs: tuple[tuple[str, ...], ...] = (), **about: Any) -> None:
        self.photographs, self.about = photographs, {"training": {}, **about}


def refuse(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unseen") / "data"
    for label in ("mpox", "acne"):
        (root / label).mkdir(parents=True)
        for number in range(30):
            pixels = np.full((8, 8, 3), number + 100 * (label == "acne"), np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


@given(st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_the_split_of_the_training_is_used_and_leaks_nothing(plain: Path, seed: int) -> None:
    trained = [photo for photo in scan_folder(plain, split_seed=seed) if photo.split != "test"]
    run = FakeRun(record_rows(trained), split_seed=seed)
    photos = scan_for(run, plain, None, refuse)
    assert {photo.path: photo.split for photo in photos} == {
        photo.path: split_of_group(photo.group, seed) for photo in photos
    }
    check_unseen(run, photos, "test", refuse)
    assert scan_for(run, plain, seed, refuse) == photos
    with pytest.raises(MimError, match=rf"split by split seed {seed + 1}, but the training used {seed}; leave out"):
        scan_for(run, plain, seed + 1, refuse)
    with pytest.raises(MimError, match="the training used"):
        check_unseen(run, scan_folder(plain, split_seed=seed + 1), "test", refuse)


def test_the_groups_of_two_folders_are_apart(plain: Path, tmp_path: Path) -> None:
    run = FakeRun((), split_seed=None)
    assert scan_all(run, [plain], 1, refuse) == scan_for(run, plain, 1, refuse)
    for path in plain.rglob("*.png"):  # other photographs with the same names
        target = tmp_path / "other" / path.relative_to(plain)
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), int(path.stem), np.uint8) + len(path.parent.name)).save(target)
    photos = scan_all(run, [plain, tmp_path / "other"], 1, refuse)
    once = scan_for(run, plain, 1, refuse)
    assert [photo.group for photo in photos] == [f"{part}:{photo.group}" for part in (0, 1) for photo in once]
    assert len({photo.group for photo in photos}) == 2 * len({photo.group for photo in once})


def test_a_photograph_in_two_folders_is_refused(plain: Path, tmp_path: Path) -> None:
    run = FakeRun((), split_seed=None)
    with pytest.raises(MimError, match=r"is the same photograph as .*; remove one of the two"):
        scan_all(run, [plain, plain], 1, refuse)
    (tmp_path / "measles").mkdir()
    shutil.copy(plain / "mpox/2.png", tmp_path / "measles/renamed.png")
    with pytest.raises(MimError, match=r"renamed.png: is the same photograph as .*mpox/2.png"):
        scan_all(run, [plain, tmp_path], 1, refuse)


def test_a_copy_in_test_is_refused_and_named(plain: Path, tmp_path: Path) -> None:
    """By content: under another name, in another folder and split."""
    for number in range(6):
        (tmp_path / "test/mpox").mkdir(parents=True, exist_ok=True)
        source = plain / f"mpox/{number}.png"
        shutil.copy(source, tmp_path / f"test/mpox/copy{number}.png")
    trained = record_rows([Photo(plain / f"mpox/{number}.png", "train", "mpox", "p") for number in range(5)])
    run = FakeRun(trained, split_seed=None)
    photos = scan_for(run, tmp_path, 9, refuse)  # the folder has splits, where the seed has no effect
    with pytest.raises(MimError) as caught:
        check_unseen(run, photos, "test", refuse)
    line = str(caught.value)
    assert line.startswith("5 photographs of test were fitted or calibrated on: ") and "\n" not in line
    assert all(f"copy{number}.png" in line for number in range(3)) and "and 2 more" in line
    check_unseen(run, photos, "train", refuse)
    check_unseen(FakeRun(trained[:0], split_seed=None), photos, "test", refuse)


def test_runs_and_bundles_without_a_record(plain: Path) -> None:
    lines: list[str] = []
    check_unseen(FakeRun(), scan_folder(plain, warn=refuse), "test", lines.append)
    assert len(lines) == 1 and "does not record how its data were split" in lines[0]
    check_unseen(object(), scan_folder(plain, warn=refuse), "test", refuse)
    bundle = Scorer.__new__(Scorer)
    bundle.manifest = {"training": {"split_seed": 4}}
    assert {photo.split_seed for photo in scan_for(bundle, plain, None, refuse)} == {4}
    with pytest.raises(MimError, match="the training used 4"):
        scan_for(bundle, plain, 0, refuse)
