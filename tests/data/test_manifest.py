"""`mim_tf.data.manifest`: rows of MANIFEST.csv and the files that they mean."""

from __future__ import annotations

import csv
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_tf.data.folder import scan_folder
from mim_tf.data.manifest import read_manifest_csv

FILES = ["train/mpox/a.png", "train/mpox/b.PNG", "val/mpox/Über c.jpg", "test/acne/d.webp"]


def write(root: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("file", "group")) -> None:
    with (root / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *rows])


def read(root: Path, files: list[str] = FILES) -> tuple[dict[str, str], list[str]]:
    lines: list[str] = []
    rows = read_manifest_csv(root, files, lines.append)
    return {name: row.group for name, row in rows.items()}, lines


SPELLINGS = {
    "as listed": lambda name, root: name,
    "backslashes": lambda name, root: name.replace("/", "\\"),
    "leading ./": lambda name, root: "./" + name,
    "leading .\\": lambda name, root: ".\\" + name.replace("/", "\\"),
    "absolute": lambda name, root: f"{root}/{name}",
    "absolute elsewhere": lambda name, root: f"/media/disk/photos/{name}",
    "Windows drive": lambda name, root: "C:\\photos\\" + name.replace("/", "\\"),
    "upper case": lambda name, root: name.upper(),
    "lower case": lambda name, root: name.lower(),
    "other suffix case": lambda name, root: name.rpartition(".")[0] + "." + name.rpartition(".")[2].swapcase(),
    "bare": lambda name, root: name.rpartition("/")[2],
    "bare upper case": lambda name, root: name.rpartition("/")[2].upper(),
    "doubled slashes": lambda name, root: name.replace("/", "//"),
    "detour": lambda name, root: name.replace("/", "/x/../", 1),
    "decomposed accents": lambda name, root: unicodedata.normalize("NFD", name),
    "spaces around": lambda name, root: f" {name} ",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_a_path_match(tmp_path: Path, spelling: str) -> None:
    write(tmp_path, [(SPELLINGS[spelling](name, tmp_path), f"p{n}") for n, name in enumerate(FILES)])
    assert read(tmp_path) == ({name: f"p{n}" for n, name in enumerate(FILES)}, [])


@given(
    st.lists(
        st.tuples(st.sampled_from(["train", "val"]), st.sampled_from(["mpox", "acne"]), st.text("abc .-", min_size=1)),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    st.sampled_from(sorted(SPELLINGS)),
)
@settings(max_examples=150, deadline=None)
def test_a_row_means_its_file_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str, str]], spelling: str
) -> None:
    """However a path is spelled, it means its own file; a bare name that several files have means none."""
    root = tmp_path_factory.mktemp("manifest")
    files = [f"{split}/{label}/x{stem}y.png" for split, label, stem in parts]
    stems = [stem for _, _, stem in parts]
    for name, stem in zip(files, stems, strict=True):
        write(root, [(SPELLINGS[spelling](name, root), "p1")])
        groups, lines = read(root, files)
        found = not spelling.startswith("bare") or stems.count(stem) == 1
        assert groups == ({name: "p1"} if found else {})
        assert any("1 rows match no photograph" in line for line in lines) != found
        assert any("have no row" in line for line in lines) == (len(files) > len(groups))


def test_what_does_not_match_is_counted_and_named(tmp_path: Path) -> None:
    rows = [(FILES[0], "p1"), (FILES[0], "p2"), (FILES[1], " "), *((f"absent{n}.png", "p9") for n in range(5))]
    write(tmp_path, rows)
    groups, lines = read(tmp_path)
    assert groups == {FILES[0]: "p1", FILES[1]: ""}
    assert len(lines) == 4 and all(line.startswith(f"{tmp_path / 'MANIFEST.csv'}: ") for line in lines)
    unmatched, without_row, without_group, differing = lines
    assert "5 rows match no photograph (absent0.png, absent1.png, absent2.png and 2 more); " in unmatched
    assert f"2 photographs have no row ({FILES[3]}, {FILES[2]})" in without_row  # in alphabetical order
    assert f"1 rows have no group ({FILES[1]})" in without_group
    assert f"1 photographs have rows with different groups ({FILES[0]})" in differing


