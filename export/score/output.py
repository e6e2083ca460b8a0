"""Prints scores as text, JSON or JSON lines while they are computed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Literal, TextIO

from .batch import Row, cores, score_images
from .conformal import verdict_names
from .decide import VERDICTS
from .errors import MimError
from .scorer import Scorer
from .text import json_text, printable, write_line

#: `text`: a line for each image; `json`: one array at the end; `jsonl`: an object in a line for each image.
Form = Literal["text", "json", "jsonl"]
#: Exit status after Ctrl-C, as in a shell.
INTERRUPTED = 130
#: Exit status after the reader of the output has closed its pipe, as in a shell.
CLOSED = 141


def open_standard_streams() -> None:
    """Opens the null device in the place of standard streams that are closed, as after `>&-` in a shell.

    Otherwise the next file or pipe that is opened gets the number of the stream, and what is written to the stream, or
    redirected, damages it. Processes that are started inherit the null device.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest number that is free
            if getattr(sys, name) is None:
                setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def chosen_form(as_json: bool, as_jsonl: bool) -> Form:
    """Returns the form that options ask for.

    Args:
        as_json: whether `--json` was given.
        as_jsonl: whether `--jsonl` was given.

    Raises:
        MimError: both were given.
    """
    if as_json and as_jsonl:
        raise MimError("--json and --jsonl exclude each other", "choose one of them")
    return "json" if as_json else "jsonl" if as_jsonl else "text"


def print_scores(
    scorer: Scorer, images: Sequence[str | os.PathLike[str]], form: Form = "text", jobs: int | None = None
) -> int:
    """Scores photographs and prints a row for each on stdout, and an error for each that cannot be read on stderr.

    Rows are printed in the order of `images`, each as soon as it is known, except for the form `json`. If stderr is a
    terminal, it shows the progress. On Ctrl-C, the rows so far are printed.

    Args:
        scorer: the scorer of a bundle.
        images: image files.
        form: the form of the rows.
        jobs: number of processes; all cores by default.

    Returns:
        Exit status: 0; 2 if a photograph could not be read; 130 if interrupted; 141 if the output pipe was closed.
    """
    try:
        return _print_scores(scorer, images, form, jobs or cores())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes stdout when it exits
        return CLOSED


def _print_scores(scorer: Scorer, images: Sequence[str | os.PathLike[str]], form: Form, jobs: int) -> int:
    rows: list[Row] = []
    status = 0
    bar = _Bar(len(images), sys.stderr)
    try:
        for row, error in score_images(scorer, images, jobs):
            bar.clear()
            if form == "json":
                rows.append(row)
            else:
                write_line(to_line(row, scorer.normal_class) if form == "text" else _json(row, None), sys.stdout)
            if error is not None:
                status = 2
                write_line(str(error), sys.stderr)
            bar.advance()
    except KeyboardInterrupt:
        status = INTERRUPTED
    finally:
        bar.clear()
        if form == "json" and sys.stdout is not None:
            print(_json(rows, 1), flush=True)
    if status == INTERRUPTED:
        write_line("stopped", sys.stderr)
    return status


def to_line(row: Row, normal_class: str) -> str:
    """Returns the line of text of a row.

    Args:
        row: a result of `Scorer.score`.
        normal_class: the class that the model was trained on, which the verdict in words names.

    Example:
        `photo.jpg: mpox-like  similarity 0.6100  p-values 0.420 of mpox, 0.080 of other skin`
    """
    image, reason = printable(os.fsdecode(row["image"])), f" ({row['reason']})" if row["reason"] else ""
    verdict = printable(verdict_names(normal_class)[VERDICTS.index(row["verdict"])])
    if row["similarity"] is None:
        return f"{image}: {verdict}{reason}"
    p_values = f"p-values {row['p_class']:.3f} of {printable(normal_class)}, {row['p_other']:.3f} of other skin"
    return f"{image}: {verdict}{reason}  similarity {row['similarity']:.4f}  {p_values}"


def _json(entry: Any, indent: int | None) -> str:
    return json_text(entry, None if sys.stdout is None else sys.stdout.encoding, indent)


class _Bar:
    """A line on a terminal that shows how many images are done; nothing on other streams."""

    _WIDTH = 30

    def __init__(self, total: int, stream: TextIO | None) -> None:
        shown = stream is not None and total > 1 and stream.isatty()
        self._stream = stream if shown else None
        self._total, self._done, self._length, self._next = total, 0, 0, 0.0

    def advance(self) -> None:
        """Counts an image, and draws the bar ten times a second at most."""
        self._done += 1
        if self._stream is None or self._done == self._total or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        line = f"[{'#' * (self._WIDTH * self._done // self._total):{self._WIDTH}}] {self._done}/{self._total}"
        self._length = len(line)
        self._stream.write(line)
        self._stream.flush()

    def clear(self) -> None:
        """Removes the bar, so that a row can be printed."""
        if self._stream is not None and self._length:
            self._stream.write(f"\r{' ' * self._length}\r")
            self._stream.flush()
            self._length = 0
