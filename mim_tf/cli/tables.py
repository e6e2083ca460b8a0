"""Output of the commands: messages, tables and JSON."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.table import Table

from mim_export.score.conformal import verdict_names
from mim_export.score.text import encodable, json_text, one_line, printable

if TYPE_CHECKING:
    from mim_export.check.deviations import Deviation
    from mim_export.check.on_runtimes import Row


class _Stream:
    """The current `sys.stdout` or `sys.stderr`, with escapes for characters that it cannot represent.

    Args:
        name: `stdout` or `stderr`. The stream is None in programs without a console.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def _current(self) -> Any:
        stream = getattr(sys, self._name)
        # While a progress bar is shown, rich replaces the streams by proxies that print to its console.
        return getattr(stream, "rich_proxied_file", stream)

    def write(self, text: str) -> int:
        """Writes a text, of which the stream may not be able to represent all characters."""
        stream = self._current()
        if stream is not None:
            stream.write(encodable(text, stream.encoding))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        stream = self._current()
        if stream is not None:
            stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)


# Names of files and classes are printed as they are: neither as markup nor as emoji codes.
out = Console(file=cast(IO[str], _Stream("stdout")), soft_wrap=True, markup=False, emoji=False)
err = Console(file=cast(IO[str], _Stream("stderr")), soft_wrap=True, markup=False, emoji=False, highlight=False)


def warn(line: str) -> None:
    """Prints a line on stderr."""
    err.print(one_line(line))


def _print_json(entry: Any) -> None:
    """Prints JSON, in ASCII if it holds characters that are not printable or that stdout cannot represent."""
    out.print_json(json.dumps(entry), ensure_ascii=json_text(entry, out.encoding).isascii())


def show(entry: Any, as_json: bool, line: str) -> None:
    """Prints a result as JSON or as one line.

    Args:
        entry: JSON-serializable result.
        as_json: whether to print JSON.
        line: the text to print otherwise.
    """
    if as_json:
        _print_json(entry)
    else:
        out.print(printable(line), highlight=False)


def show_metrics(metrics: dict[str, Any], as_json: bool) -> None:
    """Prints the metrics of `mim_tf.evaluation.evaluate.evaluate` as a table or JSON."""
    if as_json:
        _print_json(metrics)
        return
    # Imported here because it imports scikit-learn, which most commands do not need.
    from mim_tf.evaluation.metrics import interval_text

    title = f"AUROC of {metrics['normal_class']} against each class, {metrics['split']}, measure {metrics['measure']}"
    ssim = metrics["ssim"] if metrics["measure"] != "ssim" else None
    extra = ["SSIM"] if ssim else []
    # Narrow columns: rich breaks words if a table does not fit a terminal of 80 columns.
    lines = Table("class", "AUROC", "each group once", *extra, "images\n(groups)", title=printable(title), box=None)

    def add(name: str, whole: dict[str, Any], by_group: dict[str, Any], by_ssim: float | None, counts: str) -> None:
        cells = [f"{entry['auroc']:.3f} {interval_text(entry)}" for entry in (whole, by_group)]
        lines.add_row(printable(name), *cells, *([] if by_ssim is None else [f"{by_ssim:.3f}"]), counts)

    for name, entry in metrics["classes"].items():
        by_ssim = ssim["classes"][name]["auroc"] if ssim else None
        add(name, entry, entry["by_group"], by_ssim, f"{entry['images']} ({entry['groups']})")
    if metrics["mean_auroc"] is not None:
        low, high = metrics["mean_auroc_ci"] or (None, None)
        mean = {"auroc": metrics["mean_auroc"], "ci_low": low, "ci_high": high}
        add("mean over skin", mean, metrics["mean_auroc_by_group"], ssim["mean_auroc"] if ssim else None, "")
    out.print(lines)
    alike, unlike = verdict_names(metrics["normal_class"])[:2]
    own, whole = metrics["sensitivity"], metrics["sensitivity"]["groups_without_miss"]
    misses = f"; {whole['count']} of {own['groups']} groups without a miss {interval_text(whole, '.3f')}"
    for name, entry, more in ((f"{alike} (sensitivity)", own, misses), (unlike, metrics["excluded"], "")):
        parts = [f"{one['value']:.3f} {interval_text(one, '.3f')}" for one in (entry, entry["by_group"])]
        shares = f"{parts[0]} by photograph, {parts[1]} with each group counted once"
        out.print(printable(f"{metrics['normal_class']} called {name}: {shares}{more}"), highlight=False)
    _show_verdicts(metrics["verdicts"], metrics["split"])
    if metrics["inpainting"]:
        _show_inpainting(metrics)


