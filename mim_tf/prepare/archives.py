"""Reads sources: folders, and .zip archives without unpacking them beside the pictures that are needed.

No name of an archive is ever used as a path to write to.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import struct
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from mim_export.score.errors import MimError, explain
from mim_export.score.listing import SUFFIXES, TEXT_SUFFIXES, is_skipped, list_images
from mim_export.score.text import printable
from mim_tf.data.content import UNREADABLE, digest

ENDING = "ending that is not read"
BROKEN = "broken link"
AGAIN = "link to what is read already"
SPECIAL = "pipe or device"
OUTSIDE = "name that leaves the archive"
ENCRYPTED = "encrypted"
TOO_LARGE = "implausible size"
TWICE = "replaced by a later file of the same name"

#: Largest size in bytes of a picture in an archive. A photograph of 100 million pixels is smaller.
_LARGEST = 512 * 1024 * 1024
#: Pictures are compressed already: archives make them smaller by a few per cent.
_LARGEST_RATIO = 100
#: Sizes for which the ratio says nothing.
_SMALL = 1 << 20
#: Largest sum of sizes in bytes of the pictures of an archive.
_LARGEST_SUM = 1_000_000_000_000
#: Largest size in bytes of a table.
_LARGEST_TABLE = 256 * 1024 * 1024
_BLOCK = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # encrypted
    ValueError,  # names and sizes that contradict each other
)


class Archive(ABC):
    """A folder or an archive with pictures and tables.

    Attributes:
        path: the folder or the archive.
        images: names of the files with an ending of a picture, relative to `path`, with `/`, sorted.
        tables: names of the CSV files, those nearest to the top first.
        left_out: names of the files that cannot be read, each with the reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: tuple[str, ...] = ()
        self.tables: tuple[str, ...] = ()
        self.left_out: tuple[tuple[str, str], ...] = ()

    @abstractmethod
    def fetch(self, name: str, staged: Path) -> tuple[Path, str]:
        """Makes a picture available as a file.

        Args:
            name: one of `images`.
            staged: where the file is written if it is in an archive.

        Returns:
            The path of the file, and the SHA-256 of its content, or `UNREADABLE` of `mim_tf.data.content`.
        """

    @abstractmethod
    def content(self, name: str) -> bytes:
        """Returns the content of a table.

        Raises:
            MimError: it cannot be read, or is larger than 256 MiB.
        """

    def text(self, name: str) -> str:
        """Returns a table as text.

        Raises:
            MimError: see `content`; or it is not UTF-8.
        """
        try:
            return self.content(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise MimError(f"not a CSV file in UTF-8 ({error})", "save it as UTF-8 CSV", self.path / name) from None


class FolderArchive(Archive):
    """A folder, whose files are read where they are.

    Args:
        path: an existing folder.

    Raises:
        MimError: it cannot be listed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            listing = list_images(path)
            if listing.closed:  # it may hold a class, which would be missing from the figures
                raise PermissionError(13, "permission denied", str(listing.closed[0]))
            tables = [found for depth in ("*", "*/*", "*/*/*") for found in sorted(path.glob(depth))]
        except OSError as error:
            raise explain(error, path) or error from None

        def relative(paths: list[Path]) -> tuple[str, ...]:
            return tuple(found.relative_to(path).as_posix() for found in paths)

        self.images = relative(listing.images)
        self.tables = relative([table for table in tables if table.suffix.lower() == ".csv" and table.is_file()])
        kinds = (
            (listing.others, ENDING),
            (listing.broken, BROKEN),
            (listing.loops + listing.again, AGAIN),
            (listing.special, SPECIAL),
        )
        self.left_out = tuple((name, reason) for paths, reason in kinds for name in relative(paths))

    def fetch(self, name: str, staged: Path) -> tuple[Path, str]:
        """The file itself; see `Archive.fetch`."""
        path = self.path / name
        return path, digest(path)

    def content(self, name: str) -> bytes:
        """See `Archive.content`."""
        path = self.path / name
        try:
            if path.stat().st_size > _LARGEST_TABLE:
                raise MimError("larger than 256 MiB, which is no table of labels", "replace it", path)
            return path.read_bytes()
        except OSError as error:
            raise explain(error, path) or error from None


class ZipArchive(Archive):
    """A .zip archive, of which single members are unpacked.

    Args:
        path: an existing file.

    Raises:
        MimError: it is not a .zip archive, is damaged, or says that it holds more than 1 TB of pictures.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = threading.Lock()  # of the open file, which several threads read
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise explain(error, path) or error from None
        except _DAMAGED as error:
            problem = f"not a readable .zip archive ({printable(str(error))[:80]})"
            raise MimError(problem, "download it again, or unpack it and name the folder", path) from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        left_out = []
        for member in self._zip.infolist():
            name = member.filename.replace("\\", "/")
            parts = name.split("/")
            if member.is_dir() or any(is_skipped(part) for part in parts if part != ".."):
                continue
            reason = _reason_against(member, name, parts)
            if reason:
                left_out.append((name, reason))
            elif name in self._members:
                left_out.append((name, TWICE))
                self._members[name] = member
            else:
                self._members[name] = member
        suffixes = {name: os.path.splitext(name)[1].lower() for name in self._members}
        self.images = tuple(sorted(name for name, suffix in suffixes.items() if suffix in SUFFIXES))
        tables = sorted(name for name, suffix in suffixes.items() if suffix == ".csv")
        self.tables = tuple(sorted(tables, key=lambda name: name.count("/")))
        known = (*SUFFIXES, *TEXT_SUFFIXES)
        left_out += [(name, ENDING) for name, suffix in suffixes.items() if suffix not in known]
        self.left_out = tuple(sorted(left_out))
        if sum(self._members[name].file_size for name in self.images) > _LARGEST_SUM:
            raise MimError("says that it holds more than 1 TB of pictures", "download it again", path)

    def fetch(self, name: str, staged: Path) -> tuple[Path, str]:
        """Unpacks one member; see `Archive.fetch`."""
        content = hashlib.sha256()
        with self._lock, staged.open("wb") as target:
            for block in self._blocks(name):
                if block is None:
                    return staged, UNREADABLE
                content.update(block)
                target.write(block)
        return staged, content.hexdigest()

    def _blocks(self, name: str) -> Iterator[bytes | None]:
        """Yields the content of a member; None where it is damaged."""
        try:
            with self._zip.open(self._members[name]) as member:
                while block := member.read(_BLOCK):
                    yield block
        except (OSError, *_DAMAGED):  # a wrong offset in the archive is an OSError
            yield None

    def content(self, name: str) -> bytes:
        """See `Archive.content`."""
        path = self.path / name
        if self._members[name].file_size > _LARGEST_TABLE:
            raise MimError("larger than 256 MiB, which is no table of labels", "replace it", path)
        try:
            with self._lock:
                return self._zip.read(self._members[name])
        except OSError as error:
            raise explain(error, path) or error from None
        except _DAMAGED as error:
            raise MimError(f"damaged ({printable(str(error))[:80]})", "download the archive again", path) from None


def open_archive(path: str | os.PathLike[str]) -> Archive:
    """Opens a source.

    Args:
        path: a folder or a .zip archive.

    Returns:
        The archive with the names of its files. Hidden files and those of systems, such as `__MACOSX`, are skipped.

    Raises:
        MimError: there is no such file, or it cannot be read.

    Example:
        `open_archive("MSLD.zip").images[0]` is "Original Images/Original Images/Monkey Pox/M01_01.jpg".
    """
    place = Path(path)
    try:
        if place.is_dir():
            return FolderArchive(place)
        if place.is_file():
            return ZipArchive(place)
        exists = os.path.lexists(place)
    except OSError as error:  # such as a name that is too long
        raise explain(error, place) or error from None
    problem = "neither a folder nor a .zip archive" if exists else "no such file or folder"
    raise MimError(problem, "name a downloaded folder or .zip archive", place)


def _reason_against(member: zipfile.ZipInfo, name: str, parts: list[str]) -> str:
    """Returns why a member of an archive is not read; empty if it is."""
    if ".." in parts or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return OUTSIDE
    if member.flag_bits & 1:
        return ENCRYPTED
    ratio = member.file_size / max(1, member.compress_size)
    if os.path.splitext(name)[1].lower() in SUFFIXES and (
        member.file_size > _LARGEST or (member.file_size > _SMALL and ratio > _LARGEST_RATIO)
    ):
        return TOO_LARGE
    return ""
