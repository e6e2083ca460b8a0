"""The commands that need no run and no photographs to learn from, only a bundle: verify, score, bench."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mim_export.score.errors import MimError
from mim_tf.cli.console import err, show_bench, show_verification
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.progress import training_bars

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Bundle = Annotated[Path | None, typer.Argument(help="a bundle; the released one by default")]


def verify(
    bundle: Bundle = None,
    data: Annotated[Path | None, typer.Option("--data", help="compare runtimes on the photographs in it")] = None,
    json: Json = False,
) -> None:
    """Check a bundle's files and run its golden vectors on every runtime and scorer that is present."""
    from mim_export.check.deviations import deviations
    from mim_export.check.verify import verify as check
    from mim_export.score.manifest import RELEASED

    folder = bundle or RELEASED
    rows = check(folder)
    show_verification(rows, [] if data is None else deviations(folder, data), json)
    if any(row.bad for row in rows):
        raise MimError("golden vectors differ", "do not ship this bundle; export it again", folder)


def score(
    paths: Annotated[list[Path], typer.Argument(help="photographs, or folders of them")],
    bundle: Annotated[Path | None, typer.Option(help="a bundle; the released one by default")] = None,
    json: Json = False,
) -> None:
    """Judge photographs with a bundle; no image leaves the device."""
    from mim_export.score.batch import print_rows, score_paths
    from mim_export.score.manifest import RELEASED
    from mim_export.score.scorer import Scorer

    rows, failed = score_paths(Scorer(bundle or RELEASED), paths)
    print_rows(rows, failed, json)
    if failed:
        raise typer.Exit(2)


def bench(
    bundle: Bundle = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="the run that the bundle was exported from, to time Keras as well")
    ] = None,
    json: Json = False,
) -> None:
    """Measure size and speed of a bundle beside Keras, float TFLite and usual classifiers, in one run."""
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