def _show_verdicts(verdicts: dict[str, Any], split: str) -> None:
    """Prints what 100 photographs of each class get, and of each value of a column."""
    from mim_tf.evaluation.verdicts import verdict_rows

    for column in (None, *verdicts["by"]):
        header, *rows = verdict_rows(verdicts, column)
        what = "photographs" if column is None else f"photographs of other skin by {column}"
        # Narrow columns, as above: names of verdicts and intervals are in two lines.
        first, *names = (printable(name) for name in header)
        names = [name.replace("-", "-\n", 1).replace(" ", "\n") for name in names]
        lines = Table(first, *names, title=printable(f"verdicts on 100 {what}, {split} [95 %, by group]"), box=None)
        for label, *cells in rows:
            lines.add_row(printable(label), *(cell.replace(" [", "\n[") for cell in cells))
        out.print(lines)
        spread = None if column is None else verdicts["by"][column]["spread"]
        if spread is not None:
            words = f"{column}: the highest share of {verdicts['names'][0]} less the lowest one is {spread:.2f}"
            out.print(printable(words), highlight=False)


def _show_inpainting(metrics: dict[str, Any]) -> None:
    """Prints how well hidden pixels of the normal class are inpainted, beside fills that have learnt nothing."""
    from mim_tf.evaluation.inpainting_quality import sets_table, table

    normal, inpainting = metrics["normal_class"], metrics["inpainting"]
    title = f"inpainting of {normal}, {metrics['split']}, {inpainting['size']} px"
    fills, sets = table(inpainting["classes"][normal]["rows"]), sets_table(inpainting["mask_sets"])
    for words, (header, *rows) in ((f"{title}, {inpainting['masks']} masks", fills), (title, sets)):
        lines = Table(*header, title=printable(words), box=None)
        for row in rows:
            lines.add_row(*row)
        out.print(lines)


def show_comparison(result: dict[str, Any], as_json: bool) -> None:
    """Prints the result of `mim_tf.comparison.compare.compare` as tables or JSON."""
    if as_json:
        _print_json(result)
        return
    # Imported here because it imports scikit-learn, which most commands do not need.
    from mim_tf.comparison.pixel_tables import PIXEL_TITLES
    from mim_tf.comparison.summary import MEAN, table

    seeds = len(result["seeds"])
    title = f"AUROC of {result['normal_class']} against each class, {result['split']}, mean of {seeds} seeds"
    header, rows = table(result)
    mean, ends = header.index(MEAN), len(header)
    pixels = [i for i, column in enumerate(header) if column in PIXEL_TITLES and mean < i < ends - 6]
    by_class = [i for i in range(1, ends - 6) if i not in (mean, *pixels)]
    # Tables that fit a terminal of 80 columns.
    parts = [by_class, [mean, ends - 6, ends - 5], *([pixels] if pixels else []), [*range(ends - 4, ends)]]
    for columns in parts:
        lines = Table(*(printable(header[i]) for i in (0, *columns)), title=printable(title), box=None)
        for row in rows:
            lines.add_row(printable(row[0]), *(row[i].partition(" [")[0] if i in by_class else row[i] for i in columns))
        out.print(lines)
        title = ""
    out.print(f"run time {result['run_seconds'] / 60:.1f} minutes, including earlier and interrupted runs")


def show_prepared(report: dict[str, Any], folder: Path, as_json: bool) -> None:
    """Prints the report of `mim_tf.prepare.build.prepare` as tables or JSON."""
    if as_json:
        _print_json(report)
        return
    # Imported here because it imports scikit-image, which most commands do not need.
    from mim_tf.prepare.report import lines, tables

    for title, header, rows in tables(report):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in header:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(printable, row))
        out.print(table)
    command = f"mim-tf train --data {shlex.quote(str(folder))} --out RUN"
    for line in (*lines(report), f"{folder}: read report.md; then {command}"):
        out.print(printable(line), highlight=False)


