"""Made collections: small trees with the names of the public collections, and pictures drawn from numbers.

Each picture is a mosaic of smooth spots on a seed of its own, so that different pictures are no near-duplicates.
"""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of the pictures in pixels; tests set the smallest side to it.
SIDE = 64

Pixels = NDArray[np.uint8]


def picture(seed: int, side: int = SIDE) -> Pixels:
    """Spots of random places, sizes and colours: uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    pixels = np.ones((side, side, 3)) * rng.uniform(90, 200, 3)
    for _ in range(40):
        centre, radius = rng.random(2), rng.uniform(0.03, 0.12)
        spot = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        pixels[spot] = rng.uniform(0, 255, 3)
    return np.clip(np.rint(pixels + rng.normal(0, 2, pixels.shape)), 0, 255).astype(np.uint8)


def save(path: Path, pixels: Pixels) -> Path:
    """Writes a picture in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".png": "PNG", ".webp": "WEBP"}.get(path.suffix.lower(), "JPEG")
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, kind)
    return path


def brighter(pixels: Pixels) -> Pixels:
    """The same picture, 20 % brighter."""
    return np.clip(np.rint(pixels * 1.2), 0, 255).astype(np.uint8)


def msld_v1(root: Path, patients: int = 4, seed: int = 1000) -> Path:
    """`patients` of each class, with two pictures each; two augmented copies of each, and a fold that holds all."""
    for code, class_folder, augmented, fold in (
        ("M", "Monkey Pox", "Monkeypox_augmented", "Monkeypox"),
        ("NM", "Others", "Others_augmented", "Others"),
    ):
        for patient in range(1, patients + 1):
            for number in (1, 2):
                stem = f"{code}{patient:02d}_{number:02d}"
                original = root / "Original Images" / "Original Images" / class_folder / f"{stem}.jpg"
                pixels = picture(seed + 100 * len(code) + 10 * patient + number)
                save(original, pixels)
                for copy, changed in enumerate((pixels[:, ::-1], brighter(pixels))):
                    place = root / "Augmented Images" / "Augmented Images" / augmented
                    save(place / f"{stem}_{copy:02d}.jpg", changed)
                split = ("Train", "Val", "Test")[patient % 3]
                target = root / "Fold1" / "Fold1" / "Fold1" / split / fold / f"{stem}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(original, target)
    return root


V2 = {
    "MKP": "Monkeypox",
    "CHP": "Chickenpox",
    "CWP": "Cowpox",
    "HEALTHY": "Healthy",
    "HFMD": "HFMD",
    "MSL": "Measles",
}


def msld_v2(root: Path, patients: int = 3, folds: int = 2, seed: int = 2000) -> Path:
    """`patients` of each of six classes with one picture, the first one with two, in each fold; one augmented copy."""
    for n, (code, folder) in enumerate(V2.items()):
        for patient in range(1, patients + 1):
            for number in (1, 2)[: 1 + (patient == 1)]:
                stem, pixels = f"{code}_{patient:02d}_{number:02d}", picture(seed + 100 * n + 10 * patient + number)
                for fold in range(1, folds + 1):
                    split = ("Train", "Valid", "Test")[(patient + fold) % 3]
                    top = root / "Original Images" / "Original Images" / "FOLDS" / f"fold{fold}"
                    save(top / split / folder / f"{stem}.jpg", pixels)
                top = root / "Augmented Images" / "Augmented Images" / "FOLDS_AUG" / "fold1_AUG" / "Train"
                save(top / folder / f"{stem}_1.jpg", np.rot90(pixels))
    return root


def msid(root: Path, count: int = 3, seed: int = 3000) -> Path:
    """`count` pictures of each of four classes."""
    for n, folder in enumerate(("Chickenpox", "Measles", "Monkeypox", "Normal")):
        for number in range(1, count + 1):
            save(root / folder / f"{folder.lower()}{number}.png", picture(seed + 100 * n + number))
    return root