def test_a_name_that_two_files_have_matches_neither(tmp_path: Path) -> None:
    files = ["train/mpox/a.png", "val/mpox/a.png", "test/mpox/B.png", "test/mpox/b.png"]
    write(tmp_path, [("a.png", "p1"), ("test/mpox/b.PNG", "p2"), ("test/mpox/b.png", "p3")])
    groups, lines = read(tmp_path, files)
    assert groups == {"test/mpox/b.png": "p3"} and "2 rows match no photograph (a.png, test/mpox/b.PNG)" in lines[0]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_of_spreadsheets(tmp_path: Path, sign: str, mark: str) -> None:
    (tmp_path / "MANIFEST.csv").write_text(f"{mark}file{sign}group\ntrain/mpox/a.png{sign}p, 1\n", encoding="utf-8")
    groups, _ = read(tmp_path)
    assert groups == {"train/mpox/a.png": "p" if sign == "," else "p, 1"}


def test_equal_rows_short_rows_and_long_rows(tmp_path: Path) -> None:
    write(tmp_path, [(FILES[0], "p1"), (FILES[0], "p1 "), (FILES[1],), (FILES[2], "p2", "x", "y"), ("", "p3")])
    groups, lines = read(tmp_path, FILES[:3])
    assert groups == {FILES[0]: "p1", FILES[1]: "", FILES[2]: "p2"}
    assert len(lines) == 2 and "(an empty cell)" in lines[0] and "1 rows have no group" in lines[1]


@pytest.mark.parametrize("name", ["manifest.csv", "Manifest.CSV"])
def test_the_name_and_columns_in_any_case(tmp_path: Path, name: str) -> None:
    write(tmp_path, [(FILES[0], "p1", "III"), (FILES[1], "p2", "")], ("File", " GROUP", "Skin_Type"))
    (tmp_path / "MANIFEST.csv").rename(tmp_path / name)
    lines: list[str] = []
    rows = read_manifest_csv(tmp_path, FILES[:2], lines.append)
    assert [(row.group, row.columns.get("skin_type")) for row in rows.values()] == [
        ("p1", "III"),
        ("p2", None),
    ] and not lines


def test_masks_are_relative_to_the_folder_and_missing_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / ".masks").mkdir()
    (tmp_path / ".masks/a.png").write_bytes(b"")
    cells = [".masks\\a.png", f"{tmp_path}/.masks/a.png", ".masks/b.png", ""]
    write(tmp_path, [(name, "p1", cell) for name, cell in zip(FILES, cells, strict=True)], ("file", "group", "Mask"))
    lines: list[str] = []
    rows = read_manifest_csv(tmp_path, FILES, lines.append)
    there = tmp_path / ".masks/a.png"
    assert [rows[name].mask for name in FILES] == [there, there, None, None]
    problem = f"1 masks do not exist, of ({FILES[2]}); correct the column mask, else they have none"
    assert lines == [f"{tmp_path / 'MANIFEST.csv'}: {problem}"]


def test_two_manifests_are_named(tmp_path: Path) -> None:
    write(tmp_path, [(FILES[0], "p1")])
    (tmp_path / "manifest.csv").write_text(f"file,group\n{FILES[0]},p2\n")
    groups, lines = read(tmp_path, FILES[:1])
    assert groups == {FILES[0]: "p1"} and "remove all but MANIFEST.csv" in lines[0]


def test_groups_and_skin_types_reach_the_photographs(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    rows = [(name.replace("/", "\\"), f"p{n}", "IV" if n else "") for n, name in enumerate(FILES)]
    write(tmp_path, rows, ("file", "group", "skin_type"))
    found = {photo.path.relative_to(tmp_path).as_posix(): photo for photo in scan_folder(tmp_path)}
    assert {name: found[name].group for name in FILES} == {name: f"p{n}" for n, name in enumerate(FILES)}
    assert [found[name].columns.get("skin_type") for name in FILES] == [None, "IV", "IV", "IV"]


@pytest.mark.parametrize("part", ["/a", "C:\\a", "../", "é/"])
def test_cells_longer_than_any_path_match_nothing_at_once(tmp_path: Path, part: str) -> None:
    cell = (part * 60_000)[:100_000]
    write(tmp_path, [(FILES[0], "one"), *((cell + str(number), "x") for number in range(20))])
    started = time.process_time()
    groups, lines = read(tmp_path)
    assert time.process_time() - started < 2
    assert groups == {FILES[0]: "one"}
    assert "20 rows match no photograph" in lines[0] and len(lines[0]) < 1000
