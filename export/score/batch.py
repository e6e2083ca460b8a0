"""Scores files and folders of photographs, and prints the results as text or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import MimError, explain
from .listing import Warn, is_special, list_images, to_nobody
from .scorer import Scorer


def score_paths(
    scorer: Scorer, paths: Iterable[str | os.PathLike[str]], warn: Warn = to_nobody
) -> tuple[list[dict[str, Any]], list[MimError]]:
    """Scores photographs and folders of photographs.

    Args:
        scorer: the scorer of a bundle.
        paths: image files, or folders, which are searched as `mim_export.score.listing.list_images` does.
        warn: receives one line for each kind of content of a folder that is left out, such as broken links.

    Returns:
        Two lists: one row per image, as `Scorer.score` returns it, and the errors of the images that could not be
        read. The row of such an image has the verdict `cannot-judge` and the reason `unreadable`.

    Raises:
        MimError: a folder contains no images or cannot be listed.
    """
    rows, failed = [], []
    for path in _images(paths, warn):
        try:
            if is_special(path):  # a pipe would wait for a writer
                raise MimError("a pipe or a device, not an image", "name an image file", path)
            rows.append(scorer.score(path))
        except MimError as error:
            failed.append(error)
            unreadable = {"verdict": "cannot-judge", "reason": "unreadable"}
            rows.append({"image": os.fspath(path), "similarity": None, "p_value": None, **unreadable})
    return rows, failed


def _images(paths: Iterable[str | os.PathLike[str]], warn: Warn) -> list[Path]:
    """Replaces each folder by the images in it, sorted by path."""
    images = []
    for path in map(Path, paths):
        if not os.path.isdir(path):
            images.append(path)
            continue
        try:
            listing = list_images(path)
        except OSError as error:
            raise explain(error, path) or error from None
        for line in listing.warnings(path):
            warn(line)
        if not listing.images:
            raise MimError("no images in it", "name photographs or a folder of them", path)
        images += listing.images
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
