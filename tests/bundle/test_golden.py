"""`mim_export.bundle.golden`: decisions beside each limit of both tables, against fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mim_export.bundle import golden
from mim_export.score.conformal import Calibration, Condition, Reference, Tables
from mim_export.score.decide import VERDICTS
from mim_export.score.manifest import RELEASED

BUNDLES = pytest.mark.parametrize("bundle", [RELEASED, RELEASED.with_name("released_micro")], ids=["phone", "micro"])
CALIBRATION = Calibration((-1.0, 0.25, 1.0, 2.0, 3.0), (1.0,) * 5, 5, 0.4, "split")
REFERENCE = Reference((-8.0, -4.0, -2.0, -1.0, 0.5), (1.0,) * 5, 5, 0.4, (Condition("acne", 5, 5),))


def with_neighbours(*values: float) -> set[float]:
    at = np.array(values, np.float32)
    below, above = (np.nextafter(at, np.float32(side)) for side in (-np.inf, np.inf))
    return {float(value) for value in (*below, *at, *above)}


def test_decisions_are_at_lowest_middle_highest_and_threshold_of_both_tables_and_beside_them() -> None:
    """By hand: p_class is 2 / 6 just below 0.25 and 3 / 6 there, p_other 2 / 6 just above -1 and 3 / 6 there."""
    assert (CALIBRATION.threshold, REFERENCE.threshold) == (0.25, -1.0)
    found = golden.decision_values(Tables(CALIBRATION, REFERENCE))
    assert found == sorted(found)
    # The lowest of the class is the threshold of other skin.
    assert set(found) == with_neighbours(-1.0, 0.25, 1.0, 3.0, -8.0, -2.0, 0.5)


@pytest.mark.parametrize("groups", [0, 2])
def test_decisions_of_a_reference_without_a_threshold_are_at_its_similarities_alone(groups: int) -> None:
    conditions = (Condition("acne", groups, groups),) if groups else ()
    reference = Reference((-8.0, -4.0)[:groups], (1.0, 1.0)[:groups], groups, 0.3, conditions)
    assert reference.threshold is None
    found = golden.decision_values(Tables(CALIBRATION, reference))
    assert set(found) == with_neighbours(-1.0, 0.25, 1.0, 3.0, *((-8.0, -4.0) if groups else ()))


def p_values(manifest: dict[str, Any], similarity: float) -> tuple[Fraction, Fraction]:
    """Both p-values of a float32 similarity, in fractions."""
    sums = []
    for place in ("calibration", "reference"):
        table = manifest[place]
        counted = [
            Fraction(weight)
            for value, weight in zip(table["similarities"], table["weights"], strict=True)
            if (value <= similarity if place == "calibration" else value >= similarity)
        ]
        sums.append((1 + sum(counted)) / (table["groups"] + 1))
    return sums[0], sums[1]


@BUNDLES
def test_released_decisions_are_beside_each_limit_and_those_in_fractions(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    decisions = json.loads((bundle / "golden" / "golden.json").read_text())["decisions"]
    limits = []
    for place in ("calibration", "reference"):
        values, threshold = manifest[place]["similarities"], manifest[place]["threshold"]
        limits += [threshold, values[0], values[len(values) // 2], values[-1]]
    assert {entry["similarity"] for entry in decisions} == with_neighbours(*limits)
    for entry in decisions:
        own, other = p_values(manifest, entry["similarity"])
        assert abs(entry["p_class"] - own) < 5e-6 and abs(entry["p_other"] - other) < 5e-6
        no_class = own <= Fraction(manifest["calibration"]["alpha"]) + Fraction(1, 10**5)
        no_other = other <= Fraction(manifest["reference"]["beta"]) + Fraction(1, 10**5)
        expected = {(False, True): 0, (True, False): 1}.get((no_class, no_other), 2)
        assert entry["verdict"] == VERDICTS[expected]
        assert no_class == (entry["similarity"] < manifest["calibration"]["threshold"])
        assert no_other == (entry["similarity"] > manifest["reference"]["threshold"])


@BUNDLES
def test_released_golden_images_have_the_p_values_in_fractions(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for entry in json.loads((bundle / "golden" / "golden.json").read_text())["images"]:
        own, other = p_values(manifest, entry["similarity"])
        assert abs(entry["p_class"] - own) < 5e-6 and abs(entry["p_other"] - other) < 5e-6
