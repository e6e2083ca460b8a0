"""`mim_export.score.manifest` and `model`: a scorer trusts nothing in a bundle, and says what is wrong in one line."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_bundle import put

from mim_export.score import model
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED, name_problem, parse_strict, read_checked, read_manifest
from mim_export.score.runtimes import runtimes
from mim_export.score.scorer import Scorer
from mim_export.tflite import flatbuffer

MICRO = RELEASED.with_name("released_micro")
SIZE = 64


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What a scorer reads."""
    for name in ("manifest.json", "mim.tflite"):
        shutil.copyfile(MICRO / name, tmp_path / name)
    return tmp_path


def _edit(folder: Path, change: Callable[[Any], Any]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _complaint(folder: Path) -> str:
    with pytest.raises(MimError) as caught:
        Scorer(folder)
    assert len(str(caught.value).splitlines()) == 1 and "; " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("gate/min_side", value) for value in (1e9, 10**9, 0, -1, "64", None, True, [64], [[64]], {}, float("nan"))),
        *(("size", value) for value in (0, 64.5, "64", None, [[]], 10**30, 4097)),
        *(("calibration/threshold", value) for value in ("0", None, [0], float("inf"), 1e300)),
        *(("calibration/weights", value) for value in (None, [], "11", [[1]], [1, "1"], [True])),
        *(("calibration/alpha", value) for value in (0, 1, -0.1, "0.05", None)),
        *(("reference/similarities", value) for value in (None, "11", [[1]], [1, "1"], [True], [1e300])),
        *(("reference/weights", value) for value in (None, [1.0], [0.0], "11", {})),
        *(("reference/groups", value) for value in (None, -1, 1.0, True, 10**10)),
        *(("reference/beta", value) for value in (0, 1, 1.5, -0.1, "0.2", None)),
        *(("reference/threshold", value) for value in ("0", [0], {}, True, float("nan"), 1e300)),
        *(("measure/name", value) for value in (None, 1, "mse", ["deep"])),
        *(("mask_set", value) for value in ([], 1, {}, {"size": 32, "cell": 8, "count": 4})),
        *(("mask_set/count", value) for value in (1, 256, 10**9, "4")),
        *(
            (place, value)
            for place in ("measure", "gate", "calibration", "reference", "files", "models")
            for value in (None, [], 1)
        ),
        *(("gate/max_novelty", value) for value in ("5", [5], True, 1e300)),
        ("normal_class", 1),
        ("verdicts", ["mpox-like", "not-mpox-like"]),
        ("reasons", [None]),
        ("files/mim.tflite", "0" * 64),
        ("files/mim.tflite/sha256", 1),
        ("files/mim.tflite/bytes", "many"),
    ],
)
def test_invalid_entries_are_named(bundle: Path, place: str, value: Any) -> None:
    _edit(bundle, lambda manifest: put(manifest, place, value))
    message = _complaint(bundle)
    assert message.startswith(f"{bundle}/manifest.json: ") and "export" in message
    if value == value and value not in (float("inf"),):  # NaN and Infinity are no JSON
        assert place.split("/")[0] in message


def test_missing_entries_are_named(bundle: Path) -> None:
    original = read_manifest(MICRO)
    for table, entry in (("gate", "min_side"), ("reference", "beta")):
        _edit(bundle, lambda manifest, table=table, entry=entry: manifest[table].pop(entry))
        assert f"manifest.json: lacks {table}.{entry}; export the bundle again" in _complaint(bundle)
        _edit(bundle, lambda manifest, table=table: manifest.pop(table))
        assert f"manifest.json: lacks {table}; " in _complaint(bundle)
        _edit(bundle, lambda manifest, table=table: put(manifest, table, original[table]))


