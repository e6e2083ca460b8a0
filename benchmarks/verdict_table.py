"""The figures of the verdict and of its independence of sharpness, on two data folders.

    python benchmarks/verdict_table.py BUNDLE RUN ... --data DIR --other OTHER --out OUT [--split test]

BUNDLE is the released bundle; RUN, RUN ... are runs of further seeds, trained by the same command. DIR has the class
mpox and same-source classes, OTHER has further conditions and the column `skin_type`. Printed are a table of the
figures with their intervals by group, and what 100 photographs of each class and of each skin type get from the first.
Metrics and figures of each are written to OUT; a stopped call continues. About ten minutes for each on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from mim_export.score.atomic_files import read_json
from mim_tf.data.folder import scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names
from mim_tf.evaluation.metrics import interval_text
from mim_tf.evaluation.report import load_judge, write_report
from mim_tf.evaluation.unseen import scan_all
from mim_tf.evaluation.verdicts import verdict_rows

NORMAL, COLUMN, BLUR = "mpox", "skin_type", "blur 0.8"
LIKE, UNLIKE = "mpox-like", "not-mpox-like"


def evaluated(judge_folder: Path, folders: list[Path], split: str, out: Path) -> dict[str, Any]:
    """Metrics and altered AUROCs of each folder alone (mpox is that of the first), and of both together."""
    result = {}
    for name, chosen in (("own", folders[:1]), ("both", folders)):
        place = out / judge_folder.name / split / name
        if not (place / "metrics.json").exists():
            judge = load_judge(judge_folder)
            photos = scan_all(judge, chosen, None, to_stderr)
            write_report(judge, photos, split, place, 0, to_stderr, [COLUMN] if name == "both" else [])
        probes = read_json(place / "probes.json", "remove it")
        result[name] = {
            "metrics": read_json(place / "metrics.json", "remove it"),
            "altered": probes["alterations"]["classes"],
        }
    return result


def figures(result: Mapping[str, Any], other: set[str]) -> dict[str, float]:
    """The figures of one judge."""
    own, both = result["own"]["metrics"], result["both"]["metrics"]
    verdicts, altered = both["verdicts"], result["both"]["altered"]
    classes = verdicts["classes"]
    changes = {name: entry["other"][BLUR] - entry["auroc"] for name, entry in altered.items()}
    skin = [name for name in altered if name not in other]

    def alike(names: set[str] | list[str]) -> float:
        return float(np.mean([classes[name]["shares"][LIKE]["value"] for name in names]))

    return {
        "mean AUROC, first folder, by photograph": own["mean_auroc"],
        "mean AUROC, first folder, by group": own["mean_auroc_by_group"]["auroc"],
        "mean AUROC, other conditions": float(np.mean([altered[name]["auroc"] for name in other])),
        "mean AUROC at equal sharpness, first folder": float(
            np.mean([altered[name]["equal_sharpness"]["auroc"] for name in skin])
        ),
        "mean AUROC at equal sharpness, other conditions": float(
            np.mean([altered[name]["equal_sharpness"]["auroc"] for name in other])
        ),
        f"mean change of a class under {BLUR}": float(np.mean(list(changes.values()))),
        f"largest change of a class under {BLUR}": max(changes.values(), key=abs),
        "mpox-like, mpox": classes[NORMAL]["shares"][LIKE]["value"],
        "mpox-like, mpox, by group": own["sensitivity"]["by_group"]["value"],
        "mpox-like, other skin, first folder, conditions alike": alike(skin),
        "mpox-like, other conditions, alike": alike(other),
        "not-mpox-like, mpox": classes[NORMAL]["shares"][UNLIKE]["value"],
        "not-mpox-like, mpox, by group": own["excluded"]["by_group"]["value"],
        "spread of mpox-like over skin types": verdicts["by"][COLUMN]["spread"],
    }


def main() -> None:
    """Evaluates each judge and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("judges", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    folders = [options.data, options.other]
    other = set(class_names(scan_folder(options.other), options.split)) - {NORMAL, *NOT_SKIN}
    results = {folder.name: evaluated(folder, folders, options.split, options.out) for folder in options.judges}
    columns = {name: figures(result, other) for name, result in results.items()}
    print(f"| {options.split} | " + " | ".join([*columns, "mean"]) + " |\n" + "|---" * (len(columns) + 2) + "|")
    for key in next(iter(columns.values())):
        values = [column[key] for column in columns.values()]
        print(f"| {key} | " + " | ".join(f"{value:.3f}" for value in [*values, np.mean(values)]) + " |")
    first = next(iter(results.values()))
    mean = first["own"]["metrics"]["mean_auroc_by_group"]
    low, high = first["own"]["metrics"]["mean_auroc_ci"]
    print(f"\nIntervals of the first: by photograph [{low:.3f}, {high:.3f}], by group {interval_text(mean)}")
    for column in (None, COLUMN):
        header, *rows = verdict_rows(first["both"]["metrics"]["verdicts"], column)
        print("\n| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
        for row in rows:
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
