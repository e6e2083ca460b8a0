"""`mim_tf.app_server`: types, headers, and what it does not serve."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mim_export.score.errors import MimError
from mim_tf.app_server import AppServer

FILES = {
    "index.html": "text/html; charset=utf-8",
    "assets/index-Bx3_.js": "text/javascript; charset=utf-8",
    "assets/index.css": "text/css; charset=utf-8",
    "litert/litert.wasm": "application/wasm",
    "bundle/mim.tflite": "application/octet-stream",
    "bundle/manifest.json": "application/json",
    "manifest.webmanifest": "application/manifest+json",
    "icons/a b.png": "image/png",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    site = tmp_path / "site"
    for name in FILES:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(f"content of {name}")
    (tmp_path / "secret.txt").write_text("hidden words")
    with AppServer(site, 0) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def get(server: AppServer, target: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    """Sends the target as it is; clients such as urllib would change it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, target, skip_accept_encoding=True)
    connection.endheaders()
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_type(server: AppServer, name: str) -> None:
    response, content = get(server, "/" + name.replace(" ", "%20") + "?v=1")
    assert (response.status, content.decode()) == (200, f"content of {name}")
    assert response.headers["Content-Type"] == FILES[name]


def test_every_response_has_the_headers_of_the_policy(server: AppServer) -> None:
    for target in ("/", "/absent.js"):
        headers = get(server, target)[0].headers
        assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-cache"
        assert headers["Server"] == "mim-tf"
    assert get(server, "/")[1] == b"content of index.html"


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2f..%2fsecret.txt",
        "/assets/../index.html",
        "/./index.html",
        "/index.html/",
        "/assets",
        "/assets/",
        "/index.html%00.js",
        "/..\\secret.txt",
        "/link.txt",
        "/linked/secret.txt",
        "http://127.0.0.1/secret.txt",
        "//[",
    ],
)
def test_nothing_else_is_served(server: AppServer, tmp_path: Path, target: str) -> None:
    (tmp_path / "site" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "site" / "linked").symlink_to(tmp_path)
    response, content = get(server, target)
    assert response.status == 404 and b"hidden" not in content and b"content of" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_get_is_answered(server: AppServer, method: str) -> None:
    assert get(server, "/", method)[0].status == 501


def test_a_closed_connection_and_noise_are_survived_in_silence(
    server: AppServer, capfd: pytest.CaptureFixture[str]
) -> None:
    (server.site / "large.bin").write_bytes(bytes(20_000_000))
    for noise in (b"GET /large.bin HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.server_port)) as client:
            client.sendall(noise)
            # The system then resets the connection instead of closing it in order.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert get(server, "/")[0].status == 200
    assert capfd.readouterr().err == ""


def test_it_listens_on_this_machine_alone(server: AppServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


def test_a_port_that_is_used_is_named(server: AppServer) -> None:
    port = server.server_port
    with pytest.raises(MimError, match=rf"^port {port} cannot be used \(.*\); choose another port$"):
        AppServer(server.site, port)


def test_without_a_built_app_the_error_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(MimError) as caught:
        AppServer(tmp_path / "dist", 0)
    remedy = "in export/web of a checkout, run npm ci && npm run build -ws, then mim-tf app app/dist"
    assert str(caught.value) == f"{tmp_path / 'dist'}: no web app is built there; {remedy}"
