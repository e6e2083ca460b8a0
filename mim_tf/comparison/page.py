"""The page of a comparison: every sentence about a result is chosen by its figures."""

from __future__ import annotations

from typing import Any

from mim_tf.comparison.summary import markdown_table, table
from mim_tf.evaluation.controls import ALTERED
from mim_tf.evaluation.evaluate import NOT_SKIN
from mim_tf.evaluation.shortcuts import MATCHED_ON

#: A correlation at least this strong is worth a sentence.
_STRONG = 0.5


def page(result: dict[str, Any]) -> str:
    """The Markdown page.

    Args:
        result: the result of `mim_tf.comparison.compare.compare`.
    """
    normal, reference = result["normal_class"], result["reference"]
    budget = [f"{result['seconds_a_fit'] / 60:g} minutes" if result["seconds_a_fit"] else ""]
    budget += [f"{result['steps_a_fit']} steps" if result["steps_a_fit"] else ""]
    counts = ", ".join(
        f"{name.replace('_', ' ')} {result['images'][name]} ({result['groups'][name]})" for name in result["images"]
    )
    seeds = ", ".join(map(str, result["seeds"]))
    parts = [
        "# Comparison of methods",
        f"Made by `{result['command']}`: do not edit, run it again.",
        f"AUROC of `{normal}` against each class of the split `{result['split']}`, {result['size']} px, the mean of "
        f"seeds {seeds}; 0.5 is chance, below it the other class looks more like {normal} than {normal} does. Images "
        f"(groups): {counts}. In brackets 95 % intervals by a bootstrap of groups ({result['bootstrap']['draws']} "
        "draws); they are those of the photographs, the column of seeds shows the range over trainings. "
        f"The difference to `{reference}` is paired: both see the same drawn groups.",
        f"Each method that trains by gradient steps had {' and '.join(filter(None, budget))} a fit, in a process of "
        f"one thread on {'; '.join(result['machine'])}, {result['jobs']} at a time; the column of steps shows what "
        f"came of it. Run time of the comparison: {_hours(result['run_seconds'])}. Milliseconds: one call "
        "of the Python method for one image on one thread, not of an exported model.",
        *_warnings(result),
        markdown_table(*table(result)),
        "![AUROC of each method, mean over skin classes and by class](comparison.png)",
        "## What each result means",
        "Better or worse is said where the 95 % interval and each seed lie on one side; of so many rows, one in twenty "
        "may do so by chance. What a score follows is that of the first seed.",
        "\n".join(f"* **{name}**: {_meaning(row, normal, reference)}" for name, row in result["rows"].items()),
    ]
    if any("probes" in row for row in result["rows"].values()):
        parts += ["## Shortcuts", *_shortcuts(result)]
    return "\n\n".join(parts) + "\n"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"


def _meaning(row: dict[str, Any], normal: str, reference: str) -> str:
    """What a row is, where it stands against chance and against the reference, and what its score follows."""
    mean, against = row["mean"], row["against_reference"]
    said = [row["summary"] + ".", _stands(mean, 0.5, f"chance ({mean['auroc']:.2f})")]
    if against is not None:
        said.append(_stands(against, 0.0, f"`{reference}` ({against['difference']:+.2f})"))
    if row["supervised"]:
        said.append("It alone was shown photographs of the other classes, so it is no one-class result.")
    if "probes" in row:
        said += _follows(row["probes"], normal)
    return " ".join(said)


def _stands(entry: dict[str, float], level: float, what: str) -> str:
    """Better or worse needs the interval and every seed on one side."""
    if entry["ci_low"] > level and entry["seed_low"] > level:
        return f"Better than {what}."
    if entry["ci_high"] < level and entry["seed_high"] < level:
        return f"Worse than {what}."
    return f"Not told from {what}."


def _follows(probe: dict[str, Any], normal: str) -> list[str]:
    known = {name: value for name, value in probe["correlation"]["pooled"].items() if value is not None}
    strong = sorted((name for name in known if abs(known[name]) >= _STRONG), key=lambda name: -abs(known[name]))
    said = [f"Its score follows {name.replace('_', ' ')} (rank correlation {known[name]:+.2f})." for name in strong]
    fooled = [f"{name} ({entry['auroc']:.2f})" for name, entry in probe["made"].items() if entry["auroc"] < 0.5]
    if fooled:
        said.append(f"It takes more for {normal} than {normal} itself, by AUROC, images that are {_listed(fooled)}.")
    return said


def _warnings(result: dict[str, Any]) -> list[str]:
    said = []
    if len(result["code"]) > 1:
        said.append(f"**The fits were made by {len(result['code'])} versions of the code.**")
    if result["skipped"]:
        said.append(f"Unreadable and left out: {len(result['skipped'])} files.")
    return said


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _shortcuts(result: dict[str, Any]) -> list[str]:
    """Three tables; a dash where a property is the same for all images or too few pairs match."""
    rows = {name: row["probes"] for name, row in result["rows"].items() if "probes" in row}
    first = next(iter(rows.values()))
    properties, normal = list(first["correlation"]["pooled"]), result["normal_class"]
    correlations = [
        [name, *(_signed(probe["correlation"]["pooled"][key]) for key in properties)] for name, probe in rows.items()
    ]
    matched = [
        [
            name,
            _number(probe["mean"] and probe["mean"]["auroc"]),
            *(_matched(probe["mean"], key) for key in MATCHED_ON),
        ]
        for name, probe in rows.items()
    ]
    made = [
        [
            name,
            *(_number(entry["auroc"]) for entry in probe["made"].values()),
            *(_signed(probe["altered"][key]["shift"]) for key in ALTERED),
        ]
        for name, probe in rows.items()
    ]
    apart = " and ".join(f"`{name}`" for name in NOT_SKIN)
    return [
        "What a score rests on besides the disease, with the first seed. **Rank correlation** of the score with "
        f"properties of the image, over all images but {apart}:",
        markdown_table(["method", *(key.replace("_", " ") for key in properties)], correlations),
        "**Matched AUROC**, mean over skin classes: only pairs of images count that are alike in the property "
        "(within 0.25 standard deviations; 0.5 for smoothness, brightness and saturation jointly). In parentheses the "
        "unmatched mean where some class has fewer than 30 such pairs and is left out:",
        markdown_table(["method", "unmatched", *(key.replace("_", " ") for key in MATCHED_ON)], matched),
        f"**AUROC of {normal} against made images**, which any detector of {normal} should give 1.00; and the **mean "
        f"shift** of the scores, in standard deviations of {normal}, when the same {normal} images are altered in ways "
        "that leave the disease as it is:",
        markdown_table(["method", *first["made"], *(f"shift: {key}" for key in ALTERED)], made),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _matched(mean: dict[str, Any] | None, key: str) -> str:
    if mean is None or mean["matched"][key]["auroc"] is None:
        return "-"
    entry = mean["matched"][key]
    value = _number(entry["auroc"])
    return value if entry["classes"] == mean["classes"] else f"{value} ({_number(entry['raw'])})"
