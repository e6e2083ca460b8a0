"""Adds the Keras detector of a run to the released bundle that was exported from it, for `load_detector("released")`.

    python benchmarks/released_detector.py RUN

Writes `export/released/detector`: configuration, float32 weights of the generator and the head, but no photographs. If
the run kept the released GAN (`--start released --steps 0`), the detector keeps the entry of how that was trained.
Updates the manifest and `SHA256SUMS`. Prints the differences between the detector and the golden vectors.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from mim_export.bundle import golden
from mim_export.bundle.write import list_files, write_sums
from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.decide import VERDICTS
from mim_export.score.manifest import RELEASED, read_manifest
from mim_tf.detector import Detector


def main(run: Path) -> None:
    """Writes the detector, updates the manifest of the bundle, and prints the differences."""
    folder = RELEASED / "detector"
    detector, earlier = Detector.load(run), read_json(folder / "detector.json", "restore it")
    if detector.model.options.pop("start", None) is not None and detector.about["training"]["steps"] == 0:
        detector.about["training"] = earlier["about"]["training"]
    shutil.rmtree(folder, ignore_errors=True)
    detector.sample, detector.photographs = detector.sample[:0], ()
    detector.save(folder)
    manifest = read_manifest(RELEASED)
    manifest["files"] = list_files(RELEASED)
    write_json(RELEASED / "manifest.json", manifest)
    write_sums(RELEASED, [*manifest["files"], "manifest.json"])

    entries, stages = golden.read(RELEASED)
    judged = Detector.load(folder).judge(np.stack([stage["resampled"] for stage in stages]))
    differences = np.abs(judged.similarity - [entry["similarity"] for entry in entries])
    report = {"images": len(entries), "similarity_largest": float(differences.max())}
    report["similarity_median"] = float(np.median(differences))
    small = [min(stage["input"].shape[:2]) < manifest["gate"]["min_side"] for stage in stages]
    verdicts = [VERDICTS[code] for code in judged.verdict]
    report["verdicts"] = sum(v == e["verdict"] for v, e, s in zip(verdicts, entries, small, strict=True) if not s)
    report["judged"] = len(entries) - sum(small)
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
