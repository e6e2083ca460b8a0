"""The commands that need a bundle only: verify, score, bench, pack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mim_export.score.errors import MimError
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.progress import training_bars
from mim_tf.cli.tables import err, show, show_bench, show_verification, warn

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
    paths: Annotated[list[str], typer.Argument(help="photographs or folders of photographs")],
    bundle: Annotated[Path | None, typer.Option(help="bundle folder; default: the released bundle")] = None,
    json: Annotated[bool, typer.Option("--json", help="print one JSON array at the end")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="print a line of JSON for each image as it is scored")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="number of processes; default: all cores")] = None,
) -> None:
    """Score photographs with a bundle, on this machine only: similarity, p-values and verdict."""
    from mim_export.score.batch import list_photographs
    from mim_export.score.manifest import RELEASED
    from mim_export.score.output import chosen_form, print_scores
    from mim_export.score.scorer import Scorer

    form = chosen_form(json, jsonl)
    images = list_photographs(paths, warn)
    status = print_scores(Scorer(bundle or RELEASED), images, form, jobs)
    if status:
        raise typer.Exit(status)


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


def pack(
    out: Annotated[Path, typer.Option("--out", help="folder for app.zip, full.zip and SHA256SUMS")],
    bundle: Bundle = None,
    json: Json = False,
) -> None:
    """Pack a bundle: app.zip is what an app ships, full.zip is everything."""
    from mim_export.bundle.archive import write_zips
    from mim_export.check.verify import check_files
    from mim_export.score.manifest import RELEASED

    folder = bundle or RELEASED
    check_files(folder)
    sizes = write_zips(folder, out)
    line = ", ".join(f"{name} {size:,} bytes" for name, size in sizes.items())
    show({"folder": str(out), "bytes": sizes}, json, f"wrote to {out}: {line}")
