"""Anomaly detection in pixels on the synthetic sample set: trained on plain skin, lesions are to be found.

    python benchmarks/pixel_level.py --out RUNS                        # 15 minutes for each fit
    python benchmarks/pixel_level.py --out RUNS --steps 1200 --seeds 0

The task of ProxyAno (Zhou et al., arXiv 2110.01761), which is trained on healthy images only: all methods with anomaly
maps, and ProxyAno without each of its parts. Prints a Markdown table of the mean AUROC of images over the classes that
show skin, and of pixel AUROC and AUPRO of all classes with masks, with 95 % intervals by group. A stopped run
continues.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mim_export.score.errors import MimError
from mim_tf.comparison.pixel_tables import PIXEL_TITLES, pixel_cells
from mim_tf.comparison.plan import Entry, Plan, run_plan
from mim_tf.comparison.summary import MEAN, markdown_table, summarize
from mim_tf.evaluation.metrics import interval_text
from mim_tf.synthetic import dataset

NORMAL = "plain"
ENTRIES = (
    Entry("mim", "mim"),
    Entry("proxyano", "proxyano"),
    Entry("proxyano without proxy", "proxyano", {"proxy": "none"}),
    Entry("proxyano without memory", "proxyano", {"memory": 0}),
    Entry("proxyano without pseudo-anomalies", "proxyano", {"pseudo_anomalies": False}),
    Entry("autoencoder", "autoencoder"),
    Entry("riad", "riad"),
    Entry("blur", "blur"),
    Entry("biharmonic", "biharmonic"),
    Entry("patchcore", "patchcore"),
)


def chosen(names: str | None) -> list[Entry]:
    """Returns the rows with these names, separated by commas; all rows if there are none.

    Raises:
        MimError: there is no such row.
    """
    rows = {entry.name: entry for entry in ENTRIES}
    wanted = list(rows) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in rows]
    if unknown:
        raise MimError(f"no row {unknown[0]!r}", "choose from " + ", ".join(rows))
    return [rows[name] for name in wanted]


def main() -> None:
    """Runs missing fits, prints the table and writes it to `table.md`."""
    parser = argparse.ArgumentParser(description="anomaly detection in pixels on the synthetic sample set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the data and the fits")
    parser.add_argument("--rows", help="comma-separated names of rows; default: all")
    parser.add_argument("--minutes", type=float, default=15.0, help="training time of each fit, without --steps")
    parser.add_argument("--steps", type=int, help="gradient steps of each fit, instead of --minutes")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated seeds")
    parser.add_argument("--size", type=int, default=96, help="side of the images in px")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    options = parser.parse_args()
    try:
        entries = chosen(options.rows)
        folder = options.out / "data"
        if not folder.exists():
            dataset.write_sample(folder, normal_class=NORMAL)
        plan = Plan(
            folder,
            size=options.size,
            normal_class=NORMAL,
            seconds=None if options.steps else 60 * options.minutes,
            steps=options.steps,
            seeds=tuple(int(seed) for seed in options.seeds.split(",")),
            probes=False,
        )
        fits = options.out / "fits"
        seconds = run_plan(
            entries, plan, fits, jobs=options.jobs, report=lambda *line: print(*line[:3], file=sys.stderr, flush=True)
        )
        result = summarize(entries, plan, fits, seconds)
    except MimError as error:
        sys.exit(str(error))
    rows = [
        [name, f"{row['mean']['auroc']:.2f} {interval_text(row['mean'])}", *pixel_cells(row)]
        for name, row in result["rows"].items()
    ]
    table = markdown_table(["method", f"AUROC, {MEAN}", *PIXEL_TITLES], rows)
    (options.out / "table.md").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"\n{'; '.join(result['machine'])}, {seconds / 60:.0f} minutes")


if __name__ == "__main__":
    main()
