"""`mim_tf.detectors.factory`: options are checked by signature, and errors within a constructor are shown."""

from __future__ import annotations

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
    assert DeepInpaintingModel.option_names() == InpaintingModel.option_names() | {"views", "block"}


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


@pytest.mark.parametrize("size", [-5, 0, 7])
def test_sizes_that_no_method_takes_are_refused(size: int) -> None:
    with pytest.raises(MimError, match=f"size {size} is not possible; choose 8 px or more"):
        create_model("colour", size)
