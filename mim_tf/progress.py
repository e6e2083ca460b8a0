"""Progress of a training on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mim_tf.method import Progress as Report


@contextmanager
def training_bars(console: Console) -> Iterator[Report]:
    """A progress bar for each network that is trained, with its metrics; plain lines where there is no screen."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    if not console.is_terminal:
        yield lambda name, step, steps, values: console.print(
            f"{name} {step}/{steps} {_metrics_line(values)}", markup=False
        )
        return
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[values]}"), console=console) as bars:
        tasks: dict[str, Any] = {}

        def update(name: str, step: int, steps: int, values: dict[str, float]) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=steps, values="")
            bars.update(tasks[name], completed=step, values=_metrics_line(values))

        yield update


def _metrics_line(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in values.items())
