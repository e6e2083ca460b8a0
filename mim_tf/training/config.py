"""How long and how a model is trained, and who is told of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """How long and how a method is fitted.

    Attributes:
        steps: gradient steps of each network; None = as many as `seconds` allow.
        batch_size: images a step.
        seconds: stop earlier after this much training time, summed over resumed runs; None = no limit.
        precision: dtype policy, or "auto": mixed_bfloat16 where the processor computes in it.
        seed: of weights, order, augmentation and masks.
    """

    steps: int | None = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0


#: Receives (what is being fitted, steps done, steps in all or None, metrics by name).
Progress = Callable[[str, int, int | None, dict[str, float]], None]
