"""The commands of `mim-tf`: each parses its options, calls the library and prints the result."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mim_export.score.atomic_files import check_new_folder, check_writable
from mim_export.score.conformal import check_level
from mim_export.score.errors import MimError, explain
from mim_export.score.listing import check_outside
from mim_export.score.output import open_standard_streams
from mim_tf import __version__
from mim_tf.cli import bundle as bundle_commands
from mim_tf.cli.bundle import Json
from mim_tf.cli.engines import Address, EngineName, Gpus, check_engine, folds_engine, tasks_engine
from mim_tf.cli.extras import heavy_imports
from mim_tf.cli.prepare import prepare
from mim_tf.cli.progress import comparison_bars, training_bars
from mim_tf.cli.tables import (
    err,
    out,
    show,
    show_comparison,
    show_metrics,
    warn,
)
from mim_tf.cli.web_app import serve_app

# Set before TensorFlow is imported: its log messages would hide an error message of one line.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Data = Annotated[
    Path,
    typer.Option("--data", help="data folder: DIR/<split>/<class>/photo.jpg, or a plain one: DIR/<class>/photo.jpg"),
]
Seed = Annotated[int, typer.Option("--seed", help="seed of weights, image order, masks and folds")]
SplitSeed = Annotated[int, typer.Option("--split-seed", help="seed of the split of a plain folder")]
OwnSplitSeed = Annotated[
    int | None, typer.Option("--split-seed", help="seed of the split of a plain folder; default: that of the training")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"mim-tf {__version__}", highlight=False)
        raise typer.Exit


@app.callback(invoke_without_command=False)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Mask, Inpaint, Measure: one-class detection of mpox in photographs. Research software, not a diagnosis."""


@app.command()
def train(
    data: Data,
    out_folder: Annotated[Path, typer.Option("--out", help="run folder; an interrupted run is resumed")],
    method: Annotated[str, typer.Option(help="mim, proxyano or a baseline; an unknown name lists all")] = "mim",
    measure: Annotated[str | None, typer.Option(help="deep (only mim; its default) or ssim (as published)")] = None,
    size: Annotated[int | None, typer.Option(help="side of the images in px; default 192 for deep, else 96")] = None,
    width: Annotated[int | None, typer.Option(help="filters of the first level of the network")] = None,
    views: Annotated[int | None, typer.Option(help="rounds of augmented views per photograph (deep)")] = None,
    block: Annotated[int | None, typer.Option(help="EfficientNet-Lite0 block (deep); 5 fits a microcontroller")] = None,
    band: Annotated[int | None, typer.Option(help="side in px that the features resolve (deep); default 128")] = None,
    start: Annotated[str | None, typer.Option(help="released: start from the released GAN (mim)")] = None,
    teacher: Annotated[str | None, typer.Option(help="released: learn from the released GAN (mim)")] = None,
    steps: Annotated[
        int | None, typer.Option(help="gradient steps; default 2000 for mim, else 1200; 0: keep --start")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="maximum training time in minutes")] = None,
    batch_size: Annotated[int, typer.Option(help="images per step")] = 16,
    alpha: Annotated[float, typer.Option(help="share of the class that may be called not-mpox-like")] = 0.05,
    beta: Annotated[float, typer.Option(help="share of other skin that may be called mpox-like")] = 0.2,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            help="other skin beside the other classes of val, never trained on: DIR/val/<class>/ or DIR/<class>/; "
            "may be repeated",
        ),
    ] = None,
    normal_class: Annotated[str, typer.Option(help="the class to train on")] = "mpox",
    precision: Annotated[str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16")] = "auto",
    strategy: Annotated[
        str, typer.Option(help="one device; mirrored: all GPUs of this machine; multiworker: the cluster of TF_CONFIG")
    ] = "one",
    negatives: Annotated[
        Path | None, typer.Option(help="known negatives: DIR/<class>/ of other diseases (deep)")
    ] = None,
    keep_sample: Annotated[
        bool,
        typer.Option(
            "--keep-sample/--no-keep-sample",
            help="keep 64 training photographs (sample.npy) and previews in the run; without them export needs --data",
        ),
    ] = True,
    engine: EngineName = None,
    address: Address = None,
    gpus: Gpus = 0.0,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    json: Json = False,
) -> None:
    """Fit a detector on the photographs of one class.

    The run keeps 64 resampled training photographs for the export, and previews of 6; see --no-keep-sample.
    """
    from mim_tf.data.content import unseen_by_test
    from mim_tf.data.folder import scan_folder
    from mim_tf.detectors.base import check_size
    from mim_tf.training.config import Training

    training = Training(
        steps=steps,
        batch_size=batch_size,
        seconds=None if minutes is None else 60 * minutes,
        precision=precision,
        seed=seed,
        strategy=strategy,
    )
    if size is not None:
        check_size(size)
    check_level(alpha)
    check_level(beta, "beta")
    check_engine(engine, address=address, gpus=gpus or None)
    if engine == "ray" and strategy != "one":
        raise MimError("--strategy and --engine ray exclude each other", "choose one of them")
    check_outside(out_folder, data, negatives, *(reference or ()))
    photos = scan_folder(data, split_seed=split_seed, warn=warn)
    check_writable(out_folder)
    found = () if negatives is None else scan_folder(negatives, split_seed=None, warn=warn)
    known = unseen_by_test(found, photos, normal_class, "negatives")
    others = []
    for number, folder in enumerate(reference or ()):
        # Of a folder with splits, `test` is kept for evaluations.
        part = [photo for photo in scan_folder(folder, split_seed=None, warn=warn) if photo.split in ("", "val")]
        if not part:
            raise MimError("no photographs in val", "add other skin to val, or name another reference", folder)
        # The groups of different folders are different ones, also if they have one name.
        others += [replace(photo, group=f"{number}:{photo.group}") for photo in part]
    skin = unseen_by_test(others, photos, normal_class, "reference")
    with heavy_imports("training", "tensorflow"):
        from mim_tf.detector import Detector
        from mim_tf.training.strategy import connect
    network_options = {"width": width, "views": views, "block": block, "band": band, "start": start, "teacher": teacher}
    options = {name: value for name, value in network_options.items() if value is not None}
    detector = Detector(method, size=size, measure=measure, normal_class=normal_class, **options)
    if steps is None:
        training = replace(training, steps=detector.model.default_steps)
    bars = training_bars(err, plain=strategy == "multiworker")
    with folds_engine(engine, address, gpus) as run_folds, bars as progress:
        detector.fit_folder(
            photos,
            out_folder,
            alpha=alpha,
            beta=beta,
            training=training,
            known=known,
            reference=skin,
            warn=warn,
            progress=progress,
            keep_sample=keep_sample,
            run_folds=run_folds,
        )
    if detector.model.trains_network and not (group := connect(strategy)).chief:
        show({"process": group.number}, json, f"process {group.number} has ended; the first one writes the run folder")
        return
    calibration, others_table = detector.tables
    guarantees = calibration.guarantee(normal_class), others_table.guarantee(normal_class)
    summary = {
        "run": str(out_folder),
        "threshold": calibration.threshold,
        "alpha": calibration.alpha,
        "groups": calibration.groups,
        "method": calibration.method,
        "guarantee": guarantees[0],
        "reference": {
            "threshold": others_table.threshold,
            "beta": others_table.beta,
            "groups": others_table.groups,
            "conditions": [condition.name for condition in others_table.conditions],
            "guarantee": guarantees[1],
        },
    }
    show(summary, json, f"{out_folder}: {guarantees[0]}; {guarantees[1]}")


