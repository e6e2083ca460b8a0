"""Measures `mim-tf score` on thousands of photographs, and one scorer in several threads and processes.

    python benchmarks/bulk.py
    python benchmarks/bulk.py --many 20000

Makes synthetic photographs of 800 x 600 px, scores a folder of 2,000 of them with one process and with all cores, in
alternation, and one of 20,000, for the peak of the memory. Prints a Markdown table, and exits with 1 if a target is
missed.

Other programs on the machine make times longer. A repetition in which they used more than a tenth of a core is
therefore measured again, until `--patience` minutes have passed. If there are not enough quiet ones, the time that the
processes waited for a core, as the kernel counts it, is subtracted, and the table says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from mim_export.score.batch import cores
from mim_export.score.scorer import Scorer
from mim_tf.synthetic.dataset import CLASSES, render

#: Different pictures; the other photographs of a folder are further links to their files.
PICTURES = 240
#: Largest use of the processor by other programs, in cores, for a time that counts.
QUIET = 0.1
#: Seconds between two measurements of the memory.
INTERVAL = 0.5
VERDICTS = 1000
FIRST_ROW, SPEED_UP, GROWTH = 2.0, 1.7, 1.1
COMMAND = [sys.executable, "-c", "import sys; from mim_tf.cli.app import main; sys.argv[0] = 'mim-tf'; main()", "score"]
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One run of `mim-tf score --jsonl`.

    Attributes:
        first: seconds from the start of the process to the first row.
        seconds: seconds to the end of the process.
        cpu: processor time of all processes in seconds.
        others: cores that other programs used meanwhile.
        waited_first: seconds until the first row in which a process was ready to run but had no core.
        waited: the same until the end.
        memory: largest sum over the processes of the resident memory in bytes.
        rows: number of rows.
        digest: SHA-256 of the rows.
    """

    first: float
    seconds: float
    cpu: float
    others: float
    waited_first: float
    waited: float
    memory: int
    rows: int
    digest: str

    def rate(self, idle: bool) -> float:
        """Photographs in a second, the start included; `idle`: without the time in which there was no core."""
        return self.rows / (self.seconds - self.waited * idle)

    @property
    def quiet(self) -> bool:
        """Whether its times count."""
        return self.others <= QUIET


