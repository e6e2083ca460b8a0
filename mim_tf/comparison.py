"""What a comparison found: AUROC by class and mean, intervals by group, paired differences; as JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export.files import new_file, read_json, write_json
from mim_tf.compare import Entry, Plan, job_folder
from mim_tf.evaluate import DRAWS, NOT_SKIN, auroc, group_weights, interval, weighted_auroc

#: The row that the others are compared with, where it is there.
REFERENCE = "mim"
#: Title of the column that counts.
MEAN = "mean, skin"


def collect(entries: Sequence[Entry], plan: Plan, out: Path, seconds: float) -> dict[str, Any]:
    """Summarises the scores of a finished comparison.

    Args:
        entries: the rows.
        plan: what they share.
        out: the comparison's folder.
        seconds: of run time.

    Returns:
        As JSON can hold it: the conditions, and for each row its figures. A row's AUROC is the mean over seeds of the
        AUROC of each seed, and so are the bootstrap replicates behind its interval: the interval is that of the
        photographs, `seed_low` and `seed_high` are the range over seeds. All rows share the groups that were drawn,
        so that the difference of two rows is paired.
    """
    remedy = "run mim-tf compare again"
    scores = {
        entry.name: [read_json(job_folder(out, entry.name, seed) / "scores.json", remedy) for seed in plan.seeds]
        for entry in entries
    }
    reference = REFERENCE if REFERENCE in scores else entries[0].name
    labels, draws = _draws(scores[reference][0]["images"])
    normal = plan.normal_class
    others = [name for name in draws if name != normal]
    spreads: dict[str, NDArray[np.float64]] = {}
    rows: dict[str, Any] = {}
    for name, seeds in scores.items():
        by_class = [_by_class(entry["images"], labels) for entry in seeds]
        classes, replicates = {}, []
        for label in others:
            values = [auroc(part[normal], part[label]) for part in by_class]
            spread = [weighted_auroc(part[normal], part[label], draws[normal], draws[label]) for part in by_class]
            classes[label] = {**_over_seeds(values), **interval(np.mean(spread, axis=0)), "skin": label not in NOT_SKIN}
            if label not in NOT_SKIN:
                replicates.append((values, spread))
        means = np.mean([values for values, _ in replicates], axis=0)
        spreads[name] = np.mean([spread for _, spread in replicates], axis=(0, 1))
        first = seeds[0]
        probed = job_folder(out, name, plan.seeds[0]) / "probe.json"
        rows[name] = {
            "method": first["method"],
            "options": first["options"],
            "measure": first["measure"],
            "summary": first["summary"],
            "supervised": first["supervised"],
            "parameters": first["parameters"],
            "train_seconds": float(np.mean([entry["train_seconds"] for entry in seeds])),
            "steps": None if first["steps"] is None else [entry["steps"] for entry in seeds],
            "classes": classes,
            "mean": {**_over_seeds(list(means)), **interval(spreads[name])},
            **(read_json(probed, remedy) if plan.probes else {}),
        }
    for name, row in rows.items():
        difference = spreads[name] - spreads[reference]
        value = row["mean"]["auroc"] - rows[reference]["mean"]["auroc"]
        row["against_reference"] = None if name == reference else {"difference": value, **interval(difference)}
    return {
        "split": plan.split,
        "normal_class": normal,
        "size": plan.size,
        "seconds_a_fit": plan.seconds,
        "steps_a_fit": plan.steps,
        "seeds": list(plan.seeds),
        "reference": reference,
        "images": {label: int(draws[label].shape[1]) for label in draws},
        "groups": {label: len(set(_groups(scores[reference][0]["images"], label))) for label in draws},
        "bootstrap": {"draws": DRAWS, "unit": "group", "level": 0.95, "seed": 0},
        "run_seconds": round(seconds, 1),
        "machine": machine(),
        "rows": rows,
    }


def machine() -> str:
    """The processor as the system calls it and the version of TensorFlow, for figures that depend on them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name} (TensorFlow {version('tensorflow')})"


def _groups(images: Sequence[dict[str, Any]], label: str) -> list[str]:
    return [image["group"] for image in images if image["label"] == label]


def _draws(images: Sequence[dict[str, Any]]) -> tuple[NDArray[np.str_], dict[str, NDArray[np.float64]]]:
    labels = np.array([image["label"] for image in images])
    rng = np.random.default_rng(0)
    return labels, {
        str(label): group_weights(np.array(_groups(images, label), np.str_), rng, DRAWS) for label in np.unique(labels)
    }


def _by_class(images: Sequence[dict[str, Any]], labels: NDArray[np.str_]) -> dict[str, NDArray[np.float32]]:
    values = np.array([image["similarity"] for image in images], np.float32)
    return {str(label): values[labels == label] for label in np.unique(labels)}


def _over_seeds(values: Sequence[float]) -> dict[str, float]:
    return {"auroc": float(np.mean(values)), "seed_low": float(min(values)), "seed_high": float(max(values))}


# ---- tables -------------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table, best mean first, the supervised rows last.

    Args:
        result: what `collect` gave.
    """
    labels = [label for label in result["images"] if label != result["normal_class"]]
    skin = [label for label in labels if label not in NOT_SKIN]
    apart = [label for label in labels if label in NOT_SKIN]
    header = ["method", *(_plain(label) for label in skin), MEAN, *(_plain(label) for label in apart)]
    header += [f"minus {result['reference']}", "seeds", "parameters", "training, s", "ms an image"]
    lines = []
    for name, row in sorted(
        result["rows"].items(), key=lambda item: (item[1]["supervised"], -item[1]["mean"]["auroc"])
    ):
        against = row["against_reference"]
        line = [f"{name} (supervised)" if row["supervised"] else name]
        line += [f"{row['classes'][label]['auroc']:.2f}" for label in skin]
        line += [_bounds(row["mean"], row["mean"]["auroc"])]
        line += [_bounds(row["classes"][label], row["classes"][label]["auroc"]) for label in apart]
        line += ["" if against is None else _bounds(against, against["difference"], "+.2f")]
        line += [f"{row['mean']['seed_low']:.2f} to {row['mean']['seed_high']:.2f}", f"{row['parameters']:,}"]
        line += [f"{row['train_seconds']:.0f}", f"{row['milliseconds']:.0f}" if "milliseconds" in row else ""]
        lines.append(line)
    return header, lines


def _plain(label: str) -> str:
    return label.replace("_", " ")


def _bounds(entry: dict[str, float], value: float, form: str = ".2f") -> str:
    return f"{value:{form}} [{entry['ci_low']:{form}}, {entry['ci_high']:{form}}]"


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *lines))


def write(result: dict[str, Any], page: str, out: Path) -> None:
    """Writes `comparison.json`, `comparison.csv` (one line a row and class) and `comparison.md`.

    Args:
        result: what `collect` gave.
        page: the Markdown.
        out: the folder.
    """
    write_json(out / "comparison.json", result)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["method", "class", "auroc", "ci_low", "ci_high", "seed_low", "seed_high"])
    for name, row in result["rows"].items():
        for label, entry in (*row["classes"].items(), ("mean over skin classes", row["mean"])):
            keys = ("auroc", "ci_low", "ci_high", "seed_low", "seed_high")
            lines.writerow([name, label, *(f"{entry[key]:.4f}" for key in keys)])
    for path, content in ((out / "comparison.csv", text.getvalue()), (out / "comparison.md", page)):
        with new_file(path) as beside:
            beside.write_text(content, encoding="utf-8")
