"""The kinds of collections: how each is recognised, read, and what is said of its terms."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mim_export.score.errors import MimError
from mim_export.score.listing import Warn, named
from mim_tf.prepare import named_kinds, table_kinds
from mim_tf.prepare.archives import Archive, open_archive
from mim_tf.prepare.names import safe_name
from mim_tf.prepare.records import Collection, LeftOut, Picture


@dataclass(frozen=True)
class Kind:
    """A kind of collection.

    Attributes:
        fits: whether an archive looks like one.
        read: returns its pictures, and the files that are left out by their names.
        terms: what its page says of its use, in a few words.
        patients: what a group is.
    """

    fits: Callable[[Archive], bool]
    read: Callable[[Archive, str, Warn], tuple[list[Picture], list[LeftOut]]]
    terms: str
    patients: str


KINDS = {
    "msld-v1": Kind(
        named_kinds.is_msld_v1,
        named_kinds.read_msld_v1,
        "repository: MIT; the pictures were collected from the web: read its page",
        "patient, from the file names",
    ),
    "msld-v2": Kind(
        named_kinds.is_msld_v2,
        named_kinds.read_msld_v2,
        "terms as stated on its page: read them",
        "patient, from the file names",
    ),
    "msid": Kind(
        named_kinds.is_msid,
        named_kinds.read_by_folder,
        "terms as stated on its page: read them",
        "picture; no patients",
    ),
    "ahsan-2022": Kind(
        named_kinds.is_ahsan_2022,
        named_kinds.read_by_folder,
        "collected from the web; its page excludes commercial use: read it",
        "picture; no patients",
    ),
    "fitzpatrick17k": Kind(
        table_kinds.is_fitzpatrick17k,
        table_kinds.read_fitzpatrick17k,
        "pictures of two dermatology atlases; terms as stated on its page: read them",
        "picture; no patients",
    ),
    "pad-ufes-20": Kind(
        table_kinds.is_pad_ufes_20,
        table_kinds.read_pad_ufes_20,
        "terms as stated on its page: read them",
        "patient, from metadata.csv",
    ),
    "plain": Kind(
        named_kinds.is_plain,
        named_kinds.read_plain,
        "those of its owner",
        "group of MANIFEST.csv, else the picture",
    ),
}
#: Endings of archives, which are not looked into when they are inside a source.
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz")
_REMEDY = f"name the kind as KIND=PATH, with one of {', '.join(KINDS)}"


def read_sources(sources: Sequence[str | os.PathLike[str]], warn: Warn) -> list[Collection]:
    """Opens, recognises and lists sources. No picture is opened.

    Args:
        sources: folders or .zip archives, each optionally as `KIND=PATH`.
        warn: receives one line for each fault of a MANIFEST.csv.

    Returns:
        The collections, sorted by source and path, so that the order of the arguments has no effect.

    Raises:
        MimError: a source is missing, not readable, of no kind or of several, holds archives or no pictures, is named
            twice, or has the short name of another one.

    Example:
        `read_sources(["MSLD.zip", "plain=clinic"], print)[0].source` is "clinic", and `[1].source` is "msld-v1".
    """
    collections: list[Collection] = []
    for given in sources:
        kind, path = _parse(os.fspath(given))
        archive = open_archive(path)
        if any(os.path.samefile(path, other.archive.path) for other in collections):
            raise MimError("is named twice", "name each source once", path)
        inside = [name for name, _ in archive.left_out if name.lower().endswith(_ARCHIVES)]
        if inside:  # PAD-UFES-20 comes so; its pictures would be missing from the figures
            where = "there" if path.is_dir() else "and this archive, name the folder"
            remedy = f"unpack them {where}, and move the archives inside out of it"
            raise MimError(f"holds archives: {named(inside)}", remedy, path)
        if not archive.images:
            reasons = Counter(reason for _, reason in archive.left_out).most_common()
            found = f" ({', '.join(f'{reason}: {count}' for reason, count in reasons)})" if reasons else ""
            remedy = "name a folder or a .zip archive without a password, of JPEG, PNG or WebP files"
            raise MimError(f"no pictures in it{found}", remedy, path)
        kind = kind or _recognise(archive)
        place = Path(os.path.abspath(path))
        source = safe_name(place.name if path.is_dir() else place.stem) if kind == "plain" else kind
        if source in KINDS and source != kind:
            raise MimError(f"has the name of the kind {source}", "rename it", path)
        for other in collections:
            if kind == "plain" and other.source == source:
                raise MimError(f"has the same name as {other.archive.path}", "rename one of them", path)
        pictures, left_out = KINDS[kind].read(archive, source, warn)
        unread = [LeftOut(source, "", name, reason) for name, reason in archive.left_out]
        collections.append(Collection(kind, source, archive, tuple(pictures), tuple(left_out + unread)))
    return sorted(collections, key=lambda found: (found.source, os.path.abspath(found.archive.path)))


def _parse(given: str) -> tuple[str, Path]:
    """Splits KIND=PATH. A path that exists is one, whatever it holds."""
    kind, sign, path = given.partition("=")
    if kind in KINDS and sign:
        return kind, Path(path)
    if sign and not os.path.lexists(given) and "/" not in kind and os.path.lexists(path):
        raise MimError(f"{kind!r} is no kind of collection", _REMEDY, path)
    return "", Path(given)


def _recognise(archive: Archive) -> str:
    found = [name for name, kind in KINDS.items() if kind.fits(archive)]
    if len(found) == 1:
        return found[0]
    problem = f"may be {' or '.join(found)}" if found else "of no kind that is recognised"
    raise MimError(problem, _REMEDY, archive.path)
