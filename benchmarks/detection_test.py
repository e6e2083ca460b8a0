"""The one report on `test`: bundles of three seeds beside the one-class methods of a comparison, paired by group.

    python benchmarks/detection_test.py --data DIR --runs RUN0 RUN1 RUN2 --bundles BUNDLE0 BUNDLE1 BUNDLE2 \
        --comparison COMPARE --out OUT

RUN and BUNDLE are of `mim-tf train` and `mim-tf export` with the seeds 0, 1, 2; COMPARE is the folder of the
`mim-tf compare` behind docs/comparison.md. Prints a Markdown table and writes OUT/comparison.json.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from mim_export.errors import MimError
from mim_export.files import read_json, write_json
from mim_tf import comparison, data
from mim_tf.compare import Entry, Plan
from mim_tf.compare_job import code_digest, machine
from mim_tf.detector import Detector
from mim_tf.evaluate import evaluate
from mim_tf.process_pool import job_folder
from mim_tf.workflow import load_judge

SEEDS = (0, 1, 2)
#: Names of our rows: the int8 bundle is what the others are compared with.
OURS = {"bundles": "mim deep, int8 bundle", "runs": "mim deep, Keras"}


def report(folder: Path, judged: Path, parameters: int, seed: int, out: Path, name: str) -> dict[str, Any]:
    """Scores `test` by a run or bundle, as `mim-tf compare` keeps scores, and gives its metrics."""
    found = evaluate(load_judge(judged), data.scan(folder, seed=0), "test", seed=0, warn=print)
    images = [
        {
            "file": photo.path.relative_to(folder).as_posix(),
            "label": label,
            "group": photo.group,
            "similarity": float(score),
        }
        for label, part in found.scores.items()
        for photo, score in zip(part.photos.photos, part.judgement.similarity, strict=True)
    ]
    entry = {
        **{"method": "mim", "options": {}, "measure": found.metrics["measure"], "summary": "", "supervised": False},
        **{"parameters": parameters, "train_seconds": 0.0, "steps": None, "machine": machine(), "code": code_digest()},
        **{"skipped": [], "seed": seed, "images": images},
    }
    images.sort(key=lambda image: image["file"])  # as the comparison lists them
    write_json(job_folder(out, name, seed) / "scores.json", entry)
    return found.metrics


def main() -> None:
    """Scores, compares, prints."""
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
            raise MimError("holds no fit of a comparison", "name the folder of mim-tf compare", options.comparison)
        metrics: dict[str, list[dict[str, Any]]] = {}
        first = Detector.load(options.runs[0])
        for kind, name in OURS.items():
            for seed, judged in zip(SEEDS, getattr(options, kind), strict=True):
                found = report(options.data, judged, first.method.parameters, seed, options.out, name)
                metrics.setdefault(name, []).append(found)
        for name in others:
            for seed in SEEDS:
                scores = read_json(job_folder(options.comparison, name, seed) / "scores.json", "compare again")
                write_json(job_folder(options.out, _title(name), seed) / "scores.json", scores)
        entries = [Entry(name, "mim") for name in (*OURS.values(), *map(_title, others))]
        steps = first.about["training"]["steps"]
        plan = Plan(options.data, size=first.size, seconds=None, steps=steps, seeds=SEEDS, probes=False)
        result = comparison.collect(entries, plan, options.out, 0.0)
    except MimError as error:
        sys.exit(str(error))
    write_json(options.out / "comparison.json", {**result, "metrics": metrics})
    header, rows = comparison.table(result)
    kept = [i for i, title in enumerate(header) if title not in ("parameters", "training, s", "steps", "ms an image")]
    print(comparison.markdown_table([header[i] for i in kept], [[row[i] for i in kept] for row in rows]))
    for name, seeds in metrics.items():
        sensitivity = [found["sensitivity"] for found in seeds]
        print(f"\n{name}: sensitivity at the threshold", "; ".join(_interval(entry) for entry in sensitivity))
        print("refused by the gate:", "; ".join(str(found["refused"]) for found in seeds))
        print("mean AUROC by SSIM:", np.round([found["ssim"]["mean_auroc"] for found in seeds], 3).tolist())


def _title(name: str) -> str:
    """Of a row of the comparison; ours is the reference there under the same name."""
    return "mim, SSIM" if name == "mim" else name


def _interval(entry: dict[str, float]) -> str:
    return f"{entry['value']:.3f} [{entry['ci_low']:.3f}, {entry['ci_high']:.3f}]"


if __name__ == "__main__":
    main()
