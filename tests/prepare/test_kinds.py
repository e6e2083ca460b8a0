"""`mim_tf.prepare.kinds` and the readers of each kind: classes, groups, skin types, and what is left out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import made_collections as made
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_collections import picture, save, write_csv, zipped

from mim_export.score.errors import MimError
from mim_tf.prepare import archives, records
from mim_tf.prepare.kinds import KINDS, read_sources
from mim_tf.prepare.records import Collection

MAKERS: dict[str, Callable[[Path], Path]] = {
    "msld-v1": made.msld_v1,
    "msld-v2": made.msld_v2,
    "msid": made.msid,
    "ahsan-2022": made.ahsan_2022,
    "fitzpatrick17k": made.fitzpatrick17k,
    "pad-ufes-20": made.pad_ufes_20,
    "plain": made.plain,
}


def nobody(line: str) -> None:
    raise AssertionError(line)


def read(*sources: object, warn: Callable[[str], None] = nobody) -> Collection:
    (found,) = read_sources([str(source) for source in sources], warn)
    return found


def reasons(found: Collection) -> dict[str, int]:
    return dict(Counter(entry.reason for entry in found.left_out))


def groups(found: Collection, label: str) -> list[int]:
    """Sorted numbers of pictures of the groups of a class."""
    return sorted(Counter(p.group for p in found.pictures if p.label == label).values())


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("collections")
    for kind, make in MAKERS.items():
        make(root / kind.replace("-", "_"))
    return root


def test_there_is_a_made_collection_of_each_kind() -> None:
    assert list(MAKERS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("top", ["", "archive (1)/"])
def test_kinds_are_recognised_as_folders_and_archives(collections: Path, tmp_path: Path, kind: str, top: str) -> None:
    folder = collections / kind.replace("-", "_")
    first = read(folder)
    second = read(zipped(folder, tmp_path / f"{folder.name}.zip", top))
    assert first.kind == second.kind == kind
    assert first.pictures and len(first.pictures) + len(first.left_out) >= len(first.archive.images)

    def told(found: Collection) -> list[tuple[str, str, str, str | None]]:
        return [(p.name.removeprefix(top), p.label, p.group, p.skin_type) for p in found.pictures]

    assert told(first) == told(second)
    assert [(o.name.removeprefix(top), o.reason) for o in second.left_out] == [
        (o.name, o.reason) for o in first.left_out
    ]


def test_msld_v1(collections: Path) -> None:
    found = read(collections / "msld_v1")
    assert groups(found, "mpox") == groups(found, "chickenpox_or_measles") == [2, 2, 2, 2]
    assert {p.group for p in found.pictures} >= {"msld-v1:M01", "msld-v1:NM04"}
    assert reasons(found) == {records.AUGMENTED: 32, records.FOLD: 16}
    assert all(p.name.startswith("Original Images/") for p in found.pictures)
    for entry in found.left_out:  # each says of which picture it is
        assert Path(entry.copy_of).stem == "_".join(Path(entry.name).stem.split("_")[:2])


def test_msld_v2(collections: Path) -> None:
    found = read(collections / "msld_v2")
    for label in ("mpox", "chickenpox", "cowpox", "healthy", "hand_foot_mouth", "measles"):
        assert groups(found, label) == [1, 1, 2]
    assert reasons(found) == {records.AUGMENTED: 24, records.FOLD: 24}
    assert all("/fold1/" in p.name for p in found.pictures)
    assert "msld-v2:MKP_01" in {p.group for p in found.pictures}


def test_a_name_that_contradicts_its_folder_has_no_label(tmp_path: Path) -> None:
    made.msld_v2(tmp_path)
    place = tmp_path / "Original Images" / "Original Images" / "FOLDS" / "fold1" / "Train"
    save(place / "Measles" / "MKP_40_01.jpg", picture(1))
    save(tmp_path / "Keywords.jpg", picture(2))
    left_out = {entry.name: entry for entry in read(tmp_path).left_out}
    entry = left_out[(place / "Measles" / "MKP_40_01.jpg").relative_to(tmp_path).as_posix()]
    assert entry.reason == records.UNCLEAR and entry.detail == "the folder says measles, the name mpox"
    assert left_out["Keywords.jpg"].reason == records.NO_LABEL


def test_msid_and_ahsan_2022(collections: Path) -> None:
    for name in ("msid", "ahsan_2022"):
        found = read(collections / name)
        for label in ("mpox", "chickenpox", "measles", "healthy"):
            assert groups(found, label) == [1, 1, 1]
    assert reasons(found) == {records.AUGMENTED: 24, records.GREY: 12}
    assert found.pictures[0].group == "ahsan-2022:chickenpox/1.jfif"


def test_fitzpatrick17k(collections: Path) -> None:
    found = read(collections / "fitzpatrick17k")
    assert reasons(found) == {records.NO_PICTURE: 1, records.NO_LABEL: 1, records.WRONG: 1}
    assert [(p.label, p.skin_type) for p in found.pictures] == [
        ("lichen_planus", None),
        ("psoriasis", "1"),
        ("lichen_planus", "3"),
        ("psoriasis", "6"),
        ("lichen_planus", None),
    ]
    assert {p.cut for p in found.pictures} == {0.14} and len({p.group for p in found.pictures}) == 5


def test_pad_ufes_20(collections: Path) -> None:
    found = read(collections / "pad_ufes_20")
    assert reasons(found) == {records.NO_PICTURE: 1, records.NO_LABEL: 1}
    assert {p.group: p.label for p in found.pictures} == {
        "pad-ufes-20:PAT_1": "basal_cell_carcinoma",
        "pad-ufes-20:PAT_2": "melanoma",
        "pad-ufes-20:PAT_3": "nevus",
        "pad-ufes-20:PAT_4": "squamous_cell_carcinoma",
    }
    assert {p.group: p.skin_type for p in found.pictures}["pad-ufes-20:PAT_1"] == "2"


@pytest.mark.parametrize("packed", [False, True])
def test_plain_with_and_without_splits(collections: Path, tmp_path: Path, packed: bool) -> None:
    def folder_of(path: Path) -> Path:
        return zipped(path, tmp_path / f"{path.name}.zip") if packed else path

    found = read(folder_of(collections / "plain"))
    assert groups(found, "mpox") == groups(found, "acne") == [2, 2]
    assert (found.pictures[0].group, found.pictures[0].skin_type) == ("plain:patient-0-0", "1")
    clinic = tmp_path / "clinic"
    save(clinic / "train" / "Monkeypox" / "a.png", picture(1))
    save(clinic / "test" / "Monkeypox" / "a.png", picture(2))
    save(clinic / "loose.png", picture(3))
    heard: list[str] = []
    found = read(f"plain={folder_of(clinic)}", warn=heard.append)
    assert [p.label for p in found.pictures] == ["mpox"] * 2
    assert {p.group for p in found.pictures} == {f"clinic:{split}/Monkeypox/a.png" for split in ("train", "test")}
    assert len(heard) == 1 and "no MANIFEST.csv, so that each of 2 photographs is a group" in heard[0]
    assert reasons(found) == {records.OUTSIDE_LAYOUT: 1}


def test_faults_of_a_manifest_are_named(collections: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    shutil.copytree(collections / "plain", folder)
    with (folder / "MANIFEST.csv").open("a") as lines:
        lines.write("absent.png,p,1\n")
    for source in (folder, zipped(folder, tmp_path / "packed.zip")):
        heard: list[str] = []
        read_sources([str(source)], heard.append)
        assert len(heard) == 1 and "1 rows match no photograph (absent.png)" in heard[0]
        assert heard[0].startswith(str(source))
    write_csv(folder / "MANIFEST.csv", [("file", "patient")])
    for source in (folder, zipped(folder, tmp_path / "packed.zip")):
        with pytest.raises(MimError, match=r"MANIFEST\.csv: lacks the columns file and group"):
            read(source)


def test_masks_that_are_not_copied_are_named(tmp_path: Path) -> None:
    save(tmp_path / "acne" / "a.png", picture(1))
    save(tmp_path / ".masks" / "a.png", picture(1))
    write_csv(tmp_path / "MANIFEST.csv", [("file", "group", "mask"), ("acne/a.png", "p", ".masks/a.png")])
    heard: list[str] = []
    read_sources([tmp_path], heard.append)
    assert len(heard) == 1 and "the masks of 1 photographs are not copied" in heard[0]


@pytest.mark.parametrize("packed", [False, True])
def test_a_manifest_has_to_be_beside_the_classes(tmp_path: Path, packed: bool) -> None:
    def source(name: str) -> str:
        folder = tmp_path / name
        return f"plain={zipped(folder, tmp_path / f'{name}.zip') if packed else folder}"

    rows = [("file", "group"), ("a.png", "p")]
    for name in ("one", "two"):
        save(tmp_path / name / "h1" / "mpox" / "a.png", picture(1))
        save(tmp_path / name / "h2" / "mpox" / "a.png", picture(2))
        write_csv(tmp_path / name / "h1" / "MANIFEST.csv", rows)
    with pytest.raises(MimError, match=r"h1/MANIFEST.csv: is not beside the folders of the classes, .* h2/mpox/a.png"):
        read(source("one"))
    write_csv(tmp_path / "two" / "h2" / "MANIFEST.csv", rows)
    with pytest.raises(
        MimError, match=r"holds 2 manifests \(h1/MANIFEST.csv, h2/MANIFEST.csv\); name the folder of each"
    ):
        read(source("two"))


def test_a_photograph_of_august_is_no_copy(tmp_path: Path) -> None:
    for number, name in enumerate(("03-Aug-2023_1.jpg", "IMG_2023Aug12.jpg", "augmented_1.jpg")):
        save(tmp_path / "clinic" / "mpox" / name, picture(number))
    found = read(f"plain={tmp_path / 'clinic'}", warn=[].append)
    assert len(found.pictures) == 2 and reasons(found) == {records.AUGMENTED: 1}


@pytest.mark.parametrize("sign", [";", "\t"])
def test_tables_of_spreadsheets_are_read(collections: Path, tmp_path: Path, sign: str) -> None:
    for kind in ("plain", "pad_ufes_20"):
        folder = tmp_path / kind
        shutil.copytree(collections / kind, folder)
        (table,) = folder.rglob("*.csv")
        table.write_text(table.read_text().replace(",", sign))
        original = read(collections / kind)
        assert [p.group for p in read(folder).pictures] == [p.group for p in original.pictures]


def test_archives_inside_are_named_with_what_to_do(collections: Path, tmp_path: Path) -> None:
    folder = tmp_path / "both"
    shutil.copytree(collections / "msid", folder)
    zipped(collections / "msid", folder / "again.zip")
    with pytest.raises(MimError, match=r"holds archives: again.zip; unpack them there, and move the archives"):
        read(folder)
    with pytest.raises(MimError, match=r"again.zip; unpack them and this archive, name the folder, and move"):
        read(zipped(folder, tmp_path / "outer.zip"))


def test_no_pictures_but_other_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "a.heic").write_bytes(b"x")
    with pytest.raises(MimError, match=r"no pictures in it \(ending that is not read: 1\); name a folder or a .zip"):
        read(f"plain={tmp_path / 'phone'}")


def test_columns_that_are_not_copied_are_named(tmp_path: Path) -> None:
    save(tmp_path / "acne" / "a.png", picture(1))
    write_csv(tmp_path / "MANIFEST.csv", [("file", "group", "Age", "skin_type"), ("acne/a.png", "p", "31", "2")])
    heard: list[str] = []
    read_sources([tmp_path], heard.append)
    assert len(heard) == 1 and "columns of MANIFEST.csv that are not copied: age" in heard[0]


def test_what_is_no_kind_or_several_is_one_line(collections: Path, tmp_path: Path) -> None:
    save(tmp_path / "unknown" / "a" / "b.png", picture(1))
    with pytest.raises(MimError, match="unknown: of no kind that is recognised; name the kind as KIND=PATH, with one"):
        read(tmp_path / "unknown")
    shutil.copytree(collections / "msid", tmp_path / "both")
    write_csv(tmp_path / "both" / "MANIFEST.csv", [("file", "group")])
    with pytest.raises(MimError, match=r"both: may be msid or plain; name the kind as .* msld-v1, msld-v2, msid"):
        read(tmp_path / "both")
    assert read(f"msid={tmp_path / 'both'}").kind == "msid"
    with pytest.raises(MimError, match="'magic' is no kind of collection; name the kind as"):
        read(f"magic={tmp_path / 'both'}")
    (tmp_path / "a=b").symlink_to(collections / "msid")
    assert read(tmp_path / "a=b").kind == "msid"


def test_sources_without_pictures_twice_or_of_one_name_are_one_line(collections: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for kind in ("", "plain="):
        with pytest.raises(MimError, match="empty: no pictures in it"):
            read(f"{kind}{tmp_path / 'empty'}")
    msid, plain = collections / "msid", collections / "plain"
    with pytest.raises(MimError, match="is named twice"):
        read_sources([msid, f"msid={msid}/"], nobody)
    shutil.copytree(plain, tmp_path / "a" / "plain")
    with pytest.raises(MimError, match=r"has the same name as .*plain; rename one of them"):
        read_sources([plain, tmp_path / "a" / "plain"], nobody)
    shutil.copytree(plain, tmp_path / "msid")
    with pytest.raises(MimError, match="has the name of the kind msid; rename it"):
        read(f"plain={tmp_path / 'msid'}")


def test_archives_inside_are_to_be_unpacked(collections: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pad"
    shutil.copytree(collections / "pad_ufes_20", folder)
    for part in sorted((folder / "images").iterdir()):
        zipped(part, part.with_suffix(".zip"))
        shutil.rmtree(part)
    with pytest.raises(MimError, match=r"pad: holds archives: images/imgs_part_1.zip, .*; unpack them"):
        read(folder)
    assert (archives.ENDING in reasons(read(collections / "pad_ufes_20"))) is False


@pytest.mark.parametrize(
    ("kind", "rows", "words"),
    [
        ("fitzpatrick17k", [("md5hash", "label"), ("a", "acne")], "lacks the columns fitzpatrick_scale, qc; download"),
        ("pad-ufes-20", [("img_id", "patient_id"), ("a", "b")], "lacks the columns diagnostic, fitspatrick; download"),
        ("fitzpatrick17k", [("file", "class")], r"holds no fitzpatrick17k\.csv with the columns md5hash"),
    ],
)
def test_tables_that_lack_columns_are_one_line(
    tmp_path: Path, kind: str, rows: list[tuple[str, ...]], words: str
) -> None:
    save(tmp_path / "f" / "a.jpg", picture(1))
    write_csv(tmp_path / "f" / "table.csv", rows)
    with pytest.raises(MimError, match=words):
        read(f"{kind}={tmp_path / 'f'}")


def test_hostile_tables_are_survived(tmp_path: Path) -> None:
    """Rows that contradict each other, are short or long, or hold a NUL or a line feed."""
    for name in "abcd":
        save(tmp_path / "f" / f"{name}.jpg", picture(1))
    head = ",".join(made.FITZPATRICK_COLUMNS)
    rows = [
        "a,1,1,acne",
        "a,1,1,psoriasis",
        "b",
        'c,9,9,"li\nchen",x,x,,,,,,,more',
        "d,1,1,ac\0ne",
        '"e\nf",1,1,acne',
        "",
    ]
    (tmp_path / "f" / "fitzpatrick17k.csv").write_text("\n".join([head, *rows]))
    try:
        found = read(tmp_path / "f")
    except MimError as error:  # Python 3.10 reads no NUL
        assert "not a CSV file" in str(error) and "\n" not in str(error)
        return
    assert {p.name: p.label for p in found.pictures} == {"c.jpg": "li_chen", "d.jpg": "ac_ne"}
    assert [p.skin_type for p in found.pictures] == [None, "1"]
    assert {o.name: o.reason for o in found.left_out} == {
        "a.jpg": records.UNCLEAR,
        "b.jpg": records.NO_LABEL,
        "e\nf": records.NO_PICTURE,
    }


@given(st.permutations(sorted(MAKERS)))
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_sources_has_no_effect(collections: Path, order: list[str]) -> None:
    found = read_sources([collections / kind.replace("-", "_") for kind in order], nobody)
    assert [one.source for one in found] == sorted(KINDS)
