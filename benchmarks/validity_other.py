"""Checks the p-value of other skin on conditions and sources that its table does not contain.

    python benchmarks/validity_other.py --data DIR --other OTHER

The released bundle scores the other skin of `val` of both folders, of which its reference consists. Each condition is
judged with a table of all others; then each source with a table of the rest. At most a share beta should have
p_other <= beta. Conditions have the same weight, and so have the groups of a condition. Intervals are by condition, for
a further condition. `test` is not read. It takes a minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mim_export.score.conformal import p_other
from mim_export.score.scorer import Scorer
from mim_tf.calibration import fit_reference
from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.evaluation.metrics import interval_text, mean_interval, weights_of

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.5)
#: A condition of OTHER that is of a source of its own.
FURTHER_SOURCE = "hand_foot_mouth"


def left_out(
    similarities: NDArray[np.float32], groups: NDArray[np.str_], conditions: NDArray[np.str_], parts: NDArray[np.str_]
) -> NDArray[np.float32]:
    """p-values of the images of each part, with a table of the other parts, float32 (N,)."""
    p = np.empty(len(similarities), np.float32)
    for part in np.unique(parts):
        rest = parts != part
        table = fit_reference(similarities[rest], groups[rest], conditions[rest], beta=0.2)
        p[~rest] = p_other(similarities[~rest], table)
    return p


def shares(p: NDArray[np.float32], groups: NDArray[np.str_], conditions: NDArray[np.str_], level: float) -> list[float]:
    """The share of each condition with p <= level, each group of it counted once."""
    found = []
    for condition in np.unique(conditions):
        own = conditions == condition
        found.append(float(np.average(p[own] <= np.float32(level), weights=weights_of(groups[own], True))))
    return found


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="a data folder of further conditions, without mpox")
    options = parser.parse_args()
    scorer = Scorer()
    rows = []
    for folder in (options.data, options.other):
        photos = scan_folder(folder)
        for name in class_names(photos, "val"):
            if name == "mpox" or name in NOT_SKIN:
                continue
            loaded = load_photos(select(photos, "val", name), scorer.size, warn=to_stderr, what=f"val/{name}")
            source = name if name == FURTHER_SOURCE else folder.name
            scored = scorer.judge(loaded.pixels).similarity
            rows += [
                (value, f"{folder.name}/{group}", name, source)
                for value, group in zip(scored, loaded.groups, strict=True)
            ]
    similarities = np.array([row[0] for row in rows], np.float32)
    groups, conditions, sources = (np.array([row[k] for row in rows]) for k in (1, 2, 3))
    titles = ["left out", *(f"beta {level:g}" for level in LEVELS)]
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    by_condition = left_out(similarities, groups, conditions, conditions)
    by_source = left_out(similarities, groups, conditions, sources)
    names = np.unique(conditions)
    for title, p, chosen in (
        (f"each of {len(names)} conditions", by_condition, conditions != ""),
        *((f"source {source}", by_source, sources == source) for source in np.unique(sources)),
    ):
        cells = []
        for level in LEVELS:
            found = shares(p[chosen], groups[chosen], conditions[chosen], level)
            if len(found) > 1:
                entry = mean_interval(np.array(found), np.unique(conditions[chosen]), (0.0, 1.0))
                cells.append(f"{entry['value']:.3f} {interval_text(entry)}")
            else:
                cells.append(f"{found[0]:.3f}")
        print(f"| {title} | " + " | ".join(cells) + " |")
    at = dict(zip(names, shares(by_condition, groups, conditions, 0.2), strict=True))
    worst = sorted(at, key=lambda name: -at[name])[:5]
    print("highest shares at beta 0.2: " + ", ".join(f"{name} {at[name]:.2f}" for name in worst))


if __name__ == "__main__":
    main()