def ahsan_2022(root: Path, count: int = 3, seed: int = 4000) -> Path:
    """`count` pictures of each of four classes, each with a grey copy and two augmented ones."""
    for n, folder in enumerate(("Chickenpox", "Measles", "Monkeypox", "Normal")):
        for number in range(1, count + 1):
            pixels = picture(seed + 100 * n + number)
            save(root / folder / f"{number}.jfif", pixels)
            grey = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
            save(root / f"{folder}_gray" / f"{folder.lower()}{number:02d}.jpg", grey)
            for copy in (pixels[::-1], brighter(pixels)):
                name = f"{folder.lower()}_aug_{number}_{int(copy.sum()) % 9973}.png"
                save(root / f"{folder}_augmented" / name, copy)
    return root


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Writes a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows(rows)
    return path


FITZPATRICK_COLUMNS = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
    "url_alphanum",
)


def fitzpatrick17k(root: Path, count: int = 5, seed: int = 5000) -> Path:
    """`count` good rows with pictures; one that is wrongly labelled, one without a picture, a picture without a row."""
    rows: list[Sequence[object]] = [FITZPATRICK_COLUMNS]
    for number in range(count + 1):
        name = f"{seed + number:032x}"
        skin_type = (-1, 1, 3, 6)[number % 4]
        label = ("lichen planus", "psoriasis")[number % 2]
        qc = "3 Wrongly labelled" if number == count else ("", "1 Diagnostic")[number % 2]
        rows.append((name, skin_type, 2, label, "inflammatory", "non-neoplastic", qc, "http://x", "x"))
        save(root / "images" / f"{name}.jpg", picture(seed + number, SIDE + 16))
    rows.append((f"{1:032x}", 2, 2, "psoriasis", "inflammatory", "non-neoplastic", "", "http://gone", "gone"))
    save(root / "images" / f"{2:032x}.jpg", picture(seed + 99, SIDE + 16))
    write_csv(root / "fitzpatrick17k.csv", rows)
    return root


def pad_ufes_20(root: Path, patients: int = 4, seed: int = 6000) -> Path:
    """`patients` with two pictures each, one row without a picture and one of an unknown diagnosis."""
    columns = ("patient_id", "lesion_id", "age", "fitspatrick", "diagnostic", "img_id", "biopsed")
    rows: list[Sequence[object]] = [columns]
    codes = ("ACK", "BCC", "MEL", "NEV", "SCC", "SEK")
    for patient in range(1, patients + 1):
        for number in (1, 2):
            name = f"PAT_{patient}_{number}_{100 * patient + number}.png"
            skin_type = ("", "2.0")[patient % 2]
            code = codes[patient % 6]
            rows.append((f"PAT_{patient}", number, 50, skin_type, code, name, "True"))
            save(root / "images" / f"imgs_part_{1 + patient % 3}" / name, picture(seed + 10 * patient + number))
    rows.append(("PAT_90", 1, 50, "", "ACK", "PAT_90_1_1.png", "True"))
    rows.append(("PAT_91", 1, 50, "", "XYZ", "PAT_91_1_1.png", "True"))
    save(root / "images" / "imgs_part_1" / "PAT_91_1_1.png", picture(seed + 999))
    write_csv(root / "metadata.csv", rows)
    return root


def plain(root: Path, count: int = 4, seed: int = 7000) -> Path:
    """`count` pictures of each of two classes; two pictures have one group each."""
    rows: list[Sequence[object]] = [("file", "group", "skin_type")]
    for n, folder in enumerate(("Monkeypox", "acne")):
        for number in range(count):
            name = f"{folder}/photo {number}.png"
            save(root / name, picture(seed + 100 * n + number))
            rows.append((name, f"patient-{n}-{number // 2}", 1 + number % 6))
    write_csv(root / "MANIFEST.csv", rows)
    return root


def zipped(folder: Path, target: Path, top: str = "") -> Path:
    """Packs a folder, optionally below one more level."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return target
