"""What it costs to score a million or a billion photographs, and what stragglers and lost workers add.

    python benchmarks/scale_model.py cost --read 0.28 --decode 38.9 --model 25.8 --megabytes 0.3
    python benchmarks/scale_model.py simulate --timeline TIMELINE.json

`cost` multiplies processor milliseconds of one photograph, as `benchmarks/scale.py` measures them, by prices. The
defaults are list prices of AWS in us-east-1 (c6i, S3 Standard, g5.xlarge; 2026): pass your own.

`simulate` deals out blocks of photographs to workers as Ray does, each worker taking the next block when it is free.
The duration of a block is drawn from those in the timeline of a run, which `ray timeline` writes while the cluster is
there (`RAY_AUTH_MODE=token ray timeline` if the cluster asks for a token). Some workers are slow; workers are lost at
random times, with the block that they work on, and replaced.
"""

from __future__ import annotations

import argparse
import heapq
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Category of the tasks of `mim-tf score` in a timeline.
_BLOCK_TASKS = "task::MapWorker(MapBatches(BlockActor)).submit"
#: Photographs of a block of `mim-tf score --out`.
BLOCK = 64
PHOTOGRAPHS = (10**6, 10**9)
WORKERS = (2, 16, 128, 1024)
#: Repetitions of the simulation.
DRAWS = 20


def cost(options: argparse.Namespace) -> None:
    """Prints processor time, duration and price by number of photographs."""
    parts = {"read": options.read, "decode and resample": options.decode, "model": options.model}
    total = sum(parts.values())
    shares = ", ".join(f"{name} {value:g} ms ({value / total:.0%})" for name, value in parts.items())
    print(f"One photograph: {total:g} ms of one core: {shares}; {options.megabytes:g} MB.\n")
    print(
        "| | "
        + " | ".join(f"10^{len(str(count)) - 1}" for count in PHOTOGRAPHS)
        + " |\n|---|"
        + "---|" * len(PHOTOGRAPHS)
    )
    hours = [count * total / 3.6e6 for count in PHOTOGRAPHS]
    gigabytes = [count * options.megabytes / 1000 for count in PHOTOGRAPHS]
    rows = {
        "core hours": [f"{value:,.0f}" for value in hours],
        **{f"time on {n:,} cores": [_duration(3600 * value / n) for value in hours] for n in (2, 64, 1024)},
        f"processors at ${options.core_hour:g} an hour": [_dollars(value * options.core_hour) for value in hours],
        f"the same at ${options.spot_hour:g} (spot)": [_dollars(value * options.spot_hour) for value in hours],
        "size": [f"{value / 1000:,.1f} TB" for value in gigabytes],
        f"storage for a month at ${options.gigabyte_month:g} a GB": [
            _dollars(v * options.gigabyte_month) for v in gigabytes
        ],
        f"requests at ${options.request_1000:g} a thousand": [
            _dollars(n / 1000 * options.request_1000) for n in PHOTOGRAPHS
        ],
        f"network if in another region, ${options.gigabyte_out:g} a GB": [
            _dollars(v * options.gigabyte_out) for v in gigabytes
        ],
        "Mbit/s to keep 64 cores busy": [f"{64 * 1000 / total * options.megabytes * 8:,.0f}"] * len(PHOTOGRAPHS),
    }
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")
    # A GPU takes over the model only: the photographs of a second are those that the cores beside it decode.
    rest = options.read + options.decode
    fed = 1000 * options.gpu_cores / rest
    alone = 1000 * options.gpu_hour / options.core_hour / total
    print(
        f"\nA machine with a GPU and {options.gpu_cores} cores at ${options.gpu_hour:g} an hour: its cores decode "
        f"{fed:.0f} photographs a second. Cores for the same money, without a GPU, score {alone:.0f}. With decoding on "
        f"the processor, a GPU pays only where the model takes more than "
        f"{rest * (options.gpu_hour / options.core_hour / options.gpu_cores - 1):.0f} ms of a core."
    )


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount < 10 else f"${amount:,.0f}"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def durations(timeline: Path) -> NDArray[np.float64]:
    """Seconds of each block in a timeline of Ray."""
    events = json.loads(timeline.read_text())
    found = [event["dur"] / 1e6 for event in events if event.get("cat") == _BLOCK_TASKS and "dur" in event]
    if not found:
        raise SystemExit(f"{timeline}: no tasks of mim-tf score; write it with `ray timeline` after a run")
    return np.array(found)


