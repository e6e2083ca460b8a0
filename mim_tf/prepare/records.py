"""What is known of each file of a collection: kept pictures, and files that are left out with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mim_tf.prepare.archives import Archive

#: Receives the name of a stage, the number of files that are done, that of all files, and figures to show.
Progress = Callable[[str, int, int | None, dict[str, float]], object]

AUGMENTED = "augmented copy"
GREY = "copy in grey"
FOLD = "copy in another fold"
EXACT = "exact copy"
UNREADABLE = "unreadable"
SMALL = "too small"
NO_LABEL = "no label"
UNCLEAR = "contradictory label"
WRONG = "wrong label"
OUTSIDE_LAYOUT = "outside the layout"
NO_PICTURE = "row without a picture"
#: Reasons to leave out something that is no picture, so that it does not count as found.
NOT_FOUND = (NO_PICTURE,)


@dataclass(frozen=True)
class Picture:
    """A picture of a collection.

    Attributes:
        source: short name of the collection, such as "msld-v2".
        archive: where it is.
        name: its path in the archive, with `/`.
        label: name of the class.
        group: name of the group: the patient if the collection names one, else the picture itself.
        skin_type: Fitzpatrick's skin type as the collection gives it, if it does.
        cut: share of the height that is cut off at the bottom, because it bears a mark.
    """

    source: str
    archive: Archive
    name: str
    label: str
    group: str
    skin_type: str | None = None
    cut: float = 0.0


@dataclass(frozen=True)
class LeftOut:
    """A file that is not in the result.

    Attributes:
        source: short name of the collection.
        label: name of the class; empty if it is not known.
        name: path in the archive.
        reason: one of the constants of this module, or a reason of `mim_tf.prepare.archives`.
        copy_of: path of the picture in the archive that the file is a copy of, if it is known.
        detail: what is wrong with the file, if that is known.
    """

    source: str
    label: str
    name: str
    reason: str
    copy_of: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Collection:
    """The content of one source.

    Attributes:
        kind: name of the kind, see `mim_tf.prepare.kinds.KINDS`.
        source: short name: the kind, for a plain folder the name of the folder.
        archive: where the files are.
        pictures: the pictures, sorted by name.
        left_out: the files that are left out without being read.
    """

    kind: str
    source: str
    archive: Archive
    pictures: tuple[Picture, ...]
    left_out: tuple[LeftOut, ...]
