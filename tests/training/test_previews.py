"""`mim_tf.training.previews`: layout of the sheet and colours of the error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mim_tf.training.previews import heat, write_preview


def test_a_sheet_holds_its_pictures(tmp_path: Path) -> None:
    original = np.full((2, 32, 32, 3), (0.8, 0.2, 0.4), np.float32)
    rebuilt = np.full((2, 32, 32, 3), (0.2, 0.8, 0.4), np.float32)
    path = write_preview({"original": original, "rebuilt": rebuilt}, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(path))
    assert sheet.shape == (2 * 150 + 22, 3 * 150 + 6, 3)
    middles = [tuple(sheet[22 + 72, 6 + column * 150 + 72]) for column in range(3)]
    # The mean absolute error of (0.6, 0.6, 0) is 0.4, above 0.3, which is white.
    assert middles == [(204, 51, 102), (51, 204, 102), (255, 255, 255)]


def test_heat_runs_from_black_to_white() -> None:
    colours = heat(np.array([-1, 0, 1 / 3, 0.5, 2 / 3, 1, 2], np.float32))
    expected = [(0, 0, 0), (0, 0, 0), (1, 0, 0), (1, 0.5, 0), (1, 1, 0), (1, 1, 1), (1, 1, 1)]
    np.testing.assert_allclose(colours, expected, atol=1e-6)
