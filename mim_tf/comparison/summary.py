"""Results of a comparison as JSON, CSV and Markdown: AUROCs, intervals by group and paired differences."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mim_export.score.atomic_files import new_file, read_json, write_json
from mim_export.score.errors import MimError
from mim_export.score.text import printable
from mim_tf.comparison.pixel_tables import PIXEL_TITLES, pixel_cells, pixel_columns, pixel_level, pixel_numbers
from mim_tf.comparison.plan import Entry, Plan
from mim_tf.comparison.pool import job_folder
from mim_tf.data.splits import NOT_SKIN
from mim_tf.evaluation.metrics import (
    INTERVALS,
    Estimate,
    auroc_estimate,
    bounds,
    difference_estimate,
    interval_text,
    mean_estimate,
)

#: Name of the reference row; without it, the first row is the reference.
REFERENCE = "mim"
#: Title of the column of the mean AUROC over the classes that show skin.
MEAN = "mean, skin"


def summarize(entries: Sequence[Entry], plan: Plan, out: Path, seconds: float) -> dict[str, Any]:
    """Summarizes the scores of a finished comparison.

    Args:
        entries: the rows.
        plan: the settings that all rows share.
        out: the folder of the comparison.
        seconds: run time in seconds.

    Returns:
        A JSON-serializable dict with the settings and the results of each row. The AUROC of a row is the mean over
        seeds. Its interval reflects the choice of photographs; `seed_low` and `seed_high` are the range over seeds. The
        difference of two rows is paired: both leave out the same groups.

    Raises:
        MimError: a result is missing or damaged, or the rows were scored on different images.
    """
    remedy = "run mim-tf compare again"
    scores = {
        entry.name: [read_json(job_folder(out, entry.name, seed) / "scores.json", remedy) for seed in plan.seeds]
        for entry in entries
    }
    _check_images(scores, out)
    reference = REFERENCE if REFERENCE in scores else entries[0].name
    images = scores[reference][0]["images"]
    counts = {label: _groups(images, label) for label in sorted({image["label"] for image in images})}
    means: dict[str, list[float]] = {}
    estimates: dict[str, Estimate] = {}
    rows: dict[str, Any] = {}
    for name, fits in scores.items():
        classes, means[name], estimates[name] = _by_class(fits, plan.normal_class)
        first, probe_file = fits[0], job_folder(out, name, plan.seeds[0]) / "probe.json"
        rows[name] = {
            **{key: first[key] for key in ("method", "options", "measure", "summary", "supervised", "parameters")},
            "train_seconds": float(np.mean([fit["train_seconds"] for fit in fits])),
            "steps": None if first["steps"] is None else [fit["steps"] for fit in fits],
            "classes": classes,
            "mean": {**_over_seeds(means[name]), **bounds(estimates[name])},
            **(read_json(probe_file, remedy) if plan.probes else {}),
            **pixel_level(fits, out),
        }
    for name, row in rows.items():
        by_seed = [auroc - other for auroc, other in zip(means[name], means[reference], strict=True)]
        paired = difference_estimate(estimates[name], estimates[reference])
        difference = {**_over_seeds(by_seed, "difference"), **bounds(paired)}
        row["against_reference"] = None if name == reference else difference
    all_fits = [fit for fits in scores.values() for fit in fits]
    return {
        "split": plan.split,
        "normal_class": plan.normal_class,
        "size": plan.size,
        "seconds_a_fit": plan.seconds,
        "steps_a_fit": plan.steps,
        "seeds": list(plan.seeds),
        "reference": reference,
        "images": {label: len(groups) for label, groups in counts.items()},
        "groups": {label: len(set(groups)) for label, groups in counts.items()},
        "intervals": INTERVALS,
        "run_seconds": round(seconds, 1),
        "machine": sorted({fit["machine"] for fit in all_fits}),
        "code": sorted({fit["code"] for fit in all_fits}),
        "skipped": sorted({line for fit in all_fits for line in fit["skipped"]}),
        "rows": rows,
    }


def _check_images(scores: Mapping[str, Sequence[dict[str, Any]]], out: Path) -> None:
    """Checks that all fits were scored on the same images, since differences of rows are paired.

    Raises:
        MimError: a fit was scored on other images.
    """
    expected: list[tuple[str, str, str]] | None = None
    for name, fits in scores.items():
        for fit in fits:
            found = [(image["file"], image["label"], image["group"]) for image in fit["images"]]
            expected = expected or found
            if found != expected:
                problem = "was scored on other images than the first row: the data folder has changed"
                raise MimError(problem, "remove it and run the same command again", job_folder(out, name, fit["seed"]))


def _by_class(fits: Sequence[dict[str, Any]], normal: str) -> tuple[dict[str, Any], list[float], Estimate]:
    """AUROC by class; mean AUROC over the skin classes by seed, and over the seeds with its interval."""
    labels, groups = (np.array([image[key] for image in fits[0]["images"]], np.str_) for key in ("label", "group"))
    similarity = np.array([[image["similarity"] for image in fit["images"]] for fit in fits], np.float32)
    own = labels == normal
    classes, values, skin = {}, [], []
    for label in np.unique(labels[~own]).tolist():
        other = labels == label
        by_seed = [
            auroc_estimate(scored[own], scored[other], groups[own], groups[other], labels=(normal, label))
            for scored in similarity
        ]
        areas, estimate = [one.value for one in by_seed], mean_estimate(by_seed)
        classes[label] = {**_over_seeds(areas), **bounds(estimate), "skin": label not in NOT_SKIN}
        if label not in NOT_SKIN:
            values.append(areas)
            skin.append(estimate)
    return classes, [float(value) for value in np.mean(values, axis=0)], mean_estimate(skin)


def _groups(images: Sequence[dict[str, Any]], label: str) -> list[str]:
    return [image["group"] for image in images if image["label"] == label]


def _over_seeds(values: Sequence[float], key: str = "auroc") -> dict[str, float]:
    """Mean, minimum and maximum over seeds."""
    return {key: float(np.mean(values)), "seed_low": float(min(values)), "seed_high": float(max(values))}


def table(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Builds the table of a comparison.

    Args:
        result: result of `summarize`.

    Returns:
        The header and the rows, sorted by descending mean AUROC, supervised methods last.
    """
    labels = [label for label in result["images"] if label != result["normal_class"]]
    skin = [label for label in labels if label not in NOT_SKIN]
    not_skin = [label for label in labels if label in NOT_SKIN]
    pixels = any("pixel_level" in row for row in result["rows"].values())
    header = ["method", *(_plain(label) for label in skin), MEAN, *(PIXEL_TITLES if pixels else ())]
    header += [_plain(label) for label in not_skin]
    header += [f"minus {result['reference']}", "seeds", "parameters", "training, s", "steps", "ms an image"]
    lines = []
    for name, row in sorted(
        result["rows"].items(), key=lambda item: (item[1]["supervised"], -item[1]["mean"]["auroc"])
    ):
        difference = row["against_reference"]
        line = [f"{name} (supervised)" if row["supervised"] else name]
        line += [f"{row['classes'][label]['auroc']:.2f}" for label in skin]
        line += [_bounds(row["mean"], row["mean"]["auroc"])]
        line += pixel_cells(row) if pixels else []
        line += [_bounds(row["classes"][label], row["classes"][label]["auroc"]) for label in not_skin]
        line += ["" if difference is None else _bounds(difference, difference["difference"], "+.2f")]
        line += [f"{row['mean']['seed_low']:.2f} to {row['mean']['seed_high']:.2f}", f"{row['parameters']:,}"]
        line += [f"{row['train_seconds']:.0f}", _range(row["steps"])]
        line += [f"{row['milliseconds']:.0f}" if "milliseconds" in row else ""]
        lines.append(line)
    return header, lines


