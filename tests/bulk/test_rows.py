"""`mim_export.bulk.rows`: columns, counts, damaged files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_export.bulk.places import Place
from mim_export.bulk.rows import SCHEMA, UNREAD, block_of, part, read_part, write_part
from mim_export.score.errors import MimError

GOOD: dict[str, Any] = {
    "image": "a.jpg",
    "sha256": "0" * 64,
    "similarity": 0.6,
    "p_class": 0.4,
    "p_other": 0.1,
    "verdict": "mpox-like",
    "reason": None,
    "model_id": "m",
    "error": None,
    "seconds": 0.01,
}
NUMBERS = dict.fromkeys(("similarity", "p_class", "p_other", "sha256"))
BAD = {
    **GOOD,
    **NUMBERS,
    "image": "b.jpg",
    "verdict": "cannot-judge",
    "reason": "unreadable",
    "error": "no such file; x",
}


def test_rows_are_written_with_their_columns_and_counted(tmp_path: Path) -> None:
    place = part(Place.of(tmp_path), 12)
    expected = {"mpox-like": 2, "not-mpox-like": 0, "undecided": 0, "cannot-judge": 1, UNREAD: 1}
    assert write_part(place, [GOOD, BAD, GOOD], "90af") == expected == read_part(place, 3, "90af")
    table = pq.read_table(tmp_path / "rows" / "part-000012.parquet")
    assert table.to_pylist() == [GOOD, BAD, GOOD]
    assert list(GOOD) == table.column_names
    assert all(table.schema.field(name).metadata[b"description"] for name in GOOD)
    assert table.schema.metadata[b"mim_tf.schema"] == b"1"


def test_folders_of_rows_are_read_as_one_table(tmp_path: Path) -> None:
    for block in range(3):
        write_part(part(Place.of(tmp_path), block), [GOOD], "90af")
    (tmp_path / "rows" / ".mim-tf-00000000-1-000000000000").mkdir()  # of a process that was killed
    assert len(pq.read_table(tmp_path / "rows")) == 3


@given(st.integers(0, 2_000_000))
def test_the_name_of_a_file_is_its_block(block: int) -> None:
    assert block_of(Path(part(Place("", "/"), block).path).name) == block


@pytest.mark.parametrize(
    "name", ["part-.parquet", "part-1.parquet", "part-000001.csv", ".lock", "part-00000\u0661.parquet"]
)
def test_other_files_are_of_no_block(name: str) -> None:
    assert block_of(name) is None


def test_damaged_files_are_named(tmp_path: Path) -> None:
    place = part(Place.of(tmp_path), 0)
    write_part(place, [GOOD, BAD], "90af")
    content = Path(place.path).read_bytes()
    at = content.index(b"mpox-like")
    flipped = content[:at] + b"n" + content[at + 1 :]
    for harmed in (b"", content[:-20], content[20:], flipped):
        Path(place.path).write_bytes(harmed)
        with pytest.raises(
            MimError, match=r"part-000000.parquet: is damaged \(.*\); remove the file, and run"
        ) as caught:
            read_part(place, 2, "90af")
        assert "\n" not in str(caught.value)
    Path(place.path).write_bytes(content)
    with pytest.raises(MimError, match=r"part-000000.parquet: has 2 rows, expected 3"):
        read_part(place, 3, "90af")
    with pytest.raises(MimError, match=r"part-000000.parquet: is of another list of photographs; remove the file"):
        read_part(place, 2, "17c0")
    pq.write_table(pa.table({"a": [1, 2]}), place.path)
    with pytest.raises(MimError, match="has other columns"):
        read_part(place, 2, "90af")


def test_columns_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    for field in SCHEMA:
        assert f"| `{field.name}` | {field.type} |" in page, field.name
