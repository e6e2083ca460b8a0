"""A manifest's constants as C99 and C++11 source text, for the tools that generate sources from a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def stamp(module: str, bundle: Path) -> str:
    """The comment that names the generator of a file and its bundle.

    Args:
        module: name of the generator, such as `mim_export.sources.golden_header`.
        bundle: a folder whose `manifest.json` exists.

    Example:
        `/* Written by mim_export.sources.golden_header from the bundle whose manifest.json has the sha256`, then the
        64 digits.
    """
    digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    return f"/* Written by {module} from the bundle whose manifest.json has the sha256\n   {digest}. */"


def literal(value: float) -> str:
    """The shortest decimal of the nearest float32, as a literal of type float.

    Example:
        `literal(0.1)` is `0.1f`.
    """
    return f"{float(str(np.float32(value)))!r}f"


def array(declaration: str, values: Iterable[str]) -> str:
    """A constant array, in lines of at most 120 characters.

    Example:
        `array("static const int a[]", ["1", "2"])` is `static const int a[] = {`, `1,2,` and `};` in three lines.
    """
    lines, line = [], ""
    for value in values:
        if len(line) + len(value) > 118:
            lines.append(line)
            line = ""
        line += f"{value},"
    return f"{declaration} = {{\n" + "\n".join([*lines, line]) + "\n};"


def constants(manifest: dict[str, Any], prefix: str) -> list[str]:
    """Definitions of mask set, gate limits, calibration table and threshold, with the types of `mim.h`.

    Args:
        manifest: manifest of a bundle with a mask set.
        prefix: of the names; `golden` gives `golden_mask_set`, `golden_limits`, `golden_calibration` with its two
            arrays, and `golden_threshold`.

    Example:
        The first line of the released bundle: `static const mim_mask_set golden_mask_set = {96, 8, 4, 2};`.
    """
    mask_set, limits, table = manifest["mask_set"], manifest["gate"], manifest["calibration"]
    max_novelty = "INFINITY" if limits["max_foreignness"] is None else literal(limits["max_foreignness"])
    return [
        f"static const mim_mask_set {prefix}_mask_set = "
        f"{{{mask_set['size']}, {mask_set['cell']}, {mask_set['count']}, {mask_set['step']}}};",
        f"static const mim_gate_limits {prefix}_limits = "
        f"{{{literal(limits['min_contrast'])}, {literal(limits['min_detail'])}, {limits['min_side']}, {max_novelty}}};",
        array(f"static const float {prefix}_similarities[]", map(literal, table["similarities"])),
        array(f"static const float {prefix}_weights[]", map(literal, table["weights"])),
        f"static const mim_calibration {prefix}_calibration = {{{prefix}_similarities, {prefix}_weights, "
        f"{len(table['weights'])}, {table['groups']}, {table['alpha']!r}}};",
        f"static const float {prefix}_threshold = {literal(table['threshold'])};",
    ]
