"""Widgets of Colab, and what stands in their place elsewhere: no cell waits for input where there is none."""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError

#: Where Colab mounts Drive.
DRIVE = Path("/content/drive")
#: Shows the camera's picture until its button is pressed, and gives that picture as a data URL.
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
    """Whether this is a notebook in Google Colab."""
    return "google.colab" in sys.modules


def work_folder(name: str, *, drive: bool) -> Path:
    """Makes the folder of everything that a notebook writes.

    Args:
        name: of the folder.
        drive: in Colab, whether it lies in Google Drive, so that it outlives the machine; asks for permission.

    Returns:
        The folder, in Drive, or relative to the current folder.
    """
    root = Path()
    if drive and in_colab():
        importlib.import_module("google.colab.drive").mount(str(DRIVE))
        root = DRIVE / "MyDrive"
    (root / name).mkdir(parents=True, exist_ok=True)
    return root / name


def photo_of_yours(folder: Path, how: str, instead: Path) -> Path:
    """A photograph that the user chooses or takes.

    Args:
        folder: receives it.
        how: "upload" or "camera" in Colab; anything else, and elsewhere, gives `instead` without waiting.
        instead: an image that is there already.

    Returns:
        Its path.

    Raises:
        MimError: nothing was chosen.
    """
    if not in_colab() or how not in ("upload", "camera"):
        return instead
    if how == "camera":
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
    """A slider that draws anew where it is moved; all its pictures, one after another, where there is none.

    Args:
        label: of the slider.
        values: its places.
        draw: shows the picture of a value.
        live: whether there is somebody to move it.
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
    """Offers a file to the browser in Colab; says where it lies elsewhere."""
    if in_colab():
        importlib.import_module("google.colab.files").download(str(path))
    else:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
