"""`mim_export.bulk.block`: rows of photographs, and the bytes of which they are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mim_export.bulk import block as blocks
from mim_export.bulk.block import Job, score_block
from mim_export.bulk.places import Place
from mim_export.bulk.plan import Plan, write_plan
from mim_export.bulk.sources import photographs
from mim_export.score.batch import score_paths
from mim_export.score.errors import MimError
from mim_export.score.scorer import Scorer


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def rows_of(scorer: Scorer, out: Path, *sources: str) -> list[dict[str, Any]]:
    plan = write_plan(Place.of(out), photographs(sources, Place.of(out), print), lambda count: None)
    score_block((scorer, Job("m", plan)), 0, None)
    rows: list[dict[str, Any]] = pq.read_table(out / "rows").to_pylist()
    return rows


def test_rows_are_those_of_score_with_the_digest_of_the_file(scorer: Scorer, pictures: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes((pictures / "0.jpg").read_bytes())
    (tmp_path / "list.csv").write_text(f"image\nabsent.jpg\npipe\n{pictures}\n")
    names = [str(pictures), str(tmp_path / os.fsdecode(b"caf\xe9.jpg")), str(tmp_path / "list.csv")]
    rows = {row["image"]: row for row in rows_of(scorer, tmp_path / "out", *names)}
    expected, errors = score_paths(scorer, names[:2])
    told = {str(error.path): f"{error.problem}; {error.remedy}" for error in errors}
    for row in expected:
        name = os.fsencode(row["image"]).decode("utf-8", "backslashreplace")
        found = rows.pop(name)
        assert {key: found[key] for key in row} == {**row, "image": name}
        assert found["sha256"] == hashlib.sha256(Path(row["image"]).read_bytes()).hexdigest()
        assert found["error"] == told.get(row["image"]) and found["model_id"] == "m" and found["seconds"] > 0
    assert {image: row["error"] for image, row in rows.items()} == {
        "absent.jpg": "no such file; check the spelling of the path",
        "pipe": "a pipe, socket or device, not an image; name an image file",
        str(pictures): "a folder, not an image; name an image file",
    }
    assert all(row["sha256"] is None and row["similarity"] is None for row in rows.values())


def test_a_file_that_is_not_held_in_memory_gives_the_same(
    scorer: Scorer, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = rows_of(scorer, tmp_path / "held", str(pictures))
    monkeypatch.setattr(blocks, "IN_MEMORY", 1000)
    for number, source in enumerate((str(pictures), f"fsspec+file://{pictures}")):
        read = rows_of(scorer, tmp_path / str(number), source)
        for one, other in zip(held, read, strict=True):
            assert other["image"].endswith(one["image"])
            assert {**one, "seconds": 0, "image": ""} == {**other, "seconds": 0, "image": ""}


def test_an_object_store_that_does_not_answer_gives_no_row(
    scorer: Scorer, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(photographs([f"fsspec+file://{pictures}/0.jpg"], Place.of(tmp_path), print))
    plan = write_plan(Place.of(tmp_path), found, lambda count: None)

    def fail(place: Place) -> None:
        raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation")

    monkeypatch.setattr(Plan, "read", lambda *_: found)
    monkeypatch.setattr(Place, "open", fail)
    with pytest.raises(MimError, match=r"0.jpg: could not be read \(AWS Error NETWORK.*; run the same command again"):
        score_block((scorer, Job("m", plan)), 0, None)
    assert not (tmp_path / "rows").exists()
