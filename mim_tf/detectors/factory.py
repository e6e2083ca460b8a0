"""The one-class models by name. Each module of this package that is not in `_NOT_METHODS` is a method."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np

from mim_export.score.errors import MimError, missing_extra
from mim_tf import detectors
from mim_tf.detectors.base import OneClassModel

#: The project's own methods, listed first. Every other module of this package that is not in `_NOT_METHODS` is a
#: baseline named like its module.
_SYSTEMS = ("mim", "proxyano")
_NOT_METHODS = ("base", "reconstruction", "factory", "fill", "mim_deep")
#: Modules of additional measures, by method and measure.
_MEASURED = {("mim", "deep"): "mim_tf.detectors.mim_deep"}


def model_names() -> tuple[str, ...]:
    """Names of the methods: `mim` and `proxyano`, then the baselines in alphabetical order."""
    found = {module.name for module in pkgutil.iter_modules(detectors.__path__)}
    return (*_SYSTEMS, *sorted(found - {*_SYSTEMS, *_NOT_METHODS}))


def create_model(name: str, size: int, measure: str | None = None, **options: Any) -> OneClassModel:
    """Creates an unfitted one-class model.

    Args:
        name: one of `model_names()`.
        size: side S of the images, in pixels.
        measure: name of the measure; None = the measure of the method's publication.
        options: keyword arguments of the model's constructor.

    Returns:
        The unfitted model.

    Raises:
        MimError: the method, measure or option does not exist, or the size is not possible.

    Example:
        >>> create_model("blur", 96).measure
        'ssim'
        >>> create_model("mim", 192, "deep").measure
        'deep'
    """
    if name not in model_names():
        raise MimError(f"no method {name!r}", f"choose one of {', '.join(model_names())}")
    try:
        module = importlib.import_module(_MEASURED.get((name, measure or ""), f"mim_tf.detectors.{name}"))
    except ModuleNotFoundError as error:
        raise missing_extra(f"the method {name}", error) from error
    (model_class,) = (
        value
        for value in vars(module).values()
        # The module comes first: on Python 3.10 an alias such as NDArray[np.uint8] is a type, too.
        if isinstance(value, type) and value.__module__ == module.__name__ and issubclass(value, OneClassModel)
    )
    if measure not in (None, model_class.measure):
        measures = sorted({model_class.measure, *(other for of, other in _MEASURED if of == name)})
        raise MimError(f"the method {name} has no measure {measure!r}", f"choose one of {', '.join(measures)}")
    unknown = [option for option in options if option not in model_class.option_names()]
    if unknown:
        raise MimError(f"the method {name} has no option {', '.join(unknown)}", "leave it out")
    # Numbers of numpy become those of Python, which JSON can hold.
    plain = {option: value.item() if isinstance(value, np.generic) else value for option, value in options.items()}
    model: OneClassModel = model_class(size, **plain)
    return model
