"""Names: spellings of a class, names that say "augmented", file names that every system accepts."""

from __future__ import annotations

import re

#: The class of pictures that are one of two diseases.
VAGUE = "chickenpox_or_measles"
#: Spellings of a class without spaces, signs and case.
_SPELLINGS = {
    "mpox": ("mpox", "monkeypox"),
    "chickenpox": ("chickenpox",),
    "measles": ("measles",),
    VAGUE: ("chickenpoxormeasles",),
    "cowpox": ("cowpox",),
    "hand_foot_mouth": ("handfootmouth", "handfootandmouth", "handfootandmouthdisease", "handfootmouthdisease", "hfmd"),
    "healthy": ("healthy", "healthyskin", "normal", "normalskin"),
}
_CLASS_OF = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}
#: "augment" anywhere, or "aug" as a word of its own, as in "fold1_AUG" and "chicken_aug_0_2523".
_AUGMENTED = re.compile(r"augment|(?<![a-z])aug(?![a-z])", re.IGNORECASE)
_GREY = re.compile(r"(?<![a-z])gr[ae]y(?![a-z])", re.IGNORECASE)
#: What the name of a folder may add to the class.
_ABOUT_COPIES = re.compile(r"augment(ed|ation)?|gr[ae]y|(?<![a-z])aug(?![a-z])|images?|originals?", re.IGNORECASE)
#: Longest name in bytes. Systems accept 255, and a source and an ending are added.
_LONGEST = 120


def unify_class(name: str) -> str:
    """Returns the name under which a class is kept.

    Args:
        name: a class as a collection spells it.

    Returns:
        `mpox`, `chickenpox`, `measles`, `chickenpox_or_measles`, `cowpox`, `hand_foot_mouth` or `healthy` for a known
        spelling of these, else the name in lower case, with `_` for spaces and for characters that a file name may not
        hold.

    Example:
        `unify_class("Monkey Pox")` is "mpox", and `unify_class("Lichen planus")` is "lichen_planus".
    """
    return known_class(name) or safe_name(name.strip().casefold().replace(" ", "_"))


def known_class(name: str) -> str:
    """Returns the class of which a name is a spelling; empty if there is none.

    Example:
        `known_class("Normal skin")` is "healthy", and `known_class("fold1")` is "".
    """
    return _CLASS_OF.get(re.sub(r"[\W_]", "", name.casefold()), "")


def class_of_folder(name: str) -> str:
    """Returns the class of which a folder holds pictures, or copies of pictures; empty if its name tells none.

    Example:
        `class_of_folder("Monkeypox_gray_augmented")` is "mpox", and `class_of_folder("Monkeypox-dataset-2022")` is "".
    """
    return known_class(_ABOUT_COPIES.sub("", name))


def agree(first: str, second: str) -> bool:
    """Whether two classes may be those of one picture: equal ones, or one of them leaves open which it is.

    Example:
        `agree("chickenpox_or_measles", "measles")` is True, and `agree("mpox", "measles")` is False.
    """
    return first == second or {first, second} in ({VAGUE, "chickenpox"}, {VAGUE, "measles"})


def says_augmented(name: str) -> bool:
    """Whether a folder or the name of the file says that a picture is an augmented copy.

    Args:
        name: path of the picture in its archive, with `/`.

    Example:
        `says_augmented("Monkeypox_augmented/a.png")` is True, and `says_augmented("August/a.png")` is False.
    """
    return _AUGMENTED.search(name) is not None


def says_grey(folder: str) -> bool:
    """Whether the name of a folder says that it holds grey copies.

    Example:
        `says_grey("Monkeypox_gray")` is True.
    """
    return _GREY.search(folder) is not None


def safe_name(name: str) -> str:
    """Returns a file name that every system accepts and that list_images does not skip.

    Args:
        name: any text.

    Returns:
        Letters, digits, `.`, `-` and `_`, at most 120 bytes of UTF-8, without `.` at either end.

    Example:
        `safe_name("chicken_aug  1?")` is "chicken_aug__1_".
    """
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
    short = kept.encode()[:_LONGEST].decode(errors="ignore").strip(".")
    return short or "unnamed"
