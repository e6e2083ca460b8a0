"""Collections whose table tells the class and the patient of each picture: Fitzpatrick17k and PAD-UFES-20."""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath

from mim_export.score.errors import MimError
from mim_export.score.listing import Warn
from mim_tf.data.manifest import separator
from mim_tf.prepare import records
from mim_tf.prepare.archives import Archive
from mim_tf.prepare.names import unify_class
from mim_tf.prepare.records import LeftOut, Picture

#: Share of the height of each picture of Fitzpatrick17k that is cut off at the bottom: the atlases write their names
#: there, which would tell the source instead of the disease.
ATLAS_MARK = 0.14
_FITZPATRICK = ("md5hash", "label", "fitzpatrick_scale", "qc")
_PAD = ("img_id", "diagnostic", "patient_id", "fitspatrick")
_DIAGNOSES = {
    "ACK": "actinic_keratosis",
    "BCC": "basal_cell_carcinoma",
    "MEL": "melanoma",
    "NEV": "nevus",
    "SCC": "squamous_cell_carcinoma",
    "SEK": "seborrheic_keratosis",
}

_Row = dict[str, str]


def read_fitzpatrick17k(archive: Archive, source: str, warn: Warn) -> tuple[list[Picture], list[LeftOut]]:
    """Reads Fitzpatrick17k: `fitzpatrick17k.csv` and files named by `md5hash`. Each picture is its own group.

    Rows whose column `qc` says "wrongly labelled" are left out. The lowest 14 % of each picture are cut off.

    Raises:
        MimError: the table is missing, is no CSV or lacks a column.
    """
    rows = _rows_by_name(archive, _FITZPATRICK, "md5hash", "fitzpatrick17k.csv")
    pictures, left_out = [], _without_picture(archive, source, rows)
    for name, found in _rows_of_images(archive, rows).items():
        labels = sorted({unify_class(row["label"]) for row in found if row["label"]})
        if len(labels) != 1:
            left_out.append(_unlabelled(source, name, labels))
        elif any("wrong" in row["qc"].casefold() for row in found):
            left_out.append(LeftOut(source, labels[0], name, records.WRONG, detail=found[0]["qc"]))
        else:
            group = f"{source}:{found[0]['md5hash']}"
            skin_type = _skin_type(found[0]["fitzpatrick_scale"])
            pictures.append(Picture(source, archive, name, labels[0], group, skin_type, ATLAS_MARK))
    return pictures, left_out


def read_pad_ufes_20(archive: Archive, source: str, warn: Warn) -> tuple[list[Picture], list[LeftOut]]:
    """Reads PAD-UFES-20: `metadata.csv` and the files that its column `img_id` names. A group is a patient.

    Raises:
        MimError: the table is missing, is no CSV or lacks a column.
    """
    rows = _rows_by_name(archive, _PAD, "img_id", "metadata.csv")
    pictures, left_out = [], _without_picture(archive, source, rows)
    for name, found in _rows_of_images(archive, rows).items():
        labels = sorted({_DIAGNOSES.get(row["diagnostic"].upper(), "") for row in found} - {""})
        patients = sorted({row["patient_id"] for row in found if row["patient_id"]})
        if len(labels) != 1:
            left_out.append(_unlabelled(source, name, labels))
            continue
        group = patients[0] if patients else PurePosixPath(name).name
        skin_type = _skin_type(found[0]["fitspatrick"])
        pictures.append(Picture(source, archive, name, labels[0], f"{source}:{group}", skin_type))
    return pictures, left_out


def is_fitzpatrick17k(archive: Archive) -> bool:
    """Whether there is a table with columns of Fitzpatrick17k."""
    return _find_table(archive, _FITZPATRICK) is not None


def is_pad_ufes_20(archive: Archive) -> bool:
    """Whether there is a table with columns of PAD-UFES-20."""
    return _find_table(archive, _PAD) is not None


def _find_table(archive: Archive, columns: tuple[str, ...]) -> str | None:
    """Returns the first table that has the first of the columns and another one of them."""
    for name in archive.tables:
        try:
            header = set(_columns(_reader(archive.text(name))))
        except (MimError, csv.Error):  # another table, which need not be readable
            continue
        if columns[0] in header and len(header & set(columns)) >= 2:
            return name
    return None


def _rows_by_name(archive: Archive, columns: tuple[str, ...], key: str, usual: str) -> dict[str, list[_Row]]:
    """Reads the rows of a table by the name of their picture, without ending and case."""
    name = _find_table(archive, columns)
    if name is None:
        problem = f"holds no {usual} with the columns {', '.join(columns)}"
        raise MimError(problem, f"put {usual} beside the pictures", archive.path)
    path = archive.path / name
    rows: dict[str, list[_Row]] = {}
    try:
        reader = _reader(archive.text(name))
        present = _columns(reader)
        missing = [column for column in columns if column not in present]
        if missing:
            raise MimError(f"lacks the columns {', '.join(missing)}", f"download {usual} again", path)
        for line in reader:
            row = {column: (line[present[column]] or "").strip() for column in columns}
            if row[key]:
                rows.setdefault(_key(row[key]), []).append(row)
    except csv.Error as error:
        raise MimError(f"not a CSV file ({error})", f"download {usual} again", path) from None
    return rows


def _reader(text: str) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=separator(text.partition("\n")[0]))


def _columns(reader: csv.DictReader[str]) -> dict[str, str]:
    """The names of the columns by their names in lower case."""
    return {(cell or "").strip().lower(): cell for cell in reader.fieldnames or ()}


def _rows_of_images(archive: Archive, rows: dict[str, list[_Row]]) -> dict[str, list[_Row]]:
    return {name: rows.get(_key(PurePosixPath(name).name), []) for name in archive.images}


def _without_picture(archive: Archive, source: str, rows: dict[str, list[_Row]]) -> list[LeftOut]:
    present = {_key(PurePosixPath(name).name) for name in archive.images}
    return [LeftOut(source, "", name, records.NO_PICTURE) for name in sorted(rows.keys() - present)]


def _unlabelled(source: str, name: str, labels: list[str]) -> LeftOut:
    if labels:
        return LeftOut(source, "", name, records.UNCLEAR, detail="rows say " + " and ".join(labels))
    return LeftOut(source, "", name, records.NO_LABEL)


def _key(name: str) -> str:
    """A name without ending and case; the tables give it with or without."""
    return PurePosixPath(name).stem.casefold()


def _skin_type(cell: str) -> str | None:
    """Fitzpatrick's skin type as a digit; None if it is not known."""
    digit = cell.removesuffix(".0")
    return digit if digit in ("1", "2", "3", "4", "5", "6") else None
