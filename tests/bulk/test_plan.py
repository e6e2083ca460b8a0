"""`mim_export.bulk.plan`: every photograph in one block, with flat memory."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.bulk import plan as plans
from mim_export.bulk.places import Place
from mim_export.bulk.plan import BLOCK, Plan, write_plan
from mim_export.bulk.sources import Found
from mim_export.score.errors import MimError


def nobody(count: int) -> None:
    """Receives the progress."""


@given(st.lists(st.tuples(st.sampled_from(["", "s3://a/"]), st.integers(0, 300)), max_size=200), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_each_place_is_in_one_block(
    tmp_path_factory: pytest.TempPathFactory, named: list[tuple[str, int]], size: int
) -> None:
    out = Place.of(tmp_path_factory.mktemp("plan"))
    found = [Found(f"image {order}", Place(root, f"/{number}")) for order, (root, number) in enumerate(named)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "BLOCK", size)
        plan = write_plan(out, found, nobody)
    first: dict[Place, str] = {}
    for image, place in found:
        first.setdefault(place, image)
    blocks = [plan.read(block) for block in range(plan.blocks)]
    assert [len(block) for block in blocks] == [plan.rows(block) for block in range(plan.blocks)]
    assert all(len(block) == size for block in blocks[:-1])
    read = [found for block in blocks for found in block]
    assert {place: image for image, place in read} == first and len(read) == len(first)
    assert [place for _, place in read] == sorted(first, key=lambda place: (place.root, place.path.encode()))


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    plan = write_plan(Place.of(tmp_path), [Found(name, Place("", f"/{name}"))], nobody)
    assert plan.read(0) == [Found(name, Place("", f"/{name}"))]


def test_a_plan_of_several_files_is_read_at_any_place(tmp_path: Path) -> None:
    count = 64 * BLOCK + 70
    found = (Found(f"{number:06}", Place("", f"/{number:06}")) for number in range(count))
    counts: list[int] = []
    plan = write_plan(Place.of(tmp_path), found, counts.append)
    assert plan == Plan(Place.of(tmp_path), count, BLOCK, plan.digest) and plan.blocks == 66
    assert sorted(os.listdir(tmp_path / "plan")) == ["plan-000000.parquet", "plan-000001.parquet"]
    for block in (0, 63, 64, 65):
        assert [int(image) for image, _ in plan.read(block)] == list(range(block * 64, min(count, block * 64 + 64)))
    assert counts == [1000, 2000, 3000, 4000]


def test_the_memory_does_not_depend_on_the_number(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        def names() -> Iterator[Found]:
            for number in range(count):
                name = f"{'x' * 80}{number * 7919 % count:08}"
                yield Found(name, Place("", f"/{name}"))

        tracemalloc.start()
        assert write_plan(Place.of(tmp_path / str(count)), names(), nobody).photographs == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(10_000), peak(30_000)
    assert many < 1.1 * few


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    plan = write_plan(Place.of(tmp_path), [Found("a", Place("", "/a"))], nobody)
    file = tmp_path / "plan" / "plan-000000.parquet"
    content = file.read_bytes()
    for harmed in (b"", content[:-9], bytes(len(content))):
        file.write_bytes(harmed)
        with pytest.raises(MimError, match=r"plan-000000.parquet: is damaged \(.*\); score into another folder"):
            plan.read(0)
    file.write_bytes(content)
    with pytest.raises(MimError, match=r"plan-000000.parquet: has 1 photographs, expected 2"):
        Plan(plan.out, 2, BLOCK, "").read(0)


def test_an_error_of_a_source_leaves_no_plan(tmp_path: Path) -> None:
    def names() -> Iterator[Found]:
        yield Found("a", Place("", "/a"))
        raise MimError("no images in it", "name others", "b")

    with pytest.raises(MimError, match="b: no images in it"):
        write_plan(Place.of(tmp_path), names(), nobody)
    assert os.listdir(tmp_path) == []
