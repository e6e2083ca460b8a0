"""Draws `docs/pipeline.png` from the bundle of the notebook and synthetic images.

python colab/execute.py executed.ipynb
python docs/make_pipeline.py colab/mim-work/full/bundle_run_128px_1600steps
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mim_export.score.decide import VERDICTS
from mim_export.score.manifest import masks_of
from mim_export.score.preprocess import resample
from mim_export.score.scorer import Scorer
from mim_tf.evaluation.plots import save
from mim_tf.measures.fills import biharmonic
from mim_tf.synthetic.dataset import render


def main(bundle: Path) -> None:
    """Draws two rows, pustules and plain skin, through the stages, with a fill that has learnt nothing."""
    scorer = Scorer(bundle)
    masks = masks_of(scorer.manifest)
    times = scorer.size // masks.shape[1]
    mask = masks[0].repeat(times, axis=0).repeat(times, axis=1)
    figure = Figure(figsize=(12, 5.0), layout="constrained")
    axes = figure.subplots(2, 5)
    for row, (name, index) in enumerate((("mpox", 604), ("plain", 605))):
        pixels = resample(render(name, [index])[0], scorer.size)
        result = scorer.run(pixels)
        image = pixels / 255.0
        filled = biharmonic(resample(pixels, masks.shape[1])[None], masks)[0]
        stages = (
            (image, f"synthetic {name}"),
            (image * mask, f"masked: one of {len(masks)}"),
            (filled.repeat(times, axis=0).repeat(times, axis=1), "biharmonic fill,\nfor comparison"),
            (result["inpainted"][0] / 255.0, "inpainted by the GAN"),
            (
                np.clip(result["error_map"][0, :, :, 0], 0, 1),
                f"measured: {result['similarity'][0]:.2f}, p {result['p_class'][0]:.2f} of mpox,\n"
                f"{result['p_other'][0]:.2f} of other skin: "
                f"{VERDICTS[int(result['verdict'][0])]}",
            ),
        )
        for column, (picture, title) in enumerate(stages):
            axes[row, column].imshow(np.clip(picture, 0, 1), cmap="magma", vmin=0, vmax=1)
            axes[row, column].set_title(title, fontsize=10)
            axes[row, column].set_axis_off()
    save(figure, Path(__file__).with_name("pipeline.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