def _contradict(place: str, table: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda manifest: manifest[place].update(table)


@pytest.mark.parametrize(
    ("place", "table", "problem"),
    [
        *(
            (place, {"similarities": [1, 2], "weights": weights, "groups": 2}, problem)
            for place in ("calibration", "reference")
            for weights, problem in (
                ([1.0], "weights has 1 values for 2 similarities"),
                ([0.0, 2.0], "weights has a value that is not "),
                ([-1.0, 3.0], "weights has a value that is not "),
                ([1.0, 0.5], "weights sums to 1.5, expected groups, 2"),
            )
        ),
        ("calibration", {"similarities": [2, 1], "weights": [1, 1], "groups": 2}, "similarities is not ascending"),
        ("reference", {"similarities": [2, 1], "weights": [1, 1], "groups": 2}, "similarities is not ascending"),
        (
            "calibration",
            {"similarities": [1, 2], "weights": [1.5, 0.5], "groups": 2},
            "weights has a value that is not ",
        ),
        ("reference", {"similarities": [], "weights": [], "groups": 1}, "weights sums to 0, expected groups, 1"),
        ("calibration", {"alpha": 1}, "alpha is 1, expected a number between 0 and 1"),
        ("reference", {"beta": 0}, "beta is 0, expected a number between 0 and 1"),
    ],
)
def test_tables_that_contradict_themselves_are_named(
    bundle: Path, place: str, table: dict[str, Any], problem: str
) -> None:
    _edit(bundle, _contradict(place, table))
    assert f"manifest.json: {place}.{problem}" in _complaint(bundle)


@pytest.mark.parametrize(
    "table",
    [
        {"similarities": [], "weights": [], "groups": 0, "threshold": None, "conditions": []},
        {"similarities": [1, 2], "weights": [1.5, 0.5], "groups": 2, "threshold": None},
    ],
    ids=["empty", "one weight above 1"],
)
def test_references_that_format_4_allows_are_read(bundle: Path, table: dict[str, Any]) -> None:
    _edit(bundle, _contradict("reference", table))
    assert Scorer(bundle).other_threshold is None


@pytest.mark.parametrize("content", ["null", "[]", "2", '"format"', '{"format": [2]}', '{"format": null}'])
def test_other_json_is_no_manifest(bundle: Path, content: str) -> None:
    (bundle / "manifest.json").write_text(content)
    assert "this version reads 4; export the bundle again" in _complaint(bundle)


def test_the_number_of_another_format_is_named(bundle: Path) -> None:
    for number in (3, 5):
        _edit(bundle, lambda manifest, number=number: manifest.update(format=number))
        assert f"manifest.json: bundle format {number}, this version reads 4; export" in _complaint(bundle)


def test_unknown_entries_are_ignored(bundle: Path) -> None:
    _edit(bundle, lambda manifest: manifest.update(comment=1))
    for place in ("gate", "measure", "calibration", "reference", "mask_set"):
        _edit(bundle, lambda manifest, place=place: manifest[place].update(comment=[{}]))
    assert Scorer(bundle).min_side == SIZE


def test_any_value_in_place_of_another_gives_one_line(bundle: Path) -> None:
    """Values drawn by a seed, in place of entries of the first and second level."""
    original = read_manifest(MICRO)
    nested = {name: inner for name, inner in original.items() if isinstance(inner, dict) and name != "files"}
    places = [*original, *(f"{name}/{key}" for name, inner in nested.items() for key in inner), "files/mim.tflite"]
    values: list[Any] = [None, True, -1, 0, 1.5, 1e300, 10**40, "", "192", [], [[]], [None], {}, {"size": {}}]
    rng = np.random.default_rng(7)
    for _ in range(400):
        changed = json.loads(json.dumps(original))
        place, value = places[rng.integers(len(places))], values[rng.integers(len(values))]
        put(changed, place, value)
        (bundle / "manifest.json").write_text(json.dumps(changed))
        try:
            read_manifest(bundle)
        except MimError as error:
            assert len(str(error).splitlines()) == 1 and str(bundle / "manifest.json") in str(error)


def test_strict_json() -> None:
    assert parse_strict(b'{"a": [1, 2.5, null, "\\u00e9"]}', "a.json") == {"a": [1, 2.5, None, "é"]}
    for content in (b"NaN", b"[-Infinity]", b"1e400", b'{"a": 1, "a": 1}', b"\xff", b"", b'"\\udc00"', 99999 * b"["):
        with pytest.raises(MimError, match=r"^a\.json: not JSON"):
            parse_strict(content, "a.json")


def test_names_stay_in_the_bundle() -> None:
    for name in ("a", "a/b.png", "golden/00_input.png", "..a", "a..b/c"):
        assert name_problem(name) is None
    for name in ("", ".", "..", "../a", "a/../b", "/a", "//a", "a/", "a//b", "./a", "a/.", "C:/a", "a\\b", "a\n", "ä"):
        assert name_problem(name) is not None


def test_a_file_is_read_only_as_it_is_listed(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert len(read_checked(bundle, "mim.tflite", manifest)) == manifest["files"]["mim.tflite"]["bytes"]
    with pytest.raises(MimError, match=r"does not list \.\./a"):
        read_checked(bundle, "../a", manifest)
    manifest["files"]["../a"] = manifest["files"]["mim.tflite"]
    with pytest.raises(MimError, match="leaves the bundle"):
        read_checked(bundle, "../a", manifest)
    manifest["files"]["mim.tflite"]["bytes"] -= 1
    with pytest.raises(MimError, match=r"mim\.tflite: has \d+ bytes, manifest\.json says \d+"):
        read_checked(bundle, "mim.tflite", manifest)
    (bundle / "folder").mkdir()
    manifest["files"]["folder"] = manifest["files"]["mim.tflite"]
    with pytest.raises(MimError, match="folder: is not a file"):
        read_checked(bundle, "folder", manifest)


def _replace(folder: Path, content: bytes) -> None:
    """Replaces the model and lists its new sha256, as somebody who wants to deceive would."""
    (folder / "mim.tflite").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    _edit(folder, lambda manifest: manifest["files"].update({"mim.tflite": entry}))


@pytest.mark.parametrize("content", [b"", b"TFL3", 1000 * b"x", (MICRO / "mim.tflite").read_bytes()[:5000]])
def test_a_damaged_model_is_called_damaged(bundle: Path, content: bytes) -> None:
    _replace(bundle, content)
    message = _complaint(bundle)
    assert "mim.tflite: is damaged (" in message and "newer" not in message


def _rename(change: Callable[[Any], Any], signature: bytes = b"verdict") -> bytes:
    content = flatbuffer.read((MICRO / "mim.tflite").read_bytes())
    change(next(entry for entry in content.signatureDefs if entry.signatureKey == signature))
    return flatbuffer.write(content)


def test_another_model_is_named(bundle: Path) -> None:
    _replace(bundle, (MICRO / "mim_micro.tflite").read_bytes())
    assert "mim.tflite: lacks the signature verdict or explain; export" in _complaint(bundle)
    _replace(bundle, (RELEASED / "mim.tflite").read_bytes())
    assert "verdict: input image is uint8 (1, 192, 192, 3), expected uint8 (1, 64, 64, 3)" in _complaint(bundle)

    def swap(explain: Any) -> None:
        named = {entry.name: entry for entry in explain.outputs}
        named[b"similarity"].name, named[b"inpainted"].name = b"inpainted", b"similarity"

    _replace(bundle, _rename(swap, b"explain"))
    assert "explain: output similarity is uint8 (1, 64, 64, 3), expected float32 (1,)" in _complaint(bundle)


@pytest.mark.parametrize("signature", ["verdict", "explain"])
def test_a_signature_that_lacks_a_tensor_is_named(bundle: Path, signature: str) -> None:
    for number in range(6 if signature == "verdict" else 9):
        names: list[str] = []

        def remove(entry: Any, number: int = number, names: list[str] = names) -> None:
            names.append(entry.outputs.pop(number).name.decode())

        _replace(bundle, _rename(remove, signature.encode()))
        assert f"mim.tflite: {signature}: output {names[0]} is missing; export" in _complaint(bundle)
    _replace(bundle, _rename(lambda entry: setattr(entry.inputs[0], "name", b"picture"), signature.encode()))
    assert f"mim.tflite: {signature}: input image is missing; export" in _complaint(bundle)
    _replace(bundle, _rename(lambda entry: setattr(entry, "signatureKey", b"score"), signature.encode()))
    assert "mim.tflite: lacks the signature verdict or explain; export" in _complaint(bundle)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Didn't find op for builtin opcode 'CONV_2D' version '9'.", "install a newer ai-edge-litert"),
        ("Encountered unresolved custom op: Erf.", "install a newer ai-edge-litert"),
        ("The model is not a valid Flatbuffer buffer", "export the bundle again"),
        ("tensorflow/lite/kernels/reshape.cc:92 num_input_elements != num_output_elements", "export the bundle again"),
    ],
)
def test_a_newer_runtime_is_advised_for_a_missing_operator_only(bundle: Path, said: str, expected: str) -> None:
    def make(content: bytes) -> Any:
        raise ValueError(said)

    with pytest.raises(MimError, match=expected):
        Scorer(bundle, make)


