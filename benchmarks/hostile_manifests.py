"""Hostile manifests (MANIFEST.csv) for `hostile.py`, each for a data folder of synthetic photographs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from hostile_pictures import Rng

from mim_tf.synthetic import dataset

#: Photographs of the data folder.
COUNTS = {"train": {"mpox": 10}, "val": {"mpox": 24}, "test": {"mpox": 6, "plain": 6, "no_skin": 6}}


def write_data(folder: Path, seed: int) -> list[list[str]]:
    """Writes the data folder, and returns the rows of its manifest."""
    dataset.write_sample(folder, seed=seed, counts=COUNTS)
    with (folder / "MANIFEST.csv").open(newline="") as lines:
        return [*csv.reader(lines)]


def _text(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    # Not csv.writer: that of Python 3.10 refuses a NUL.
    special = {delimiter, '"', "\r", "\n"}

    def field(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if special & set(cell) else cell

    return "".join(delimiter.join(map(field, row)) + end for row in rows)


def _cell(rng: Rng) -> str:
    """Returns an odd cell."""
    long = int(rng.choice([1000, 60_000, 131_000]))
    cells = [
        "",
        " ",
        "x" * long,
        "/" + "a/" * (long // 2),
        "a/" * (long // 2),
        "../" * (long // 3),
        "\\" * long,
        "/" * long,
        "C:" + "\\a" * (long // 2),
        "é" * long,
        "ﷺ" * (long // 8),
        "e" + "\u0301" * long,
        "=1+1",
        "\x1b[2J",
        "a\nb\rc",
        "\0",
        "a\0",
        '"',
        "train/mpox",
        ".",
        "..",
        "//",
        "\u202e",
        "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        "nan",
        "0" * 400,
    ]
    return cells[rng.integers(len(cells))]


def _edited(rows: list[list[str]], rng: Rng) -> bytes:
    """Changes cells, and doubles, removes and lengthens rows."""
    header, *body = [list(row) for row in rows]
    for _ in range(rng.integers(1, 6)):
        row = body[rng.integers(len(body))]
        number = int(rng.integers(7))
        if number == 0:
            row[0] = _cell(rng)
        elif number == 1:
            row[1] = _cell(rng)
        elif number == 2:
            body.append([row[0], _cell(rng)])
        elif number == 3:
            body.append([_cell(rng), row[1]])
        elif number == 4:
            row += [_cell(rng)] * 3
        elif number == 5:
            del row[1:]
        else:
            row[0] = row[0].upper()
    return _text([header, *body]).encode("utf-8", "surrogatepass")


def _all(rows: list[list[str]], rng: Rng) -> bytes:
    """Changes a column of all rows."""
    header, *body = rows
    long = "g" * int(rng.choice([10, 130_000]))
    changes = [
        lambda row: [row[0], ""],
        lambda row: [row[0], "one group in all splits"],
        lambda row: [row[0], long],
        lambda row: ["/" + "x/" * 300 + row[0], row[1]],
        lambda row: ["../data/" + row[0], row[1]],
        lambda row: [row[0].replace("/", "\\"), row[1]],
        lambda row: [row[0].split("/")[-1], row[1]],
        lambda row: ["", row[1]],
        lambda row: [row[0], row[1] + "\0"],
        lambda row: [],
    ]
    change = changes[rng.integers(len(changes))]
    return _text([header, *(change(row) for row in body)]).encode()


def _whole_text(rows: list[list[str]], rng: Rng) -> bytes:
    """Encodes the whole text otherwise, or damages it."""
    text = _text(rows)
    content = text.encode()
    texts = [
        b"",
        b"\n\n\n",
        b"\xef\xbb\xbf" + content,
        b"\xef\xbb\xbf\xef\xbb\xbf" + content,
        text.encode("utf-16"),
        text.encode("utf-32"),
        text.replace("mpox", "mpöx").encode("latin-1"),
        content.replace(b",", b";"),
        content.replace(b",", b"\t"),
        content.replace(b"\n", b"\r"),
        content.replace(b"\n", b"\r\n\r\n"),
        content.replace(b"file,group", b"file"),
        content.replace(b"file,group", b"group,file"),
        content.replace(b"file,group", b"file,group,file,group"),
        content.replace(b"file,group", b"FILE , Group "),
        content.replace(b"file,group", b",,,"),
        content.split(b"\n", 1)[1],
        b'"' + content,
        content + b'"',
        content.replace(b",", b',"', 3),
        content.replace(b"\n", b'\n"', 1),
        content[: rng.integers(1, len(content))],
        content + b"\0" * 1000,
        content.replace(b"\n", b"\0\n"),
        rng.bytes(3000),
        content * 300,
        b"file,group\n" + b"," * 2_000_000,
        b"file,group\n" + b"\n" * 3_000_000,
        b"file,group\n" + b"x,y\n" * 200_000,
        b"file,group," + b"c" * 200_000 + content[10:],
        b"file,group\n" + b'"' + b"x" * 5_000_000,
        b"file,group" + b",c" * 100_000 + b"\n" + content,
    ]
    return texts[rng.integers(len(texts))]


def manifest(rows: list[list[str]], seed: int, number: int) -> bytes:
    """Returns a hostile manifest, which depends on the seed and its number alone."""
    rng = np.random.default_rng([seed, 2, number])
    return (_edited, _all, _whole_text)[number % 3](rows, rng)
