"""Stops training, export, evaluation and comparison at random moments, and repeats them.

    python benchmarks/kills.py --trials 20 --out FOLDER

For each command and signal (KILL, TERM, INT), `--trials` moments are drawn uniformly from the duration of the
uninterrupted command. Each trial starts the command in a process group of its own, sends the signal at the moment (INT
to the group, as a terminal does; the others to the process alone), waits for the end, and runs the same command again
to its end. The result must equal, byte by byte, that of the uninterrupted command. (If the bundle was complete when the
signal came, the repeated export refuses to replace it.) Nothing else may be left: in TMPDIR, which is a folder of the
trial's own, beside the output or in it, and no process.

All commands use one thread, so that the order of summation is always the same: two uninterrupted runs of each command
are compared first. What holds times is compared without them, see `comparable`.

Each trial is a line of `FOLDER/trials.jsonl`. The same call again repeats only trials that are missing or were wrong;
the file keeps the earlier lines. Prints a table, and exits with status 1 if a trial was wrong.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mim_tf.synthetic import dataset

COUNTS = {"train": {"mpox": 6}, "val": {"mpox": 16}, "test": {"mpox": 6, "macules": 6}}
#: Words of each command. `data` is the sample set, `run` a finished training, `out` the folder of the output.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "train": (
        *("train", "--data", "{data}", "--out", "{out}", "--method", "mim", "--measure", "ssim", "--size", "32"),
        *("--width", "2", "--steps", "60", "--batch-size", "2", "--alpha", "0.2", "--precision", "float32"),
    ),
    "export": ("export", "{run}", "--out", "{out}"),
    "evaluate": ("evaluate", "{run}", "--data", "{data}", "--out", "{out}"),
    "compare": (
        *("compare", "--data", "{data}", "--out", "{out}", "--methods", "colour", "--seeds", "0,1"),
        *("--size", "32", "--jobs", "2"),
    ),
}
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
_ONE_THREAD = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
#: Keys and columns that hold times or dates.
_TIMES = {"seconds", "train_seconds", "milliseconds", "run_seconds", "created", "exported"}
#: Logs, of which a stopped command may leave several or a part, and files whose content is in another one as JSON.
_LOGS = re.compile(r"(^|/)final/log/|(^|/)(fit|probe)\.log$|(^|/)comparison\.(md|png)$")
#: Maximum seconds of a command, and of the processes that it started after its end.
_LIMIT, _GRACE = 600.0, 15.0


@dataclass
class Ended:
    """A command that has ended.

    Attributes:
        status: exit status; negative for a signal.
        message: what it printed on stderr.
        seconds: its duration.
        sent: whether the signal was sent, because the command had not ended before.
        remaining: seconds until its last process had ended; None if one still runs.
    """

    status: int
    message: str
    seconds: float
    sent: bool
    remaining: float | None


@dataclass
class Trial:
    """A trial, as a line of the file.

    Attributes:
        command: the command.
        signal: name of the signal.
        number: number of the trial, from 0.
        moment: seconds from the start of the command to the signal.
        status: exit status of the stopped command.
        had_ended: whether it had ended before the signal.
        starting: whether the interpreter was still starting, which has no handler yet.
        repeated: whether the command was run again.
        wrong: what is wrong, by column of the table.
        message: last lines of stderr.
        seconds: duration of the trial.
    """

    command: str
    signal: str
    number: int
    moment: float
    status: int
    had_ended: bool
    starting: bool
    repeated: bool
    wrong: dict[str, str] = field(default_factory=dict)
    message: str = ""
    seconds: float = 0.0


def run(words: Sequence[str], folder: Path, number: int | None = None, moment: float = _LIMIT) -> Ended:
    """Runs a command in a process group of its own, with `folder/tmp` as TMPDIR.

    Args:
        words: arguments of `mim-tf`.
        folder: the folder of the trial; the working directory is `folder/work`.
        number: the signal to send; None for none.
        moment: seconds after which it is sent.
    """
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "TMPDIR": str(folder / "tmp")}
    log = folder / "stderr.txt"
    began = time.monotonic()
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "mim_tf", *words],
            cwd=folder / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        sent = False
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            sent = number is not None
            if number == signal.SIGINT:
                os.killpg(process.pid, number)
            else:
                process.send_signal(signal.SIGKILL if number is None else number)
        try:
            process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    ended = time.monotonic()
    remaining = None
    while remaining is None and time.monotonic() - ended < _GRACE:
        try:
            os.killpg(process.pid, 0)
            time.sleep(0.02)
        except ProcessLookupError:
            remaining = round(time.monotonic() - ended, 2)
    if remaining is None:
        os.killpg(process.pid, signal.SIGKILL)
    return Ended(process.returncode, log.read_text(errors="replace"), ended - began, sent, remaining)


def prepared(folder: Path) -> Path:
    """Creates an empty folder for a trial."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("tmp", "work"):
        (folder / name).mkdir(parents=True)
    return folder