def test_outputs_are_checked_after_the_first_inference() -> None:
    """A runtime may give another shape than it stated before."""
    scalars = dict.fromkeys(("similarity", "p_class", "p_other", "novelty"), np.zeros(1, np.float32))
    scalars |= dict.fromkeys(("verdict", "reason"), np.zeros(1, np.int32))
    pictures = {"inpainted": np.zeros((1, SIZE, SIZE, 3), np.uint8), "error_map": np.zeros((1, SIZE, SIZE, 1), "f4")}
    found = {"verdict": dict(scalars), "explain": {**scalars, **pictures, "ssim": np.zeros(1, np.float32)}}
    stated = {
        signature: {
            name: {"shape": np.array(value.shape), "dtype": value.dtype.type} for name, value in outputs.items()
        }
        for signature, outputs in found.items()
    }

    class Runner:
        def __init__(self, signature: str) -> None:
            self.signature = signature

        def __call__(self, image: Any) -> Any:
            return found[self.signature]

        def get_input_details(self) -> Any:
            return {"image": {"shape": np.array([1, SIZE, SIZE, 3]), "dtype": np.uint8}}

        def get_output_details(self) -> Any:
            return stated[self.signature]

    def make(content: bytes) -> Any:
        return SimpleNamespace(get_signature_runner=Runner)

    runners = model.load_runners(make, b"", SIZE, Path("mim.tflite"))
    assert {name: runner(image=None) for name, runner in runners.items()} == found
    for signature, name in (("explain", "p_other"), ("verdict", "p_class")):
        found[signature][name] = np.zeros((1, 2), np.float32)
        problem = rf"{signature}: output {name} has the shape \(1, 2\), expected \(1,\)"
        with pytest.raises(MimError, match=problem):
            model.load_runners(make, b"", SIZE, Path("mim.tflite"))


def test_unknown_codes_of_the_model_are_named() -> None:
    scorer = Scorer(MICRO, runtimes()["litert"])
    outputs = scorer.run(np.zeros((SIZE, SIZE, 3), np.uint8))
    for key, code in (("verdict", 4), ("verdict", -1), ("reason", 7)):
        with pytest.raises(MimError, match="unknown codes"):
            scorer.to_row({**outputs, key: np.array([code], np.int32)}, 100)
