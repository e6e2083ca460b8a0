"""Lists the photographs in a folder, and what lies beside them and is not read."""

from __future__ import annotations

import os
import stat
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .errors import MimError, explain

#: Endings of the files that are read when a folder is given. The content decides whether one is JPEG, PNG or WebP.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp")
#: Endings of files that nobody takes for a photograph: skipped without a message.
TEXT_SUFFIXES = (
    ".csv",
    ".tsv",
    ".txt",
    ".md",
    ".rst",
    ".json",
    ".xml",
    ".html",
    ".yaml",
    ".yml",
    ".db",
    ".ini",
    ".log",
)
#: Folders that systems and archive programs create; like names with a leading dot, they are skipped without a message.
_SYSTEM = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
#: Largest number of files that a warning names.
NAMED = 3
#: What a warning says of each kind of content that is left out, and the remedy. `{}` are the endings.
_LEFT_OUT = {
    "others": ("files with other endings ({}) are not read", "convert them to JPEG, PNG or WebP"),
    "broken": ("broken links are left out", "repair or remove them"),
    "closed": ("unreadable folders are left out", "allow the current user to read them"),
    "loops": ("links to a folder above them are left out", "remove them"),
    "again": ("links inside linked folders to folders that are read already are left out", "remove them"),
    "special": ("pipes or devices are left out", "replace them by files"),
}


class LeftOut:
    """Counts what is left out of a folder, and keeps the first names alone.

    Args:
        folder: the folder, as the warnings name it.

    Example:
        >>> left = LeftOut("photos")
        >>> left.add("broken", "a.jpg")
        >>> left.warnings()
        ['photos: 1 broken links are left out (a.jpg); repair or remove them']
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(folder)
        self._counts: Counter[str] = Counter()
        self._endings: Counter[str] = Counter()
        self._first: dict[str, list[str]] = {kind: [] for kind in _LEFT_OUT}

    def add(self, kind: str, name: str) -> None:
        """Counts a file or folder.

        Args:
            kind: `others`, `broken`, `closed`, `loops`, `again` or `special`, see `Listing`.
            name: its path, relative to the folder, with slashes.
        """
        self._counts[kind] += 1
        if kind == "others":
            self._endings[os.path.splitext(name)[1].lower() or "no ending"] += 1
        insort(self._first[kind], name)
        del self._first[kind][NAMED:]

    def warnings(self) -> list[str]:
        """Returns one line for each kind of content; see `Listing.warnings`."""
        counts = self._endings.most_common()
        endings = ", ".join(f"{ending} {count}" for ending, count in counts[: 2 * NAMED])
        endings += ", ..." if len(counts) > 2 * NAMED else ""
        lines = []
        for kind, (what, remedy) in _LEFT_OUT.items():
            count = self._counts[kind]
            if count:
                names = named(self._first[kind], count)
                lines.append(f"{self._folder}: {count} {what.format(endings)} ({names}); {remedy}")
        return lines


@dataclass
class Listing:
    """The content of a folder.

    Attributes:
        images: regular files with an ending in `SUFFIXES`, sorted by path.
        others: regular files with another ending, except text.
        broken: links to nothing.
        closed: folders, or links into folders, that may not be read.
        loops: links to a folder that contains them.
        again: links inside a linked folder to a folder that is read already.
        special: pipes, devices and sockets with the name of an image.
    """

    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    closed: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    special: list[Path] = field(default_factory=list)

    def warnings(self, folder: str | os.PathLike[str]) -> list[str]:
        """Returns one line for each kind of content that is left out.

        Args:
            folder: the listed folder; the names in the lines are relative to it.

        Example:
            `["photos: 2 files with other endings (.heic 2) are not read (a.heic, b.heic); convert them to JPEG, PNG or
            WebP"]`.
        """
        left = LeftOut(folder)
        for kind in _LEFT_OUT:
            for path in getattr(self, kind):
                left.add(kind, path.relative_to(folder).as_posix())
        return left.warnings()


def named(names: Sequence[str], count: int | None = None) -> str:
    """Joins the first names, and adds how many more there are.

    Args:
        names: all names, or the first ones.
        count: number of all names; default: that of `names`.

    Example:
        `named(["a", "b", "c", "d"])` is "a, b, c and 1 more".
    """
    more = (len(names) if count is None else count) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def is_skipped(name: str) -> bool:
    """Whether files and folders of this name are skipped without a message: hidden ones and those of systems.

    Example:
        `is_skipped("__MACOSX")` and `is_skipped(".DS_Store")` are True.
    """
    return name.startswith(".") or name in _SYSTEM


def list_images(folder: str | os.PathLike[str]) -> Listing:
    """Lists a folder and its subfolders, as `walk` reads them.

    Args:
        folder: an existing folder.

    Returns:
        The sorted listing.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    listing = Listing()
    for kind, path in walk(folder):
        getattr(listing, kind).append(path)
    for paths in vars(listing).values():
        paths.sort()
    return listing


