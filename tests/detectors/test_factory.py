"""`mim_tf.detectors.factory`: options are checked by signature, and errors within a constructor are shown."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf.detectors.blur import BlurModel
from mim_tf.detectors.classifier import ClassifierModel
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.detectors.mim_deep import DeepInpaintingModel


def test_options_are_those_of_the_signature() -> None:
    assert BlurModel.option_names() == frozenset()
    assert ClassifierModel.option_names() == {"width"}
    assert {"width", "discriminator_width", "losses", "cell"} <= InpaintingModel.option_names()
    assert not {"size", "precision", "seed"} & InpaintingModel.option_names()
    assert DeepInpaintingModel.option_names() == InpaintingModel.option_names() | {"views", "block", "band"}


@pytest.mark.parametrize("name", ["mim", "classifier", "blur"])
@pytest.mark.parametrize("option", ["seed", "precision", "shape"])
def test_other_options_are_refused(name: str, option: str) -> None:
    with pytest.raises(MimError, match=f"the method {name} has no option {option}; leave it out"):
        create_model(name, 96, **{option: 1})


def test_a_type_error_within_a_constructor_is_not_a_wrong_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, precision: str, seed: int) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(ClassifierModel, "make_config", broken)
    with pytest.raises(TypeError, match="a bug"):
        create_model("classifier", 96, width=8)


@pytest.mark.parametrize("size", [-5, 0, 7, 96.5, 96.0, "96", None, True])
@pytest.mark.parametrize("name", ["colour", "mim", "features"])
def test_sizes_that_no_method_takes_are_refused(name: str, size: Any) -> None:
    with pytest.raises(MimError, match=f"size {re.escape(repr(size))} is not possible; choose a whole number from 8"):
        create_model(name, size)


@pytest.mark.parametrize(
    ("name", "measure", "size", "options", "line"),
    [
        ("mim", None, 40, {}, "size 40 is not possible; choose a multiple of 16 from 32 on"),
        ("mim", None, 32, {"width": 3}, "width 3 is not possible; choose a multiple of 2 from 2 on"),
        ("mim", None, 32, {"width": "8"}, "width '8' is not possible"),
        ("mim", None, 32, {"discriminator_width": 0}, "discriminator_width 0 is not possible"),
        ("mim", None, 32, {"cell": 8.0}, "cell size 8.0 is not possible"),
        ("mim", None, 32, {"count": 4.0}, "number of masks 4.0 is not possible"),
        ("mim", None, 32, {"train_counts": [1]}, "number of masks 1 is not possible; choose a whole number from 2 to"),
        ("mim", "deep", 64, {"views": 0}, "number of rounds of views 0 is not possible"),
        ("mim", "deep", 64, {"block": 5.0}, "block 5.0 is not possible"),
        ("mim", "deep", 80, {}, "size 80 is not possible; choose a multiple of 32 from 64 on"),
        ("proxyano", None, 32, {"memory": -1}, "number of items of the memory -1 is not possible"),
        ("autoencoder", None, 32, {"code": 0}, "number of channels of the code 0 is not possible"),
        ("riad", None, 32, {"cells": [2.0]}, "cell size 2.0 is not possible"),
        ("classifier", None, 32, {"width": 0}, "width 0 is not possible"),
    ],
)
def test_options_that_are_not_possible_are_named(
    name: str, measure: str | None, size: int, options: dict[str, Any], line: str
) -> None:
    with pytest.raises(MimError, match=line):
        create_model(name, size, measure, **options)


def test_numbers_of_numpy_become_those_of_python() -> None:
    model = create_model("autoencoder", np.int64(32), width=np.int32(4))
    assert json.dumps({"size": model.size, **model.options}) == '{"size": 32, "width": 4}'
