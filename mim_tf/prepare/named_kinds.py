"""Collections whose folders and file names tell the class and the patient: MSLD v1 and v2, MSID, Ahsan 2022, plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mim_export.score.atomic_files import temporary_folder
from mim_export.score.errors import MimError
from mim_export.score.listing import Warn, named
from mim_tf.data.manifest import Row, read_manifest_csv
from mim_tf.data.splits import SPLITS
from mim_tf.prepare import records
from mim_tf.prepare.archives import Archive
from mim_tf.prepare.names import VAGUE, agree, class_of_folder, says_augmented, says_grey, unify_class
from mim_tf.prepare.records import LeftOut, Picture

#: What a reader returns: the pictures, and the files that are left out by their names.
Found = tuple[list[Picture], list[LeftOut]]
#: "M01_02" is picture 02 of patient M01, "NM05_01_03" the augmented copy 03 of NM05_01.
_V1 = re.compile(r"(?P<code>N?M)(?P<patient>\d+)_(?P<picture>\d+)(?P<copy>_\d+)?", re.IGNORECASE)
_V1_CLASSES = {"M": "mpox", "NM": VAGUE}
#: "MKP_17_01" is picture 01 of patient 17.
_V2 = re.compile(r"(?P<code>[A-Z]+)_(?P<patient>\d+)_(?P<picture>\d+)(?P<copy>_.+)?", re.IGNORECASE)
_V2_CLASSES = {
    "MKP": "mpox",
    "CHP": "chickenpox",
    "CWP": "cowpox",
    "HEALTHY": "healthy",
    "HFMD": "hand_foot_mouth",
    "MSL": "measles",
}
_MSID = re.compile(r"(monkeypox|chickenpox|measles|normal)\d+", re.IGNORECASE)
_FOLD = re.compile(r"fold[ _]*\d+", re.IGNORECASE)
_MANIFEST = "manifest.csv"


def read_msld_v1(archive: Archive, source: str, warn: Warn) -> Found:
    """Reads the Monkeypox Skin Lesion Dataset: `Original Images/.../M01_02.jpg`."""
    return _read_numbered(archive, source, _V1, _V1_CLASSES, "{code}{patient}")


def read_msld_v2(archive: Archive, source: str, warn: Warn) -> Found:
    """Reads the Mpox Skin Lesion Dataset 2.0: `Original Images/.../fold1/Train/Monkeypox/MKP_17_01.jpg`."""
    return _read_numbered(archive, source, _V2, _V2_CLASSES, "{code}_{patient}")


def read_plain(archive: Archive, source: str, warn: Warn) -> Found:
    """Reads a folder `DIR/<class>/photo.jpg`, or with splits `DIR/<split>/<class>/photo.jpg`, which are dropped.

    MANIFEST.csv gives groups and skin types, see `mim_tf.data.manifest`. One more level of folders is accepted. Only
    "augment" in a name says that a picture is a copy: cameras write "Aug" into the names of photographs of August.

    Raises:
        MimError: there are several manifests, or one that is not beside the folders of the classes.
    """
    top = _top_folder(archive)
    inside = {name: name[len(top) :] for name in archive.images}
    with_splits = any(path.split("/")[0] in SPLITS for path in inside.values())
    rows = _manifest_rows(archive, top, list(inside.values()), warn)
    pictures, left_out = [], []
    for name, path in inside.items():
        parts = path.split("/")
        if with_splits and parts[0] in SPLITS:
            parts = parts[1:]
        if len(parts) != 2:
            left_out.append(LeftOut(source, "", name, records.OUTSIDE_LAYOUT))
            continue
        label = unify_class(parts[0])
        if "augment" in "/".join(parts).lower():
            left_out.append(LeftOut(source, label, name, records.AUGMENTED))
            continue
        row = rows.get(path)
        group = row.group if row is not None and row.group else path
        skin_type = None if row is None else row.columns.get("skin_type")
        pictures.append(Picture(source, archive, name, label, f"{source}:{group}", skin_type))
    if pictures and not is_plain(archive):
        remedy = "add one with the columns file and group if patients have several photographs"
        warn(f"{archive.path}: no MANIFEST.csv, so that each of {len(pictures)} photographs is a group; {remedy}")
    further = sorted({name for row in rows.values() for name in row.columns} - {"skin_type"})
    if further:
        warn(f"{archive.path}: columns of MANIFEST.csv that are not copied: {named(further)}")
    masks = sum(row.mask is not None for row in rows.values())
    if masks:
        warn(f"{archive.path}: the masks of {masks} photographs are not copied; copy them by hand")
    return pictures, left_out


def is_msld_v1(archive: Archive) -> bool:
    """Whether at least half of the pictures have names of MSLD v1."""
    return _share(archive, lambda stem: _V1.fullmatch(stem) is not None) >= 0.5


def is_msld_v2(archive: Archive) -> bool:
    """Whether at least half of the pictures have names of MSLD v2."""

    def fits(stem: str) -> bool:
        found = _V2.fullmatch(stem)
        return found is not None and found["code"].upper() in _V2_CLASSES

    return _share(archive, fits) >= 0.5


def is_msid(archive: Archive) -> bool:
    """Whether at least half of the pictures have names of MSID, and there are no grey or augmented copies."""
    return _share(archive, lambda stem: _MSID.fullmatch(stem) is not None) >= 0.5 and not _has_made_copies(archive)


def is_ahsan_2022(archive: Archive) -> bool:
    """Whether there are folders of mpox, chickenpox and measles, beside folders of grey or augmented copies."""
    found = {_class_of_parent(name) for name in archive.images}
    numbered = is_msld_v1(archive) or is_msld_v2(archive)
    return {"mpox", "chickenpox", "measles"} <= found and _has_made_copies(archive) and not numbered


def is_plain(archive: Archive) -> bool:
    """Whether there is a MANIFEST.csv."""
    return any(_file_name(name).lower() == _MANIFEST for name in archive.tables)


def _read_numbered(
    archive: Archive, source: str, pattern: re.Pattern[str], classes: Mapping[str, str], group: str
) -> Found:
    """Reads a collection whose names hold class, patient and picture, of which each may be in several folds."""
    pictures, left_out = [], []
    kept: dict[str, str] = {}
    # Pictures outside the folds come first, so that a copy in a fold is the one that is left out. Augmented ones come
    # last, when it is known of which picture they are.
    for name in sorted(archive.images, key=lambda name: (says_augmented(name), _FOLD.search(name) is not None, name)):
        stem = _stem(name)
        found = pattern.fullmatch(stem)
        code = found["code"].upper() if found else ""
        if found is None or code not in classes:
            reason = records.AUGMENTED if says_augmented(name) else records.NO_LABEL
            left_out.append(LeftOut(source, "", name, reason))
            continue
        label, folder = classes[code], _class_of_parent(name)
        if not folder and _file_name(name.rpartition("/")[0]).casefold().startswith("others"):
            folder = VAGUE
        picture = f"{code}_{found['patient']}_{found['picture']}"
        if found["copy"] or says_augmented(name):
            left_out.append(LeftOut(source, label, name, records.AUGMENTED, kept.get(picture, "")))
        elif folder and not agree(folder, label):
            left_out.append(
                LeftOut(source, "", name, records.UNCLEAR, detail=f"the folder says {folder}, the name {label}")
            )
        elif picture in kept:
            left_out.append(LeftOut(source, label, name, records.FOLD, kept[picture]))
        else:
            kept[picture] = name
            patient = group.format(code=code, patient=found["patient"])
            pictures.append(Picture(source, archive, name, label, f"{source}:{patient}"))
    return pictures, left_out


def read_by_folder(archive: Archive, source: str, warn: Warn) -> Found:
    """Reads a collection whose folders name the class, and whose files name no patients.

    The Monkeypox Skin Images Dataset has `Monkeypox/monkeypox1.png`; Monkeypox-dataset-2022 has `Monkeypox/1.jfif`,
    beside folders of grey and of augmented copies. Each picture is its own group.
    """
    pictures, left_out = [], []
    for name in archive.images:
        label = _class_of_parent(name)
        folder, _, file = name.rpartition("/")
        if says_augmented(name):
            left_out.append(LeftOut(source, label, name, records.AUGMENTED))
        elif says_grey(folder):
            left_out.append(LeftOut(source, label, name, records.GREY))
        elif not label:
            left_out.append(LeftOut(source, "", name, records.NO_LABEL))
        else:
            pictures.append(Picture(source, archive, name, label, f"{source}:{label}/{file}"))
    return pictures, left_out


def _class_of_parent(name: str) -> str:
    """Class of the folder of a picture; empty if its name tells none."""
    return class_of_folder(_file_name(name.rpartition("/")[0]))


def _has_made_copies(archive: Archive) -> bool:
    return any(says_augmented(name) or says_grey(name.rpartition("/")[0]) for name in archive.images)


def _share(archive: Archive, fits: Callable[[str], bool]) -> float:
    """Share of the pictures whose name without ending fits."""
    return sum(fits(_stem(name)) for name in archive.images) / max(1, len(archive.images))


def _stem(name: str) -> str:
    return Path(_file_name(name)).stem


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _top_folder(archive: Archive) -> str:
    """The one folder that holds everything, with a final `/`; empty if the classes are at the top."""
    manifests = [name for name in archive.tables if _file_name(name).lower() == _MANIFEST and not _is_hidden(name)]
    if len(manifests) > 1:
        problem = f"holds {len(manifests)} manifests ({named(manifests)})"
        raise MimError(problem, "name the folder of each as a source of its own", archive.path)
    if manifests:
        top = manifests[0][: len(manifests[0]) - len(_MANIFEST)]
        beside = [name for name in archive.images if not name.startswith(top)]
        if beside:
            problem = f"is not beside the folders of the classes, such as that of {beside[0]}"
            raise MimError(problem, "move it there", archive.path / manifests[0])
        return top
    depths = {name.count("/") for name in archive.images}
    tops = {name.split("/")[0] for name in archive.images}
    if len(tops) == 1 and depths and min(depths) >= 2 and not tops & set(SPLITS):
        return f"{tops.pop()}/"
    return ""


def _manifest_rows(archive: Archive, top: str, names: list[str], warn: Warn) -> Mapping[str, Row]:
    """Reads MANIFEST.csv; that of an archive is unpacked for it."""
    if archive.path.is_dir():
        return read_manifest_csv(archive.path / top, names, warn)
    found = [name for name in archive.tables if name.lower() == f"{top}{_MANIFEST}".lower()]
    if not found:
        return {}
    with temporary_folder() as folder:
        (folder / "MANIFEST.csv").write_bytes(archive.content(found[0]))
        try:
            return read_manifest_csv(folder, names, lambda line: warn(line.replace(str(folder), str(archive.path))))
        except MimError as error:
            raise MimError(error.problem, error.remedy, archive.path / found[0]) from None
