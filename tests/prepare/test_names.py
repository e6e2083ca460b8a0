"""`mim_tf.prepare.names`: spellings of classes, names that say "augmented", safe file names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_export.score.listing import is_skipped
from mim_tf.prepare.names import agree, class_of_folder, known_class, safe_name, says_augmented, says_grey, unify_class


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("Monkey Pox", "mpox"),
        ("MONKEYPOX", "mpox"),
        ("mpox", "mpox"),
        ("Chicken_Pox", "chickenpox"),
        ("HFMD", "hand_foot_mouth"),
        ("Hand, foot and mouth disease", "hand_foot_mouth"),
        ("Normal", "healthy"),
        ("normal skin", "healthy"),
        ("Lichen planus", "lichen_planus"),
        ("erythema/annulare", "erythema_annulare"),
        (" ", "unnamed"),
    ],
)
def test_classes_are_unified(given_name: str, name: str) -> None:
    assert unify_class(given_name) == name


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Monkeypox", "mpox"),
        ("Monkeypox_gray_augmented", "mpox"),
        ("Normal Images", "healthy"),
        ("Monkeypox-dataset-2022-main", ""),
        ("Monkeypox Skin Image Dataset", ""),
        ("fold1", ""),
    ],
)
def test_only_the_folder_of_a_class_has_one(folder: str, name: str) -> None:
    assert class_of_folder(folder) == name


def test_words_that_say_augmented_or_grey() -> None:
    told = ("Augmented Images/a.jpg", "FOLDS_AUG/a.jpg", "fold1_AUG/a.jpg", "a/chicken_aug_0_2523.png", "x/aug 1.png")
    assert all(map(says_augmented, told))
    assert not any(map(says_augmented, ("August/a.jpg", "Monkeypox/1.jfif", "daughter/a.png")))
    assert says_grey("Monkeypox_gray") and says_grey("grey") and not says_grey("Monkeypox") and not says_grey("grays")


def test_a_vague_class_agrees_with_its_two_diseases_only() -> None:
    vague = "chickenpox_or_measles"
    assert agree(vague, "measles") and agree("chickenpox", vague) and agree(vague, vague) and agree("acne", "acne")
    assert not agree(vague, "mpox") and not agree("chickenpox", "measles") and not agree("acne", "mpox")


@given(st.text(max_size=300))
def test_safe_names_are_safe(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 120 and not is_skipped(name) and name.isprintable()
    assert not set(name) & set('/\\:*?"<>|\0 ') and name.strip(".") == name
    assert safe_name(name) == name and (known_class(name) == "" or unify_class(name) == known_class(name))
