"""Draws the figures of `docs/how_mim_works.md` from a demo's run and synthetic images.

mim-tf demo --out demo
python docs/make_how_mim_works.py demo/run
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
from mim_tf.models.mim import masked_input
from mim_tf.negatives.kinds import NEGATIVES, decompose
from mim_tf.synthetic.dataset import render
from mim_tf.tutorial.pictures import bars_figure, grid_figure, scatter_figure

HERE = Path(__file__).parent
#: Images of each class, none of them in the demo's sample set.
_IMAGES = range(2000, 2040)
_CLASSES = ("mpox", "macules", "scales", "wheals", "plain")
_KINDS = ("healed", "macules", "inverted", "shrunk", "vesicles", "bent", "shuffled")


def masked_and_painted(method: DeepInpaintingModel) -> None:
    """One image under each mask, what the generator makes of it there, and what is put together."""
    gan = method.inpainting
    image = halved(tf.constant(render("mpox", [604], size=method.size), tf.float32)) / 255.0
    shown, painted = [], []
    for mask in gan.masks:
        output = gan.network(masked_input(image, tf.constant(mask[None])), training=False)
        shown.append((image * mask).numpy()[0])
        painted.append((output * (1 - mask)).numpy()[0])
    inpainted = gan.reconstruct(gan.keras_model, image).numpy()[0]
    rows = {"masked": [image.numpy()[0], *shown], "painted": [inpainted, *painted]}
    captions = {"masked": ["image", *(f"mask {i + 1}" for i in range(4))], "painted": ["together", *[""] * 4]}
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
