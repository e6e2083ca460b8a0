"""`mim_tf.prepare.build`: the written folder, its groups and splits, and what is left out."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import made_collections as made
import numpy as np
import pytest
from made_collections import SIDE, brighter, picture, save, write_csv, zipped

from mim_export.score.decode import decode
from mim_export.score.errors import MimError
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import split_of_group
from mim_tf.prepare import records
from mim_tf.prepare.build import prepare
from mim_tf.prepare.features import find_features


def nobody(line: str) -> None:
    raise AssertionError(line)


def build(out: Path, *sources: object, min_side: int = SIDE, split_seed: int = 0) -> dict[str, Any]:
    return prepare([str(source) for source in sources], out, min_side=min_side, split_seed=split_seed, warn=nobody)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def states(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def without_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local features take most of the time, and find nothing where pictures are different."""
    blank = find_features(np.zeros((64, 64, 3), np.uint8))
    monkeypatch.setattr("mim_tf.prepare.features.find_features", lambda pixels: blank)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each of three kinds, one of them packed."""
    root = tmp_path_factory.mktemp("sources")
    made.msld_v2(root / "v2", patients=2)
    made.fitzpatrick17k(root / "fitz", count=3)
    packed = zipped(made.msid(root / "msid", count=2), root / "msid.zip")
    shutil.rmtree(root / "msid")
    assert packed.is_file()
    return root


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("built") / "data"
    before = states(sources)
    report = build(out, sources / "v2", sources / "fitz", sources / "msid.zip")
    assert states(sources) == before and [path.name for path in out.parent.iterdir()] == ["data"]
    return out, report


def test_the_folder_is_one_that_training_reads(built: tuple[Path, dict[str, Any]]) -> None:
    out, report = built
    photos = scan_folder(out, warn=nobody)
    assert len(photos) == 18 + 3 + 8
    assert {photo.label for photo in photos} == {
        *("mpox", "chickenpox", "measles", "cowpox", "hand_foot_mouth", "healthy"),
        *("lichen_planus", "psoriasis"),
    }
    for photo in photos:
        assert photo.split == split_of_group(photo.group, 0)
    assert len({photo.group for photo in photos}) == 12 + 3 + 8
    assert report["groups_in_several_splits"] == 0
    assert report == json.loads((out / "report.json").read_text())
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == [
        *("MANIFEST.csv", "joined.csv", "left_out.csv", "report.json", "report.md")
    ]
    assert {path.name for path in out.iterdir() if path.is_dir()} <= {"train", "val", "test"}


def test_rows_say_where_each_file_comes_from(built: tuple[Path, dict[str, Any]], sources: Path) -> None:
    out, _ = built
    for row in rows(out / "MANIFEST.csv"):
        written = (out / row["file"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(written).hexdigest()
        split, _, name = row["file"].split("/")
        assert split == split_of_group(row["group"], 0) and name.startswith(f"{row['source']}_")
        if row["source"] == "msld-v2":
            assert written == (sources / "v2" / row["original"]).read_bytes() and "terms" in row["terms"]
        if row["source"] == "fitzpatrick17k":
            original = decode(sources / "fitz" / row["original"])
            assert original.shape == (80, 80, 3)
            cut = decode(out / row["file"])
            assert cut.shape == (68, 80, 3)  # 0.14 of 80 rows is 11.2, and a part of a row is cut off whole
            assert np.abs(cut.astype(int) - original[:68]).mean() < 6
            assert row["skin_type"] in ("", "1", "3", "6")


def test_everything_that_was_found_is_kept_or_left_out(built: tuple[Path, dict[str, Any]]) -> None:
    out, report = built
    left_out = rows(out / "left_out.csv")
    assert sum(row["found"] for row in report["counts"]) == 18 * 3 + 5 + 8
    assert sum(row["kept"] for row in report["counts"]) == len(rows(out / "MANIFEST.csv")) == 29
    assert all(row["found"] == row["kept"] + row["left_out"] for row in report["counts"])
    assert sum(row["left_out"] for row in report["counts"]) == len(left_out) - 1  # a row without a picture
    assert {(e["source"], e["reason"]): e["files"] for e in report["left_out"]} == {
        ("fitzpatrick17k", records.NO_LABEL): 1,
        ("fitzpatrick17k", records.NO_PICTURE): 1,
        ("fitzpatrick17k", records.WRONG): 1,
        ("msld-v2", records.AUGMENTED): 18,
        ("msld-v2", records.FOLD): 18,
    }
    splits = report["splits"]["mpox"]
    assert sum(split["pictures"] for split in splits.values()) == 3 + 2
    assert report["calibration"] == {
        "groups": 4,
        "val": splits["val"]["groups"],
        "train_and_val": splits["train"]["groups"] + splits["val"]["groups"],
    }


@pytest.mark.usefixtures("without_features")
def test_the_order_of_sources_has_no_effect(built: tuple[Path, dict[str, Any]], sources: Path, tmp_path: Path) -> None:
    """That it has none on what is read of them is tested for `read_sources`."""
    build(tmp_path / "out", sources / "msid.zip", sources / "fitz", sources / "v2")
    assert content(tmp_path / "out") == content(built[0])


@pytest.mark.usefixtures("without_features")
def test_one_more_source_moves_no_group(sources: Path, tmp_path: Path) -> None:
    build(tmp_path / "one", sources / "msid.zip", split_seed=5)
    build(tmp_path / "two", sources / "msid.zip", sources / "fitz", split_seed=5)
    first, second = content(tmp_path / "one"), content(tmp_path / "two")
    pictures = {name for name in first if name.endswith(".png")}
    assert len(pictures) == 8 and all(second[name] == first[name] for name in pictures)


def clinic(root: Path, pictures: dict[str, np.ndarray], groups: dict[str, str] | None = None) -> Path:
    """A plain folder of given pictures, by `<class>/<name>`."""
    for name, pixels in pictures.items():
        save(root / name, pixels)
    write_csv(root / "MANIFEST.csv", [("file", "group"), *((groups or {}).items())])
    return root


A, B, C, D = (picture(seed, 128) for seed in (1, 2, 3, 4))


def test_copies_join_groups_within_and_across_sources(tmp_path: Path) -> None:
    first = clinic(
        tmp_path / "first",
        {"mpox/a.png": A, "mpox/b.png": B, "mpox/c.png": C, "acne/d.png": D},
        {"mpox/a.png": "p1", "mpox/b.png": "p1", "mpox/c.png": "p2", "acne/d.png": "p3"},
    )
    second = clinic(
        tmp_path / "second",
        {
            "mpox/mirrored.png": B[:, ::-1],
            "mpox/turned.png": np.rot90(B),
            "mpox/brighter.jpg": brighter(B),
            "mpox/part.png": C[13:-13, 13:-13],
            "mpox/same.png": A,
            "mpox/other.png": picture(5, 128),
        },
        {"mpox/other.png": "q1", "mpox/part.png": "q2"}
        | {f"mpox/{name}": name for name in ("mirrored.png", "turned.png", "brighter.jpg", "same.png")},
    )
    report = build(tmp_path / "out", first, second)
    group_of = {Path(row["file"]).name: row["group"] for row in rows(tmp_path / "out" / "MANIFEST.csv")}
    assert group_of == {
        "first_a.png": "first:p1",
        "first_b.png": "first:p1",
        "first_c.png": "first:p2",
        "first_d.png": "first:p3",
        "second_mirrored.png": "first:p1",
        "second_turned.png": "first:p1",
        "second_brighter.jpg": "first:p1",
        "second_part.png": "first:p2",
        "second_other.png": "second:q1",
    }
    (gone,) = rows(tmp_path / "out" / "left_out.csv")
    assert (gone["file"], gone["reason"], gone["copy_of"]) == ("mpox/same.png", records.EXACT, "first: mpox/a.png")
    joined = rows(tmp_path / "out" / "joined.csv")
    assert report["joined"] == 4 == len(joined) and not report["conflicts"]
    assert any("local features agree" in row["how"] for row in joined)
    assert any("of 256 bits differ" in row["how"] for row in joined)


def test_contradictory_classes_are_kept_in_one_group_and_named(tmp_path: Path) -> None:
    source = clinic(tmp_path / "clinic", {"mpox/a.png": A, "acne/a again.jpg": A, "mpox/b.png": B, "acne/b.png": B})
    report = prepare([source], tmp_path / "out", min_side=64, warn=lambda line: None)
    found = rows(tmp_path / "out" / "MANIFEST.csv")
    assert len(found) == 4 and len({row["group"] for row in found}) == 2
    assert len(report["conflicts"]) == 2
    assert [row["contradictory_classes"] for row in rows(tmp_path / "out" / "joined.csv")] == ["yes", "yes"]
    page = (tmp_path / "out" / "report.md").read_text()
    assert "2 pairs of near-duplicates have contradictory classes" in page and "delete the wrong ones" in page
    assert "the same content" in page


@pytest.mark.usefixtures("without_features")
def test_bad_files_are_counted_and_named(tmp_path: Path) -> None:
    source = clinic(tmp_path / "clinic", {"mpox/a.png": A, "mpox/small.png": A[:40], "mpox/cut.png": B})
    cut = source / "mpox" / "cut.png"
    cut.write_bytes(cut.read_bytes()[:300])
    (source / "mpox" / "text.jpg").write_text("no image")
    (source / "mpox" / "list.xlsx").write_bytes(b"x")
    save(source / "mpox" / "line\nfeed \x1b[31m.png", C)
    os.rename(save(source / "mpox" / "d.png", D), os.fsencode(source / "mpox") + b"/caf\xe9.png")
    save(source / "mpox_augmented" / "a.png", brighter(A))
    for number, given_source in enumerate((source, zipped_bytes(source, tmp_path / "clinic.zip"))):
        out = tmp_path / f"out{number}"
        prepare([given_source], out, min_side=64, warn=lambda line: None)
        left_out = {row["file"]: (row["reason"], row["detail"]) for row in rows(out / "left_out.csv")}
        assert set(left_out) == {f"mpox/{name}" for name in ("small.png", "cut.png", "text.jpg", "list.xlsx")} | {
            "mpox_augmented/a.png"
        }
        assert left_out["mpox/small.png"] == (records.SMALL, "40 px, the smallest side is 64 px")
        assert left_out["mpox/cut.png"][0] == left_out["mpox/text.jpg"][0] == records.UNREADABLE
        assert "not a readable image" in left_out["mpox/text.jpg"][1]
        assert left_out["mpox_augmented/a.png"][0] == records.AUGMENTED
        names = {Path(row["file"]).name: row["original"] for row in rows(out / "MANIFEST.csv")}
        assert names["clinic_line_feed___31m.png"] == "mpox/line\\nfeed \\x1b[31m.png"
        assert len(names) == 3 and len(scan_folder(out, warn=nobody)) == 3


def zipped_bytes(folder: Path, target: Path) -> Path:
    """Packs a folder whose names need not be UTF-8."""
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    os.rename(os.fsencode(copy / "mpox") + b"/caf\xe9.png", copy / "mpox" / "café.png")
    return zipped(copy, target)


@pytest.mark.usefixtures("without_features")
def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Names that differ in case, in what is not portable, or only in the folder of a fold."""
    pictures = {"mpox/a b.png": A, "mpox/a_b.PNG": B, "Monkeypox/A_B.png": C, "mpox/c.png": D}
    build_out = prepare([clinic(tmp_path / "x", pictures)], tmp_path / "out", min_side=64, warn=lambda line: None)
    names = sorted(Path(row["file"]).name for row in rows(tmp_path / "out" / "MANIFEST.csv"))
    assert build_out["counts"][0]["kept"] == 4 == len({name.casefold() for name in names})
    assert names[-1] == "x_c.png" and all(len(Path(name).stem) == len("x_a_b_") + 12 for name in names[:3])


