"""The commands that need a bundle only: verify, score, bench."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mim_export.score.errors import MimError
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.progress import training_bars
from mim_tf.cli.tables import err, show_bench, show_verification, warn

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Bundle = Annotated[Path | None, typer.Argument(help="bundle folder; default: the released bundle")]


def verify(
    bundle: Bundle = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="data folder; compares runtimes on its photographs")
    ] = None,
    json: Json = False,
) -> None:
    """Check the files of a bundle and run its golden vectors on all available runtimes and scorers."""
    from mim_export.check.deviations import deviations
    from mim_export.check.verify import verify as check
    from mim_export.score.manifest import RELEASED

    folder = bundle or RELEASED
    rows = check(folder, lambda line: err.print(line, markup=False))
    show_verification(rows, [] if data is None else deviations(folder, data), json)
    if any(row.bad for row in rows):
        raise MimError("golden vectors differ", "do not ship this bundle; export it again", folder)


def score(
    paths: Annotated[list[Path], typer.Argument(help="photographs or folders of photographs")],
    bundle: Annotated[Path | None, typer.Option(help="bundle folder; default: the released bundle")] = None,
    json: Json = False,
) -> None:
    """Score photographs with a bundle, on this machine only: similarity, p-value and verdict."""
    from mim_export.score.batch import print_rows, score_paths
    from mim_export.score.manifest import RELEASED
    from mim_export.score.scorer import Scorer

    rows, failed = score_paths(Scorer(bundle or RELEASED), paths, warn)
    print_rows(rows, failed, json)
    if failed:
        raise typer.Exit(2)


def bench(
    bundle: Bundle = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="run folder of the bundle, to measure Keras as well")
    ] = None,
    json: Json = False,
) -> None:
    """Measure size and latency of a bundle, of Keras, of float TFLite and of common classifiers."""
    load = os.getloadavg()[0]
    with heavy_imports("the benchmark", "tensorflow"):
        from mim_export.bench import bench as measuring
        from mim_export.bench import peers
        from mim_export.score.manifest import RELEASED, read_manifest
        from mim_tf.comparison.worker import machine

    folder = bundle or RELEASED
    size = read_manifest(folder)["size"]
    with training_bars(err) as progress:
        others = peers.classifiers(size, progress)
        result = measuring.bench(folder, others, peers.peak(), run, progress)
    show_bench({"machine": f"{os.cpu_count()} cores of {machine()}", "load_before": load, **result}, json)
