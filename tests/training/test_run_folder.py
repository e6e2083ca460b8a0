"""`mim_tf.training.run_folder`: settings and the lock of a run folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mim_export.score.errors import MimError
from mim_export.score.locks import exclusive_lock
from mim_tf.training.run_folder import FORMAT, check_settings, create_or_resume, open_run

SETTINGS = {"format": FORMAT, "size": 32}
_HOLD = """
import sys, time
from pathlib import Path
from mim_tf.training.run_folder import open_run
with open_run(Path(sys.argv[1]), {"format": int(sys.argv[2]), "size": 32}, "training"):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_run_is_locked_while_its_process_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "run"), str(FORMAT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"locked\n"
    message = "run: in use by another training; wait for its end or stop it"
    with pytest.raises(MimError, match=message), open_run(tmp_path / "run", SETTINGS, "training"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_run(tmp_path / "run", SETTINGS, "training"):
        pass


def test_two_trainings_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with open_run(run, SETTINGS, "training"), pytest.raises(MimError, match="in use"), exclusive_lock(run, "training"):
        pass
    with exclusive_lock(tmp_path / "run", "training"):
        pass


def test_settings_are_kept_and_compared_in_both_directions(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert not check_settings(run, SETTINGS) and not run.exists()
    create_or_resume(run, SETTINGS)
    assert check_settings(run, SETTINGS)
    for other in ({**SETTINGS, "size": 64}, {"format": FORMAT}):
        with pytest.raises(MimError, match=r"a run with other settings \(size\); repeat its settings"):
            create_or_resume(run, other)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file"):
        with pytest.raises(MimError, match="exists and is not a run"), open_run(out, SETTINGS, "training"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_run_that_was_killed_at_its_start_is_continued(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("")
    (tmp_path / ".mim-tf-00000000-1-0123456789ab").mkdir()
    with open_run(tmp_path, SETTINGS, "training"):
        assert (tmp_path / "settings.json").exists()


@pytest.mark.parametrize("content", [b"{}", b"[]", b"{", b"\xff", b"null", b'{"format": "2"}'])
def test_damaged_settings_are_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    with pytest.raises(MimError, match=r"settings\.json: (not JSON|run format)"), open_run(tmp_path, SETTINGS, "x"):
        pass
