"""Mask, Inpaint, Measure: one-class detection of mpox in photographs. Research software, not a diagnosis.

The public names are imported when they are first used, so that importing the package loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mim_tf.detector import Detector, load_detector
    from mim_tf.measures.ssim import ssim
    from mim_tf.models.mim import MIM, MIMConfig
    from mim_tf.models.proxyano import ProxyAno

    __version__: str

__all__ = ["MIM", "Detector", "MIMConfig", "ProxyAno", "__version__", "load_detector", "ssim"]

_PLACES = {
    "Detector": "mim_tf.detector",
    "load_detector": "mim_tf.detector",
    "ssim": "mim_tf.measures.ssim",
    "MIM": "mim_tf.models.mim",
    "MIMConfig": "mim_tf.models.mim",
    "ProxyAno": "mim_tf.models.proxyano",
}


def __getattr__(name: str) -> Any:
    """Finds a public name when it is first used."""
    if name == "__version__":
        # Imported here: it takes longer than all else that a command does before it can be stopped in order.
        from importlib.metadata import version

        value: Any = version("mim-tf")
    elif name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
