"""Run folders: each holds one run, with one format version and one set of settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mim_export.score.atomic_files import is_leftover, read_json, write_json
from mim_export.score.errors import MimError, explain
from mim_export.score.locks import LOCK, exclusive_lock

#: Format version; increased when older run folders can no longer be read.
FORMAT = 4
#: Name of the folder of files that the fits of a run share, next to their folders; removed at the end of the run.
SCRATCH = "scratch"


def check_format(entry: Any, path: Path) -> None:
    """Checks the format version of a JSON file.

    Args:
        entry: the content of the file.
        path: the file, for the message.

    Raises:
        MimError: the format is not `FORMAT`.
    """
    found = entry.get("format") if isinstance(entry, dict) else None
    if found != FORMAT:
        raise MimError(f"run format {found}, this version reads {FORMAT}", "train again into a new folder", path)


@contextmanager
def open_run(out: Path, settings: dict[str, Any], what: str) -> Iterator[int]:
    """Creates or resumes a run folder, and locks it for the block.

    Args:
        out: the run folder; created if it does not exist.
        settings: as for `create_or_resume`.
        what: what the folder is for, such as "training".

    Yields:
        The file descriptor of the lock, see `exclusive_lock`.

    Raises:
        MimError: see `create_or_resume` and `exclusive_lock`.
    """
    check_settings(out, settings)  # before a lock file is written into a folder that is no run
    with exclusive_lock(out, what) as lock:
        create_or_resume(out, settings)
        yield lock


def create_or_resume(out: Path, settings: dict[str, Any]) -> None:
    """Creates a run folder, or checks that an existing one has the same settings.

    Args:
        out: the run folder; created if it does not exist.
        settings: JSON-serializable settings; a resumed run must have the same ones.

    Raises:
        MimError: `out` is not a run folder, or its settings differ; the message names the keys that differ.
    """
    if not check_settings(out, settings):
        write_json(out / "settings.json", settings)


def check_settings(out: Path, settings: dict[str, Any]) -> bool:
    """Checks that a folder can be created as a run folder, or resumed with the same settings. Writes nothing.

    Args:
        out: the run folder.
        settings: JSON-serializable settings.

    Returns:
        Whether the run exists.

    Raises:
        MimError: see `create_or_resume`.
    """
    path = out / "settings.json"
    try:
        begun = path.exists()
        # A run that was killed at its very start left its lock or a temporary folder.
        taken = out.exists() and (
            not out.is_dir() or any(entry.name != LOCK and not is_leftover(entry.name) for entry in out.iterdir())
        )
    except OSError as error:
        raise explain(error, out) or error from error
    if begun:
        found = read_json(path, "name another folder")
        check_format(found, path)
        changed = sorted(key for key in {*settings, *found} if found.get(key) != settings.get(key))
        if changed:
            problem = f"a run with other settings ({', '.join(changed)})"
            raise MimError(problem, "repeat its settings or name another folder", out)
    elif taken:
        raise MimError("exists and is not a run", "name another folder", out)
    return begun
