"""Scores files and folders of photographs, and prints the results as text or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .decode import SUFFIXES
from .errors import MimError, explain
from .scorer import Scorer


def score_paths(scorer: Scorer, paths: Iterable[str | os.PathLike[str]]) -> tuple[list[dict[str, Any]], list[MimError]]:
    """Scores photographs and folders of photographs.

    Args:
        scorer: the scorer of a bundle.
        paths: image files, or folders, which are searched recursively for the endings in `SUFFIXES`.

    Returns:
        Two lists: one row per image, as `Scorer.score` returns it, and the errors of the images that could not be
        read. The row of such an image has the verdict `cannot-judge` and the reason `unreadable`.

    Raises:
        MimError: a folder contains no images or cannot be listed.
    """
    rows, failed = [], []
    for path in _images(paths):
        try:
            rows.append(scorer.score(path))
        except MimError as error:
            failed.append(error)
            unreadable = {"verdict": "cannot-judge", "reason": "unreadable"}
            rows.append({"image": os.fspath(path), "similarity": None, "p_value": None, **unreadable})
    return rows, failed


def _images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Replaces each folder by the images in it, sorted by path."""
    images = []
    for path in map(Path, paths):
        if not os.path.isdir(path):
            images.append(path)
            continue
        try:
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        except OSError as error:
            raise explain(error, path) or error from None
        if not inside:
            raise MimError("no images in it", "name photographs or a folder of them", path)
        images += inside
    return images


def print_rows(rows: list[dict[str, Any]], failed: list[MimError], as_json: bool) -> None:
    """Prints the rows on stdout and the errors on stderr.

    Args:
        rows: as `score_paths` returns them.
        failed: errors of the images that could not be read.
        as_json: print a JSON array instead of one line per image.
    """
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        for row in rows:
            if row["similarity"] is None:
                print(f"{row['image']}: {row['verdict']} ({row['reason']})")
                continue
            reason = f" ({row['reason']})" if row["reason"] else ""
            numbers = f"similarity {row['similarity']:.4f}  p-value {row['p_value']:.3f}"
            print(f"{row['image']}: {row['verdict']}{reason}  {numbers}")
    for error in failed:
        print(error, file=sys.stderr)