@pytest.mark.usefixtures("without_features")
@pytest.mark.parametrize("again", ["folder", "archive"])
def test_two_sources_of_the_same_content(sources: Path, tmp_path: Path, again: str) -> None:
    folder = made.msid(tmp_path / "again", count=2)
    other = folder if again == "folder" else zipped(folder, tmp_path / "again.zip")
    report = build(tmp_path / "out", sources / "msid.zip", other)
    assert [row["groups"] for row in report["counts"]] == [2, 2, 2, 2]
    assert report["left_out"] == [{"source": "msid", "reason": records.EXACT, "files": 8}]


def test_outputs_that_are_taken_or_inside_a_source_are_one_line(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    before = states(sources)
    with pytest.raises(MimError, match="taken: exists and is not an empty folder"):
        build(tmp_path / "taken", sources / "v2")
    for out in (sources / "v2" / "out", sources / "v2" / "a" / "b"):
        with pytest.raises(MimError, match=r"is inside the data folder .*choose a folder outside it"):
            build(out, sources / "v2")
    assert states(sources) == before and (tmp_path / "taken" / "file").read_text() == "mine"
    for options, words in (({"min_side": 0}, "smallest side 0"), ({"split_seed": -1}, "split seed -1")):
        with pytest.raises(MimError, match=words):
            build(tmp_path / "out", sources / "v2", **options)
    with pytest.raises(MimError, match="no source; name a downloaded folder"):
        build(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_left_is_one_line_and_leaves_nothing(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(MimError, match=r"is left \(too small: 8\); correct this, or name the folder above"):
        build(tmp_path / "out", sources / "msid.zip", min_side=SIDE + 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_features")
def test_a_file_without_permission_is_left_out(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    source = clinic(open_folder / "clinic", {"mpox/a.png": A, "mpox/b.png": B})
    (source / "mpox" / "b.png").chmod(0)
    (open_folder / "results").mkdir()
    (open_folder / "results").chmod(0o777)
    with other_user():
        report = prepare([source], open_folder / "results" / "out", min_side=64, warn=lambda line: None)
    assert report["left_out"] == [{"source": "clinic", "reason": records.UNREADABLE, "files": 1}]


@pytest.mark.usefixtures("without_features")
def test_a_file_that_changes_meanwhile_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clinic(tmp_path / "clinic", {"mpox/a.png": A})

    def change(name: str, done: int, count: int | None, values: dict[str, float]) -> None:
        if name == "compare":
            save(source / "mpox" / "a.png", B)

    with pytest.raises(MimError, match=r"a\.png: changed while it was read; run the command again"):
        prepare([source], tmp_path / "out", min_side=64, warn=lambda line: None, progress=change)
    assert [path.name for path in tmp_path.iterdir()] == ["clinic"]
