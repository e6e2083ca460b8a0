"""Times inferences: of a TFLite file, of several in turns, and of each operator of a file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ..score.errors import quiet_stderr
from ..tflite.cost import operators, single_operators

#: So many timed inferences follow each other before it is the turn of the next.
TURN = 5
_WARM_UP_TURNS = 2
#: Runs an inference and gives its seconds.
Timer = Callable[[], float]
#: Is told a stage, how much of it is done, how much there is, and figures, of which there are none here.
Progress = Callable[[str, int, int, dict[str, float]], None]
Key = TypeVar("Key", bound=Hashable)


def noise(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Always the same uniform noise: all values of 8-bit integers, [0, 1) of floats, 0 and 1 of other types."""
    random = np.random.default_rng(0)
    if dtype in (np.uint8, np.int8):
        return np.frombuffer(random.bytes(math.prod(shape)), dtype).reshape(shape)
    if issubclass(dtype, np.floating):
        return random.random(shape).astype(dtype)
    return random.integers(0, 2, shape).astype(dtype)


def lite_timer(content: bytes, threads: int) -> Timer:
    """Times subgraph 0 of a TFLite file on LiteRT with XNNPACK; filling inputs and reading outputs is left out.

    Args:
        content: the file; it is given noise.
        threads: that LiteRT may use.
    """
    with quiet_stderr():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], noise(tuple(entry["shape"]), entry["dtype"]))
        interpreter.invoke()

    def seconds() -> float:
        start = time.perf_counter()
        interpreter.invoke()
        return time.perf_counter() - start

    return seconds


def in_turns(timers: Mapping[Key, Timer], runs: int, progress: Progress) -> dict[Key, list[float]]:
    """Times all of them in one run and in short turns, so that a drift of the machine hits all alike.

    The first inference of every turn and the first two turns are warm-up and not counted.

    Args:
        timers: by any key.
        runs: inferences of each, rounded up to whole turns.
        progress: told how far it is.

    Returns:
        Seconds of each counted inference, by the same keys.
    """
    turns = -(-runs // TURN)
    seconds: dict[Key, list[float]] = {key: [] for key in timers}
    for turn in range(1 - _WARM_UP_TURNS, turns + 1):
        for key, timer in timers.items():
            timer()
            taken = [timer() for _ in range(TURN)]
            seconds[key] += taken if turn > 0 else []
        if turn % 10 == 0 or turn == turns:
            progress("turns", max(turn, 0), turns, {})
    return seconds


def profile(content: bytes, runs: int = 20) -> list[dict[str, Any]]:
    """Time by kind of operator, one thread: each operator of a TFLite file is timed as a file of its own.

    LiteRT lends Python no profiler. What the operators take by themselves adds up to about the whole (within a tenth
    for the released bundle), although a kernel that runs alone finds its weights in the cache.

    Returns:
        A row for each kind, the slowest first: `operator` with its output's type, `count`, `macs`, `ms` and `share` of
        the sum of all.
    """
    rows: dict[str, dict[str, Any]] = {}
    for operator, single in zip(operators(content), single_operators(content), strict=True):
        timer = lite_timer(single, 1)
        seconds = float(np.median([timer() for _ in range(runs)]))
        name = f"{operator.name} {operator.dtype}"
        row = rows.setdefault(name, {"operator": name, "count": 0, "macs": 0, "ms": 0.0})
        row["count"] += 1
        row["macs"] += operator.macs
        row["ms"] += 1000 * seconds
    whole = sum(row["ms"] for row in rows.values())
    return sorted(({**row, "share": row["ms"] / whole} for row in rows.values()), key=lambda row: -row["ms"])
