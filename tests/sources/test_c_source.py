"""`mim_export.sources`: nothing of a bundle becomes code. Numbers are checked, and texts are escaped."""

from __future__ import annotations

import ast
import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_bundle import put, sign, write_small_bundle

from mim_export.bundle.c_source import double, entry, identifier, integer, literal, text
from mim_export.score.errors import MimError
from mim_export.sources import golden_header, micro_sources

#: What runs when a header is compiled or its program starts, if it is written as it is.
CODE = "1};\n__attribute__((constructor)) static void injected(void) { } static const int x[] = {1"
#: Texts that end a literal or a comment, continue a line, or are trigraphs.
TEXTS = [
    '"',
    "\\",
    'a"; injected(); "',
    "\n#include </etc/passwd>\n",
    "*/ injected /*",
    "??/",
    "??'",
    "%s",
    "é",
    "\0",
    "//",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With models of a few bytes, which are written faster than real ones."""
    folder = write_small_bundle(tmp_path_factory.mktemp("sources") / "small")
    for name in ("mim_micro.tflite", "mim_features.tflite", "head.f32"):
        (folder / name).write_bytes(bytes(16))
    sign(folder, files=True)
    return folder


@pytest.fixture
def bundle(small: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(small, tmp_path / "bundle"))


def _generated(folder: Path) -> dict[str, str]:
    """All sources, without the comment that has the manifest's sha256."""
    found = {"golden.h": golden_header.header(folder), **micro_sources.sources(folder)}
    return {name: source.split("*/", 1)[1] for name, source in found.items()}


def _numbers(value: Any, place: str = "") -> Iterator[str]:
    """Paths of all numbers, of long lists only the first and the last."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, f"{place}/{name}")
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1}) if value else ():
            yield from _numbers(value[index], f"{place}/{index}")
    elif isinstance(value, (int, float)):
        yield place[1:]


def test_text_in_place_of_any_number_is_refused_or_unused(bundle: Path) -> None:
    original = json.loads((bundle / "manifest.json").read_text())
    original["files"] = {name: file for name, file in original["files"].items() if not name.startswith("golden/")}
    for model in original["models"].values():  # inner tensors, of which there are hundreds, are not used
        model["tensors"] = {}
    (bundle / "manifest.json").write_text(json.dumps(original))
    expected = _generated(bundle)
    places = list(_numbers(original))
    refused = []
    assert len(places) > 60
    for place in places:
        changed = copy.deepcopy(original)
        put(changed, place, CODE)
        (bundle / "manifest.json").write_text(json.dumps(changed))
        try:
            assert _generated(bundle) == expected, place
        except MimError as error:
            assert len(str(error).splitlines()) == 1
            refused.append(place)
    used = ("size", "gate/min_side", "gate/min_contrast", "mask_set/step", "calibration/alpha", "calibration/groups")
    used += ("calibration/weights/0", "calibration/threshold", "measure/network/novelty_start", "gate/max_novelty")
    used += ("reference/similarities/0", "reference/weights/0", "reference/groups", "reference/beta")
    assert set(refused) >= {*used, "models/mim_features.tflite/arena_bytes"}
    tensor = "models/mim_features.tflite/signatures/features/outputs/features"
    assert set(refused) >= {f"{tensor}/shape/3", f"{tensor}/scale/0", f"{tensor}/zero_point/0"}


def test_text_in_place_of_any_number_of_golden_vectors_is_refused_or_unused(bundle: Path) -> None:
    path = bundle / "golden" / "golden.json"
    original = json.loads(path.read_text())
    expected = golden_header.header(bundle, every=True)
    refused = []
    for place in _numbers(original):
        changed = copy.deepcopy(original)
        put(changed, place, CODE)
        path.write_text(json.dumps(changed))
        try:
            assert golden_header.header(bundle, every=True) == expected, place
        except MimError:
            refused.append(place)
    keys = ("contrast", "detail", "novelty", "ssim", "similarity", "p_class", "p_other", "filled_crc32")
    assert set(refused) >= {f"images/0/{key}" for key in keys}


def test_an_empty_reference_has_null_pointers(bundle: Path) -> None:
    """The header compiles without warnings, and other skin is never excluded."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["reference"] |= {"similarities": [], "weights": [], "groups": 0, "conditions": [], "threshold": None}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    header = golden_header.header(bundle)
    assert "{NULL, NULL, 0, 0}" in header and "golden_other_threshold = INFINITY;" in header
    program = """
        #include "golden.h"
        int main(void) {
            float p = 0;
            return !(mim_p_other(&golden_tables.reference, 3, &p) == MIM_OK && p == 1 && 3 <= golden_other_threshold);
        }
    """
    scorer = Path(__file__).parents[2] / "export" / "c"
    _run(bundle, header, program, "-pedantic", "-Wall", "-Wextra", "-Werror", scorer / "src" / "decide.c")


def test_names_of_operators_are_checked(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for name in ("ADD() ; system(", "add", "", "A B", "1ADD", "ADD\n"):
        changed = copy.deepcopy(manifest)
        changed["models"]["mim_micro.tflite"]["ops"][name] = 1
        (bundle / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(MimError, match="in place of the name of an operator"):
            micro_sources.sources(bundle)


@pytest.mark.parametrize(
    "place",
    [
        *("measure/network", "mask_set", "models/mim_micro.tflite", "models/mim_micro.tflite/ops", "gate"),
        "models/mim_features.tflite/signatures",
    ],
)
@pytest.mark.parametrize("value", [None, 3, [], "x"])
def test_entries_of_another_kind_are_named(bundle: Path, place: str, value: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    put(manifest, place, value)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(MimError) as caught:
        _generated(bundle)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", TEXTS)
def test_names_of_golden_images_end_up_as_texts(bundle: Path, name: str) -> None:
    """The header compiles, and the program prints the bytes of the name."""
    path = bundle / "golden" / "golden.json"
    vectors = json.loads(path.read_text())
    vectors["images"][0]["name"] = name
    path.write_text(json.dumps(vectors))
    header = golden_header.header(bundle)
    assert header.isascii() and "injected" not in header.replace(text(name), "")
    program = (
        '#include "golden.h"\n#include <stdio.h>\nint main(void) { fputs(golden_all[0].name, stdout); return 0; }\n'
    )
    assert _run(bundle, header, program, "-trigraphs", "-w") == name.encode().split(b"\0")[0]


def _run(folder: Path, header: str, program: str, *arguments: str | Path) -> bytes:
    """Compiles a program with `golden.h`, and returns what it prints."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (folder / "golden.h").write_text(header)
    (folder / "main.c").write_text(program)
    include = Path(__file__).parents[2] / "export" / "c" / "include"
    command = ["gcc", "-std=c99", "-I", include, *arguments, folder / "main.c", "-lm", "-o", folder / "main"]
    subprocess.run(command, check=True, capture_output=True)
    return subprocess.run([folder / "main"], check=True, capture_output=True).stdout


@given(st.text())
def test_text_is_an_ascii_literal_with_the_same_bytes(value: str) -> None:
    written = text(value)
    assert re.fullmatch(r'"(?:[A-Za-z0-9 _.\-]|\\[0-7]{3})*"', written)
    assert ast.literal_eval(f"b{written}") == value.encode()


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_literal_is_the_same_float32(value: float) -> None:
    assert np.float32(literal(value).removesuffix("f")) == np.float32(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[-+]?\d+)?f", literal(value))


@pytest.mark.parametrize("value", ["1", None, True, [1], {}, float("nan"), float("inf"), 1e39, 10**400, b"1"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    for write in (literal, integer, double):
        if write is double and value == 1e39:
            continue
        with pytest.raises(MimError, match="in place of a "):
            write(value)


def test_numbers_and_names() -> None:
    assert integer(192) == "192" and integer(np.int64(-3), -128, 127) == "-3"
    assert literal(0.1) == "0.1f" and literal(3) == "3.0f" and literal(np.float32(0.1)) == "0.1f"
    assert double(0.05) == "0.05" and double(1) == "1.0"
    assert identifier("CONV_2D") == "CONV_2D"
    assert text("mpox-like") == '"mpox-like"' and text("?") == '"\\077"'
    assert entry({"a": [{"b": 1}]}, "a", 0, "b") == 1
    for wrong in (-1, 2**32, 1.0):
        with pytest.raises(MimError, match="whole number from 0 to 4294967295"):
            integer(wrong)
    for absent in (("b",), ("a", 1), ("a", 0, "b", "c")):
        with pytest.raises(MimError, match=f"the bundle lacks {'.'.join(map(str, absent))}"):
            entry({"a": [{"b": 1}]}, *absent)
    for no_text in (1, None, "\ud800"):
        with pytest.raises(MimError, match="in place of a text"):
            text(no_text)
