"""Serves the built web app to browsers on this machine. Needs only the standard library.

Browsers let a page use the camera and work offline only if it comes from a server, and 127.0.0.1 is one they trust
without a certificate.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from mim_export.score.errors import MimError
from mim_export.score.manifest import PACKAGE

#: Where `npm run build` writes the app in a checkout. The installed package contains no built app.
SITE = PACKAGE / "web" / "app" / "dist"
#: The server can be reached from this machine alone.
HOST = "127.0.0.1"
_REMEDY = "in export/web of a checkout, run npm ci && npm run build -ws, then mim-tf app app/dist"
#: Types by suffix. Python's own table depends on the system; on some, scripts get a type that browsers refuse.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the rest of the policy is in the page
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AppServer(ThreadingHTTPServer):
    """Serves the files of a folder by GET. It lists no folders, and follows no link out of the folder.

    Args:
        site: the folder of the built app, with `index.html`.
        port: 0 to 65535; 0 takes a free one.

    Attributes:
        address: of the app, such as "http://127.0.0.1:8765/".

    Raises:
        MimError: no app is built, or the port cannot be used.

    Example:
        >>> with AppServer(SITE, 8765) as server:
        ...     server.serve_forever()
    """

    def __init__(self, site: Path, port: int) -> None:
        if not (site / "index.html").is_file():
            raise MimError("no web app is built there", _REMEDY, site)
        self.site = site.resolve()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise MimError(f"port {port} cannot be used ({error.strerror})", "choose another port") from error
        self.address = f"http://{HOST}:{self.server_port}/"

    def server_bind(self) -> None:
        """Binds the port, without looking up a name of the machine, which may wait for a network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def file(self, target: str) -> Path | None:
        """Finds the file of a request.

        Args:
            target: path of the address, such as "/assets/index.js"; what follows a `?` is ignored.

        Returns:
            The file; None if the folder has none of this name. The name is looked up among those of all files, so no
            path is made of what a request says.
        """
        name = unquote(urlsplit(target).path).removeprefix("/") or "index.html"
        files = {path.relative_to(self.site).as_posix(): path for path in self.site.rglob("*") if path.is_file()}
        path = files.get(name)
        return path if path is not None and path.resolve().is_relative_to(self.site) else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores browsers that close a connection early; shows other errors, which are bugs."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: AppServer

    def do_GET(self) -> None:
        """Sends a file, or the status 404."""
        try:
            path = self.server.file(self.path)
            content = None if path is None else path.read_bytes()
        except (OSError, ValueError):  # the app is being built again, or the address is not one
            content = None
        if path is None or content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        """Adds what every response states."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        """Names the server without the versions of Python and its library."""
        return "mim-tf"

    def log_message(self, *_: Any) -> None:
        """Prints nothing for a request."""