def show_bench(result: dict[str, Any], as_json: bool) -> None:
    """Prints the result of `mim_export.bench.bench.bench`, with `machine` and `load_before`, as tables or JSON."""
    if as_json:
        _print_json(result)
        return
    # Narrow columns: rich breaks words if a table does not fit a terminal of 80 columns.
    keys = ("file", "format", "px", "RAM\nKiB", "flash\nKiB", "MMAC", "AUROC\nKeras", "AUROC\nTFLite")
    sizes = Table(*keys, title="size; RAM of activations; AUROC is the mean over skin classes", box=None)
    for row in result["rows"]:
        size = [_scaled(row[key], 1 / 1024) for key in ("activation_bytes", "flash_bytes")]
        auroc = [_scaled(row[key], 1, 3) for key in ("auroc_keras", "auroc_tflite")]
        sizes.add_row(row["file"], row["format"], str(row["resolution"]), *size, _scaled(row["macs"], 1e-6), *auroc)
    out.print(sizes)
    for threads in result["rows"][0]["latency"]:
        title = f"latency with {threads} thread{'' if threads == '1' else 's'}, {result['runs']} interleaved runs each"
        shares = ["% of\npeak"] if threads == "1" else []
        columns = ("file", "median\nms", "10th\npercentile", "90th\npercentile", "by\nmim.tflite", *shares)
        times = Table(*columns, title=title, box=None)
        for row in result["rows"]:
            entry = row["latency"][threads]
            numbers = [_scaled(entry[key], 1, 2) for key in ("median_ms", "p10_ms", "p90_ms", "ratio")]
            times.add_row(row["file"], *numbers, *([_scaled(row["share_of_peak"], 100)] if shares else []))
        out.print(times)
    lines = [f"{result['machine']}, {result['runtime']}, load {result['load_before']:.1f} before"]
    peak = _scaled(result["peak_macs_per_second"], 1e-9)
    lines.append(f"peak: {peak} GMAC/s, an int8 convolution of 1 x 1 on the same runtime, 1 thread")
    if result["left_out"]:
        lines.append(f"left out, for want of --run: {', '.join(result['left_out'])}")
    words = {True: "pass", False: "fail", None: "not measured"}
    for check in result["checks"]:
        value = "" if check["value"] is None else f": {check['value']:.2f}"
        lines.append(f"{words[check['holds']]}: {check['claim']}{value}")
    for line in lines:
        out.print(printable(line), highlight=False)
    if result["profile"] is not None:
        _show_profile(result["profile"])


def _show_profile(rows: list[dict[str, Any]]) -> None:
    """Prints the time of each operator type."""
    title = "mim.tflite by operator, each run separately, 1 thread; below 1 % left out"
    table = Table("operator", "count", "MMAC", "ms", "%", title=title, box=None)
    for row in rows:
        if row["share"] >= 0.01:
            numbers = _scaled(row["macs"], 1e-6, 1), _scaled(row["ms"], 1, 2), _scaled(row["share"], 100)
            table.add_row(row["operator"], str(row["count"]), *numbers)
    out.print(table)


def _scaled(value: float | None, factor: float, digits: int = 0) -> str:
    """Formats value * factor with some digits; an empty string for None."""
    return "" if value is None else f"{value * factor:.{digits}f}"


#: Tables of golden vectors by compared part: title, and fields by column header.
_PARTS = {
    "mim.tflite": (
        "mim.tflite: largest differences from the golden vectors; inpainting in levels",
        {
            "levels": "levels",
            "similarity": "similarity",
            "novelty": "novelty",
            "ssim": "ssim",
            "p": "p_class",
            "p other": "p_other",
        },
    ),
    "mim_micro.tflite": ("mim_micro.tflite", {"levels": "levels"}),
    "mim_features.tflite": ("mim_features.tflite", {"levels": "levels"}),
    "scorer": (
        "Scorers, given the golden inpainting: largest differences from numpy's",
        {"ssim": "ssim", "contrast": "contrast", "detail": "detail", "p class": "p_class", "p other": "p_other"},
    ),
}


def show_verification(rows: Sequence[Row], deviations: Sequence[Deviation], as_json: bool) -> None:
    """Prints the results of `mim_export.check.verify` and `mim_export.check.deviations` as tables or JSON."""
    if as_json:
        entry = {"golden": [asdict(row) for row in rows], "photographs": [asdict(found) for found in deviations]}
        _print_json(entry)
        return
    for part, (title, columns) in _PARTS.items():
        lines = Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
        for header in ("runtime", *columns, "verdicts", "status"):
            lines.add_column(header, overflow="fold")
        for row in (row for row in rows if row.part == part and row.images):
            cells = (getattr(row, name) for name in columns.values())
            numbers = ["" if cell is None else f"{cell:.2g}" for cell in cells]
            verdicts = "" if row.verdicts is None else f"{row.verdicts}/{row.images}"
            lines.add_row(row.runtime, *numbers, verdicts, printable(row.status))
        if lines.row_count:
            out.print(lines)
    for row in (row for row in rows if not row.images):
        out.print(printable(f"{row.runtime}: {row.status}"), highlight=False)
    for found in deviations:
        others = found.images - found.verdicts
        reasons = f", of {others} others {found.near} lie within tolerance of a threshold, {found.gate} in the gate"
        shares = f"{found.largest_share:.0%} and {found.percentile_99_share:.0%}"
        out.print(
            f"{found.runtime}, {found.images} photographs against the reference kernels: {found.verdicts} verdicts "
            f"agree{reasons if others else ''}; similarities differ by {found.largest:.2g} at most and by "
            f"{found.percentile_99:.2g} at the 99th percentile, {shares} of the interquartile range of the calibration "
            f"(by no more than 1% on {found.close} photographs); by {found.largest_judged:.2g} at most on the "
            f"{found.judged} that the gate accepts",
            highlight=False,
        )
