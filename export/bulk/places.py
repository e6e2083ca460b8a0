"""Files and folders on this machine or in an object store, by path or URI."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from mim_export.score.atomic_files import new_file
from mim_export.score.decode import open_regular
from mim_export.score.errors import MimError, explain

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL = "file://"
#: Types of file systems in which a file appears when it is complete. In others it is renamed.
_STORES = ("s3", "gcs", "abfs")


@dataclass(frozen=True)
class Place:
    """A file or folder.

    Attributes:
        root: URI of the file system, such as `s3://bucket/`, with the query of the URI that named it; empty for this
            machine.
        path: path in the file system, such as `bucket/photos/a.jpg`; absolute on this machine.

    Example:
        >>> Place.of("s3://bucket/photos/a%20b.jpg?region=eu-west-1")
        Place(root='s3://bucket/?region=eu-west-1', path='bucket/photos/a b.jpg')
    """

    root: str
    path: str

    @classmethod
    def of(cls, name: str | os.PathLike[str]) -> Place:
        """Finds the place that a path or a URI names. Nothing there is opened.

        Args:
            name: a path, or a URI of a scheme that pyarrow knows, such as `s3://`, `gs://` and `file://`, in which
                special characters are percent-encoded, as `%20` for a space.

        Raises:
            MimError: a URI of another scheme, or its file system cannot be reached.
        """
        text = os.fspath(name)
        if not is_uri(text):
            return cls("", _absolute(text))
        if text.lower().startswith(_LOCAL):
            with one_line(text):
                return cls("", _absolute(fs.FileSystem.from_uri(text)[1]))
        parts = urlsplit(text, allow_fragments=False)
        if parts.password is not None:  # it would be in rows and messages
            problem = f"a {parts.scheme} URI with a password"
            raise MimError(problem, "leave it out, and set the credentials in the environment")
        root = f"{parts.scheme}://{parts.netloc}/" + (f"?{parts.query}" if parts.query else "")
        with one_line(text):
            base = _file_system(root)[1]
        return cls(root, base.rstrip("/") + unquote(parts.path).rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return not self.root

    @property
    def name(self) -> str:
        """The path or the URI, without the query."""
        if self.is_local:
            return self.path
        parts = urlsplit(self.root)
        base = _file_system(self.root)[1].rstrip("/")
        return f"{parts.scheme}://{parts.netloc}{quote(self.path[len(base) :])}"

    def joined(self, name: str) -> Place:
        """Returns the place of a path that is relative to this folder, and stays in it."""
        return Place(self.root, f"{self.path.rstrip('/')}/{name}")

    def open(self) -> BinaryIO:
        """Opens the file to read it; it can be sought.

        Raises:
            MimError: it is a pipe or a device.
            OSError: it is missing or cannot be read.
        """
        if self.is_local:
            return open_regular(self.path)
        file: Any = _file_system(self.root)[0].open_input_file(self.path)
        return file

    def read(self) -> bytes:
        """Reads the file.

        Raises:
            MimError: it is missing or cannot be read.
        """
        with one_line(self.name), self.open() as file:
            return file.read()

    def write(self, content: bytes) -> None:
        """Writes the file as a whole or not at all: it is renamed to its name, or appears when it is complete.

        Raises:
            MimError: it cannot be written, for example because the disk is full.
        """
        if self.is_local:
            with new_file(self.path) as temporary:
                temporary.write_bytes(content)
            return
        file_system = _file_system(self.root)[0]
        with one_line(self.name):
            if file_system.type_name in _STORES:
                with file_system.open_output_stream(self.path) as stream:
                    stream.write(content)
                return
            beside = f"{self.path}.{secrets.token_hex(6)}"
            with file_system.open_output_stream(beside) as stream:
                stream.write(content)
            file_system.move(beside, self.path)

    def make_folder(self) -> None:
        """Creates the folder and those above it. Object stores have none, which is no error.

        Raises:
            MimError: it cannot be created.
        """
        with one_line(self.name):
            if self.is_local:
                os.makedirs(self.path, exist_ok=True)
            else:
                _file_system(self.root)[0].create_dir(self.path, recursive=True)

    def remove_folder(self) -> None:
        """Removes the folder, which may be missing, with its files.

        Raises:
            MimError: it cannot be removed.
        """
        if self.kind() == "folder":
            with one_line(self.name):
                file_system, path = (fs.LocalFileSystem(), self.path) if self.is_local else self._remote()
                file_system.delete_dir(path)

    def kind(self) -> str | None:
        """What is there: `file`, `folder`, `other` (a pipe or a device), or None for nothing.

        Raises:
            MimError: it cannot be asked.
        """
        if self.is_local:
            if os.path.isdir(self.path):
                return "folder"
            return "file" if os.path.isfile(self.path) else "other" if os.path.lexists(self.path) else None
        with one_line(self.name):
            return _KINDS[_file_system(self.root)[0].get_file_info(self.path).type]

    def children(self) -> Iterator[tuple[str, str | None]]:
        """Yields the name and the kind of each file and folder in this folder.

        Raises:
            MimError: it cannot be listed.
        """
        with one_line(self.name):
            if self.is_local:
                with os.scandir(self.path) as entries:
                    yield from ((entry.name, "folder" if entry.is_dir() else "file") for entry in entries)
            else:
                file_system, path = self._remote()
                for info in file_system.get_file_info(fs.FileSelector(path, allow_not_found=True)):
                    yield info.base_name, _KINDS[info.type]

    def _remote(self) -> tuple[fs.FileSystem, str]:
        return _file_system(self.root)[0], self.path


_KINDS = {
    fs.FileType.File: "file",
    fs.FileType.Directory: "folder",
    fs.FileType.Unknown: "other",
    fs.FileType.NotFound: None,
}


def _absolute(path: str) -> str:
    """An absolute path. Links are resolved only where it goes up, since `link/..` is the folder above the target."""
    absolute = Path.cwd() / path
    if absolute.name == "..":
        return os.path.realpath(absolute)
    if ".." in absolute.parts:
        absolute = Path(os.path.realpath(absolute.parent)) / absolute.name
    return os.fspath(absolute)


def is_uri(name: str) -> bool:
    """Whether a name is a URI.

    Example:
        `is_uri("s3://bucket/a.jpg")` is True, `is_uri("photos/a.jpg")` is False.
    """
    return _URI.match(name) is not None


@contextmanager
def one_line(name: str | os.PathLike[str]) -> Iterator[None]:
    """Converts what a file system or pyarrow says of a file to an error of one line.

    Args:
        name: the file that the error names.

    Raises:
        MimError: the block raised an error of the system or of pyarrow.
    """
    try:
        yield
    except MimError:
        raise
    except OSError as error:
        unnamed = type(error)(error.errno, error.strerror) if error.errno and error.strerror else error
        raise explain(unnamed, name) or error from error
    except (pa.ArrowException, ImportError, ValueError) as error:
        raise MimError(str(error).split("\n")[0][:200], "check the name and the file", name) from error


@lru_cache(maxsize=64)
def _file_system(root: str) -> tuple[fs.FileSystem, str]:
    """The file system of a URI, and the path of the URI in it. Each is connected to once."""
    return fs.FileSystem.from_uri(root)
