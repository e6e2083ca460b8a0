"""`mim_tf.evaluation.heat_maps`: the cells show the numbers of the results."""

from __future__ import annotations

from pathlib import Path

import matplotlib.figure
import pytest

from mim_tf.evaluation import heat_maps
from mim_tf.evaluation.heat_maps import verdict_figure

SHARES = {
    "mpox-like": {"value": 0.66},
    "not-mpox-like": {"value": 0.04},
    "undecided": {"value": 0.2},
    "cannot-judge": {"value": 0.1},
}
FOUND = {
    "names": list(SHARES),
    "classes": {"mpox": {"images": 50, "shares": SHARES}, "_a$": {"images": 7, "shares": SHARES}},
    "other_skin": {"images": 7, "shares": SHARES},
    "by": {"skin_type": {"values": {"1": {"images": 3, "shares": SHARES}, "6": {"images": 4, "shares": SHARES}}}},
}


def test_cells_are_shares_of_100_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(heat_maps, "save", lambda figure, path: drawn.append(figure) or path)
    verdict_figure(FOUND, "title", tmp_path / "verdicts.png")
    first, second = drawn[0].axes
    assert [text.get_text() for text in first.texts] == 3 * ["66", "4", "20", "10"]
    assert [label.get_text() for label in first.get_yticklabels()][::2] == ["mpox (50)", "all other skin (7)"]
    assert second.get_title() == "other skin by skin_type" and len(second.texts) == 8


def test_the_file_is_a_picture(tmp_path: Path) -> None:
    found = {**FOUND, "other_skin": None, "by": {}}
    assert verdict_figure(found, "title", tmp_path / "verdicts.png").read_bytes()[:4] == b"\x89PNG"
