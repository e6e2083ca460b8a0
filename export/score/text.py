"""Text for terminals, logs and JSON: names of files and classes may contain any character.

A name is never trusted: a line feed or an escape sequence in it could imitate a line of the output, and an encoding
that cannot represent it must not cost the other rows.
"""

from __future__ import annotations

import json
import re
from typing import Any, TextIO


def printable(name: str) -> str:
    """Escapes characters that are not printable: controls, line and paragraph separators, direction marks.

    Args:
        name: any text, such as the name of a file. Bytes that are not UTF-8 are lone surrogates in it, as `os.fsdecode`
            returns them.

    Returns:
        The text in one line. Spaces stay as they are.

    Example:
        `printable("a\\nb")` is `a\\nb` in four characters, and the Latin-1 name `caf\\xe9` ends in four as well.
    """
    return name if name.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in name)


def _escape(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """Joins the lines of a text with spaces, and escapes what is still not printable."""
    return printable(re.sub(r"\s*[\r\n]+\s*", " ", text.strip()))


def encodable(text: str, encoding: str | None) -> str:
    """Escapes characters that an encoding cannot represent.

    Args:
        text: any text.
        encoding: name of the encoding of a stream; None for a stream of text.

    Example:
        `encodable("é", "ascii")` is `\\xe9` in four characters.
    """
    codec = encoding or "utf-8"
    return text.encode(codec, "backslashreplace").decode(codec)


def write_line(line: str, stream: TextIO | None) -> None:
    """Prints a line at once, with escapes where a character is not printable or the stream cannot represent it.

    Args:
        line: the text.
        stream: `sys.stdout`, `sys.stderr` or another stream; nothing is printed if it is None.
    """
    if stream is not None:
        stream.write(encodable(printable(line), stream.encoding) + "\n")
        stream.flush()


def json_text(entry: Any, encoding: str | None, indent: int | None = None) -> str:
    """Returns JSON that a stream can represent.

    Args:
        entry: JSON-serializable value.
        encoding: name of the encoding of the stream; None for a stream of text.
        indent: as in `json.dumps`.

    Returns:
        JSON with the characters as they are. If one of them is not printable or cannot be represented, all that are not
        ASCII are escaped.
    """
    text = json.dumps(entry, indent=indent, ensure_ascii=False)
    if not text.replace("\n", "").isprintable() or encodable(text, encoding) != text:
        text = json.dumps(entry, indent=indent).replace("\x7f", "\\u007f")
    return text
