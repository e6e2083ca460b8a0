"""The commands that need a bundle only: verify, score, bench, pack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mim_export.score.errors import MimError
from mim_tf.cli.engines import Address, EngineName, check_engine
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.progress import bulk_bar, training_bars
from mim_tf.cli.tables import err, show, show_bench, show_verification, warn

if TYPE_CHECKING:
    from mim_export.bulk.block import Engine

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
    paths: Annotated[
        list[str],
        typer.Argument(
            help="photographs or folders of photographs; with --out also patterns, lists (.csv or .parquet with a "
            "column image), and URIs such as s3://"
        ),
    ],
    bundle: Annotated[Path | None, typer.Option(help="bundle folder; default: the released bundle")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="print one JSON array at the end; with --out the summary as JSON")
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="print a line of JSON for each image as it is scored")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="number of processes; default: all cores, with Ray those of the cluster")
    ] = None,
    out_folder: Annotated[
        str | None,
        typer.Option(
            "--out",
            help="folder or URI for the rows as Parquet files, for many photographs; the same command continues",
        ),
    ] = None,
    engine: EngineName = None,
    address: Address = None,
) -> None:
    """Score photographs with a bundle: similarity, p-values and verdict. No image leaves the machines that you name."""
    from mim_export.score.manifest import RELEASED

    if out_folder is not None:
        _score_in_bulk(paths, out_folder, bundle or RELEASED, json, jsonl, jobs, engine, address)
        return
    for name, value in (("engine", engine), ("address", address)):
        if value is not None:
            raise MimError(f"--{name} has no effect without --out", "add --out DIR, or leave it out")
    from mim_export.score.batch import list_photographs
    from mim_export.score.output import chosen_form, print_scores
    from mim_export.score.scorer import Scorer

    form = chosen_form(json, jsonl)
    images = list_photographs(paths, warn)
    status = print_scores(Scorer(bundle or RELEASED), images, form, jobs)
    if status:
        raise typer.Exit(status)


def _score_in_bulk(
    paths: list[str],
    out_folder: str,
    bundle: Path,
    json: bool,
    jsonl: bool,
    jobs: int | None,
    engine: str | None,
    address: str | None,
) -> None:
    if jsonl:
        raise MimError("--jsonl has no effect with --out, which writes the rows to files", "leave it out")
    check_engine(engine, address=address)
    chosen: Engine
    with heavy_imports("scoring into a folder", "pyarrow", extra="bulk"):
        from mim_export.bulk.local import LocalEngine
        from mim_export.bulk.run import score_in_bulk
    if engine == "ray":
        with heavy_imports("the engine ray", "ray.data", extra="ray"):
            from mim_export.bulk.on_ray import RayEngine
        chosen = RayEngine(address, jobs)
    else:
        chosen = LocalEngine(jobs)
    try:
        with bulk_bar(err) as report:
            summary = score_in_bulk(paths, out_folder, bundle, chosen, warn, report)
    except (KeyboardInterrupt, SystemExit):
        warn("the same command continues")
        raise
    show(summary.to_dict(), json, summary.line)
    if summary.unread:
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
