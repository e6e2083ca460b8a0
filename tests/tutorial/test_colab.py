"""`mim_tf.tutorial.colab`: with fake Colab modules, and outside Colab, where no call may wait."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from mim_export.score.errors import MimError
from mim_tf.tutorial import colab


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """Records calls of fake Colab modules; `upload` and `camera` set the results of upload and camera."""
    asked: dict[str, object] = {"upload": {}, "camera": ""}
    drive, files, output = (ModuleType(f"google.colab.{name}") for name in ("drive", "files", "output"))
    drive.mount = lambda place: asked.update(mounted=place)
    files.upload = lambda: asked["upload"]
    files.download = lambda place: asked.update(downloaded=place)
    output.eval_js = lambda code: asked["camera"]
    for module in (ModuleType("google"), ModuleType("google.colab"), drive, files, output):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    return asked


def test_nothing_waits_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not colab.in_colab()
    folder = colab.work_folder("work/deep", drive=True)
    assert folder == Path("work/deep") and (tmp_path / "work" / "deep").is_dir()
    assert colab.photo_of_yours(folder, "camera", Path("other.png")) == Path("other.png")
    drawn: list[int] = []
    colab.slider("cell", [4, 8], drawn.append, live=False)
    assert drawn == [4, 8]
    (tmp_path / "bundle.zip").write_bytes(bytes(1_500_000))
    colab.download(Path("bundle.zip"))
    assert capsys.readouterr().out == "bundle.zip: 1.5 MB\n"


def test_work_lies_in_drive_where_it_is_wanted(inside: dict[str, object], tmp_path: Path) -> None:
    folder = colab.work_folder("work", drive=True)
    assert folder == tmp_path / "drive" / "MyDrive" / "work" and folder.is_dir()
    assert inside["mounted"] == str(tmp_path / "drive")


def test_a_photo_is_uploaded_or_taken(inside: dict[str, object], tmp_path: Path) -> None:
    instead = tmp_path / "instead.png"
    assert colab.photo_of_yours(tmp_path, "synthetic", instead) == instead
    with pytest.raises(MimError, match="no photograph was chosen"):
        colab.photo_of_yours(tmp_path, "upload", instead)
    inside["upload"] = {"../hand.jpg": b"content"}
    assert colab.photo_of_yours(tmp_path, "upload", instead) == tmp_path / "hand.jpg"
    assert (tmp_path / "hand.jpg").read_bytes() == b"content"
    inside["camera"] = "data:image/jpeg;base64," + base64.b64encode(b"taken").decode()
    assert colab.photo_of_yours(tmp_path, "camera", instead).read_bytes() == b"taken"


def test_a_file_goes_to_the_browser(inside: dict[str, object], tmp_path: Path) -> None:
    colab.download(tmp_path / "bundle.zip")
    assert inside["downloaded"] == str(tmp_path / "bundle.zip")


def test_a_slider_is_shown_with_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    widgets = ModuleType("ipywidgets")
    widgets.SelectionSlider = lambda **options: SimpleNamespace(**options)

    def interactive_output(draw: object, controls: dict[str, SimpleNamespace]) -> str:
        draw(controls["value"].options[0])  # type: ignore[operator]
        return "output"

    widgets.interactive_output = interactive_output
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    colab.slider("cell", [4, 8], drawn.append, live=True)
    assert drawn == [4]
