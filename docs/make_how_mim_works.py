"""Draws the figures of `docs/how_mim_works.md` from the run of the notebook and synthetic images.

python colab/execute.py executed.ipynb
python docs/make_how_mim_works.py colab/mim-work/full/run_128px_1600steps
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from mim_tf.detector import Detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.controls import blank
from mim_tf.evaluation.image_properties import smoothness
from mim_tf.evaluation.metrics import auroc
from mim_tf.evaluation.shortcuts import spearman
from mim_tf.measures.deep import halved
from mim_tf.measures.fills import biharmonic
from mim_tf.models.mim import inpaint_hidden
from mim_tf.negatives.kinds import NEGATIVES, decompose
from mim_tf.synthetic.dataset import render
from mim_tf.tutorial.pictures import bars_figure, grid_figure, scatter_figure

HERE = Path(__file__).parent
#: Images of each class, none of them in the sample set.
_IMAGES = range(2000, 2040)
_CLASSES = ("mpox", "macules", "scales", "wheals", "plain")
_KINDS = ("healed", "macules", "inverted", "shrunk", "vesicles", "bent", "shuffled")


def masked_and_painted(method: DeepInpaintingModel) -> None:
    """One image under each mask, what the generator and the biharmonic fill make of it there, and put together."""
    gan = method.inpainting
    image = halved(tf.constant(render("mpox", [604], size=method.size), tf.float32)) / 255.0
    pixels = np.rint(image.numpy() * 255).astype(np.uint8)
    filled = biharmonic(pixels, gan.masks)[0]
    shown, painted, smooth = [], [], []
    for mask in gan.masks:
        output = inpaint_hidden(gan.network, image, tf.constant(mask[None]))
        shown.append((image * mask).numpy()[0])
        painted.append((output * (1 - mask)).numpy()[0])
        smooth.append(filled * (1 - mask))
    inpainted = gan.reconstruct(gan.keras_model, image).numpy()[0]
    rows = {"masked": [image.numpy()[0], *shown], "GAN": [inpainted, *painted], "biharmonic": [filled, *smooth]}
    numbers = [f"mask {number}" for number in range(1, len(shown) + 1)]
    together = ["together", *[""] * len(shown)]
    captions = {"masked": ["image", *numbers], "GAN": together, "biharmonic": together}
    grid_figure(rows, HERE / "how_masks.png", captions=captions)


def the_trap(detector: Detector) -> None:
    """SSIM against smoothness, and AUROC by SSIM and by the measure `deep`."""
    images = {name: render(name, list(_IMAGES), size=detector.size) for name in _CLASSES}
    images["walls"] = blank(len(_IMAGES), detector.size, np.random.default_rng(0))
    judged = {name: detector.judge(pixels) for name, pixels in images.items()}
    ssims = {name: np.asarray(judgement.ssim) for name, judgement in judged.items()}
    smooth = {name: smoothness(pixels) for name, pixels in images.items()}
    followed = spearman(*(np.concatenate([values[name] for name in _CLASSES]) for values in (smooth, ssims)))
    points = {name: (smooth[name], ssims[name]) for name in images}
    title = f"rank correlation over skin classes {followed:.2f}"
    scatter_figure(points, HERE / "how_trap.png", labels=("smoothness", "SSIM"), title=title)
    others = [name for name in images if name != "mpox"]
    bars = {
        "SSIM": {name: auroc(ssims["mpox"], ssims[name]) for name in others},
        "deep": {name: auroc(judged["mpox"].similarity, judged[name].similarity) for name in others},
    }
    bars_figure(bars, HERE / "how_mend.png", xlabel="AUROC of mpox against ... (0.5 = chance)", line=0.5)


def negatives() -> None:
    """One image and what is made of it."""
    rng = np.random.default_rng(1)
    case = decompose(render("mpox", [2004])[0].astype(np.float32) / 255, rng)
    made = [case.image, *(np.clip(NEGATIVES[kind](case, rng), 0, 1) for kind in _KINDS)]
    grid_figure({"": made}, HERE / "how_negatives.png", captions={"": ["mpox", *_KINDS]})


def main(run: Path) -> None:
    """Draws all of them."""
    detector = Detector.load(run)
    if not isinstance(detector.model, DeepInpaintingModel):
        raise ValueError("Expected the run of a demo. Received: one of another measure than deep.")
    masked_and_painted(detector.model)
    the_trap(detector)
    negatives()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
