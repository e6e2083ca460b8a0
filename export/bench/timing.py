"""Times inferences of one TFLite file, of several files in alternation, and of each operator of a file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ..score.errors import quiet_stderr
from ..tflite import flatbuffer, float16
from ..tflite.cost import operators, single_operators

#: Number of consecutive timed inferences before the next model is timed.
TURN = 5
#: Number of rounds at the start that are not counted.
_WARM_UP_TURNS = 2
#: Runs one inference and returns its duration in seconds.
Timer = Callable[[], float]
#: Receives the name of a stage, the steps done, the total number of steps, and metrics by name (empty here).
Progress = Callable[[str, int, int, dict[str, float]], None]
Key = TypeVar("Key", bound=Hashable)


def noise(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Returns uniform noise from a fixed seed.

    Args:
        shape: shape of the result.
        dtype: its dtype. 8-bit integers have their full range, floats [0, 1), other dtypes the values 0 and 1.
    """
    random = np.random.default_rng(0)
    if dtype in (np.uint8, np.int8):
        return np.frombuffer(random.bytes(math.prod(shape)), dtype).reshape(shape)
    if issubclass(dtype, np.floating):
        return random.random(shape).astype(dtype)
    return random.integers(0, 2, shape).astype(dtype)


def lite_timer(content: bytes, threads: int, signature: str | None = None) -> Timer:
    """Returns a timer for a TFLite file on LiteRT with XNNPACK.

    The time does not include writing inputs and reading outputs, except with `signature`.

    Args:
        content: the file. Its inputs are noise.
        threads: number of threads of LiteRT.
        signature: the signature; None = subgraph 0, which is the first one.
    """
    with quiet_stderr():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        if signature is not None:
            runner = interpreter.get_signature_runner(signature)
            inputs = {
                name: noise(tuple(entry["shape"]), entry["dtype"]) for name, entry in runner.get_input_details().items()
            }
            return _timed(lambda: runner(**inputs))
        interpreter.allocate_tensors()
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], noise(tuple(entry["shape"]), entry["dtype"]))
    return _timed(interpreter.invoke)


def _timed(inference: Callable[[], object]) -> Timer:
    def seconds() -> float:
        start = time.perf_counter()
        inference()
        return time.perf_counter() - start

    seconds()  # the first inference also packs the weights
    return seconds


def in_turns(timers: Mapping[Key, Timer], runs: int, progress: Progress) -> dict[Key, list[float]]:
    """Times several models in alternation, so that changes of the machine's speed affect all of them equally.

    In each round, every model runs one inference that is not counted and then `TURN` counted ones. The first two rounds
    are not counted.

    Args:
        timers: timers by any key.
        runs: number of counted inferences of each model, rounded up to a multiple of `TURN`.
        progress: is called with the number of rounds.

    Returns:
        Seconds of each counted inference by key.
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
    """Measures the time by type of operator, with one thread. Each operator is timed as a file with one operator.

    LiteRT has no profiler for Python. The times of single operators add up to about the time of the whole model (within
    a tenth for the released bundle), although the weights of an operator that runs alone stay in the cache.

    Args:
        content: a TFLite file.
        runs: number of inferences per operator, of which the median is taken.

    Returns:
        A row for each type of operator, slowest first: `operator` (name and dtype of the output), `count`, `macs`, `ms`
        and `share` of the total time.
    """
    model = flatbuffer.read(content)
    float16.restore(model)  # a runtime converts the constants once, not in each inference
    content = flatbuffer.write(model)
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