def walk(folder: str | os.PathLike[str], depth: int | None = None) -> Iterator[tuple[str, Path]]:
    """Reads a folder and its subfolders. Links are followed, but not into a folder that contains them.

    Links inside a linked folder are followed only into folders that are not read yet, since the number of paths through
    links can double with every folder. Names with a leading dot and the folders of systems, such as `__MACOSX`, are
    skipped. No file is opened, and no names of files are held.

    Args:
        folder: an existing folder.
        depth: levels of folders to read; 1 = the folder alone; None = all.

    Yields:
        An attribute of `Listing` and a path, in no order within a folder.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    top = Path(folder)
    entered = {_key(os.stat(top))}
    # Folders to read: path, folders above, and whether a link leads there. Those without a link come first.
    waiting = deque([(top, frozenset(entered), False)])
    while waiting:
        path, above, linked = waiting.popleft()
        folders: list[tuple[Path, tuple[int, int]]] = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if is_skipped(entry.name):
                        continue
                    status = _status(entry)
                    if not isinstance(status, OSError) and stat.S_ISDIR(status.st_mode):
                        folders.append((path / entry.name, _key(status)))
                        continue
                    kind = _kind(entry.name, status)
                    if kind is not None:
                        yield kind, path / entry.name
        except OSError:  # a folder may be listed by a user who may not enter it
            if path == top:
                raise
            yield "closed", path
            continue
        if depth is not None and len(path.parts) - len(top.parts) + 1 >= depth:
            continue
        for child, key in sorted(folders):
            is_link = child.is_symlink()
            if key in above:
                yield "loops", child
            elif linked and is_link and key in entered:
                yield "again", child
            else:
                entered.add(key)
                item = (child, above | {key}, linked or is_link)
                waiting.append(item) if item[2] else waiting.appendleft(item)


def check_outside(out: str | os.PathLike[str], *folders: str | os.PathLike[str] | None) -> None:
    """Checks that an output folder is not in a data folder, where its images would become photographs.

    Args:
        out: the output folder, which need not exist.
        folders: data folders; None is skipped.

    Raises:
        MimError: `out` is a data folder or inside one, also through a link.
    """
    target = Path(os.path.realpath(out))
    above = [os.stat(path) for path in (target, *target.parents) if os.path.exists(path)]
    for folder in folders:
        if folder is None or not os.path.isdir(folder):
            continue
        try:
            for place in (os.fspath(folder), *_linked_folders(folder)):
                if any(os.path.samestat(os.stat(place), status) for status in above):
                    raise MimError(f"is inside the data folder {os.fspath(folder)}", "choose a folder outside it", out)
        except OSError as error:
            raise explain(error, folder) or error from None


def to_nobody(line: str) -> None:
    """Receives warnings that are not shown."""


#: Receives one line of a warning.
Warn = Callable[[str], None]


def _linked_folders(folder: str | os.PathLike[str], levels: int = 2) -> Iterator[str]:
    """Yields the links to folders in a folder, and in the folders in it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                if entry.is_dir():
                    yield entry.path
            elif levels > 1 and entry.is_dir(follow_symlinks=False):
                with suppress(PermissionError):
                    yield from _linked_folders(entry.path, levels - 1)


def _kind(name: str, status: os.stat_result | OSError) -> str | None:
    """The attribute of `Listing` of what is no folder; None for what nobody takes for a photograph."""
    if isinstance(status, OSError):
        return "closed" if isinstance(status, PermissionError) else "broken"
    suffix = os.path.splitext(name)[1].lower()
    if suffix in SUFFIXES:
        return "images" if stat.S_ISREG(status.st_mode) else "special"
    return "others" if stat.S_ISREG(status.st_mode) and suffix not in TEXT_SUFFIXES else None


def _key(status: os.stat_result) -> tuple[int, int]:
    """What identifies a folder, whatever the path to it."""
    return status.st_dev, status.st_ino


def _status(entry: os.DirEntry[str]) -> os.stat_result | OSError:
    """Status of a file, or of what a link leads to; the error if a link leads to nothing or to where one may not go.

    Raises:
        PermissionError: the folder of the path may not be entered.
    """
    try:
        return os.stat(entry.path)
    except OSError as error:
        if isinstance(error, PermissionError) and not entry.is_symlink():
            raise
        return error
