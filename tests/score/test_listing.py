"""`mim_export.score.listing` and folders in `mim_export.score.batch`: links, endings, pipes, unreadable folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_export.score.batch import score_paths
from mim_export.score.errors import MimError
from mim_export.score.listing import SUFFIXES, LeftOut, check_outside, list_images, named, walk


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


class FakeScorer:
    """Scores without a model."""

    def score(self, path: Any) -> dict[str, Any]:
        return {"image": os.fspath(path), "similarity": 0.0}


def score_folder(folder: Path) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    rows, _ = score_paths(FakeScorer(), [folder], lines.append)  # type: ignore[arg-type]
    return [Path(row["image"]).relative_to(folder).as_posix() for row in rows], lines


def test_every_ending_in_any_case_is_listed(tmp_path: Path) -> None:
    names = sorted(f"{case(suffix[1:])}{case(suffix)}" for suffix in SUFFIXES for case in (str.upper, str.lower))
    for name in names:
        touch(tmp_path / name)
    found, lines = score_folder(tmp_path)
    assert found == names and not lines
    assert {".jfif", ".jpe"} <= set(SUFFIXES)


def test_other_content_is_counted_and_named_in_one_line_a_kind(tmp_path: Path) -> None:
    for name in ("a.png", "sub/b.HEIC", "c.heic", "d.bmp", "e", "f.tif", "notes.txt", "MANIFEST.csv"):
        touch(tmp_path / name)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round.jpg").symlink_to(tmp_path / "round.jpg")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    found, lines = score_folder(tmp_path)
    assert found == ["a.png"] and len(lines) == 4
    others, broken, loops, pipes = lines
    assert "5 files with other endings (.heic 2, .bmp 1, no ending 1, .tif 1)" in others and "and 2 more" in others
    assert "2 broken links" in broken and "gone.jpg" in broken and "round.jpg" in broken
    assert "1 links to a folder above" in loops and "sub/up" in loops
    assert "1 pipes or devices" in pipes and "pipe.jpg" in pipes
    assert all(line.startswith(f"{tmp_path}: ") and "; " in line and "\n" not in line for line in lines)


def test_linked_files_and_folders_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    touch(folder / "a.png")
    touch(tmp_path / "elsewhere" / "b.png")
    touch(tmp_path / "c.png")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "d.png").symlink_to(tmp_path / "c.png")
    assert score_folder(folder) == (["a.png", "d.png", "linked/b.png"], [])
    (tmp_path / "whole").symlink_to(folder)
    assert score_folder(tmp_path / "whole")[0] == ["a.png", "d.png", "linked/b.png"]


def test_what_systems_leave_behind_is_skipped_silently(tmp_path: Path) -> None:
    for name in ("a.png", "._a.png", ".Trash/b.png", "__MACOSX/c.png", "sub/.cache/d.png", "@eaDir/e.jpg"):
        touch(tmp_path / name)
    assert score_folder(tmp_path) == (["a.png"], [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
@settings(max_examples=30, deadline=None)
def test_any_links_between_folders_end(tmp_path_factory: pytest.TempPathFactory, links: list[tuple[int, int]]) -> None:
    """Every photograph is listed at its own place, and the listing ends, however folders are linked."""
    root = tmp_path_factory.mktemp("links")
    folders = [root, root / "a", root / "a" / "b", root / "c"]
    for folder in folders:
        touch(folder / "photo.png")
    for number, (source, target) in enumerate(links):
        (folders[source] / f"link{number}").symlink_to(folders[target])
    listing = list_images(root)
    assert {folder / "photo.png" for folder in folders} <= set(listing.images)
    assert listing.images == sorted(set(listing.images))
    for path in listing.images:
        places = [os.path.realpath(parent) for parent in path.parents if parent.is_relative_to(root)]
        assert len(places) == len(set(places))


def test_unreadable_folders_are_named(
    open_folder: Path, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    for name in ("a.png", "closed/b.png", "listed/c.png"):
        touch(open_folder / name)
    (open_folder / "closed").chmod(0)
    (open_folder / "listed").chmod(0o444)
    with other_user():
        found, lines = score_folder(open_folder)
    assert found == ["a.png"]
    assert len(lines) == 1 and "2 unreadable folders are left out (closed, listed); allow" in lines[0]


def test_a_pipe_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    rows, failed = score_paths(FakeScorer(), [tmp_path / "pipe.jpg"])  # type: ignore[arg-type]
    assert rows[0]["reason"] == "unreadable" and "a pipe, socket or device" in str(failed[0])
    with pytest.raises(MimError, match="no images in it"):
        score_folder(tmp_path)


@given(st.lists(st.text("abc", min_size=1), min_size=1, max_size=8))
@settings(deadline=None)
def test_named_accounts_for_every_name(names: list[str]) -> None:
    first, _, more = named(names).partition(" and ")
    shown = first.split(", ")
    assert shown == names[: len(shown)]
    assert len(shown) + (int(more.split()[0]) if more else 0) == len(names)


def test_links_between_linked_folders_do_not_multiply(tmp_path: Path) -> None:
    """Each folder has two links to the next, so that a folder can be reached by 2^40 paths."""
    steps = 40
    for number in range(steps + 1):
        touch(tmp_path / f"d{number}" / "photo.png")
    for number in range(steps):
        for name in "ab":
            (tmp_path / f"d{number}" / name).symlink_to(tmp_path / f"d{number + 1}")
    listing = list_images(tmp_path)
    assert len(listing.images) == 3 * steps + 1
    (warning,) = listing.warnings(tmp_path)
    assert "links inside linked folders to folders that are read already are left out (d0/a/a, " in warning


def test_a_linked_folder_may_hold_links_to_new_folders(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    touch(tmp_path / "far" / "a.png")
    touch(tmp_path / "near" / "b.png")
    (tmp_path / "near" / "more").symlink_to(tmp_path / "far")
    folder.mkdir()
    (folder / "one").symlink_to(tmp_path / "near")
    (folder / "two").symlink_to(tmp_path / "near")
    found, lines = score_folder(folder)
    assert found == ["one/b.png", "one/more/a.png", "two/b.png"]
    assert len(lines) == 1 and "(two/more)" in lines[0]


def test_output_inside_the_data_folder_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "data/mpox/a.png")
    touch(tmp_path / "elsewhere/b.png")
    (tmp_path / "data/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "other").symlink_to(tmp_path / "data/mpox")
    for out in ("data", "data/run", "data/mpox/deep/run", "elsewhere/run", "other/run", "absent/../data/run"):
        with pytest.raises(MimError, match=r"is inside the data folder .*; choose a folder outside it") as caught:
            check_outside(tmp_path / out, tmp_path / "data")
        assert "\n" not in str(caught.value)
    for out in ("run", "data2", "", "absent/run"):
        check_outside(tmp_path / out, tmp_path / "data", None, tmp_path / "absent")


def test_the_levels_of_a_walk_are_limited(tmp_path: Path) -> None:
    for name in ("a.png", "b/c.png", "b/d/e.png"):
        touch(tmp_path / name)
    found = {depth: {path.name for _, path in walk(tmp_path, depth)} for depth in (1, 2, 3, None)}
    assert found == {
        1: {"a.png"},
        2: {"a.png", "c.png"},
        3: {"a.png", "c.png", "e.png"},
        None: {"a.png", "c.png", "e.png"},
    }


@given(st.lists(st.text("abc.", min_size=1), max_size=12))
def test_what_is_left_out_is_said_in_the_same_words_in_any_order(names: list[str]) -> None:
    lines = []
    for order in (names, sorted(names), sorted(names, reverse=True)):
        left = LeftOut("photos")
        for name in order:
            left.add("broken", name)
        lines.append(left.warnings())
    assert lines[0] == lines[1] == lines[2] and len(lines[0]) == bool(names)
    assert not names or f": {len(names)} broken links are left out ({named(sorted(names))})" in lines[0][0]
