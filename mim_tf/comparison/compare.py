"""Runs a comparison: fits, summary, tables and figures in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mim_export.score.atomic_files import check_writable
from mim_export.score.listing import check_outside, to_nobody
from mim_tf.comparison.page import page
from mim_tf.comparison.plan import Entry, Plan, check_plan, run_plan
from mim_tf.comparison.pool import Engine, Report
from mim_tf.comparison.summary import summarize, write_tables
from mim_tf.data.duplicates import SIDE, warn_of_duplicates
from mim_tf.data.folder import Warn, load_photos, scan_folder
from mim_tf.evaluation.plots import comparison_figure, probe_figure


def compare(
    entries: Sequence[Entry],
    plan: Plan,
    out: Path,
    *,
    jobs: int | None,
    report: Report,
    warn: Warn,
    command: str,
    engine: Engine | None = None,
) -> dict[str, Any]:
    """Compares methods, or resumes a comparison, and writes tables and figures.

    Args:
        entries: the rows.
        plan: the settings that all rows share.
        out: output folder for the fits, `comparison.md`, `.csv`, `.json`, `.png` and `probes_<row>.png`.
        jobs: largest number of fits at a time, see `run_plan`.
        report: progress callback.
        warn: called with a message for what the data folder holds beside photographs, and for near-duplicates.
        command: the command line that reproduces the comparison, for the page.
        engine: where the fits run, see `run_plan`.

    Returns:
        The result of `summarize`, with `command` and `jobs`.

    Raises:
        MimError: `out` is inside the data folder; or see `run_plan`.
    """
    check_outside(out, plan.folder)
    photos = scan_folder(plan.folder, split_seed=plan.split_seed, warn=warn)
    check_plan(entries, plan, photos, jobs if engine is None else None)
    check_writable(out)
    # The fits report unreadable files, so they are not reported here.
    warn_of_duplicates([load_photos(photos, SIDE, warn=to_nobody, what="the data folder")], warn)
    seconds = run_plan(entries, plan, out, jobs=jobs, report=report, engine=engine)
    result = {**summarize(entries, plan, out, seconds), "command": command, "jobs": jobs}
    for name, row in result["rows"].items():
        if "probes" in row:
            probe_figure(row["probes"], f"Shortcut probes of {name}", out / f"probes_{name}.png")
    comparison_figure(result, out / "comparison.png")
    write_tables(result, page(result), out)
    return result
