"""`mim_export.score.locks`: one process at a time writes to a folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mim_export.score.errors import MimError
from mim_export.score.locks import exclusive_lock

_HOLD = """
import sys, time
from pathlib import Path
from mim_export.score.locks import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), "scoring"):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_locked_while_its_process_lives(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "rows"
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"locked\n"
    message = "rows: in use by another scoring; wait for its end or stop it"
    with pytest.raises(MimError, match=message), exclusive_lock(folder, "scoring"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with exclusive_lock(folder, "scoring"):
        pass


def test_a_lock_in_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = "file: file exists; name another folder"
    with pytest.raises(MimError, match=message), exclusive_lock(tmp_path / "file", "scoring"):
        pass
