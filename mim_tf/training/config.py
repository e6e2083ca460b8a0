"""The configuration of a training, and the type of its progress callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """How a method is fitted.

    Attributes:
        steps: gradient steps of each network; None = no limit other than `seconds`.
        batch_size: images per step.
        seconds: maximum training time in seconds, summed over resumed runs; None = no limit.
        precision: Keras dtype policy, or "auto": mixed_bfloat16 on CPUs with bfloat16 instructions, else float32.
        seed: seed of the initial weights, the order of images, the augmentation and the masks.

    Example:
        >>> Training(steps=500, batch_size=8, seed=1).precision
        'auto'
    """

    steps: int | None = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0


#: Progress callback: (name of the fit, steps done, total steps or None, metrics by name).
Progress = Callable[[str, int, int | None, dict[str, float]], None]
