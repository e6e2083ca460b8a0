"""Evaluates a run or a bundle and writes metrics and figures into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.score.atomic_files import check_writable, write_json
from mim_export.score.scorer import Scorer
from mim_tf.data.folder import Warn
from mim_tf.data.splits import Photo
from mim_tf.evaluation.alterations import altered_aurocs
from mim_tf.evaluation.evaluate import Evaluation, Judge, evaluate
from mim_tf.evaluation.heat_maps import alteration_figure, verdict_figure
from mim_tf.evaluation.plots import example_figure, inpainting_figure, probe_figure, roc_figure, similarity_figure
from mim_tf.evaluation.shortcuts import probe


def load_judge(folder: Path) -> Judge:
    """Loads a bundle's scorer or a run's detector.

    Args:
        folder: a bundle (a folder with `manifest.json`) or a run folder.

    Returns:
        A `Scorer` for a bundle, else a `Detector`.

    Raises:
        MimError: the folder is neither, or damaged.
    """
    if (folder / "manifest.json").exists():
        return Scorer(folder)
    from mim_tf.detector import Detector  # imports TensorFlow, which a bundle does not need

    return Detector.load(folder)


def write_report(
    judge: Judge,
    photos: Sequence[Photo],
    split: str,
    out: Path,
    seed: int,
    warn: Warn,
    by: Sequence[str] = (),
) -> Evaluation:
    """Evaluates a split and writes metrics and figures.

    Args:
        judge: a detector or a scorer.
        photos: photographs of a data folder, as `scan_folder` returns them.
        split: "train", "val" or "test".
        out: output folder for `metrics.json`, `probes.json`, `roc.png`, `similarities.png`, `verdicts.png`,
            `probes.png`, `alterations.png` if a class other than the normal one shows skin, `examples.png` if images
            are reconstructed, and `inpainting.png` if they are inpainted with a mask set.
        seed: seed of the controls.
        warn: called with a message for each file that is skipped.
        by: columns of MANIFEST.csv, see `evaluate`.

    Returns:
        The scores and the metrics.

    Raises:
        MimError: the split has no images of the normal class, or of no other class, or `out` cannot be written.
    """
    check_writable(out)
    evaluation = evaluate(judge, photos, split, by=by, warn=warn)
    title = f"{judge.measure}, split {split}"
    roc_figure(evaluation, title, out / "roc.png")
    similarity_figure(evaluation, (judge.threshold, judge.other_threshold), title, out / "similarities.png")
    verdict_figure(evaluation.metrics["verdicts"], f"Verdicts ({title})", out / "verdicts.png")
    examples = {}
    for name, part in evaluation.scores.items():
        # The image with the median similarity: the best or the worst one is not representative.
        chosen = int(np.argsort(part.judgement.similarity)[len(part.photos) // 2])
        steps = judge.reconstruction_steps(part.photos.pixels[chosen][None])
        if steps:
            pictures = {title: images[0] for title, images in steps.items()}
            examples[name] = (pictures, float(part.judgement.similarity[chosen]))
    if examples:
        example_figure(examples, out / "examples.png")
    if evaluation.metrics["inpainting"]:
        inpainting_figure(evaluation.metrics, out / "inpainting.png")
    scores = {name: (part.photos, part.judgement.similarity) for name, part in evaluation.scores.items()}
    normal = evaluation.metrics["normal_class"]

    def similarity_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return judge.judge(pixels).similarity

    probed = probe(similarity_of, scores, normal, seed)
    probe_figure(probed, f"Shortcut probes ({judge.measure})", out / "probes.png")
    altered = altered_aurocs(similarity_of, scores, normal)
    if altered["classes"]:
        alteration_figure(altered, f"AUROC of altered photographs ({judge.measure})", out / "alterations.png")
    write_json(out / "probes.json", {**probed, "alterations": altered})
    write_json(out / "metrics.json", evaluation.metrics)
    return evaluation