def without_times(value: Any) -> Any:
    """A JSON value without times and dates."""
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items() if key not in _TIMES}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


def comparable(path: Path) -> str:
    """A digest that is equal for equal results: of JSON and CSV without times and dates, else of the bytes."""
    content = path.read_bytes()
    if path.suffix == ".json":
        content = json.dumps(without_times(json.loads(content))).encode()
    elif path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        content = json.dumps([{key: row[key] for key in row if key not in _TIMES} for row in rows]).encode()
    return hashlib.sha256(content).hexdigest()


def result_of(out: Path) -> dict[str, str]:
    """Digests of all files of an output folder, by name; of logs the existence is not compared either."""
    if not out.exists():
        return {}
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return {name: comparable(out / name) for name in names if not _LOGS.search(name)}


def difference(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """The names of files that differ, are missing or are too many; empty if there is none."""
    names = sorted({*found, *expected})
    return ", ".join(name for name in names if found.get(name) != expected.get(name))


def leftovers(folder: Path, out: Path, expected: Mapping[str, str]) -> str:
    """Names of what a repeated command left beside its result: in TMPDIR, in the working directory, in the output."""
    allowed = {(out / name).relative_to(folder).as_posix() for name in expected}
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or not any_in(path)]
    known = {"stderr.txt", "tmp", *allowed}
    return ", ".join(sorted(name for name in found if name not in known and not _LOGS.search(name)))


def any_in(path: Path) -> bool:
    """Whether a folder contains anything."""
    return any(path.iterdir())


class Experiment:
    """The trials of one folder.

    Args:
        out: the folder for the sample set, the uninterrupted results, the trials and their file.
        seed: seed of the moments.
        skip: whether to skip the repetition if the stopped command left nothing at all.
    """

    def __init__(self, out: Path, seed: int, skip: bool) -> None:
        self.out = out.resolve()
        self.seed = seed
        self.skip = skip
        self.data = self.out / "data"
        self.run = self.out / "whole" / "train-0" / "work" / "out"
        self.expected: dict[str, dict[str, str]] = {}
        self.duration: dict[str, float] = {}
        self.starting = 0.0

    def words(self, command: str, out: Path) -> list[str]:
        """The arguments of a command."""
        return [word.format(data=self.data, run=self.run, out=out) for word in COMMANDS[command]]

    def uninterrupted(self, command: str) -> None:
        """Runs a command twice at once without a signal, and compares the results.

        Raises:
            SystemExit: it fails, its results differ, or it leaves something behind.
        """
        record = self.out / "whole" / f"{command}.json"
        if not record.exists():
            folders = [prepared(self.out / "whole" / f"{command}-{i}") for i in range(2)]
            with ThreadPoolExecutor(2) as threads:
                ended = list(threads.map(lambda folder: run(self.words(command, folder / "work/out"), folder), folders))
            results = [result_of(folder / "work/out") for folder in folders]
            for folder, end, result in zip(folders, ended, results, strict=True):
                left = leftovers(folder, folder / "work/out", result)
                if end.status or left or end.remaining is None or difference(result, results[0]):
                    sys.exit(
                        f"{command}: status {end.status}, left {left}, differs in {difference(result, results[0])}, "
                        f"{end.message[-500:]}"
                    )
            seconds = float(np.mean([end.seconds for end in ended]))
            record.write_text(json.dumps({"seconds": seconds, "result": results[0]}))
        entry = json.loads(record.read_text())
        self.expected[command], self.duration[command] = entry["result"], entry["seconds"]

    def measure_start(self) -> None:
        """Measures how long an interpreter takes to the point from which signals are handled, at most."""
        program = [sys.executable, "-c", "import mim_tf.cli.start"]
        times = []
        for _ in range(10):
            began = time.monotonic()
            subprocess.run(program, check=True)
            times.append(time.monotonic() - began)
        self.starting = max(times)

    def moment(self, command: str, name: str, number: int) -> float:
        """The moment of a trial in seconds. It depends on nothing but the seed, the trial and the duration."""
        sequence = [self.seed, list(COMMANDS).index(command), list(SIGNALS).index(name), number]
        return float(np.random.default_rng(sequence).uniform(0, 1)) * self.duration[command]

    def trial(self, command: str, name: str, number: int) -> Trial:
        """Stops a command, repeats it, and compares."""
        began = time.monotonic()
        folder = prepared(self.out / "trials" / f"{command}-{name}-{number}")
        out, moment = folder / "work" / "out", self.moment(command, name, number)
        words = self.words(command, out)
        stopped = run(words, folder, SIGNALS[name], moment)
        starting = moment < self.starting
        result = Trial(
            *(command, name, number, round(moment, 2), stopped.status, not stopped.sent, starting, True),
            message=stopped.message[-600:],
        )
        checks: dict[str, str] = {
            "status": self._status(stopped, SIGNALS[name], starting),
            "message": self._message(stopped, name, starting),
            "processes": "" if stopped.remaining is not None else "a process still ran",
        }
        if self.skip and not any_in(folder / "work") and not any_in(folder / "tmp"):
            result.repeated = False
        else:
            complete = not difference(result_of(out), self.expected[command])
            again = run(words, folder)
            found = result_of(out)
            # An export refuses to replace a bundle, also the one that was complete when the signal came.
            if again.status and not (command == "export" and complete and again.status == 2):
                checks["result"] = f"status {again.status}: {again.message[-300:]}"
            else:
                checks["result"] = difference(found, self.expected[command])
            checks["leftovers"] = leftovers(folder, out, self.expected[command])
            if again.remaining is None:
                checks["processes"] = "a process of the repeated command still ran"
        result.wrong = {key: text for key, text in checks.items() if text}
        result.seconds = round(time.monotonic() - began, 1)
        if not result.wrong:
            shutil.rmtree(folder)
        return result

    @staticmethod
    def _status(stopped: Ended, number: int, starting: bool) -> str:
        if number == signal.SIGKILL:
            right = {-number} if stopped.sent else {0}
        else:
            # 0: the command had finished when the signal came. 1: the interpreter could not start.
            right = {0, 128 + number} | ({-number, 1} if starting else set())
        return "" if stopped.status in right else f"status {stopped.status}"

    @staticmethod
    def _message(stopped: Ended, name: str, starting: bool) -> str:
        lines = stopped.message.splitlines()
        if name == "KILL" or starting:
            return ""
        if "Traceback" in stopped.message or "Exception ignored" in stopped.message:
            return "a traceback"
        expected = 1 if stopped.status else 0
        if lines.count("stopped") != expected or (expected and lines[-1] != "stopped"):
            return "the last line is not 'stopped'"
        return ""


