"""`mim_tf.evaluation.verdicts` against counts made by hand and intervals of scikit-learn and SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from mim_export.score.decide import Judgement
from mim_export.score.errors import MimError
from mim_tf.data.folder import Photos
from mim_tf.data.splits import Photo
from mim_tf.evaluation import verdicts as module
from mim_tf.evaluation.evaluate import ClassScores
from mim_tf.evaluation.verdicts import NOT_STATED, check_column, verdict_rows, verdicts


def judged(label: str, codes: list[int], types: list[str] | None = None) -> ClassScores:
    """Photographs of different patients with these verdicts; the similarity falls with the code."""
    columns = [{"skin_type": value} if value else {} for value in types or [""] * len(codes)]
    photos = [
        Photo(Path(f"{label}{i}.jpg"), "test", label, f"{label}{i}", columns=columns[i]) for i in range(len(codes))
    ]
    similarity = -np.array(codes, np.float32) - np.linspace(0, 0.5, len(codes), dtype=np.float32)
    verdict = np.array(codes, np.int32)
    judgement = Judgement(similarity, similarity, similarity, verdict, np.where(verdict == 3, 1, 0).astype(np.int32))
    return ClassScores(Photos(np.zeros((len(codes), 4, 4, 3), np.uint8), tuple(photos), np.ones(len(codes))), judgement)


SCORES = {
    "mpox": judged("mpox", [0, 0, 2, 1]),
    "measles": judged("measles", [0, 1, 2, 3], ["1", "1", "6", ""]),
    "healthy": judged("healthy", [1, 1], ["6", "6"]),
    "no_skin": judged("no_skin", [3, 3, 3], ["1", "1", "1"]),
}


def test_shares_are_those_of_the_photographs() -> None:
    found = verdicts(SCORES, "mpox", ())
    assert found["names"] == ["mpox-like", "not-mpox-like", "undecided", "cannot-judge"] and found["by"] == {}
    shares = {
        label: [entry["shares"][name]["value"] for name in found["names"]] for label, entry in found["classes"].items()
    }
    assert shares == {
        "mpox": [0.5, 0.25, 0.25, 0.0],
        "measles": [0.25, 0.25, 0.25, 0.25],
        "healthy": [0.0, 1.0, 0.0, 0.0],
        "no_skin": [0.0, 0.0, 0.0, 1.0],
    }
    # What does not show skin is not other skin.
    other = found["other_skin"]
    assert (other["images"], other["groups"]) == (6, 6)
    assert [other["shares"][name]["value"] for name in found["names"]] == pytest.approx([1 / 6, 3 / 6, 1 / 6, 1 / 6])


def test_the_interval_is_no_narrower_than_that_of_independent_photographs() -> None:
    entry = verdicts(SCORES, "mpox", ())["classes"]["no_skin"]["shares"]["cannot-judge"]
    exact = binomtest(3, 3).proportion_ci(0.95, "exact")
    assert (entry["ci_low"], entry["ci_high"]) == pytest.approx((exact.low, exact.high))


def test_other_skin_is_divided_by_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_GROUPS", 2)
    found = verdicts(SCORES, "mpox", ("skin_type",))["by"]["skin_type"]
    assert list(found["values"]) == ["1", "6", NOT_STATED]
    assert [entry["images"] for entry in found["values"].values()] == [2, 3, 1]
    called = [entry["shares"]["mpox-like"]["value"] for entry in found["values"].values()]
    assert called == [0.5, 0.0, 0.0] and found["spread"] == 0.5
    mpox = SCORES["mpox"].judgement.similarity
    first = SCORES["measles"].judgement.similarity[:2]
    area = roc_auc_score([1] * 4 + [0] * 2, np.concatenate([mpox, first]))
    assert found["values"]["1"]["auroc"]["value"] == pytest.approx(area)


def test_values_of_few_groups_have_no_part_in_the_spread() -> None:
    many = judged("measles", [0, 1] * 10, ["1", "2"] * 10)
    few = judged("acne", [1, 1, 1], ["6", "6", "6"])
    found = verdicts({"mpox": SCORES["mpox"], "measles": many, "acne": few}, "mpox", ("skin_type",))["by"]["skin_type"]
    assert [entry["groups"] for entry in found["values"].values()] == [10, 10, 3]
    assert found["spread"] == 1.0  # all of type 1 and none of type 2; the three of type 6 are too few


def test_one_stated_value_has_no_spread() -> None:
    scores = {"mpox": SCORES["mpox"], "measles": judged("measles", [0, 1], ["2", ""])}
    assert verdicts(scores, "mpox", ("skin_type",))["by"]["skin_type"]["spread"] is None


def test_without_other_skin_there_is_none() -> None:
    found = verdicts({name: SCORES[name] for name in ("mpox", "no_skin")}, "mpox", ("skin_type",))
    assert found["other_skin"] is None and found["by"] == {}
    assert [row[0] for row in verdict_rows(found)] == ["class", "mpox", "no_skin"]


def test_rows_show_percent_and_counts() -> None:
    found = verdicts(SCORES, "mpox", ("skin_type",))
    header, *rows = verdict_rows(found)
    assert header == ["class", "mpox-like", "not-mpox-like", "undecided", "cannot-judge", "images (groups)"]
    assert [row[0] for row in rows] == ["mpox", "measles", "healthy", "no_skin", "all other skin"]
    exact = binomtest(2, 2).proportion_ci(0.95, "exact")
    assert rows[2][2] == f"100 [{100 * exact.low:.0f}, 100]" and rows[2][5] == "2 (2)"
    by_type = verdict_rows(found, "skin_type")
    assert by_type[0] == ["skin_type", *header[1:5], "AUROC", "images (groups)"]


def test_a_column_that_no_photograph_has_is_named() -> None:
    photos = [photo for part in SCORES.values() for photo in part.photos.photos]
    check_column(photos, "skin_type")
    with pytest.raises(MimError, match="no column 'age'; its columns are: skin_type"):
        check_column(photos, "age")
    with pytest.raises(MimError, match="none beside file, group and mask"):
        check_column(photos[:4], "age")


def test_a_column_of_a_value_for_each_photograph_is_refused() -> None:
    values = [Photo(Path(f"{i}.jpg"), "test", "acne", str(i), columns={"sha256": str(i)}) for i in range(31)]
    check_column(values[:30], "sha256")
    with pytest.raises(MimError, match=r"'sha256' of MANIFEST\.csv has 31 values, at most 30"):
        check_column(values, "sha256")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_the_shares_of_a_class_sum_to_one(own: list[int], others: list[int]) -> None:
    found = verdicts({"mpox": judged("mpox", own), "acne": judged("acne", others)}, "mpox", ())
    for entry in (*found["classes"].values(), found["other_skin"]):
        assert sum(share["value"] for share in entry["shares"].values()) == pytest.approx(1)
        assert all(
            share["ci_low"] <= share["value"] <= share["ci_high"]
            for share in entry["shares"].values()
            if share["ci_low"] is not None
        )
