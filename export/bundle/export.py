"""Exports a run: converts the detector, evaluates the Keras and the TFLite form, and writes the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.score.listing import check_outside
from mim_tf.data.folder import Warn, load_photos
from mim_tf.data.splits import Photo, select
from mim_tf.detector import Detector, sample_of
from mim_tf.detectors.base import OneClassModel
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.evaluate import Judge, evaluate, other_classes
from mim_tf.evaluation.unseen import check_unseen, scan_for
from mim_tf.measures.ssim import BORDER, C1, C2, SIGMA, WINDOW
from mim_tf.synthetic.golden import encoded_images, golden_images, spare_images

from ..convert.convert import convert
from ..score.atomic_files import check_new_folder
from ..score.errors import MimError
from ..score.scorer import Scorer
from .write import Contents, write_bundle

#: Statement about the photographs if the user gives none.
DATA_STATEMENT = (
    "Photographs of a user's own data folder; their terms are the user's to state. The golden vectors are "
    "synthetic images."
)


def export_run(
    run: Path,
    bundle: Path,
    folder: Path | None,
    statement: str | None,
    warn: Warn,
    micro: bool = False,
    split_seed: int | None = None,
) -> dict[str, Any]:
    """Converts a run to TFLite and writes a bundle.

    Args:
        run: the run folder.
        bundle: the folder to write.
        folder: a data folder, whose split `test` is evaluated in Keras and in TFLite for the model card; None = no
            evaluation. If the run keeps no photographs, those of `train` set the int8 ranges.
        statement: statement about the photographs and their terms, for the model card; None = `DATA_STATEMENT`.
        warn: is called with a line for each file that is skipped.
        micro: quantize every network to int8, for a microcontroller.
        split_seed: seed of the split of a plain `folder`; None = that of the run. Another one is refused.

    Returns:
        The manifest.

    Raises:
        MimError: the run cannot be read or converted, the bundle cannot be written, `bundle` is inside `folder`, or the
            data folder is needed and not given, or lacks photographs.
    """
    check_outside(bundle, folder)
    check_new_folder(bundle)
    detector = Detector.load(run)
    photos = None if folder is None else scan_for(detector, folder, split_seed, warn)
    if photos is not None:
        # Both raise before the conversion, which takes minutes.
        other_classes(photos, "test", detector.normal_class)
        check_unseen(detector, photos, "test", warn)
    converted = convert(detector, _sample(detector, photos, run, warn), micro)
    mask_set = None
    model = detector.model.inpainting if isinstance(detector.model, DeepInpaintingModel) else detector.model
    if isinstance(model, InpaintingModel):
        config = model.config
        steps = {"cell": config.cell, "count": config.count, "step": max(1, config.count // 2)}
        mask_set = {"size": config.size, **steps}

    def measure_both(scorer: Scorer) -> dict[str, Any]:
        if photos is None:
            return {}
        judges: dict[str, Judge] = {"Keras": detector, "TFLite": scorer}
        return {name: evaluate(judge, photos, "test", warn=warn).metrics for name, judge in judges.items()}

    contents = Contents(
        models=converted.models,
        head=converted.head,
        size=detector.size,
        normal_class=detector.normal_class,
        method=detector.name,
        mask_set=mask_set,
        measure={
            "name": detector.measure,
            "window": WINDOW,
            "sigma": SIGMA,
            "c1": C1,
            "c2": C2,
            "border": BORDER,
            "network": _network(detector.model),
        },
        tables=detector.tables,
        gate=detector.gate,
        training={**detector.about, "commands": _commands(detector, micro)},
        data=statement or DATA_STATEMENT,
    )
    return write_bundle(
        bundle, contents, golden_images(detector.size), spare_images(detector.size), encoded_images(), measure_both
    )


def _sample(detector: Detector, photos: Sequence[Photo] | None, run: Path, warn: Warn) -> NDArray[np.uint8]:
    """The images that set the int8 ranges: those in the run, or the same ones from the split `train`."""
    if len(detector.sample):
        return detector.sample
    if photos is None:
        raise MimError("keeps no photographs", "name the data folder that it was trained on", run)
    normal = detector.normal_class
    train = select(photos, "train", normal)
    return sample_of(load_photos(train, detector.size, warn=warn, what=f"train/{normal}").pixels)


def _network(model: OneClassModel) -> dict[str, Any] | None:
    """Returns the manifest entry `measure.network`: the feature network and the constants of the head."""
    if not isinstance(model, DeepInpaintingModel):
        return None
    statistics = len(model.head.linear_weights)
    entry = {
        "name": "EfficientNet-Lite0",
        "block": model.options["block"],
        "size": model.size,
        "band": model.options["band"],
    }
    combination = model.head.combination
    return {
        **entry,
        "statistics": statistics,
        "components": len(model.head.class_distance.matrix),
        "distance_weight": combination.distance_weight,
        "novelty_weight": combination.novelty_weight,
        "novelty_start": combination.novelty_start,
        "novelty_range": combination.novelty_range,
    }


def _commands(detector: Detector, micro: bool) -> list[str]:
    """Returns the commands that reproduce the bundle."""
    training = detector.about["training"]
    options = {
        "method": detector.name,
        "measure": detector.measure,
        "size": detector.size,
        "steps": training["steps"],
        "batch-size": training["batch_size"],
        "alpha": detector.tables.calibration.alpha,
        "beta": detector.tables.reference.beta,
        "normal-class": detector.normal_class,
        "seed": training["seed"],
        **({} if detector.about.get("split_seed") is None else {"split-seed": detector.about["split_seed"]}),
        **detector.model.options,
    }
    words = " ".join(f"--{name} {value}" for name, value in options.items())
    limit = "" if training["seconds"] is None else f" --minutes {training['seconds'] / 60:g}"
    limit += "" if training["precision"] == "auto" else f" --precision {training['precision']}"
    limit += " --negatives NEGATIVES" if detector.about.get("known_negatives") else ""
    limit += " --reference REFERENCE" if detector.about.get("further_reference") else ""
    export = "mim-tf export RUN --out BUNDLE --data DIR" + (" --micro" if micro else "")
    return [f"mim-tf train --data DIR --out RUN {words}{limit}", export]
