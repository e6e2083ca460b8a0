"""Shares of the verdicts: what photographs of each class get, and those of each value of a column of MANIFEST.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mim_export.score.conformal import verdict_names
from mim_export.score.errors import MimError
from mim_tf.data.splits import NOT_SKIN, Photo
from mim_tf.evaluation.metrics import auroc_estimate, bounds, share_estimate

if TYPE_CHECKING:
    from mim_tf.evaluation.evaluate import ClassScores

#: Value of photographs that have none in a column.
NOT_STATED = "not stated"
#: Largest number of values of a column by which results are divided.
_MAX_VALUES = 30
#: Smallest number of groups of a value whose share is compared with those of other values.
MIN_GROUPS = 10


def check_column(photos: Sequence[Photo], column: str) -> None:
    """Checks that some photographs have a value in a column of MANIFEST.csv, and that they share their values.

    Args:
        photos: the photographs that are evaluated.
        column: name of the column in lower case.

    Raises:
        MimError: none has; the message names the columns that there are. Or there are more than 30 values.
    """
    columns = sorted({name for photo in photos for name in photo.columns})
    if column not in columns:
        known = ", ".join(columns) if columns else "none beside file, group and mask"
        raise MimError(f"MANIFEST.csv has no column {column!r}", f"its columns are: {known}")
    count = len({photo.columns.get(column, "") for photo in photos})
    if count > _MAX_VALUES:
        problem = f"column {column!r} of MANIFEST.csv has {count} values, at most {_MAX_VALUES} are compared"
        raise MimError(problem, "name a column of few values, such as skin_type")


def verdicts(scores: Mapping[str, ClassScores], normal: str, columns: Sequence[str]) -> dict[str, Any]:
    """Computes the share of each verdict, with 95 % intervals by group.

    Args:
        scores: photographs and judgements by class, at least of the normal class and one other.
        normal: the class on which the detector was fitted.
        columns: names of columns of MANIFEST.csv by whose values other skin is divided.

    Returns:
        JSON-serializable dict: `names`, the verdicts; `classes`, by class the number of `images` and `groups`, and
        under `shares` the `value`, `ci_low` and `ci_high` of each verdict; `other_skin`, the same for all other classes
        that show skin together; `by`, for each column `values`, by value the same for other skin with this value and
        the `auroc` of the normal class against it, and `spread`, the highest share called the normal class less the
        lowest one, over the values that are stated and have `MIN_GROUPS` groups; None with fewer than two. It grows
        with the number of values, also without any difference between them.

    Example:
        If 3 of 4 photographs of measles of different patients are `mpox-like`,
        `classes["measles"]["shares"]["mpox-like"]` is {"value": 0.75, "ci_low": 0.19, "ci_high": 0.99}.
    """
    names = verdict_names(normal)
    pools = {name: (part.judgement.verdict, part.photos.groups) for name, part in scores.items()}
    result: dict[str, Any] = {
        "names": list(names),
        "classes": {name: _shares(verdict, groups, names) for name, (verdict, groups) in pools.items()},
        "other_skin": None,
        "by": {},
    }
    skin = [name for name in scores if name != normal and name not in NOT_SKIN]
    if not skin:
        return result
    verdict, groups = (np.concatenate([pools[name][i] for name in skin]) for i in (0, 1))
    similarity = np.concatenate([scores[name].judgement.similarity for name in skin])
    photos = [photo for name in skin for photo in scores[name].photos.photos]
    result["other_skin"] = _shares(verdict, groups, names)
    positive = scores[normal]
    for column in columns:
        values = np.array([photo.columns.get(column, NOT_STATED) for photo in photos])
        entries = {}
        for value in sorted(set(values), key=lambda value: (value == NOT_STATED, value)):
            chosen = values == value
            estimate = auroc_estimate(
                positive.judgement.similarity,
                similarity[chosen],
                positive.photos.groups,
                groups[chosen],
                labels=(normal, str(value)),
            )
            entries[str(value)] = _shares(verdict[chosen], groups[chosen], names) | {
                "auroc": {"value": estimate.value, **bounds(estimate)}
            }
        stated = [
            entry["shares"][names[0]]["value"]
            for value, entry in entries.items()
            if value != NOT_STATED and entry["groups"] >= MIN_GROUPS
        ]
        result["by"][column] = {"values": entries, "spread": max(stated) - min(stated) if len(stated) > 1 else None}
    return result


def _shares(verdict: NDArray[np.int32], groups: NDArray[np.str_], names: Sequence[str]) -> dict[str, Any]:
    """Number of photographs and groups, and the share of each verdict."""
    shares = {}
    for code, name in enumerate(names):
        estimate = share_estimate(verdict == code, groups)
        shares[name] = {"value": estimate.value, **bounds(estimate)}
    return {"images": len(verdict), "groups": len(set(groups)), "shares": shares}


def verdict_rows(found: Mapping[str, Any], column: str | None = None) -> list[list[str]]:
    """The shares as a table of texts, in percent.

    Args:
        found: result of `verdicts`.
        column: the column whose values are the rows; None = the classes, and all other skin together.

    Returns:
        The header, and one row for each class or value.
    """
    names = found["names"]
    header = ["class" if column is None else column, *names, "images (groups)"]
    if column is None:
        entries = dict(found["classes"])
        if found["other_skin"]:
            entries["all other skin"] = found["other_skin"]
    else:
        entries = found["by"][column]["values"]
        header.insert(-1, "AUROC")
    rows = [header]
    for label, entry in entries.items():
        cells = [_percent(entry["shares"][name]) for name in names]
        if column is not None:
            cells.append(f"{entry['auroc']['value']:.2f}")
        rows.append([label, *cells, f"{entry['images']} ({entry['groups']})"])
    return rows


def _percent(entry: Mapping[str, float | None]) -> str:
    value, low, high = (entry[key] for key in ("value", "ci_low", "ci_high"))
    ends = "" if low is None or high is None else f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{100 * (value or 0.0):.0f}{ends}"
