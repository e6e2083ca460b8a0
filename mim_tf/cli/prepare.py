"""The command that turns downloaded collections into a data folder: prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mim_tf.cli.bundle import Json
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.progress import training_bars
from mim_tf.cli.tables import err, show_prepared, warn


def prepare(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="downloaded folders or .zip archives; KIND=PATH names the kind: msld-v1, msld-v2, msid, ahsan-2022, "
            "fitzpatrick17k, pad-ufes-20 or plain (DIR/<class>/photo.jpg)"
        ),
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="data folder to write; must not exist or must be empty")],
    split_seed: Annotated[int, typer.Option("--split-seed", help="seed of the split of the groups")] = 0,
    min_side: Annotated[int, typer.Option("--min-side", help="smallest shorter side of a picture in px")] = 128,
    json: Json = False,
) -> None:
    """Turn downloaded collections into a data folder: no copies, no group in two splits. Nothing is downloaded."""
    with heavy_imports("preparing data", "skimage"):
        from mim_tf.prepare.build import prepare as build

    with training_bars(err) as progress:
        report = build(sources, out_folder, split_seed=split_seed, min_side=min_side, warn=warn, progress=progress)
    show_prepared(report, out_folder, json)
