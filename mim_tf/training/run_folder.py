"""Run folders: each holds one run, with one format version and one set of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mim_export.score.atomic_files import read_json, write_json
from mim_export.score.errors import MimError

#: Format version; increased when older run folders can no longer be read.
FORMAT = 2
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


def create_or_resume(out: Path, settings: dict[str, Any]) -> None:
    """Creates a run folder, or checks that an existing one has the same settings.

    Args:
        out: the run folder; created if it does not exist.
        settings: JSON-serializable settings; a resumed run must have the same ones.

    Raises:
        MimError: `out` is not a run folder, or its settings differ; the message names the keys that differ.
    """
    path = out / "settings.json"
    if path.exists():
        found = read_json(path, "name another --out")
        check_format(found, path)
        changed = sorted(key for key in settings if found.get(key) != settings[key])
        if changed:
            problem = f"a run with other settings ({', '.join(changed)})"
            raise MimError(problem, "repeat its settings or name another --out", out)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MimError("exists and is not a run", "name another --out", out)
    else:
        write_json(path, settings)
