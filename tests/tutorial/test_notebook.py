"""`mim_tf.tutorial.notebook`: counted figures, times, source excerpts, live training curves."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from mim_export.score.errors import MimError
from mim_tf.tutorial import notebook as lesson
from mim_tf.tutorial.notebook import Lesson, LiveTraining


@pytest.fixture(autouse=True)
def shell() -> Iterator[None]:
    """A notebook shell; without it IPython prints objects, and displays cannot be updated."""
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_machine_names_versions_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    told = lesson.machine()
    assert platform.python_version() in told and tf.__version__ in told and np.__version__ in told
    assert "no GPU" in told
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "Tesla T4"})
    assert lesson.machine().endswith("GPU: Tesla T4\ntraining computes in float32")


def test_the_smaller_format_is_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grain, page = rng.integers(0, 256, (64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    page[20:30] = 0
    for name, pixels, expected in (("grain", grain, "jpeg"), ("page", page, "png")):
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path)
        content, kind = lesson.encoded(path)
        assert kind == expected and len(content) <= path.stat().st_size
    small, kind = lesson.encoded(tmp_path / "grain.png", width=16)
    (tmp_path / "small").write_bytes(small)
    assert Image.open(tmp_path / "small").size == (16, 16)


def test_a_picture_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MimError, match="does not exist"):
        lesson.encoded(tmp_path / "none.png")
    Image.new("RGB", (20, 20), (9, 9, 9)).save(tmp_path / "empty.png")
    with pytest.raises(MimError, match="is an empty figure"):
        lesson.encoded(tmp_path / "empty.png")


def test_a_lesson_times_its_parts_and_misses_their_pictures(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(lesson.time, "monotonic", lambda: now[0])
    taught = Lesson(tmp_path, {"first": 1, "second": 2})
    with pytest.raises(MimError, match="no part 'third'; name one of first, second"):
        taught.begin("third")
    now[0] = 10.0
    taught.begin("first")
    taught.show(picture, "a ramp")
    assert taught.path("ramp") == tmp_path / "ramp.png"
    now[0] = 70.0
    taught.begin("second")
    now[0] = 310.0
    with pytest.raises(MimError, match="no figure in second"):
        taught.finish()
    assert "first                             1 pictures   1.0 minutes (stated: 1)" in capsys.readouterr().out
    taught.begin("second")
    taught.show(picture, "a ramp")
    now[0] = 430.0
    assert taught.finish() == {"first": 1.0, "second": 2.0}


def _sample(first: int) -> int:
    second = first + 1
    if second:
        second += 2
    return second


def test_source_is_shown_piece_by_piece(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(lesson, "display", lambda thing: shown.append(thing.data))
    lesson.show_source(_sample, "if second", "second += 2")
    assert shown == ["```python\nif second:\n    second += 2\n```"]
    with pytest.raises(MimError, match="_sample has no lines from 'while' to 'return'"):
        lesson.show_source(_sample, "while", "return")


def test_a_watched_training_keeps_its_curves(tmp_path: Path, picture: Path) -> None:
    previews = tmp_path / "run" / "final" / "previews"
    previews.mkdir(parents=True)
    Image.open(picture).save(previews / "step000050.png")
    watched = LiveTraining(tmp_path / "run", tmp_path / "losses.png")
    watched("final", 50, 100, {"hidden": 0.5, "discriminator": 2.0})
    watched("final, head", 10, 20, {})
    again = LiveTraining(tmp_path / "run", tmp_path / "losses.png")
    again("final", 100, 100, {"hidden": 0.25, "discriminator": 2.0})
    assert again.history == {
        "final": {"50": {"hidden": 0.5, "discriminator": 2.0}, "100": {"hidden": 0.25, "discriminator": 2.0}}
    }
    assert json.loads((tmp_path / "losses.json").read_text()) == again.history
    # Two panels: of the PSNR and of the discriminator.
    alone = lesson.loss_figure({"50": {"proxy": 1.0}, "100": {"proxy": 0.5}}, tmp_path / "alone.png")
    assert Image.open(tmp_path / "losses.png").width == 2 * Image.open(alone).width


def axes_of(history: dict[str, dict[str, float]], path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The panels of `loss_figure`."""
    figures: list[Figure] = []
    monkeypatch.setattr(lesson, "save", lambda figure, path: figures.append(figure) or path)
    assert lesson.loss_figure(history, path) == path
    return figures[0].axes


def test_decibels_errors_and_the_discriminator_have_their_panels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {"hidden": -24.0, "ssim": 0.2, "val_psnr": 23.0, "val_biharmonic": 25.0, "val_push_pull": 24.0}
    opposed = {"matching": 0.1, "adversarial": -0.2, "discriminator": 2.0}
    history = {"50": alone, "100": alone | {"hidden": -26.0, "val_psnr": 25.5}, "150": alone | opposed}
    psnr, errors, against = axes_of(history, tmp_path / "curves.png", monkeypatch)
    curves = {line.get_label(): line for line in psnr.lines}
    assert list(curves["minus hidden (training)"].get_ydata()) == [24.0, 26.0, 24.0]
    assert list(curves["val_psnr"].get_ydata()) == [23.0, 25.5, 23.0]
    assert curves["val_biharmonic"].get_linestyle() == curves["val_push_pull"].get_linestyle() == "--"
    assert [line.get_label() for line in errors.lines if not line.get_label().startswith("_")] == ["ssim"]
    assert "lower is better" in errors.get_title() and "higher is better" in psnr.get_title()
    # Its losses begin with it, and a line marks the step before.
    begun = {line.get_label(): list(line.get_xdata()) for line in against.lines}
    assert [begun[name] for name in opposed] == [[150]] * 3
    assert all(list(axis.lines[-1].get_xdata()) == [100, 100] for axis in (psnr, errors, against))


def test_no_line_where_no_discriminator_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for values in ({"proxy": 1.0}, {"hidden": -20.0, "discriminator": 2.0}):
        for axis in axes_of({"50": values}, tmp_path / "curves.png", monkeypatch):
            assert len(axis.lines) == 1
