"""The configuration of a training, and the type of its progress callback."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from mim_export.score.errors import MimError, check_whole

#: Dtype policies that a training can have; "auto" chooses one of the others.
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
#: Which devices train together; see `mim_tf.training.strategy.connect`.
STRATEGIES = ("one", "mirrored", "multiworker")
#: Largest seed.
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Training:
    """How a method is fitted.

    Attributes:
        steps: gradient steps of each network; None = no limit other than `seconds`; 0 = none, for networks that start
            from trained weights.
        batch_size: images per step.
        seconds: maximum training time in seconds, summed over resumed runs; None = no limit.
        precision: Keras dtype policy, or "auto": the one that trains fastest, see `mim_tf.training.loop`.
        seed: seed of the initial weights, the order of images, the augmentation and the masks.
        strategy: the devices that train together. The results are the same up to rounding, so a stopped training can be
            continued with another strategy.

    Raises:
        MimError: a value is out of range or of another type.

    Example:
        >>> Training(steps=500, batch_size=8, seed=1).precision
        'auto'
        >>> Training(seconds=-1)
        MimError: training time -1 s is not possible; choose a number above 0
    """

    steps: int | None = 1200
    batch_size: int = 16
    seconds: float | None = None
    precision: str = "auto"
    seed: int = 0
    strategy: str = "one"

    def __post_init__(self) -> None:
        # Numbers of numpy become those of Python, which JSON can hold.
        values = {
            "steps": None if self.steps is None else check_whole("number of steps", self.steps, 0),
            "batch_size": check_whole("batch size", self.batch_size, 1),
            "seconds": None if self.seconds is None else _checked_seconds(self.seconds),
            "seed": check_whole("seed", self.seed, 0, MAX_SEED),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.precision not in PRECISIONS:
            raise MimError(f"unknown precision {self.precision!r}", f"choose {', '.join(PRECISIONS)}")
        if self.strategy not in STRATEGIES:
            raise MimError(f"unknown strategy {self.strategy!r}", f"choose {', '.join(STRATEGIES)}")

    def settings(self) -> dict[str, Any]:
        """What the result depends on, and a continued training must share: all but the strategy."""
        return {name: value for name, value in asdict(self).items() if name != "strategy"}


def _checked_seconds(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 < float(seconds) < math.inf:
        raise MimError(f"training time {seconds} s is not possible", "choose a number above 0")
    return float(seconds)


#: Progress callback: (name of the fit, steps done, total steps or None, metrics by name).
Progress = Callable[[str, int, int | None, dict[str, float]], None]