def simulate(options: argparse.Namespace) -> None:
    """Prints how much longer than without stragglers and losses the photographs take, by number of workers."""
    measured = durations(options.timeline)
    blocks = -(-options.photographs // BLOCK)
    print(
        f"{len(measured)} blocks in the timeline: median {np.median(measured):.2f} s, 99th percentile "
        f"{np.quantile(measured, 0.99):.2f} s, largest {measured.max():.2f} s. {options.photographs:,} photographs, "
        f"{options.slow:.0%} of the workers {options.factor:g} times slower, lost workers replaced after "
        f"{options.start:g} s. Means of {DRAWS} draws.\n"
    )
    losses = [f"and lost {rate:g} times an hour | repeated of {blocks:,}" for rate in options.lost]
    print(f"| workers | without both | stragglers | {' | '.join(losses)} |\n|---|---|---|{'---|---|' * len(losses)}")
    for workers in WORKERS:
        plain, slowed, lossy = [], [], []
        for draw in range(DRAWS):
            rng = np.random.default_rng([options.seed, workers, draw])
            work = rng.choice(measured, blocks)
            speed = np.where(rng.random(workers) < options.slow, options.factor, 1.0)
            plain.append(makespan(work, np.ones(workers), 0.0, 0.0, rng)[0])
            slowed.append(makespan(work, speed, 0.0, 0.0, rng)[0])
            lossy.append([makespan(work, speed, rate / 3600, options.start, rng) for rate in options.lost])
        usual = float(np.mean(plain))
        cells = [f"+{seconds / usual - 1:.1%} | {repeated:.1f}" for seconds, repeated in np.mean(lossy, axis=0)]
        print(f"| {workers:,} | {_duration(usual)} | +{np.mean(slowed) / usual - 1:.1%} | {' | '.join(cells)} |")


def makespan(
    work: NDArray[np.float64], speed: NDArray[np.float64], rate: float, start: float, rng: np.random.Generator
) -> tuple[float, int]:
    """Seconds until all blocks are done, and the number of blocks that were begun more than once.

    Args:
        work: seconds of each block on a worker of speed 1.
        speed: factor of the seconds on each worker.
        rate: losses of a worker per second.
        start: seconds until a lost worker is replaced.
        rng: draws the times of the losses.
    """
    free = [(0.0, worker) for worker in range(len(speed))]
    waiting, repeated, end = list(work[::-1]), 0, 0.0
    while waiting:
        now, worker = heapq.heappop(free)
        seconds = waiting[-1] * speed[worker]
        lost = rng.exponential(1 / rate) if rate else np.inf  # without memory, so it may be drawn for each block
        if lost < seconds:
            repeated += 1
            heapq.heappush(free, (now + lost + start, worker))
            continue
        waiting.pop()
        end = max(end, now + seconds)
        heapq.heappush(free, (now + seconds, worker))
    return end, repeated


def main() -> None:
    """Parses the arguments and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    priced = commands.add_parser("cost")
    priced.set_defaults(run=cost)
    for name, what in (("read", "reading"), ("decode", "decoding and resampling"), ("model", "the model")):
        priced.add_argument(f"--{name}", type=float, required=True, help=f"milliseconds of one core for {what}")
    priced.add_argument("--megabytes", type=float, required=True, help="size of a photograph")
    priced.add_argument("--core-hour", type=float, default=0.0425, help="dollars for a core for an hour")
    priced.add_argument("--spot-hour", type=float, default=0.021, help="the same, where it may be taken away")
    priced.add_argument("--gigabyte-month", type=float, default=0.023, help="dollars to store a GB for a month")
    priced.add_argument("--request-1000", type=float, default=0.0004, help="dollars for 1000 reads")
    priced.add_argument("--gigabyte-out", type=float, default=0.02, help="dollars to send a GB to another region")
    priced.add_argument("--gpu-hour", type=float, default=1.006, help="dollars for a machine with a GPU for an hour")
    priced.add_argument("--gpu-cores", type=int, default=4, help="cores of that machine")
    simulated = commands.add_parser("simulate")
    simulated.set_defaults(run=simulate)
    simulated.add_argument("--timeline", type=Path, required=True, help="file of `ray timeline`")
    simulated.add_argument("--photographs", type=int, default=10**6)
    simulated.add_argument("--slow", type=float, default=0.05, help="share of slow workers")
    simulated.add_argument("--factor", type=float, default=3.0, help="how many times slower they are")
    simulated.add_argument("--lost", type=float, nargs="+", default=(0.05, 1.0), help="losses of a worker in an hour")
    simulated.add_argument("--start", type=float, default=180.0, help="seconds until a lost worker is replaced")
    simulated.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
