"""Hostile names, links, pipes and folders for `hostile.py`."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
from hostile_pictures import Rng, photo

_RAW: tuple[bytes, ...] = (
    b"a\nphoto.jpg: mpox-like  similarity 0.9999  p-value 0.999",
    b'a\n{"image": "b", "verdict": "mpox-like"}',
    b"a\r\nb",
    b"\rphoto.jpg: mpox-like",
    b"\x1b[2J\x1b[31mred\x1b[0m",
    b"\x1b]0;title\x07",
    b"\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\",
    b"\x08\x08\x08back",
    b"\x01\x02\x7f",
    "\x85\u2028\u2029lines".encode(),
    "\u202egpj.exe".encode(),
    "\u2066a\u2069\u200f".encode(),
    "\ufeffbom".encode(),
    b"caf\xe9",
    b"\xff\xfe\xfd",
    b"\xed\xa0\x80half",
    b"\xf0\x9f\x98",
    "😀👩‍👩‍👧".encode(),
    "e\u0301".encode(),
    "\u00e9".encode(),
    "صورة".encode(),
    "照片".encode(),
    b"=1+1",
    b"@SUM(A1)",
    b"+cmd|' /C calc'!A0",
    b"-n",
    b"--json",
    b"--help",
    b"-",
    b"~",
    b"[bold]b[/bold]",
    b"[/]",
    b"[link=http://example.com]x",
    b":smile:",
    b"$x_{1$",
    b"$\\frac{$",
    b"%s%n%d",
    b"{0}{x}",
    b"`id`$(id);id|id&",
    b"'\"",
    b"\\",
    b"a\\..\\b",
    b" ",
    b" space ",
    b"a  b",
    b"tab\tb",
    b"C:",
    b"CON",
    b"a.jpg.",
    b"#?&=%00%2e",
    b"<script>alert(1)</script>",
    b"&amp;<b>",
    b"x" * 250,
    "é".encode() * 125,
    b"None",
    b"NaN",
    b"a,b;c",
    b"a:b",
    b"*?[a-z]",
)
#: Names without a suffix, as bytes, since a name need not be UTF-8.
NAMES: tuple[bytes, ...] = tuple(name.replace(b"/", b"_") for name in _RAW)


def _name(rng: Rng, number: int) -> bytes:
    """Returns a name of `NAMES`, after them mixtures of two."""
    if number < len(NAMES):
        return NAMES[number]
    first, second = (NAMES[i] for i in rng.integers(0, len(NAMES), 2))
    return (first[: rng.integers(1, 20)] + second)[:240] + str(number).encode()


def write_names(folder: Path, seed: int, count: int) -> list[Path]:
    """Writes whole photographs with hostile names into a new folder, and returns their paths."""
    folder.mkdir()
    rng = np.random.default_rng([seed, 1])
    found = []
    for number in range(count):
        kind, content = photo(rng)
        suffix = {"JPEG": b".jpg", "PNG": b".PNG", "WEBP": b".webp"}[kind]
        path = folder / os.fsdecode(_name(rng, number)[: 255 - len(suffix)] + suffix)
        if not path.exists():
            path.write_bytes(content)
            found.append(path)
    return found


def write_special(folder: Path) -> list[Path]:
    """Writes what is no file under the name of a photograph, and returns the paths. None may be judged."""
    folder.mkdir()
    os.mkfifo(folder / "pipe.jpg")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(folder / "socket.jpg"))
    listener.close()
    (folder / "folder.jpg").mkdir()
    links = {
        "broken.jpg": "nothing.jpg",
        "circle.jpg": "circle.jpg",
        "ping.jpg": "pong.jpg",
        "pong.jpg": "ping.jpg",
        "zero.jpg": "/dev/zero",
        "random.jpg": "/dev/urandom",
        "null.jpg": "/dev/null",
        "input.jpg": "/dev/stdin",
        "memory.jpg": "/proc/self/mem",
        "process.jpg": "/proc/self/status",
        "pipe_link.jpg": "pipe.jpg",
        "here.jpg": ".",
        "far.jpg": "x" * 4000,
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    names = ["pipe.jpg", "socket.jpg", "folder.jpg", *links, "missing.jpg", "x" * 300 + ".jpg", "pipe.jpg/x.jpg"]
    return [folder / name for name in names]


def write_link_farm(folder: Path, folders: int) -> Path:
    """Writes folders that each hold links to all the others: the number of paths grows like a factorial."""
    folder.mkdir()
    for i in range(folders):
        (folder / f"d{i}").mkdir()
        for j in range(folders):
            (folder / f"d{i}" / f"l{j}").symlink_to(f"../d{j}")
    (folder / "d0" / "photo.jpg").write_bytes(photo(np.random.default_rng(0), "JPEG")[1])
    return folder


def write_ladder(folder: Path, steps: int) -> Path:
    """Writes folders that each hold two links to the next one: the number of paths doubles with each."""
    folder.mkdir()
    for i in range(steps):
        (folder / f"d{i}").mkdir()
        for name in "ab":
            (folder / f"d{i}" / name).symlink_to(f"../d{i + 1}")
    (folder / f"d{steps}").mkdir()
    (folder / f"d{steps}" / "photo.jpg").write_bytes(photo(np.random.default_rng(0), "JPEG")[1])
    return folder


def write_deep(folder: Path, levels: int) -> Path:
    """Writes folders inside each other, whose path is longer than the system accepts."""
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(photo(np.random.default_rng(0), "JPEG")[1])
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        for _ in range(levels):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.fchdir(before)
        os.close(before)
    return folder
