"""`mim_tf.data.content`: digests, fingerprints, the record of a run, known negatives and references."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf.data.content import (
    digest,
    digests,
    fingerprint,
    first_shared,
    read_record,
    record_rows,
    unseen_by_test,
    write_record,
)
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import Photo, select


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(name.encode() * 100)
    return [Photo(tmp_path / f"{name}.png", "train", "mpox", name) for name in ("a", "b")]


def test_a_fingerprint_depends_on_content_and_not_on_name_or_size(photos: list[Photo], tmp_path: Path) -> None:
    before = fingerprint(photos)
    moved = tmp_path / "moved.png"
    shutil.copy(photos[0].path, moved)
    assert fingerprint([replace(photos[0], path=moved), photos[1]]) == before == fingerprint(photos, digests(photos))
    for changed in (
        [photos[1], photos[0]],
        photos[:1],
        [replace(photos[0], group="c"), photos[1]],
        [replace(photos[0], split="val"), photos[1]],
        [replace(photos[0], label="acne"), photos[1]],
    ):
        assert fingerprint(changed) != before
    photos[0].path.write_bytes(b"x" * 100)  # the same size and the same name
    assert fingerprint(photos) != before


def test_digests_are_sha256_and_files_that_cannot_be_read_have_none(photos: list[Photo], tmp_path: Path) -> None:
    assert digest(photos[0].path) == hashlib.sha256(b"a" * 100).hexdigest()
    assert digest(tmp_path / "absent") == digest(tmp_path) == "unreadable"


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 4)))
@settings(deadline=None)
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("record")
    write_record(folder, rows)
    assert read_record(folder) == tuple(rows)


def test_a_damaged_record_is_one_line(photos: list[Photo], tmp_path: Path) -> None:
    assert read_record(tmp_path) == ()
    write_record(tmp_path, record_rows([replace(photos[0], group="mpox/\udcff.png")]))
    assert read_record(tmp_path) == (("train", "mpox", "mpox/\udcff.png", digest(photos[0].path)),)
    for text in ("", "a,b\n", "split,class,group,sha256\na,b\n"):
        (tmp_path / "photographs.csv").write_text(text)
        with pytest.raises(MimError, match=r"photographs\.csv: damaged.*; train again"):
            read_record(tmp_path)
    write_record(tmp_path, ())
    assert not (tmp_path / "photographs.csv").exists()


@pytest.mark.parametrize("role", ["negatives", "reference"])
def test_what_a_user_adds_excludes_normal_class_and_test_split(tmp_path: Path, role: str) -> None:
    for name in ("data/train/mpox/a.png", "data/test/acne/b.png", "more/acne/c.png", "wrong/mpox/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.fromarray(np.full((8, 8, 3), ord(path.stem), np.uint8)).save(path)
    photos = scan_folder(tmp_path / "data")
    (found,) = unseen_by_test(scan_folder(tmp_path / "more"), photos, "mpox", role)
    assert found.split == role and found.label == "acne" and found.split_seed is None
    with pytest.raises(MimError, match=r"d\.png: is of the class mpox"):
        unseen_by_test(scan_folder(tmp_path / "wrong"), photos, "mpox", role)
    with pytest.raises(MimError, match=rf"b\.png: is in the {role} and in test; remove it from the {role}"):
        unseen_by_test(select(photos, "test", "acne"), photos, "mpox", role)
    # A copy under another name is still in test.
    shutil.copy(tmp_path / "data/test/acne/b.png", tmp_path / "more/acne/copy.png")
    with pytest.raises(MimError, match=rf"copy\.png: is in the {role} and in test"):
        unseen_by_test(scan_folder(tmp_path / "more"), photos, "mpox", role)


def test_shared_content_is_found_whatever_the_name(photos: list[Photo], tmp_path: Path) -> None:
    shutil.copy(photos[1].path, tmp_path / "c.png")
    other = Photo(tmp_path / "c.png", "val", "acne", "c")
    assert first_shared(photos, [other]) == photos[1] and first_shared([other], photos) == other
    assert first_shared(photos[:1], [other]) is first_shared([], photos) is first_shared(photos, []) is None
    # Two files that cannot be read are not known to be equal.
    absent = [replace(other, path=tmp_path / name) for name in ("d.png", "e.png")]
    assert first_shared(absent[:1], absent[1:]) is None
