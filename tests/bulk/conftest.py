"""Photographs for the tests of bulk scoring."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from PIL import Image

from mim_tf.synthetic.dataset import CLASSES, render


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine photographs in a folder and a folder in it, one that cannot be read, and a text."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "sub").mkdir()
    for number in range(9):
        picture = Image.fromarray(render(CLASSES[number % len(CLASSES)], [number])[0])
        picture.save(folder / ("sub" if number % 2 else ".") / f"{number}.jpg")
    (folder / "broken.jpg").write_text("no image")
    (folder / "notes.txt").write_text("no image either")
    return folder
