"""Lists the photographs in a folder, and what lies beside them and is not read."""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
        counts = Counter(path.suffix.lower() or "no ending" for path in self.others).most_common()
        endings = ", ".join(f"{ending} {count}" for ending, count in counts[: 2 * NAMED])
        endings += ", ..." if len(counts) > 2 * NAMED else ""
        kinds = (
            (self.others, f"files with other endings ({endings}) are not read", "convert them to JPEG, PNG or WebP"),
            (self.broken, "broken links are left out", "repair or remove them"),
            (self.closed, "unreadable folders are left out", "allow the current user to read them"),
            (self.loops, "links to a folder above them are left out", "remove them"),
            (self.again, "links inside linked folders to folders that are read already are left out", "remove them"),
            (self.special, "pipes or devices are left out", "replace them by files"),
        )
        where = os.fspath(folder)
        return [
            f"{where}: {len(paths)} {what} ({named([_relative(path, where) for path in paths])}); {remedy}"
            for paths, what, remedy in kinds
            if paths
        ]


def named(names: Sequence[str]) -> str:
    """Joins the first names, and adds how many more there are.

    Example:
        `named(["a", "b", "c", "d"])` is "a, b, c and 1 more".
    """
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def is_skipped(name: str) -> bool:
    """Whether files and folders of this name are skipped without a message: hidden ones and those of systems.

    Example:
        `is_skipped("__MACOSX")` and `is_skipped(".DS_Store")` are True.
    """
    return name.startswith(".") or name in _SYSTEM


def list_images(folder: str | os.PathLike[str]) -> Listing:
    """Lists a folder and its subfolders. Links are followed, but not into a folder that contains them.

    Links inside a linked folder are followed only into folders that are not read yet, since the number of paths through
    links can double with every folder. Names with a leading dot and the folders of systems, such as `__MACOSX`, are
    skipped. No file is opened.

    Args:
        folder: an existing folder.

    Returns:
        The sorted listing.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    listing = Listing()
    top = os.stat(folder)
    entered = {_key(top)}
    # Folders to read: path, folders above, and whether a link leads there. Those without a link come first.
    waiting = deque([(Path(folder), frozenset(entered), False)])
    while waiting:
        path, above, linked = waiting.popleft()
        try:
            children = [(child, _status(child)) for child in _children(path)]
        except OSError:  # a folder may be listed by a user who may not enter it
            if path == Path(folder):
                raise
            listing.closed.append(path)
            continue
        for child, status in children:
            if isinstance(status, OSError):
                (listing.closed if isinstance(status, PermissionError) else listing.broken).append(child)
            elif stat.S_ISDIR(status.st_mode):
                key, is_link = _key(status), child.is_symlink()
                if key in above:
                    listing.loops.append(child)
                elif linked and is_link and key in entered:
                    listing.again.append(child)
                else:
                    entered.add(key)
                    item = (child, above | {key}, linked or is_link)
                    waiting.append(item) if item[2] else waiting.appendleft(item)
            elif child.suffix.lower() in SUFFIXES:
                (listing.images if stat.S_ISREG(status.st_mode) else listing.special).append(child)
            elif stat.S_ISREG(status.st_mode) and child.suffix.lower() not in TEXT_SUFFIXES:
                listing.others.append(child)
    for paths in vars(listing).values():
        paths.sort()
    return listing


def to_nobody(line: str) -> None:
    """Receives warnings that are not shown."""


#: Receives one line of a warning.
Warn = Callable[[str], None]


def _children(folder: Path) -> list[Path]:
    names = os.listdir(folder)
    return [folder / name for name in sorted(names) if not is_skipped(name)]


def _key(status: os.stat_result) -> tuple[int, int]:
    """What identifies a folder, whatever the path to it."""
    return status.st_dev, status.st_ino


def _status(path: Path) -> os.stat_result | OSError:
    """Status of a file, or of what a link leads to; the error if a link leads to nothing or to where one may not go.

    Raises:
        PermissionError: the folder of the path may not be entered.
    """
    try:
        return os.stat(path)
    except OSError as error:
        if isinstance(error, PermissionError) and not os.path.islink(path):
            raise
        return error


def _relative(path: Path, folder: str) -> str:
    return path.relative_to(folder).as_posix()
