"""`mim_tf.data.duplicates`: near-duplicates across and within splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mim_tf.data.duplicates import SIDE, join_near_duplicates, near_duplicates, perceptual_hash, warn_of_duplicates
from mim_tf.data.folder import Photos, load_photos, scan_folder
from mim_tf.data.splits import Photo
from mim_tf.synthetic import dataset


def test_hash_of_a_ramp() -> None:
    ramp = np.repeat(np.repeat(np.arange(0, 170, 5, dtype=np.uint8)[None, :, None], 34, axis=0), 3, axis=2)
    assert perceptual_hash(ramp).all() and not perceptual_hash(ramp[:, ::-1]).any()


def test_pictures_that_only_become_darker_to_one_side_are_no_duplicates() -> None:
    ramps = [np.linspace(start, 90, SIDE, dtype=np.uint8) for start in (10, 200)]
    pixels = np.stack([np.repeat(np.repeat(ramp[None, :, None], SIDE, axis=0), 3, axis=2) for ramp in ramps])
    joined = join_near_duplicates(loaded(np.concatenate([pixels, pixels[:, :, ::-1]]), list("abcd")), print)
    assert joined.tolist() == list("abcd")


def test_near_duplicates_across_splits(tmp_path: Path) -> None:
    first, second, third = dataset.render("mpox", [0, 10, 20])
    names = ("train/mpox/a.png", "train/mpox/b.png", "test/mpox/c.png")
    for name, pixels in zip(names, (first, second, third), strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    Image.fromarray(first).resize((90, 90)).save(tmp_path / "test/mpox/again.jpg", quality=80)
    Image.fromarray(second[:, ::-1]).save(tmp_path / "test/mpox/mirrored.png")
    photos = scan_folder(tmp_path)
    pairs = near_duplicates([load_photos(photos, 96, warn=print, what="all")])
    found = {frozenset((a.path.name, b.path.name)) for a, b, _ in pairs}
    assert found == {frozenset(("a.png", "again.jpg")), frozenset(("b.png", "mirrored.png"))}
    lines: list[str] = []
    warn_of_duplicates([load_photos(photos, SIDE, warn=print, what="all")], lines.append)
    assert len(lines) == 2 and all("near-duplicates" in line for line in lines)


def loaded(pixels: np.ndarray, groups: list[str]) -> Photos:
    files = tuple(Photo(Path(f"train/mpox/{n}.png"), "train", "mpox", group) for n, group in enumerate(groups))
    return Photos(pixels, files, np.full(len(files), 34))


IMAGES = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdefg")), min_size=1, max_size=12))
@settings(deadline=None)
def test_groups_are_joined_exactly_if_a_chain_of_copies_links_them(places: list[tuple[int, str]]) -> None:
    """Images that are not copies of each other are independent noise, whose hashes differ in about half of the bits."""
    lines: list[str] = []
    pixels = np.stack([IMAGES[image][:, :: 1 - 2 * (n % 2)] for n, (image, _) in enumerate(places)])
    joined = join_near_duplicates(loaded(pixels, [group for _, group in places]), lines.append)
    reached = [{n} for n in range(len(places))]
    for _ in places:  # closure of "same image or same group"
        for n, (image, group) in enumerate(places):
            for m, (other, name) in enumerate(places):
                if image == other or group == name:
                    reached[n] |= reached[m]
    for n in range(len(places)):
        assert {m for m in range(len(places)) if joined[m] == joined[n]} == reached[n]
        assert joined[n] == min(places[m][1] for m in reached[n])
    before, after = len({group for _, group in places}), len(set(joined))
    assert len(lines) == (after < before)
    assert not lines or (f"{before} groups were joined to {after}" in lines[0] and "near-duplicates" in lines[0])
