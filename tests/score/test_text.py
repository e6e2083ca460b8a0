"""`mim_export.score.text`: any name stays in its line, in any encoding."""

from __future__ import annotations

import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_export.score.errors import MimError
from mim_export.score.text import encodable, json_text, one_line, printable, write_line

#: Any text that a file name can be, with bytes that are not UTF-8.
NAMES = st.one_of(st.text(), st.binary().map(os.fsdecode))
ENCODINGS = st.sampled_from(["utf-8", "ascii", "cp1252", "latin-1", "shift_jis"])


@given(NAMES)
def test_a_printable_name_is_one_line_and_keeps_what_is_printable(name: str) -> None:
    shown = printable(name)
    assert shown.isprintable() and len((shown + "x").splitlines()) == 1
    assert (shown == name) == name.isprintable()
    assert shown.count(" ") == name.count(" ")


def test_escapes_are_those_of_python() -> None:
    assert printable("a\nb\x1b[2J\t") == r"a\nb\x1b[2J\t"
    assert printable(os.fsdecode(b"caf\xe9")) == r"caf\xe9"
    assert printable("\u202egpj.exe\u2028") == r"\u202egpj.exe\u2028"
    assert printable("漢 صورة [b]  $x$") == "漢 صورة [b]  $x$"
    assert encodable("é漢", "ascii") == r"\xe9\u6f22"


@given(NAMES, ENCODINGS)
def test_every_stream_can_represent_a_line(name: str, encoding: str) -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding, errors="strict", newline="")
    write_line(name, stream)
    stream.flush()
    assert content.getvalue().decode(encoding).endswith("\n")
    assert content.getvalue().count(b"\n") == 1 and b"\x1b" not in content.getvalue()


@given(NAMES, ENCODINGS, st.sampled_from([None, 1]))
def test_json_is_valid_in_every_encoding_and_keeps_the_name(name: str, encoding: str, indent: int | None) -> None:
    text = json_text([{"image": name}], encoding, indent)
    assert json.loads(text.encode(encoding).decode(encoding)) == [{"image": name}]
    assert text.replace("\n", "").isprintable()


def test_json_keeps_letters_where_it_can() -> None:
    assert json_text("é", "utf-8") == '"é"' and json_text("é", None) == '"é"'
    assert json_text("é", "ascii") == json_text("é\x85", "utf-8").replace("\\u0085", "") == '"\\u00e9"'


@given(NAMES.filter(lambda name: "\0" not in name), st.text())
def test_an_error_is_one_line_whatever_it_names(name: str, problem: str) -> None:
    line = str(MimError(problem, "rename it", name))
    assert line.isprintable() and line.startswith(printable(name) + ": ")


def test_spaces_in_a_name_stay() -> None:
    assert str(MimError("no such\n file", "look", "a  b")) == "a  b: no such file; look"
    assert one_line(" a \r\n b\n") == "a b"


def test_no_stream_is_no_error() -> None:
    write_line("x", None)


@pytest.mark.parametrize("name", ["a\nb: mpox-like", "\x1b[1A"])
def test_a_name_cannot_imitate_a_line(name: str) -> None:
    stream = io.StringIO()
    write_line(f"{name}: cannot-judge", stream)
    assert stream.getvalue().count("\n") == 1 and "\x1b" not in stream.getvalue()