def table(trials: Sequence[Trial]) -> str:
    """The table of the trials in Markdown: for each column the trials that were right."""
    lines = [
        "| command | signal | trials | had ended before | right status | one line, no traceback | repeated "
        "| same result | no leftovers | no process left |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for command in COMMANDS:
        for name in SIGNALS:
            chosen = [trial for trial in trials if (trial.command, trial.signal) == (command, name)]
            if not chosen:
                continue
            again = [trial for trial in chosen if trial.repeated]

            def right(key: str, among: Sequence[Trial]) -> str:
                return f"{sum(key not in trial.wrong for trial in among)} of {len(among)}"

            cells = [
                *(command, name, str(len(chosen)), str(sum(trial.had_ended or not trial.status for trial in chosen))),
                right("status", chosen),
                "" if name == "KILL" else right("message", chosen),
                *(str(len(again)), right("result", again), right("leftovers", again), right("processes", chosen)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def read_trials(path: Path) -> dict[tuple[str, str, int], Trial]:
    """The last line of each trial."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [Trial(**json.loads(line)) for line in lines]
    return {(trial.command, trial.signal, trial.number): trial for trial in found}


def main() -> None:
    """Runs the trials that are missing or were wrong, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20, help="trials of each command and signal")
    parser.add_argument("--commands", default=",".join(COMMANDS), help="comma-separated commands")
    parser.add_argument("--signals", default=",".join(SIGNALS), help="comma-separated signals")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trials; continued if it exists")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    parser.add_argument(
        "--skip-from-nothing",
        action="store_true",
        help="do not repeat a command that left nothing at all: the repetition would begin as the uninterrupted one",
    )
    arguments = parser.parse_args()
    commands, signals = arguments.commands.split(","), arguments.signals.split(",")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and their children, ignore it
    experiment = Experiment(arguments.out, arguments.seed, arguments.skip_from_nothing)
    if not experiment.data.exists():
        dataset.write_sample(experiment.data, counts=COUNTS)
    for command in dict.fromkeys(["train", *commands]):  # the others use the run
        experiment.uninterrupted(command)
        print(f"{command}: {experiment.duration[command]:.1f} s, twice the same result", flush=True)
    experiment.measure_start()
    path = experiment.out / "trials.jsonl"
    done = read_trials(path)
    asked = [(c, s, n) for n in range(arguments.trials) for c in commands for s in signals]
    missing = [key for key in asked if key not in done or done[key].wrong]
    with path.open("a") as lines, ThreadPoolExecutor(arguments.jobs) as threads:
        for found in threads.map(lambda key: experiment.trial(*key), missing):
            print(json.dumps(asdict(found)), file=lines, flush=True)
            print(
                found.command,
                found.signal,
                found.number,
                found.moment,
                found.status,
                found.wrong or "right",
                flush=True,
            )
    done = read_trials(path)
    trials = [done[key] for key in asked]
    print(table(trials))
    sys.exit(1 if any(trial.wrong for trial in trials) else 0)


if __name__ == "__main__":
    main()
