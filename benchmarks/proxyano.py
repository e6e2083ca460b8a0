"""Ablation of ProxyAno: proxies x memory x pseudo-anomalies, three seeds.

    python benchmarks/proxyano.py --data DIR --out RUNS     # real photographs
    python benchmarks/proxyano.py --out RUNS                # the synthetic sample set

Each fit has 64 px, width 8 and 400 steps; two processes with one thread each run in parallel. A stopped run continues.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError
from mim_tf.comparison.plan import Entry, Plan, run_plan
from mim_tf.comparison.summary import markdown_table, summarize
from mim_tf.negatives.proxies import PROXIES
from mim_tf.synthetic import dataset

PARTS = {
    "memory and pseudo-anomalies": {"memory": 64, "pseudo_anomalies": True},
    "memory": {"memory": 64, "pseudo_anomalies": False},
    "pseudo-anomalies": {"memory": 0, "pseudo_anomalies": True},
    "neither": {"memory": 0, "pseudo_anomalies": False},
}


#: The proxies; "none" is no proxy, which `pixel_level.py` compares.
KINDS = tuple(proxy for proxy in PROXIES if proxy != "none")


def name(proxy: str, parts: str) -> str:
    """Returns the name of a row and of its folder."""
    return f"{proxy} with {parts}"


def cell(row: dict[str, Any]) -> str:
    """Formats the mean AUROC over skin classes and seeds, its interval, and the range over the seeds."""
    mean = row["mean"]
    seeds = f"{mean['seed_low']:.2f} to {mean['seed_high']:.2f}"
    return f"{mean['auroc']:.2f} [{mean['ci_low']:.2f}, {mean['ci_high']:.2f}]; {seeds}"


def main() -> None:
    """Runs missing fits and prints the table."""
    parser = argparse.ArgumentParser(description="ablation of ProxyAno")
    parser.add_argument("--data", type=Path, help="a data folder with the class mpox; the sample set by default")
    parser.add_argument("--out", type=Path, required=True, help="folder for the fits")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    options = parser.parse_args()
    try:
        folder = options.data or options.out / "data"
        if not folder.exists() and options.data is None:
            dataset.write_sample(folder)
        entries = [
            Entry(name(proxy, parts), "proxyano", {"width": 8, "proxy": proxy, **values})
            for proxy in KINDS
            for parts, values in PARTS.items()
        ]
        plan = Plan(folder, size=64, seconds=None, steps=400, probes=False)
        out = options.out / "fits"
        seconds = run_plan(
            entries, plan, out, jobs=options.jobs, report=lambda *line: print(*line[:3], file=sys.stderr, flush=True)
        )
        result = summarize(entries, plan, out, seconds)
    except MimError as error:
        sys.exit(str(error))
    rows = [
        [proxy.replace("_", " "), *(cell(result["rows"][name(proxy, parts)]) for parts in PARTS)] for proxy in KINDS
    ]
    print(markdown_table(["proxy", *PARTS], rows))
    print(f"\n{'; '.join(result['machine'])}, {seconds / 60:.0f} minutes")


if __name__ == "__main__":
    main()
