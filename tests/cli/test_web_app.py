"""`mim-tf app`: prints the address, serves until a signal, and errors in one line."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from commands import Run, assert_one_line

PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
from mim_tf.cli.start import main
main()
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("the app")
    return folder


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("as_json", [False, True])
def test_it_serves_until_a_signal(site: Path, number: int, status: int, as_json: bool) -> None:
    words = ["app", str(site), "--port", "0", *(["--json"] if as_json else [])]
    command = [sys.executable, "-c", PROGRAM, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = "".join(process.stdout.readline() for _ in range(3 if as_json else 1))
        address = json.loads(address)["address"] if as_json else address.split()[0]
        with urllib.request.urlopen(address, timeout=10) as response:
            assert response.read() == b"the app"
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (status, "stopped\n")


def test_errors_are_one_line(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(run("app", site, "--port", port), f"port {port} cannot be used", "choose another port")
    assert_one_line(run("app", "--port", "70000"), "--port", "65535")
    monkeypatch.setattr("mim_tf.app_server.SITE", site / "absent")
    assert_one_line(run("app"), "no web app is built", "npm ci && npm run build")
