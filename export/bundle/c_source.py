"""A manifest's constants as C99 and C++11 source text, for the tools that generate sources from a bundle.

Generated sources are compiled and run, so nothing of a bundle may become code: numbers are written by `literal` and
`integer`, texts by `text` and names of operators by `identifier`, which check them.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..score.errors import MimError
from ..score.manifest import REMEDY


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


def literal(value: Any) -> str:
    """The shortest decimal of the nearest float32, as a literal of type float.

    Raises:
        MimError: the value is not a number, or not finite in float32.

    Example:
        `literal(0.1)` is `0.1f`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise _refused(value, "a number")
    try:
        with np.errstate(over="ignore"):
            rounded = np.float32(float(value))
    except OverflowError:  # of an int that is beyond float64
        rounded = np.float32(math.inf)
    if not np.isfinite(rounded):
        raise _refused(value, "a number of float32")
    return f"{float(str(rounded))!r}f"


def double(value: Any) -> str:
    """The shortest decimal of a float64, as a literal of type double.

    Raises:
        MimError: the value is not a number, or not finite.

    Example:
        `double(0.05)` is `0.05`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise _refused(value, "a number of float64")
    return repr(float(value))


def integer(value: Any, low: int = 0, high: int = 2**32 - 1) -> str:
    """An integer as a decimal literal.

    Args:
        value: the integer.
        low: the least valid value.
        high: the largest valid value.

    Raises:
        MimError: the value is not an integer, or out of the range.

    Example:
        `integer(192)` is `192`; `integer("192")` raises `MimError`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise _refused(value, f"a whole number from {low} to {high}")
    return str(int(value))


def text(value: Any) -> str:
    """A text as a string literal in ASCII.

    All characters but letters, digits, spaces, `_`, `.` and `-` become octal escapes of their UTF-8 bytes. So a text
    can neither end the literal, nor begin or end a comment, nor contain a trigraph.

    Raises:
        MimError: the value is not a text.

    Example:
        `text("mpox-like")` is `"mpox-like"`, and `text("?")` is `"\\077"`.
    """
    if not isinstance(value, str):
        raise _refused(value, "a text")
    try:
        content = value.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(value, "a text in Unicode") from None
    characters = (chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}" for byte in content)
    return f'"{"".join(characters)}"'


def identifier(value: Any) -> str:
    """A name in upper case, such as that of an operator, which can be a part of a name in C.

    Raises:
        MimError: the value is not such a name.

    Example:
        `identifier("CONV_2D")` is `CONV_2D`.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,60}", value):
        raise _refused(value, "the name of an operator")
    return value


def entry(value: Any, *keys: str | int) -> Any:
    """The entry of a manifest or of `golden.json` at a path of names and indices.

    Raises:
        MimError: there is no such entry.

    Example:
        `entry(manifest, "mask_set", "size")` is 96 for the released bundle.
    """
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            raise MimError(f"the bundle lacks {'.'.join(map(str, keys))}", REMEDY) from None
    return value


#: Characters that are written unchanged in a string literal.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.-")


def _refused(value: Any, expected: str) -> MimError:
    return MimError(f"the bundle has {ascii(value)[:40]} in place of {expected}", REMEDY)


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
    """Definitions of mask set, gate limits and conformal tables, with the types of `mim.h`.

    Args:
        manifest: manifest of a bundle.
        prefix: of the names; `golden` gives `golden_mask_set` (if the bundle has one), `golden_limits` and
            `golden_tables` with their arrays.

    Example:
        The first line of the released bundle: `static const mim_mask_set golden_mask_set = {96, 12, 2, 1};`.
    """
    mask_set, limits = manifest["mask_set"], manifest["gate"]
    own, other = manifest["calibration"], manifest["reference"]
    arrays, own_table = _table(own, f"{prefix}_class")
    other_arrays, other_table = _table(other, f"{prefix}_other")
    sides = [] if mask_set is None else [integer(entry(mask_set, key), 1) for key in ("size", "cell", "count", "step")]
    return [
        *([f"static const mim_mask_set {prefix}_mask_set = {{{', '.join(sides)}}};"] if sides else []),
        f"static const mim_gate_limits {prefix}_limits = "
        f"{{{literal(limits['min_contrast'])}, {literal(limits['min_detail'])}, {integer(limits['min_side'])}, "
        f"{or_infinity(limits['max_novelty'])}}};",
        *arrays,
        *other_arrays,
        f"static const mim_tables {prefix}_tables = {{\n    {own_table},\n    {other_table},\n"
        f"    {double(own['alpha'])}, {double(other['beta'])}}};",
    ]


def or_infinity(limit: Any) -> str:
    """A limit as a literal of type float; null is no limit.

    Example:
        `or_infinity(None)` is `INFINITY`, and `or_infinity(2)` is `2.0f`.
    """
    return "INFINITY" if limit is None else literal(limit)


def _table(table: dict[str, Any], prefix: str) -> tuple[list[str], str]:
    """The arrays of a table, and its initializer. An empty table has null pointers, since C has no empty arrays."""
    groups = integer(table["groups"])
    if not table["similarities"]:
        return [], f"{{NULL, NULL, 0, {groups}}}"
    keys = ("similarities", "weights")
    arrays = [array(f"static const float {prefix}_{key}[]", map(literal, table[key])) for key in keys]
    names = ", ".join(f"{prefix}_{key}" for key in keys)
    return arrays, f"{{{names}, {len(table['weights'])}, {groups}}}"
