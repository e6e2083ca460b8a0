"""A run folder belongs to one version and one set of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mim_export.score.errors import MimError
from mim_export.score.files import read_json, write_json

#: Raised when run folders of older versions can no longer be read.
FORMAT = 2
#: Folder beside a fit's own, for what the fits of a run share; it is removed when the run has ended.
SCRATCH = "scratch"


def check_format(entry: Any, path: Path) -> None:
    """Raises `MimError` where what was read from `path` is not of this version's format."""
    found = entry.get("format") if isinstance(entry, dict) else None
    if found != FORMAT:
        raise MimError(f"run format {found}, this version reads {FORMAT}", "train again into a new folder", path)


def create_or_resume(out: Path, settings: dict[str, Any]) -> None:
    """Makes `out` the folder of a run with these settings, or checks that it is.

    Args:
        out: the run folder; it need not exist.
        settings: what a continued run must share with the stopped one, as JSON can hold it.

    Raises:
        MimError: `out` is something else, or a run of other settings; the line names those that differ.
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