@app.command()
def evaluate(
    run_or_bundle: Annotated[Path, typer.Argument(help="run folder or bundle")],
    data: Annotated[list[Path], typer.Option("--data", help="data folder; may be repeated")],
    out_folder: Annotated[Path, typer.Option("--out", help="output folder for metrics.json and figures")],
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="column of MANIFEST.csv that divides the verdicts on other skin; may be repeated"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="seed of the controls of the shortcut probes")] = 0,
    split_seed: OwnSplitSeed = None,
    json: Json = False,
) -> None:
    """Evaluate a detector: AUROC and verdicts by class with 95 % intervals by group."""
    check_outside(out_folder, *data)
    check_writable(out_folder)
    with heavy_imports("evaluation", "sklearn", "matplotlib"):
        from mim_tf.evaluation.report import load_judge, write_report
        from mim_tf.evaluation.unseen import scan_all

        judge = load_judge(run_or_bundle)
    photos = scan_all(judge, data, split_seed, warn)
    evaluation = write_report(judge, photos, split, out_folder, seed, warn, [column.lower() for column in by or ()])
    show_metrics(evaluation.metrics, json)


@app.command()
def compare(
    data: Data,
    methods: Annotated[
        str, typer.Option(help="comma-separated methods, optionally with a measure (mim:deep)")
    ] = "mim,proxyano,colour,blur",
    seeds: Annotated[str, typer.Option(help="comma-separated seeds")] = "0,1,2",
    out_folder: Annotated[
        Path, typer.Option("--out", help="output folder; an interrupted comparison is resumed")
    ] = Path("compare"),
    minutes: Annotated[float, typer.Option(help="training time of each fit in minutes")] = 15.0,
    size: Annotated[int, typer.Option(help="side of the images in px: 64, 96 or 128")] = 96,
    normal_class: Annotated[str, typer.Option(help="the class to train on")] = "mpox",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="parallel fits, each with one thread; default: 2; with Ray all that fit"),
    ] = None,
    engine: EngineName = None,
    address: Address = None,
    gpus: Gpus = 0.0,
    split_seed: SplitSeed = 0,
    json: Json = False,
) -> None:
    """Compare methods over several seeds: AUROC by class, intervals, cost and shortcut probes."""
    try:
        numbers = tuple(int(seed) for seed in seeds.split(","))
    except ValueError as error:
        raise MimError(f"seeds {seeds!r} are not numbers", "write them as 0,1,2") from error
    check_engine(engine, address=address, gpus=gpus or None)
    check_writable(out_folder)
    with heavy_imports("comparing methods", "tensorflow"):
        from mim_tf.comparison.compare import compare as run_comparison
        from mim_tf.comparison.plan import Entry, Plan

    entries = [Entry.named(name.strip()) for name in methods.split(",")]
    plan = Plan(data, size=size, normal_class=normal_class, seconds=60 * minutes, seeds=numbers, split_seed=split_seed)
    command = ["mim-tf", "compare", "--data", "DIR", "--methods", ",".join(entry.name for entry in entries)]
    command += ["--seeds", ",".join(map(str, numbers)), "--minutes", f"{minutes:g}", "--size", str(size)]
    command += [] if normal_class == "mpox" else ["--normal-class", normal_class]
    command += ["--split-seed", str(split_seed)] if split_seed else []
    with tasks_engine(engine, address, gpus) as where, comparison_bars(err, 60 * minutes) as report:
        result = run_comparison(
            entries,
            plan,
            out_folder,
            jobs=jobs if where is not None else jobs or 2,
            report=report,
            warn=warn,
            command=shlex.join(command),
            engine=where,
        )
    show_comparison(result, json)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="run folder")],
    bundle: Annotated[Path, typer.Option("--out", help="output folder of the bundle")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="data folder; its test split is evaluated in Keras and TFLite for the model card; needed for a run "
            "of --no-keep-sample",
        ),
    ] = None,
    terms: Annotated[Path | None, typer.Option(help="text file for the model card: photographs and terms")] = None,
    micro: Annotated[bool, typer.Option("--micro", help="convert all networks to int8, for microcontrollers")] = False,
    zips: Annotated[
        Path | None, typer.Option("--zip", help="folder for the archives of the bundle, as mim-tf pack writes them")
    ] = None,
    split_seed: OwnSplitSeed = None,
    json: Json = False,
) -> None:
    """Export a run as a bundle: TFLite models, manifest, golden vectors and model card."""
    from mim_export.bundle.archive import check_zip_folder, write_zips

    statement = None if terms is None else _read_text(terms)
    check_new_folder(bundle)
    if zips is not None:
        check_zip_folder(zips, bundle)
        check_outside(zips, data)
    with heavy_imports("exporting a run", "tensorflow"):
        from mim_export.bundle.export import export_run

    manifest = export_run(run, bundle, data, statement, warn, micro, split_seed)
    if zips is not None:
        write_zips(bundle, zips)
    sizes = {name: entry["bytes"] for name, entry in manifest["files"].items() if name.endswith(".tflite")}
    show(manifest, json, f"{bundle}: " + ", ".join(f"{name} {size} bytes" for name, size in sizes.items()))


