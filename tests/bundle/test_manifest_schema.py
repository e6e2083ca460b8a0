"""`mim_export.bundle.manifest_schema`: the published schema is current and rejects invalid manifests."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pydantic
import pytest

from mim_export.bundle.manifest_schema import PUBLISHED, Manifest, json_schema, known
from mim_export.score.manifest import FORMAT, RELEASED

SCHEMA = json.loads(PUBLISHED.read_text())


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest of the released bundle."""
    entries: dict[str, Any] = json.loads((RELEASED / "manifest.json").read_text())
    return entries


def test_published_schema_is_current() -> None:
    assert json_schema() == SCHEMA, "run python -m mim_export.bundle.manifest_schema"


def test_schema_says_what_it_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == f"urn:mim-tf:manifest:{FORMAT}" and SCHEMA["properties"]["format"]["const"] == FORMAT
    assert SCHEMA["title"].endswith(f"format {FORMAT}") and SCHEMA["description"]
    for name, entry in SCHEMA["properties"].items():
        assert "$ref" in entry or entry["description"], name


def test_released_manifest_is_valid(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), 3),
        (("format",), 5),
        (("size",), 0),
        (("size",), "192"),
        (("calibration", "alpha"), 1.0),
        (("calibration", "similarities"), []),
        (("calibration", "threshold"), None),
        (("gate", "min_side"), 0),
        (("measure", "name"), "mse"),
        (("mask_set", "count"), 1),
        (("files", "mim.tflite", "sha256"), "0" * 63),
        (("models", "mim.tflite", "ops", "ADD"), "2"),
        (("gate", "max_novelty"), "7"),
        (("calibration", "groups"), True),
        (("reference",), None),
        (("reference", "beta"), 0.0),
        (("reference", "beta"), 1.0),
        (("reference", "groups"), -1),
        (("reference", "similarities"), None),
        (("reference", "weights"), ["1"]),
        (("reference", "threshold"), "0"),
        (("reference", "conditions"), [{"name": "acne", "images": 0, "groups": 1}]),
        (("reference", "conditions"), [{"name": "acne", "images": 1, "groups": 0}]),
        (("reference", "conditions"), [{"name": 1, "images": 1, "groups": 1}]),
        (("reference", "conditions"), [{"images": 1, "groups": 1}]),
        (("reference", "guarantee"), None),
    ],
)
def test_other_manifests_are_refused(manifest: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """By JSON Schema and by pydantic, so that readers in other languages reject what Python rejects."""
    changed = copy.deepcopy(manifest)
    entry = changed
    for name in place[:-1]:
        entry = entry[name]
    entry[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, SCHEMA)
    with pytest.raises(pydantic.ValidationError):
        Manifest.model_validate(changed)


@pytest.mark.parametrize(
    "place",
    [
        *(("comment",), ("mask_set", "offset"), ("measure", "network", "x"), ("files", "mim.tflite", "x")),
        *(("calibration", "x"), ("reference", "x")),
    ],
)
def test_added_entries_are_valid(manifest: dict[str, Any], place: tuple[str, ...]) -> None:
    """By the contract, a later version of the same format may add entries."""
    entry = manifest
    for name in place[:-1]:
        entry = entry[name]
    entry[place[-1]] = [{"by": "a later version"}]
    jsonschema.validate(manifest, SCHEMA)
    validated = Manifest.model_validate(manifest)
    assert validated.unknown() == [".".join(place)]
    assert known(validated) == known(Manifest.model_validate(json.loads((RELEASED / "manifest.json").read_text())))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(manifest: dict[str, Any], value: float) -> None:
    """JSON has no such numbers, but some writers and readers do."""
    manifest["gate"]["max_novelty"] = value
    with pytest.raises(pydantic.ValidationError, match="finite"):
        Manifest.model_validate(manifest)


@pytest.mark.parametrize("name", ["format", "calibration", "reference", "mask_set", "files"])
def test_a_missing_entry_is_refused(manifest: dict[str, Any], name: str) -> None:
    del manifest[name]
    with pytest.raises(jsonschema.ValidationError, match=name):
        jsonschema.validate(manifest, SCHEMA)
    with pytest.raises(pydantic.ValidationError, match=name):
        Manifest.model_validate(manifest)


#: 4 groups of two conditions: a group of two images of acne, and three of one image each of eczema. The weights are
#: 4 / (2 * 1 * 2) and 4 / (2 * 3). p_other is (1 + 2 * 2 / 3) / 5 just above 0.25, (1 + 2 / 3) / 5 just above 0.5, and
#: 1 / 5 above 0.75.
REFERENCE: dict[str, Any] = {
    "similarities": [0.0, 0.125, 0.25, 0.5, 0.75],
    "weights": [1.0, 1.0, 2 / 3, 2 / 3, 2 / 3],
    "groups": 4,
    "beta": 0.35,
    "conditions": [{"name": "acne", "images": 2, "groups": 1}, {"name": "eczema", "images": 3, "groups": 3}],
    "threshold": 0.5,
    "guarantee": "of images of other skin like the 4 groups of the reference, with its 2 conditions equally frequent, "
    "about 0.35 at most are called mpox-like",
}
EMPTY = {
    **{"similarities": [], "weights": [], "groups": 0, "beta": 0.35, "conditions": [], "threshold": None},
    "guarantee": "no image is called mpox-like: there are 0 groups of other skin, too few for 0.35",
}
TOO_FEW = {
    **{**REFERENCE, "beta": 0.1, "threshold": None},
    "guarantee": "no image is called mpox-like: there are 4 groups of other skin, too few for 0.1",
}


@pytest.mark.parametrize("reference", [REFERENCE, EMPTY, TOO_FEW], ids=["computed by hand", "empty", "too few groups"])
def test_references_computed_by_hand_are_valid(manifest: dict[str, Any], reference: dict[str, Any]) -> None:
    manifest["reference"] = reference
    jsonschema.validate(manifest, SCHEMA)
    assert known(Manifest.model_validate(manifest).reference) == reference


@pytest.mark.parametrize(
    ("reference", "change", "problem"),
    [
        (REFERENCE, {"weights": [4.0]}, "1 weights for 5 similarities"),
        (REFERENCE, {"similarities": [0.0, 0.125, 0.25, 0.5, 1e39]}, "a similarity is beyond float32"),
        (REFERENCE, {"similarities": [0.0, 0.125, 0.25, 0.75, 0.5]}, "similarities are not ascending"),
        (REFERENCE, {"weights": [1.0, 1.0, 0.0, 1.0, 1.0]}, "a weight is not positive"),
        (REFERENCE, {"weights": [1.0, 1.0, -1.0, 1.0, 2.0]}, "a weight is not positive"),
        (REFERENCE, {"weights": [1.0, 1.0, 1.0, 1.0, 1.0]}, "the weights sum to 5, not to groups, 4"),
        (
            REFERENCE,
            {"weights": [1.0, 1.0, 2 / 3, 2 / 3, 0.66668]},
            "the weights sum to 4.00001, not to groups, 4",
        ),
        (REFERENCE, {"groups": 5}, "the weights sum to 4, not to groups, 5"),
        (REFERENCE, {"conditions": REFERENCE["conditions"][:1]}, "groups is not that of conditions"),
        (REFERENCE, {"conditions": [{"name": "acne", "images": 5, "groups": 5}]}, "groups is not that of conditions"),
        (REFERENCE, {"conditions": [{"name": "acne", "images": 4, "groups": 4}]}, "not as many as the similarities"),
        (REFERENCE, {"threshold": 0.25}, "threshold is not that of the table, 0.5"),
        (REFERENCE, {"threshold": 0.50001}, "threshold is not that of the table, 0.5"),
        (REFERENCE, {"threshold": None}, "threshold is not that of the table, 0.5"),
        (REFERENCE, {"beta": 0.33}, "threshold is not that of the table, 0.75"),
        (REFERENCE, {"beta": 0.34}, "reference.guarantee is not that of the table and normal_class"),
        (REFERENCE, {"beta": 0.1}, "threshold is not that of the table, None"),
        (REFERENCE, {"beta": 0.999999}, "beta 0.999999 is too near to 1"),
        (REFERENCE, {"guarantee": EMPTY["guarantee"]}, "reference.guarantee is not that of the table and normal_class"),
        (EMPTY, {"threshold": 0.5}, "threshold is not that of the table, None"),
        (EMPTY, {"groups": 1}, "the weights sum to 0, not to groups, 1"),
        (EMPTY, {"conditions": [{"name": "acne", "images": 1, "groups": 1}]}, "groups is not that of conditions"),
        (EMPTY, {"beta": 0.999999}, "beta 0.999999 is too near to 1"),
        (TOO_FEW, {"threshold": 0.75}, "threshold is not that of the table, None"),
    ],
)
def test_a_reference_that_contradicts_itself_is_refused(
    manifest: dict[str, Any], reference: dict[str, Any], change: dict[str, Any], problem: str
) -> None:
    manifest["reference"] = {**reference, **change}
    with pytest.raises(pydantic.ValidationError) as caught:
        Manifest.model_validate(manifest)
    assert problem in str(caught.value)


def test_a_weight_of_the_class_is_at_most_1(manifest: dict[str, Any]) -> None:
    """Unlike one of the reference."""
    table = {"similarities": [0.25, 0.5, 0.75], "weights": [0.5, 1.5, 1.0], "groups": 3, "alpha": 0.25}
    manifest["calibration"] = {**manifest["calibration"], **table}
    with pytest.raises(pydantic.ValidationError, match=r"a weight is not in \(0, 1\]"):
        Manifest.model_validate(manifest)


def test_the_guarantees_name_the_class_of_the_manifest(manifest: dict[str, Any]) -> None:
    manifest["reference"], manifest["normal_class"] = REFERENCE, "measles"
    manifest["calibration"]["guarantee"] = manifest["calibration"]["guarantee"].replace("mpox", "measles")
    with pytest.raises(pydantic.ValidationError, match=r"reference\.guarantee is not that of"):
        Manifest.model_validate(manifest)
    guarantee = str(REFERENCE["guarantee"]).replace("mpox", "measles")
    manifest["reference"] = {**REFERENCE, "guarantee": guarantee}
    assert Manifest.model_validate(manifest).reference.guarantee.endswith("are called measles-like")
