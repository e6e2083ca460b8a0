"""The report on `test`: compares bundles of three seeds with the methods of a comparison, paired by group.

    python benchmarks/detection_test.py --data DIR --runs RUN0 RUN1 RUN2 --bundles BUNDLE0 BUNDLE1 BUNDLE2 \
        --comparison COMPARE --out OUT

RUN and BUNDLE are folders of `mim-tf train` and `mim-tf export` with the seeds 0, 1, 2. COMPARE is the folder of
`mim-tf compare` for docs/comparison.md. Prints Markdown tables and writes OUT/comparison.json: AUROC with each image
and with each group counted once, and for each bundle the shares called `mpox-like` and refused.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy.stats import binomtest

from mim_export.bulk.cluster import code_digest
from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError
from mim_tf.comparison.plan import Entry, Plan
from mim_tf.comparison.pool import job_folder
from mim_tf.comparison.summary import markdown_table, summarize, table
from mim_tf.comparison.worker import machine
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import NOT_SKIN
from mim_tf.detector import Detector
from mim_tf.evaluation.evaluate import evaluate
from mim_tf.evaluation.metrics import (
    auroc_estimate,
    bounds,
    difference_estimate,
    interval_text,
    mean_estimate,
)
from mim_tf.evaluation.report import load_judge

SEEDS = (0, 1, 2)
#: Names of our rows. The others are compared with that of the bundles.
OURS = {"bundles": "mim deep, bundle", "runs": "mim deep, Keras"}


def report(folder: Path, judged: Path, parameters: int, seed: int, out: Path, name: str) -> dict[str, Any]:
    """Scores `test` with a run or bundle and writes the scores in the format of `mim-tf compare`.

    Args:
        folder: a data folder.
        judged: a run or a bundle.
        parameters: number of parameters.
        seed: seed of the run.
        out: folder of the report.
        name: name of the row.

    Returns:
        The metrics.
    """
    evaluation = evaluate(load_judge(judged), scan_folder(folder), "test", warn=print)
    images = [
        {
            "file": photo.path.relative_to(folder).as_posix(),
            "label": label,
            "group": photo.group,
            "similarity": float(score),
        }
        for label, part in evaluation.scores.items()
        for photo, score in zip(part.photos.photos, part.judgement.similarity, strict=True)
    ]
    entry = {
        **{
            "method": "mim",
            "options": {},
            "measure": evaluation.metrics["measure"],
            "summary": "",
            "supervised": False,
        },
        **{"parameters": parameters, "train_seconds": 0.0, "steps": None, "machine": machine(), "code": code_digest()},
        **{"skipped": [], "seed": seed, "images": images},
    }
    images.sort(key=lambda image: image["file"])  # the order of the comparison
    write_json(job_folder(out, name, seed) / "scores.json", entry)
    return evaluation.metrics


def once_a_group(out: Path, names: list[str]) -> list[list[str]]:
    """Computes the mean AUROC over the skin classes with each group counted once.

    Args:
        out: folder of the report.
        names: names of the rows; each is compared with the first one, paired by group.

    Returns:
        Rows of name, AUROC and difference to the first row, both with 95 % intervals.
    """
    scores = {
        name: [read_json(job_folder(out, name, seed) / "scores.json", "run it again")["images"] for seed in SEEDS]
        for name in names
    }
    images = scores[names[0]][0]
    labels, groups = (np.array([image[key] for image in images]) for key in ("label", "group"))
    own = labels == "mpox"
    skin = [label for label in np.unique(labels) if label not in ("mpox", *NOT_SKIN)]
    means = {}
    for name, fits in scores.items():
        areas = []
        for fit in fits:
            similarity = np.array([image["similarity"] for image in fit], np.float32)
            for label in skin:
                parts = similarity[own], similarity[labels == label], groups[own], groups[labels == label]
                areas.append(auroc_estimate(*parts, labels=("mpox", label), by_group=True))
        means[name] = mean_estimate(areas)
    rows = []
    for name, mean in means.items():
        paired = difference_estimate(mean, means[names[0]])
        difference = f"{paired.value:+.2f} {interval_text(bounds(paired))}"
        area = f"{mean.value:.2f} {interval_text(bounds(mean))}"
        rows.append([name, area, "" if name == names[0] else difference])
    return rows


def verdicts(bundles: list[Path], metrics: list[dict[str, Any]], judged: list[list[dict[str, Any]]]) -> list[list[str]]:
    """Returns a row for each bundle: threshold, groups of mpox, shares called `mpox-like`, numbers refused.

    Of the groups of mpox, those of which no photograph is below the threshold are counted, with exact binomial bounds.
    """
    rows = []
    for seed, bundle, result, images in zip(SEEDS, bundles, metrics, judged, strict=True):
        threshold = read_json(bundle / "manifest.json", "export it again")["calibration"]["threshold"]
        own = [image for image in images if image["label"] == "mpox"]
        groups = {image["group"] for image in own}
        lost = {image["group"] for image in own if image["similarity"] < threshold}
        exact = binomtest(len(groups) - len(lost), len(groups)).proportion_ci(method="exact")
        kept = f"{len(groups) - len(lost)} of {len(groups)} [{exact.low:.2f}, {exact.high:.2f}]"
        classes = sorted(result["classes"])
        called = [f"{result['classes'][name]['called_mpox_like']:.2f}" for name in classes]
        refused = ", ".join(str(result["refused"][name]) for name in classes)
        rows.append([str(seed), f"{threshold:.2f}", kept, *called, f"{result['refused']['mpox']}; {refused}"])
    return rows


def main() -> None:
    """Scores `test`, compares the methods and prints the tables."""
    parser = argparse.ArgumentParser(description="the report on test")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs=3, required=True)
    parser.add_argument("--bundles", type=Path, nargs=3, required=True)
    parser.add_argument("--comparison", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        others = sorted(path.parent.parent.name for path in options.comparison.glob("*/seed0/scores.json"))
        if not others:
            raise MimError(
                "contains no results of a comparison", "name the folder of mim-tf compare", options.comparison
            )
        metrics: dict[str, list[dict[str, Any]]] = {}
        first = Detector.load(options.runs[0])
        for kind, name in OURS.items():
            for seed, judged in zip(SEEDS, getattr(options, kind), strict=True):
                seed_metrics = report(options.data, judged, first.model.parameters, seed, options.out, name)
                metrics.setdefault(name, []).append(seed_metrics)
        for name in others:
            for seed in SEEDS:
                scores = read_json(job_folder(options.comparison, name, seed) / "scores.json", "compare again")
                write_json(job_folder(options.out, _title(name), seed) / "scores.json", scores)
        entries = [Entry(name, "mim") for name in (*OURS.values(), *map(_title, others))]
        steps = first.about["training"]["steps"]
        plan = Plan(options.data, size=first.size, seconds=None, steps=steps, seeds=SEEDS, probes=False)
        result = summarize(entries, plan, options.out, 0.0)
    except MimError as error:
        sys.exit(str(error))
    write_json(options.out / "comparison.json", {**result, "metrics": metrics})
    header, rows = table(result)
    kept = [i for i, title in enumerate(header) if title not in ("parameters", "training, s", "steps", "ms an image")]
    print(markdown_table([header[i] for i in kept], [[row[i] for i in kept] for row in rows]))
    print("\nEach group counted once:\n")
    names = [entry.name for entry in entries]
    ordered = [OURS["bundles"], *(name for name in names if name != OURS["bundles"])]
    print(markdown_table(["method", "mean, skin", "minus the bundle"], once_a_group(options.out, ordered)))
    ours = metrics[OURS["bundles"]]
    classes = [f"{name} called mpox-like" for name in sorted(ours[0]["classes"])]
    judged = [
        read_json(job_folder(options.out, OURS["bundles"], seed) / "scores.json", "run it again")["images"]
        for seed in SEEDS
    ]
    header = ["seed", "threshold", "groups of mpox not excluded", *classes, "refused: mpox; the others"]
    print("\n" + markdown_table(header, verdicts(options.bundles, ours, judged)))
    for name, seeds in metrics.items():
        sensitivity = [result["sensitivity"] for result in seeds]
        print(f"\n{name}: sensitivity", "; ".join(_interval(entry) for entry in sensitivity))
        print("refused by the gate:", "; ".join(str(result["refused"]) for result in seeds))
        print("mean AUROC by SSIM:", np.round([result["ssim"]["mean_auroc"] for result in seeds], 3).tolist())


def _title(name: str) -> str:
    """Returns the name of a row of the comparison. The method `mim` there measures by SSIM."""
    return "mim, SSIM" if name == "mim" else name


def _interval(entry: dict[str, float]) -> str:
    return f"{entry['value']:.3f} {interval_text(entry, '.3f')}"


if __name__ == "__main__":
    main()
