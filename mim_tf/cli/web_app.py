"""The command that serves the web app: app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mim_tf.cli.bundle import Json
from mim_tf.cli.tables import show


def serve_app(
    site: Annotated[
        Path | None, typer.Argument(help="folder of the built app; of an editable installation, that of the checkout")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="port; 0 takes a free one")] = 8765,
    json: Json = False,
) -> None:
    """Serve the web app to browsers on this machine only, until Ctrl-C. No image leaves the browser."""
    from mim_tf.app_server import SITE, AppServer

    with AppServer(site or SITE, port) as server:
        show({"address": server.address}, json, f"{server.address}  (Ctrl-C stops)")
        server.serve_forever()
