"""`mim_export.bundle.card`: the model card shows the numbers of the manifest and of the metrics."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mim_export.bundle.card import model_card
from mim_export.score.manifest import RELEASED, read_manifest

MANIFEST = read_manifest(RELEASED)
SHARE = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6}
AREA = {"auroc": 0.75, "ci_low": 0.7, "ci_high": 0.8}


def verdicts(*shares: float) -> dict[str, Any]:
    """Shares of the four verdicts of a class of three photographs of two groups."""
    names = ("mpox-like", "not-mpox-like", "undecided", "cannot-judge")
    named = {name: {**SHARE, "value": share} for name, share in zip(names, shares, strict=True)}
    return {"images": 3, "groups": 2, "shares": named}


METRICS = {
    "split": "test",
    "intervals": {"method": "made by hand"},
    "classes": {"acne": {**AREA, "by_group": {**AREA, "auroc": 0.5}}},
    "mean_auroc": 0.625,
    "mean_auroc_ci": [0.5, 0.875],
    "mean_auroc_by_group": AREA,
    "ssim": {"classes": {"acne": {"auroc": 0.25}}, "mean_auroc": 0.125},
    "sensitivity": {
        **{**SHARE, "value": 0.625, "by_group": SHARE, "images": 3, "groups": 2},
        "groups_without_miss": {"count": 1, "ci_low": 0.125, "ci_high": 0.875},
    },
    "excluded": {**SHARE, "value": 0.25, "by_group": {**SHARE, "value": 0.375}, "images": 3, "groups": 2},
    "verdicts": {"classes": {"mpox": verdicts(0.5, 0.25, 0.125, 0.0625), "acne": verdicts(0.0, 0.5, 0.5, 0.0)}},
}


def test_a_class_has_a_row_with_its_aurocs_and_verdicts() -> None:
    card = model_card(MANIFEST, {"Keras": METRICS})
    start = card.index("| class ")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in card[start:].split("\n\n")[0].splitlines()]
    assert {len(row) for row in table} == {10}
    assert table[0][6:] == ["mpox-like", "not-mpox-like", "undecided", "cannot-judge"]
    areas = ["0.750 [0.700, 0.800]", "0.500 [0.700, 0.800]", "0.250"]
    assert table[2] == ["mpox", "3", "2", "", "", "", "0.50", "0.25", "0.12", "0.06"]
    assert table[3] == ["acne", "3", "2", *areas, "0.00", "0.50", "0.50", "0.00"]
    mean = ["**0.625** [0.500, 0.875]", "**0.750** [0.700, 0.800]", "0.125"]
    assert table[4] == ["**mean over skin classes**", "", "", *mean, "", "", "", ""]
    assert (
        "`mpox` called `mpox-like` (sensitivity): 0.625 [0.400, 0.600] by photograph, 0.500 [0.400, 0.600] with each "
        "group counted once; 1 of 2 groups without a miss [0.125, 0.875]. Called `not-mpox-like`: 0.250 [0.400, 0.600] "
        "by photograph, 0.375 [0.400, 0.600] with each group counted once."
    ) in card


def test_without_ssim_or_other_skin_cells_are_empty() -> None:
    card = model_card(MANIFEST, {"Keras": {**METRICS, "ssim": None, "mean_auroc": None}})
    assert "0.500 [0.700, 0.800] |  | 0.00 |" in card and "mean over skin" not in card


def test_both_guarantees_are_stated_with_the_size_of_the_reference() -> None:
    card, reference = model_card(MANIFEST, {}), MANIFEST["reference"]
    images, groups, conditions = (len(reference["similarities"]), reference["groups"], len(reference["conditions"]))
    assert f"nothing was trained: {images} images of {groups} groups, {conditions} conditions." in card
    for table, level in ((MANIFEST["calibration"], "alpha"), (reference, "beta")):
        assert f"{table['threshold']:.4f}, {level} {table[level]:g}. Guarantee: {table['guarantee']}." in card


@pytest.mark.parametrize("beta", [0.2, 0.05])
def test_a_reference_that_excludes_nothing_says_so(beta: float) -> None:
    manifest = copy.deepcopy(MANIFEST)
    guarantee = f"no image is called mpox-like: there are 0 groups of other skin, too few for {beta:g}"
    empty = {"similarities": [], "weights": [], "groups": 0, "conditions": [], "threshold": None}
    manifest["reference"] = {**empty, "beta": beta, "guarantee": guarantee}
    card = model_card(manifest, {})
    assert f"* Other skin is excluded at no similarity, beta {beta:g}. Guarantee: {guarantee}." in card
    assert "nothing was trained: 0 images of 0 groups, 0 conditions." in card


def test_known_negatives_are_stated_with_what_they_may_teach() -> None:
    known = copy.deepcopy(MANIFEST)
    known["training"]["known_negatives"] = 17
    line = "17 photographs of other classes were used in training. Figures on the sources of these photographs"
    assert line in model_card(known, {}) and "Not of one class" not in model_card(MANIFEST, {})


def test_another_class_is_named_in_its_verdicts() -> None:
    card = model_card({**MANIFEST, "normal_class": "measles"}, {})
    assert "In these names, `mpox` stands for the class `measles`." in card and "* `measles` is excluded below" in card