def _plain(label: str) -> str:
    return label.replace("_", " ")


def _range(steps: Sequence[int] | None) -> str:
    if steps is None:
        return ""
    return str(steps[0]) if min(steps) == max(steps) else f"{min(steps)} to {max(steps)}"


def _bounds(entry: dict[str, float], value: float, form: str = ".2f") -> str:
    return f"{value:{form}} {interval_text(entry, form)}"


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Formats a Markdown table; the first column is left-aligned, the others right-aligned.

    Args:
        header: titles of the columns.
        lines: cells by row.

    Returns:
        The table without a final newline.

    Example:
        `markdown_table(["a", "b"], [["x", "1"]])` has the lines `| a | b |`, `| --- | ---: |` and `| x | 1 |`.
    """
    rule = ["---", *["---:"] * (len(header) - 1)]

    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(printable(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join(map(row, (header, rule, *lines)))


def write_tables(result: dict[str, Any], page: str, out: Path) -> None:
    """Writes `comparison.json`, `comparison.csv` (one line per method and class) and `comparison.md`.

    If a row has figures in pixels, the CSV file has columns of them, and a line of all classes with masks together.

    Args:
        result: result of `summarize`.
        page: content of `comparison.md`.
        out: output folder.
    """
    write_json(out / "comparison.json", result)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    pixels = any("pixel_level" in row for row in result["rows"].values())
    keys = ("auroc", "ci_low", "ci_high", "seed_low", "seed_high")
    writer.writerow(["method", "class", *keys, *(pixel_columns() if pixels else ())])
    for name, row in result["rows"].items():
        for label, entry in (*row["classes"].items(), ("mean over skin classes", row["mean"])):
            numbers = ["" if entry[key] is None else f"{entry[key]:.4f}" for key in keys]
            found = row.get("pixel_level", {"classes": {}})["classes"].get(label) if entry is not row["mean"] else None
            numbers += pixel_numbers(found) if pixels else []
            writer.writerow([_cell(name), _cell(label), *numbers])
        if "pixel_level" in row:
            numbers = pixel_numbers(row["pixel_level"]["pooled"])
            writer.writerow([_cell(name), "all classes with masks", *("" for _ in keys), *numbers])
    for path, content in ((out / "comparison.csv", text.getvalue()), (out / "comparison.md", page)):
        with new_file(path) as temporary:
            temporary.write_text(content, encoding="utf-8", errors="backslashreplace")


def _cell(name: str) -> str:
    """Returns a name for a CSV file. A spreadsheet would compute one that starts like a formula."""
    safe = printable(name)
    return f"'{safe}" if safe.startswith(("=", "+", "-", "@")) else safe
