"""What the commands share: which judge a folder holds, evaluation with figures, export of a run.

Beside the commands this is the one module of `mim_tf` that uses more of `mim_export` than the shared definitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mim_export.bundle import Contents, write_bundle
from mim_export.files import write_json
from mim_export.golden import masks_of
from mim_export.runtime import Scorer
from mim_tf import compare, comparison, data, head, measure
from mim_tf import report as figures
from mim_tf.compare import Entry, Plan
from mim_tf.comparison_page import page
from mim_tf.data import Photo, Warn
from mim_tf.detector import Detector
from mim_tf.evaluate import Evaluation, Judge, evaluate
from mim_tf.golden_images import encoded_images, golden_images
from mim_tf.method import Method
from mim_tf.models.deep_inpainting import DeepInpainting
from mim_tf.models.inpainting import Inpainting
from mim_tf.models.trained import Reconstruction
from mim_tf.probe_figure import probe_figure
from mim_tf.probes import probe
from mim_tf.process_pool import Report

DATA_STATEMENT = (
    "Photographs of a user's own data folder; their terms are the user's to state. The golden vectors are "
    "synthetic images."
)


def load_judge(folder: Path) -> Detector | Scorer:
    """A bundle's scorer where the folder holds a manifest, else a run's detector."""
    return Scorer(folder) if (folder / "manifest.json").exists() else Detector.load(folder)


def evaluate_into(
    judge: Detector | Scorer, photos: Sequence[Photo], split: str, out: Path, seed: int, warn: Warn
) -> Evaluation:
    """Evaluates and draws.

    Args:
        judge: what `load_judge` gives.
        photos: a scanned data folder.
        split: of it.
        out: receives `metrics.json`, `probes.json`, `roc.png`, `similarities.png`, `probes.png` and, where the judge
            inpaints, `examples.png`.
        seed: of the bootstrap.
        warn: receives a line for each file that is skipped.
    """
    evaluation = evaluate(judge, photos, split, seed=seed, warn=warn)
    title = f"{judge.measure}, split {split}"
    threshold = judge.threshold if isinstance(judge, Scorer) else judge.calibration.threshold
    figures.roc_figure(evaluation, title, out / "roc.png")
    figures.similarity_figure(evaluation, threshold, title, out / "similarities.png")
    examples = {}
    for name, part in evaluation.scores.items():
        # The median image of each class: neither the best nor the worst is an example.
        chosen = int(np.argsort(part.judgement.similarity)[len(part.photos) // 2])
        pictures = _pictures(judge, part.photos.pixels[chosen])
        if pictures is not None:
            examples[name] = (pictures, float(part.judgement.similarity[chosen]))
    if examples:
        figures.example_figure(examples, out / "examples.png")
    scores = {name: (part.photos, part.judgement.similarity) for name, part in evaluation.scores.items()}
    normal = evaluation.metrics["normal_class"]
    probed = probe(lambda pixels: judge.judge(pixels).similarity, scores, normal, seed)
    probe_figure(probed, f"What the score rests on ({judge.measure})", out / "probes.png")
    write_json(out / "probes.json", probed)
    write_json(out / "metrics.json", evaluation.metrics)
    return evaluation


def _pictures(judge: Detector | Scorer, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]] | None:
    """The way from uint8 (S, S, 3) to its reconstruction, or None where the judge reconstructs nothing."""
    image = pixels.astype(np.float32) / np.float32(255)
    if isinstance(judge, Scorer):
        inpainted = judge.inpaint(pixels).astype(np.float32) / np.float32(255)
        masks = masks_of(judge.manifest)
        if masks is None:
            return {"original": image, "reconstructed": inpainted}
        scale = len(image) // masks.shape[1]
        mask = masks[0].repeat(scale, axis=0).repeat(scale, axis=1)
        return {"original": image, "under one mask": image * mask, "inpainted": inpainted}
    method = judge.method
    if isinstance(method, DeepInpainting):
        return {"original": image, **{title: part[0] for title, part in method.columns(pixels[None]).items()}}
    if not isinstance(method, Reconstruction):
        return None
    columns = method.columns(method.model, tf.constant(image[None]))
    return {"original": image, **{title: np.asarray(pictures)[0] for title, pictures in columns.items()}}


def compare_into(
    entries: Sequence[Entry], plan: Plan, out: Path, *, jobs: int, report: Report, command: str
) -> dict[str, Any]:
    """Compares, or continues to, and writes the tables and figures.

    Args:
        entries: the rows.
        plan: what they share.
        out: receives the fits, `comparison.md`, `.csv`, `.json`, `.png` and `probes_<row>.png`.
        jobs: processes at a time.
        report: told what happens.
        command: that makes it again, for the page.

    Returns:
        What `mim_tf.comparison.collect` gives, with `command` and `jobs`.
    """
    seconds = compare.run(entries, plan, out, jobs=jobs, report=report)
    result = {**comparison.collect(entries, plan, out, seconds), "command": command, "jobs": jobs}
    for name, row in result["rows"].items():
        if "probes" in row:
            probe_figure(row["probes"], f"What the score of {name} rests on", out / f"probes_{name}.png")
    figures.comparison_figure(result, out / "comparison.png")
    comparison.write(result, page(result), out)
    return result


def export_run(
    run: Path, bundle: Path, folder: Path | None, statement: str | None, warn: Warn, micro: bool = False
) -> dict[str, Any]:
    """Converts a run and writes its bundle.

    Args:
        run: the run folder.
        bundle: the folder to write.
        folder: a data folder; its `test` split is evaluated, in Keras and in TFLite, for the model card.
        statement: about the photographs and their terms, for the model card.
        warn: receives a line for each file that is skipped.
        micro: whether every network becomes int8, for a microcontroller.

    Returns:
        The manifest.
    """
    # The conversion pulls in TensorFlow's converter, which the other commands do without.
    from mim_export.convert import convert

    detector = Detector.load(run)
    converted = convert(detector, detector.sample, micro)
    mask_set = None
    method = detector.method.inpainting if isinstance(detector.method, DeepInpainting) else detector.method
    if isinstance(method, Inpainting):
        config = method.config
        steps = {"cell": config.cell, "count": config.count, "step": max(1, config.count // 2)}
        mask_set = {"size": config.size, **steps}

    def measure_both(scorer: Scorer) -> dict[str, Any]:
        if folder is None:
            return {}
        # Of a plain folder, the seed of the run makes the split; another would test on what was trained on.
        photos = data.scan(folder, seed=detector.about["training"]["seed"])
        judges: dict[str, Judge] = {"Keras": detector, "TFLite": scorer}
        return {name: evaluate(judge, photos, "test", seed=0, warn=warn).metrics for name, judge in judges.items()}

    contents = Contents(
        models=converted.models,
        head=converted.head,
        size=detector.size,
        normal_class=detector.normal_class,
        method=detector.name,
        mask_set=mask_set,
        measure={
            "name": detector.measure,
            "window": measure.WINDOW,
            "sigma": measure.SIGMA,
            "c1": measure.C1,
            "c2": measure.C2,
            "border": measure.BORDER,
            "network": _network(detector.method),
        },
        calibration=detector.calibration,
        gate=detector.gate,
        training={**detector.about, "commands": _commands(detector, micro)},
        data=statement or DATA_STATEMENT,
    )
    return write_bundle(bundle, contents, golden_images(detector.size), encoded_images(), measure_both)


def _network(method: Method) -> dict[str, Any] | None:
    """What the manifest says of the network that a measure looks through."""
    if not isinstance(method, DeepInpainting):
        return None
    statistics = len(method.head.lean)
    entry = {"name": "EfficientNet-Lite0", "block": method.options["block"], "size": method.size}
    weights = {"distance_weight": head.DISTANCE_WEIGHT, "foreign_weight": head.FOREIGN_WEIGHT}
    limits = {"foreign": head.FOREIGN, "foreign_most": head.FOREIGN_MOST}
    return {**entry, "statistics": statistics, "components": len(method.head.far.matrix), **weights, **limits}


def _commands(detector: Detector, micro: bool) -> list[str]:
    """The commands that make the bundle again."""
    training = detector.about["training"]
    options = {
        "method": detector.name,
        "measure": detector.measure,
        "size": detector.size,
        "steps": training["steps"],
        "batch-size": training["batch_size"],
        "sensitivity": round(1 - detector.calibration.alpha, 6),
        "normal-class": detector.normal_class,
        "seed": training["seed"],
        **detector.method.options,
    }
    words = " ".join(f"--{name} {value}" for name, value in options.items())
    limit = "" if training["seconds"] is None else f" --minutes {training['seconds'] / 60:g}"
    limit += "" if training["precision"] == "auto" else f" --precision {training['precision']}"
    limit += " --negatives NEGATIVES" if detector.about.get("known_negatives") else ""
    export = "mim-tf export RUN --out BUNDLE --data DIR" + (" --micro" if micro else "")
    return [f"mim-tf train --data DIR --out RUN {words}{limit}", export]
