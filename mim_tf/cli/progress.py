"""Progress bars of trainings, comparisons and bulk scoring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mim_tf.training.config import Progress as Report

if TYPE_CHECKING:
    from mim_export.bulk.run import Report as BulkReport
    from mim_tf.comparison.pool import Report as ComparisonReport


@contextmanager
def training_bars(console: Console, plain: bool = False) -> Iterator[Report]:
    """Displays a progress bar with metrics for each network; prints plain lines if the console is not a terminal.

    Args:
        console: output console.
        plain: whether to print lines on a terminal as well, since `quiet_stderr` hides most of a bar.

    Yields:
        A progress callback, see `mim_tf.training.config.Progress`.
    """
    columns = (_text("description"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    if plain or not console.is_terminal:
        yield lambda name, step, steps, values: console.print(
            f"{name} {step}/{steps or '?'} {_metrics_line(values)}", markup=False
        )
        return
    with Progress(*columns, TimeElapsedColumn(), _text("fields[values]"), console=console) as bars:
        tasks: dict[str, Any] = {}

        def update(name: str, step: int, steps: int | None, values: dict[str, float]) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=steps, values="")
            bars.update(tasks[name], completed=step, values=_metrics_line(values))

        yield update


@contextmanager
def comparison_bars(console: Console, seconds: float) -> Iterator[ComparisonReport]:
    """Displays a bar of the training time of each fit; prints a line per finished fit if it is not a terminal.

    Args:
        console: output console.
        seconds: maximum training time of each fit, in seconds.

    Yields:
        A progress callback, see `mim_tf.comparison.pool.Report`.
    """
    if not console.is_terminal:

        def line(name: str, seed: int, state: str, _: dict[str, Any]) -> None:
            if state in ("done", "probed"):
                console.print(f"{name} seed {seed} {state}", markup=False)

        yield line
        return
    columns = (_text("description"), BarColumn(), _text("fields[values]"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[tuple[str, int], Any] = {}

        def update(name: str, seed: int, state: str, entry: dict[str, Any]) -> None:
            if (name, seed) not in tasks:
                tasks[name, seed] = bars.add_task(f"{name} {seed}", total=seconds, values="", start=False)
            if state == "fitting":
                bars.start_task(tasks[name, seed])
            done = seconds if state in ("done", "probed") else entry.get("seconds", 0.0)
            values = f"step {entry['step']}" if "step" in entry else state
            bars.update(tasks[name, seed], completed=done, values=values)

        yield update


@contextmanager
def bulk_bar(console: Console) -> Iterator[BulkReport]:
    """Displays a bar of the photographs that are listed or scored; nothing if the console is not a terminal.

    Args:
        console: output console.

    Yields:
        A progress callback, see `mim_export.bulk.run.Report`.
    """
    if not console.is_terminal:
        yield lambda state, done, total: None
        return
    columns = (_text("description"), BarColumn(), TextColumn("{task.completed:,}/{task.fields[of]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bars:
        tasks: dict[str, Any] = {}

        def update(state: str, done: int, total: int | None) -> None:
            of = "?" if total is None else f"{total:,}"
            if state not in tasks:
                tasks[state] = bars.add_task(state, total=total, of=of)
            bars.update(tasks[state], completed=done, total=total, of=of)

        yield update


def _metrics_line(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in values.items())


def _text(field: str) -> TextColumn:
    """A column whose brackets are not markup."""
    return TextColumn(f"{{task.{field}}}", markup=False)
