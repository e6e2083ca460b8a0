"""Colab widgets with fallbacks outside Colab, so that no cell waits for input that cannot come."""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError

#: Mount point of Google Drive in Colab.
DRIVE = Path("/content/drive")
#: JavaScript: shows the camera image until the button is pressed, then returns that image as a data URL.
_CAMERA = """
(async () => {
  const box = document.createElement('div');
  const video = document.createElement('video');
  const button = document.createElement('button');
  button.textContent = 'Take the photo';
  box.append(video, document.createElement('br'), button);
  document.body.append(box);
  const stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
  video.srcObject = stream;
  await video.play();
  google.colab.output.setIframeHeight(document.documentElement.scrollHeight, true);
  await new Promise(resolve => button.onclick = resolve);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  stream.getTracks().forEach(track => track.stop());
  box.remove();
  return canvas.toDataURL('image/jpeg', 0.95);
})()
"""


def in_colab() -> bool:
    """Whether the code runs in Google Colab."""
    return "google.colab" in sys.modules


def work_folder(name: str, *, drive: bool) -> Path:
    """Creates the output folder of a notebook.

    Args:
        name: name of the folder.
        drive: in Colab, whether to create it in Google Drive, which is kept when the runtime is deleted. Colab asks
            for permission.

    Returns:
        The folder, in Google Drive or relative to the working directory.
    """
    root = Path()
    if drive and in_colab():
        importlib.import_module("google.colab.drive").mount(str(DRIVE))
        root = DRIVE / "MyDrive"
    (root / name).mkdir(parents=True, exist_ok=True)
    return root / name


def photo_of_yours(folder: Path, source: str, default: Path) -> Path:
    """Lets the user upload or take a photograph in Colab.

    Args:
        folder: folder into which the photograph is written.
        source: "upload" or "camera". For other values, and outside Colab, `default` is returned without waiting.
        default: an existing image.

    Returns:
        Path of the photograph.

    Raises:
        MimError: no file was chosen.
    """
    if not in_colab() or source not in ("upload", "camera"):
        return default
    if source == "camera":
        url = importlib.import_module("google.colab.output").eval_js(_CAMERA)
        name, content = "camera.jpg", base64.b64decode(url.partition(",")[2])
    else:
        chosen = importlib.import_module("google.colab.files").upload()
        if not chosen:
            raise MimError("no photograph was chosen", "run the cell again and choose one")
        name, content = next(iter(chosen.items()))
    path = folder / Path(name).name
    path.write_bytes(content)
    return path


def slider(label: str, values: Sequence[Any], draw: Callable[[Any], object], *, live: bool) -> None:
    """Shows a slider that redraws a figure; without a live kernel, draws the figures of all values in sequence.

    Args:
        label: label of the slider.
        values: values of the slider.
        draw: displays the figure of a value.
        live: whether to show the slider.
    """
    if not live:
        for value in values:
            draw(value)
        return
    widgets = importlib.import_module("ipywidgets")
    chooser = widgets.SelectionSlider(options=list(values), description=label, continuous_update=False)
    display = widgets.interactive_output(lambda value: draw(value), {"value": chooser})
    importlib.import_module("IPython.display").display(chooser, display)


def download(path: Path) -> None:
    """Downloads a file with the browser in Colab; prints its path and size elsewhere.

    Args:
        path: the file.
    """
    if in_colab():
        importlib.import_module("google.colab.files").download(str(path))
    else:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
