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
        (("format",), 4),
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
        (("gate", "max_foreignness"), "7"),
        (("calibration", "groups"), True),
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
    "place", [("comment",), ("mask_set", "offset"), ("measure", "network", "x"), ("files", "mim.tflite", "x")]
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
    manifest["gate"]["max_foreignness"] = value
    with pytest.raises(pydantic.ValidationError, match="finite"):
        Manifest.model_validate(manifest)


@pytest.mark.parametrize("name", ["format", "calibration", "mask_set", "files"])
def test_a_missing_entry_is_refused(manifest: dict[str, Any], name: str) -> None:
    del manifest[name]
    with pytest.raises(jsonschema.ValidationError, match=name):
        jsonschema.validate(manifest, SCHEMA)
    with pytest.raises(pydantic.ValidationError, match=name):
        Manifest.model_validate(manifest)