@app.command()
def demo(
    out_folder: Annotated[Path, typer.Option("--out", help="output folder")] = Path("demo"),
    steps: Annotated[int, typer.Option(help="gradient steps, from the released weights on")] = 100,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run all steps on synthetic images: train, evaluate, export, verify, score, report.html."""
    with heavy_imports("the demo", "tensorflow"):
        from mim_tf.cli.demo import run_demo

    with training_bars(err) as progress:
        summary = run_demo(out_folder, steps=steps, seed=seed, warn=warn, progress=progress)
    show(summary, json, f"{out_folder}: open report.html")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise explain(error, path) or error from error
    except UnicodeDecodeError as error:
        raise MimError("not a text in UTF-8", "save it as UTF-8", path) from error


for command in (prepare, bundle_commands.verify, bundle_commands.score, bundle_commands.bench, bundle_commands.pack):
    app.command()(command)
app.command("app")(serve_app)


def main() -> None:
    """Runs a command, and ends with its exit status.

    0 for success, 2 for a user error (printed as one line on stderr), 130 for Ctrl-C, 141 if the output pipe was
    closed.
    """
    open_standard_streams()
    try:
        # With standalone_mode=False, typer.Exit is returned as its exit code.
        sys.exit(app(standalone_mode=False) or 0)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:
        # Usage errors: their class is in different modules in different versions of typer, so test for the method.
        if hasattr(error, "format_message"):
            if error.format_message():
                warn(f"mim-tf: {error.format_message()}; see mim-tf --help")
            sys.exit(2)
        user_error = explain(error)
        if user_error is None:
            raise
        warn(str(user_error))
        sys.exit(2)
