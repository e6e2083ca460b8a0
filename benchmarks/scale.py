"""Measures `mim-tf score --out`: throughput, memory, killed commands, a lost node, and the stages of a photograph.

    python benchmarks/scale.py throughput memory kills nodes stages --out FOLDER
    python benchmarks/scale.py --small --out FOLDER

Prints a row of a Markdown table for each figure, and exits with status 1 if a target is missed. `--small` runs all
parts but memory with 200 photographs and one kill in less than three minutes, without targets for speed. Photographs
are made in FOLDER and used again; few are different, and the others are links to them. Measure on an otherwise idle
machine.

* throughput: photographs of 2 MP with one process, `--engine local` and `--engine ray`. The start, which is what a
  command for one photograph takes, is a figure of its own and not part of the rates.
* memory: the peak of the resident memory of the first process, which lists and waits, for few and many photographs.
* kills: the process group is killed at random moments, in its start and while it scores, and the command is repeated
  to its end. The rows must be those of an uninterrupted command.
* nodes: three nodes of Ray on this machine, of which one is removed in the middle.
* stages: milliseconds to read (from the cache of the system), to decode and resample, and to run the model, in one
  process, for the cost of a million.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from mim_export.score.batch import cores
from mim_export.score.decode import Photograph
from mim_export.score.scorer import Scorer
from mim_tf.synthetic.dataset import CLASSES, render

#: Different pictures of a folder; the others are links to their files.
PICTURES = 24
LARGE, SMALL = (1632, 1224), (200, 200)
LOCAL, RAY, GROWTH = 1.8, 1.6, 1.1
#: Options of `mim-tf score` by engine.
ENGINES: dict[str, tuple[str, ...]] = {"one process": ("--jobs", "1"), "local": (), "ray": ("--engine", "ray")}
COMMAND = [sys.executable, "-m", "mim_tf", "score"]
_POLL = 0.02
#: Most links to one file that every file system allows are 65,000.
_LINKS = 1000


@dataclass
class Table:
    """The figures so far.

    Attributes:
        small: whether targets for speed and memory are left out.
        missed: number of targets that were missed.
    """

    small: bool
    missed: int = 0

    def row(self, what: str, measured: str, target: str = "", met: bool = True) -> None:
        """Prints a row."""
        self.missed += not met
        print(f"| {what} | {measured} | {target} | {('yes' if met else '**no**') if target else ''} |", flush=True)

    def figure(self, what: str, measured: str, target: str, met: bool) -> None:
        """Prints a row whose target is for many photographs on an idle machine."""
        self.row(what, measured, *(() if self.small else (target, met)))


@dataclass
class Run:
    """A command that has ended.

    Attributes:
        seconds: its duration.
        peak: peak of the resident memory of its first process, in bytes.
        summary: what it printed; empty if it was killed.
    """

    seconds: float
    peak: int
    summary: dict[str, Any] = field(default_factory=dict)


def photographs(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Makes a folder of JPEGs of a synthetic picture with noise, in folders of 1,000, unless it is there."""
    place = folder / f"{size[0]}x{size[1]}_{count}"
    if (place / "complete.txt").exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    for number in range(count):
        path = place / f"{number // _LINKS:04}" / f"{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        source = path.parent / f"{number - number % _LINKS + number % _LINKS % PICTURES:07}.jpg"
        if source != path:
            os.link(source, path)
        elif number >= _LINKS:
            shutil.copyfile(place / "0000" / f"{number % _LINKS:07}.jpg", path)
        else:
            pixels = render(CLASSES[number % len(CLASSES)], [number])[0]
            picture = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), np.int16)
            noise = np.random.default_rng(number).normal(0, 4, picture.shape).astype(np.int16)
            Image.fromarray((picture + noise).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    (place / "complete.txt").touch()
    return place


@contextmanager
def started(source: Path, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a command in a process group of its own, and kills what is left of it at the end of the block."""
    words = [*COMMAND, str(source), "--out", str(out), "--json", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def run(source: Path, out: Path, *options: str) -> Run:
    """Runs a command to its end; Ray and local processes alike."""
    began, peak = time.monotonic(), 0
    with started(source, out, *options) as process:
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(_POLL)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"mim-tf score ended with the status {process.returncode}")
    return Run(time.monotonic() - began, peak, json.loads(output))


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it ended
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def rows(out: Path) -> list[tuple[Any, ...]]:
    """The rows without their times, sorted."""
    table = pq.read_table(out / "rows").drop_columns(["seconds"])
    return sorted(tuple(row.values()) for row in table.to_pylist())


def parts(out: Path) -> int:
    """Number of files of rows that are written."""
    return sum(1 for _ in (out / "rows").glob("part-*")) if (out / "rows").is_dir() else 0


def fresh(out: Path) -> Path:
    """Returns the folder of rows, which is removed if it exists."""
    shutil.rmtree(out, ignore_errors=True)
    return out


def throughput(table: Table, folder: Path, count: int) -> None:
    """Photographs a second by engine."""
    source, one = photographs(folder, count, LARGE), photographs(folder, 1, LARGE)
    table.row("cores; load before", f"{cores()}; {os.getloadavg()[0]:.1f}")
    rates: dict[str, float] = {}
    for name, options in ENGINES.items():
        starts = [run(one, fresh(folder / "start"), *options).seconds for _ in range(0 if table.small else 3)]
        start = median(starts or [0.0])
        found = run(source, fresh(folder / "throughput"), *options)
        rates[name] = count / (found.seconds - start)
        if starts:
            table.row(f"{name}: start", f"{start:.1f} s")
        what = f"{name}: {count:,} photographs of 2 MP a second" + (", without the start" if starts else "")
        times = rates[name] / rates["one process"]
        target = {"local": LOCAL, "ray": RAY}.get(name)
        figures = f"{rates[name]:.1f} ({found.seconds:.0f} s)"
        if target is None:
            table.row(what, figures)
        else:
            table.figure(what, f"{figures}: {times:.2f} times", f"at least {target:g} times", times >= target)


def memory(table: Table, folder: Path, few: int, many: int) -> None:
    """Peak of the memory of the first process by number of photographs."""
    for name in ("local", "ray"):
        options = ENGINES[name]
        peaks = [run(photographs(folder, count, SMALL), fresh(folder / "m"), *options).peak for count in (few, many)]
        growth = peaks[1] / peaks[0]
        sizes = f"{peaks[0] / 2**20:.0f} MiB at {few:,}, {peaks[1] / 2**20:.0f} MiB at {many:,}: {growth:.2f} times"
        table.figure(f"{name}: peak memory of the first process", sizes, f"at most {GROWTH:g} times", growth <= GROWTH)


def kills(table: Table, folder: Path, count: int, number: int) -> None:
    """Kills and repeats commands, and compares the rows with those of an uninterrupted one."""
    source = photographs(folder, count, SMALL)
    expected = run(source, fresh(folder / "whole"))
    whole, draw = rows(folder / "whole"), random.Random(0)
    files = sorted(os.fspath(path) for path in source.rglob("*.jpg"))
    for name in ("local", "ray"):
        options = ENGINES[name]
        out, killed = fresh(folder / "killed"), 0
        step = max(1, parts(folder / "whole") // (2 * number))
        start = 0.0 if table.small else run(photographs(folder, 1, SMALL), fresh(folder / "start"), *options).seconds
        for turn in range(number):
            with started(source, out, *options) as process:
                if turn % 3 == 2:  # in the start
                    _wait(process, draw.uniform(0, start))
                else:
                    _wait(process, 600.0, out, parts(out) + draw.randint(1, step))
                    _wait(process, draw.uniform(0, 1))
                killed += process.poll() is None
        found = run(source, out, *options)
        same = rows(out) == whole and [row[0] for row in rows(out)] == files
        same = same and found.summary["verdicts"] == expected.summary["verdicts"] and killed > 0
        what = f"{name}: rows of {count:,} photographs after {killed} kills"
        table.row(what, "complete, each once" if same else "other ones", "those of an uninterrupted command", same)


def _wait(process: subprocess.Popen[str], seconds: float, out: Path | None = None, aim: int = 0) -> None:
    """Waits for so many seconds, or until the command has ended or so many files of rows are in `out`."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end and (out is None or parts(out) < aim):
        time.sleep(_POLL)


def nodes(table: Table, folder: Path, count: int) -> None:
    """Removes one of three nodes of a cluster in the middle of a command."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    source, out = photographs(folder, count, SMALL), fresh(folder / "nodes")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        _, lost = (cluster.add_node(num_cpus=1) for _ in range(2))
        cluster.wait_for_nodes()
        with started(source, out, "--engine", "ray", "--address", cluster.address) as process:
            _wait(process, 600.0, out, max(1, count // 64 // 3))
            before = parts(out)
            cluster.remove_node(lost, allow_graceful=False)
            output = process.communicate(timeout=3600)[0]
        files = sorted(os.fspath(path) for path in source.rglob("*.jpg"))
        same = process.returncode == 0 and [row[0] for row in rows(out)] == files
        same = same and json.loads(output)["photographs"] == count and before < -(-count // 64)
    finally:
        cluster.shutdown()
    what = f"ray: rows of {count:,} photographs, one of three nodes removed after {before} of {-(-count // 64)} blocks"
    table.row(what, "complete, each once" if same else "incomplete", "complete, each once", same)


def stages(table: Table, folder: Path, count: int) -> None:
    """Times of the stages of a photograph in one process."""
    scorer, times = Scorer(), []
    files = sorted(photographs(folder, count, LARGE).rglob("*.jpg"))[: 50 if table.small else 500]
    for path in files:
        marks = [time.perf_counter()]
        path.read_bytes()
        marks.append(time.perf_counter())
        with Photograph(path) as photo:
            (pixels,) = photo.resampled((scorer.size,))
        marks.append(time.perf_counter())
        scorer.run(pixels, "verdict")
        times.append(np.diff([*marks, time.perf_counter()]))
    read, decode, model = 1e3 * np.median(times, axis=0)
    hours = 1e6 * (read + decode + model) / 3_600_000
    table.row("a photograph of 2 MP: read", f"{read:.2f} ms")
    table.row("decode and resample", f"{decode:.1f} ms")
    table.row("model", f"{model:.1f} ms")
    table.row("a million of them", f"{hours:.1f} hours of one core")


def main() -> int:
    """Runs the parts that the arguments name.

    Returns:
        Exit status: 0; 1 if a target was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("throughput", "memory", "kills", "nodes", "stages")
    parser.add_argument("parts", nargs="*", choices=[[], *names], default=[], help="all by default")
    parser.add_argument("--out", type=Path, required=True, help="folder of the photographs and rows")
    parser.add_argument("--photographs", type=int, default=5000)
    parser.add_argument("--many", type=int, default=100_000, help="photographs of the larger folder for the memory")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--small", action="store_true", help="200 photographs, one kill")
    options = parser.parse_args()
    count, many, number = (200, 400, 1) if options.small else (options.photographs, options.many, options.kills)
    folder = options.out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    table = Table(options.small)
    print("| what | measured | target | met |\n|---|---|---|---|")
    work: dict[str, Callable[[], None]] = {
        "throughput": lambda: throughput(table, folder, count),
        "memory": lambda: memory(table, folder, count, many),
        "kills": lambda: kills(table, folder, count, number),
        "nodes": lambda: nodes(table, folder, count),
        "stages": lambda: stages(table, folder, count),
    }
    for name in options.parts or [name for name in names if name != "memory" or not options.small]:
        work[name]()
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
