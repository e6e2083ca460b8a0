"""The configuration of a training, and the type of its progress callback."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mim_export.score.errors import MimError

#: Dtype policies that a training can have; "auto" chooses one of the others.
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
#: Largest seed.
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Training:
    """How a method is fitted.

    Attributes:
        steps: gradient steps of each network; None = no limit other than `seconds`.
        batch_size: images per step.
        seconds: maximum training time in seconds, summed over resumed runs; None = no limit.
        precision: Keras dtype policy, or "auto": mixed_bfloat16 on CPUs with bfloat16 instructions, else float32.
        seed: seed of the initial weights, the order of images, the augmentation and the masks.

    Raises:
        MimError: a value is out of range.

    Example:
        >>> Training(steps=500, batch_size=8, seed=1).precision
        'auto'
    """

    steps: int | None = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise MimError(f"{self.steps} steps are not possible", "choose 1 or more")
        if self.batch_size < 1:
            raise MimError(f"batch size {self.batch_size} is not possible", "choose 1 or more")
        if self.seconds is not None:
            check_seconds(self.seconds)
        if self.precision not in PRECISIONS:
            raise MimError(f"unknown precision {self.precision!r}", f"choose {', '.join(PRECISIONS)}")
        check_seed(self.seed)


def check_seconds(seconds: float) -> None:
    """Checks a limit of the training time.

    Raises:
        MimError: it is not a finite number above 0.
    """
    if not 0 < seconds < math.inf:
        raise MimError(f"a training time of {seconds:g} s is not possible", "choose a number above 0")


def check_seed(seed: int) -> None:
    """Checks a seed.

    Raises:
        MimError: it is not an integer from 0 to `MAX_SEED`.
    """
    if not 0 <= seed <= MAX_SEED:
        raise MimError(f"seed {seed} is not possible", f"choose a seed from 0 to {MAX_SEED}")


#: Progress callback: (name of the fit, steps done, total steps or None, metrics by name).
Progress = Callable[[str, int, int | None, dict[str, float]], None]
