"""The part of mim-tf that leaves Python: definitions that devices share, bundles, and their scorer.

Importing this package imports neither TensorFlow nor any third-party package; `Scorer` is imported when it is first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .score.scorer import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    """Imports `Scorer` when it is first used."""
    if name != "Scorer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .score.scorer import Scorer

    return Scorer