def make_photographs(folder: Path, count: int) -> Path:
    """Makes `count` files `photo_00000.jpg` and so on, at most `PICTURES` of them different, as links to each other."""
    folder.mkdir(parents=True)
    for index in range(count):
        path = folder / f"photo_{index:05}.jpg"
        if index >= PICTURES:
            os.link(folder / f"photo_{index % PICTURES:05}.jpg", path)
            continue
        pixels = render(CLASSES[index % len(CLASSES)], [index // len(CLASSES)])[0]
        Image.fromarray(pixels).resize((800, 600), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def score_folder(folder: Path, jobs: int) -> Run:
    """Scores a folder with the command line."""
    busy, used, began = _busy(), sum(os.times()[:2]), time.monotonic()
    process = subprocess.Popen([*COMMAND, str(folder), "--jsonl", "--jobs", str(jobs)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    sampler = _Sampler(process.pid)
    sampler.start()
    line = process.stdout.readline()
    first, (own_wait, other_wait) = time.monotonic() - began, _waits(process.pid)
    digest, rows = hashlib.sha256(line), 1
    for line in process.stdout:
        digest.update(line)
        rows += 1
    sampler.stop()
    _, status, usage = os.wait4(process.pid, 0)  # includes the processes that it waited for
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"mim-tf score ended with the status {os.waitstatus_to_exitcode(status)}")
    cpu = usage.ru_utime + usage.ru_stime
    others = (_busy() - busy - cpu - (sum(os.times()[:2]) - used)) / seconds
    # After the first row, the first process only prints what others score, and what it waits delays nothing.
    waited = own_wait + sampler.waits[1] if sampler.waits[1] else sampler.waits[0]
    return Run(
        first,
        seconds,
        cpu,
        max(0.0, others),
        own_wait + other_wait,
        waited,
        sampler.memory,
        rows,
        digest.hexdigest(),
    )


def _busy() -> float:
    """Processor time of all programs since the start of the machine, in seconds."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICK


class _Sampler(threading.Thread):
    """Watches a process and those that it starts.

    Attributes:
        memory: largest sum of their resident memory in bytes.
        waits: the last result of `_waits`, at least 0.
    """

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid, self._ended = pid, threading.Event()
        self.memory, self.waits = 0, (0.0, 0.0)

    def run(self) -> None:
        """Measures every `INTERVAL` seconds."""
        while not self._ended.wait(INTERVAL):
            self.memory = max(self.memory, sum(map(_memory, _tree(self._pid))))
            own, others = _waits(self._pid)
            self.waits = max(self.waits[0], own), max(self.waits[1], others)

    def stop(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self.join()


def _waits(pid: int) -> tuple[float, float]:
    """Seconds that a process was ready to run and had no core, and the mean of those that it started (0 if none)."""
    (_, own), *others = map(_schedule, _tree(pid))
    # Processes that score, not the one that `multiprocessing` starts for itself, which hardly runs.
    scoring = [waited for ran, waited in others if ran > 0.1 * max(ran for ran, _ in others)]
    return own, sum(scoring) / max(1, len(scoring))


def _schedule(pid: int) -> tuple[float, float]:
    """Seconds that the first thread of a process ran, and that it was ready to run without a core."""
    try:
        ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except OSError:
        return 0.0, 0.0
    return int(ran) / 1e9, int(waited) / 1e9


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:  # it ended
        return


def _memory(pid: int) -> int:
    """Resident memory of a process in bytes. The proportional size would depend on programs that share its files."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def measure(folder: Path, repetitions: int, patience: float) -> dict[int, list[Run]]:
    """Scores a folder with one process and with all cores, in alternation, until enough repetitions were quiet.

    Returns:
        The runs by number of processes: the quiet ones, or all if there are none.
    """
    runs: dict[int, list[Run]] = {1: [], cores(): []}
    end = time.monotonic() + 60 * patience
    while True:
        for jobs, found in runs.items():
            found.append(score_folder(folder, jobs))
            _say(f"{jobs} processes: {found[-1]}")
        few = min(sum(run.quiet for run in found) for found in runs.values()) < repetitions
        if min(map(len, runs.values())) >= repetitions and (not few or time.monotonic() > end):
            return {jobs: [run for run in found if run.quiet] or found for jobs, found in runs.items()}


def wrong_verdicts(photographs: Sequence[Path]) -> tuple[int, int]:
    """Scores with four threads that share a scorer and, at the same time, with two processes that it is pickled into.

    Returns:
        The number of the `VERDICTS` rows of the threads, and of the processes, that differ from those of one thread.
    """
    scorer = Scorer()
    expected = [scorer.score(path) for path in photographs]
    by_threads: list[int] = []
    share = VERDICTS // 4
    threads = [
        threading.Thread(target=lambda k=k: by_threads.append(_wrong(scorer, photographs, expected, k, share)))
        for k in range(4)
    ]
    content = pickle.dumps(scorer)
    work = [(content, photographs, expected, k, VERDICTS // 2) for k in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        by_processes = pool.starmap_async(_wrong_of_pickled, work, chunksize=1)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lost = share * (len(threads) - len(by_threads))  # of threads that ended with an error
        return sum(by_threads) + lost, sum(by_processes.get())


def _wrong(scorer: Scorer, photographs: Sequence[Path], expected: list[dict[str, Any]], start: int, count: int) -> int:
    """Scores `count` photographs, each thread or process in another order."""
    places = [(37 * start + (2 * start + 1) * turn) % len(photographs) for turn in range(count)]
    return sum(scorer.score(photographs[place]) != expected[place] for place in places)


def _wrong_of_pickled(content: bytes, *arguments: Any) -> int:
    return _wrong(pickle.loads(content), *arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Prints the table.

    Returns:
        Exit status: 0; 1 if a target was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=2000, help="photographs of the folder that is timed")
    parser.add_argument("--many", type=int, default=0, help="photographs of the folder for the memory, such as 20000")
    parser.add_argument("--repetitions", type=int, default=3, help="quiet runs of each kind")
    parser.add_argument("--patience", type=float, default=20, help="minutes to wait for them")
    parser.add_argument("--json", type=Path, help="file for the runs")
    options = parser.parse_args()
    jobs, load = cores(), os.getloadavg()[0]
    table: list[tuple[str, str, str, str]] = []

    def judge(what: str, target: str, found: str, met: bool) -> None:
        table.append((what, target, found, "yes" if met else "**no**"))

    with tempfile.TemporaryDirectory() as scratch:
        folder = make_photographs(Path(scratch) / "photographs", options.photographs)
        subprocess.run([*COMMAND[:-1], "--version"], check=True, stdout=subprocess.DEVNULL)  # modules are in memory
        runs = measure(folder, options.repetitions, options.patience)
        one, all_cores = runs[1], runs[jobs]
        quiet = all(run.quiet for found in runs.values() for run in found)
        many = score_folder(make_photographs(Path(scratch) / "many", options.many), jobs) if options.many else None
        photographs = [folder / f"photo_{index:05}.jpg" for index in range(min(PICTURES, options.photographs))]
        by_threads, by_processes = wrong_verdicts(photographs)
    count = f"{options.photographs:,} photographs"
    idle = "" if quiet else ", without waiting for a core"
    first = max(median(run.first - run.waited_first * (not quiet) for run in found) for found in runs.values())
    judge(f"start to first row{idle}", f"at most {FIRST_ROW:g} s", f"{first:.2f} s", first <= FIRST_ROW)
    rates = [median(run.rate(not quiet) for run in found) for found in (one, all_cores)]
    costs = [1e3 * median(run.cpu / run.rows for run in found) for found in (one, all_cores)]
    speed_up = rates[1] / rates[0]
    judge(
        f"photographs a second, {jobs} processes against one{idle}",
        f"at least {SPEED_UP:g} times",
        f"{rates[1]:.1f} against {rates[0]:.1f}: {speed_up:.2f} times",
        speed_up >= SPEED_UP,
    )
    allowed = jobs * costs[0] / costs[1]
    table.append(
        (
            f"processor time for a photograph, {jobs} processes against one",
            "",
            f"{costs[1]:.1f} against {costs[0]:.1f} ms, which allows {allowed:.2f} times",
            "",
        )
    )
    same = len({run.digest for found in runs.values() for run in found}) == 1
    whole = all(run.rows == options.photographs for found in runs.values() for run in found)
    judge(
        f"rows of {count}, {jobs} processes and one", "equal, in order", "equal" if same else "differ", same and whole
    )
    memory = max(run.memory for run in all_cores)
    sizes = f"{memory / 2**20:.0f} MiB at {options.photographs:,}"
    if many is None:
        table.append((f"peak of the memory, {jobs} processes", "", sizes, ""))
    else:
        growth = many.memory / memory
        judge(
            f"peak of the memory, {jobs} processes",
            f"at most {GROWTH:g} times",
            f"{sizes}, {many.memory / 2**20:.0f} MiB at {options.many:,}: {growth:.2f} times",
            growth <= GROWTH and many.rows == options.many,
        )
    for what, wrong in (
        ("four threads with one scorer", by_threads),
        ("two processes with the same scorer", by_processes),
    ):
        judge(f"right verdicts, {what}", f"{VERDICTS} of {VERDICTS}", f"{VERDICTS - wrong} of {VERDICTS}", not wrong)
    others = max(run.others for found in runs.values() for run in found)
    print(f"{jobs} cores, {count} of 800 x 600 px. Load before: {load:.1f}. Median of", end=" ")
    print(f"{min(len(one), len(all_cores))} runs, in which other programs used at most {others:.2f} cores.\n")
    print("| what | target | measured | met |\n|---|---|---|---|")
    for row in table:
        print(f"| {' | '.join(row)} |")
    if options.json:
        entry = {"1": one, str(jobs): all_cores, "many": [many] if many else []}
        text = json.dumps({name: [vars(run) for run in found] for name, found in entry.items()}, indent=1)
        options.json.write_text(text)
    return 0 if all(met in ("yes", "") for *_, met in table) else 1


if __name__ == "__main__":
    sys.exit(main())
