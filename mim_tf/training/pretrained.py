"""The generator of the released bundle: to start a training from, and as the teacher of a smaller one."""

from __future__ import annotations

from typing import Any

import keras

from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED
from mim_tf.models.networks import generator
from mim_tf.training.checkpoint import load_weights

#: Names of the pretrained generators.
NAMES = ("released",)
#: Side in pixels of the images for which it is trained. The weights fit images of any side.
SIZE = 96
#: Number of filters of the first level.
WIDTH = 24


def pretrained_generator(name: str, size: int = SIZE) -> keras.Model:
    """Creates a generator with trained weights.

    Args:
        name: "released": the generator of the released bundle, trained on photographs of mpox.
        size: side S of the images in pixels, a multiple of 16.

    Returns:
        A `networks.generator` of width 24, float32, not trainable.

    Raises:
        MimError: the name is unknown, or the file of the weights is missing or damaged.

    Example:
        `pretrained_generator("released").count_params()` is 522 348.
    """
    check_name(name)
    model = generator(size, WIDTH)
    model.trainable = False
    load_weights(model, RELEASED / "detector" / "generator.weights.h5")
    return model


def check_name(name: Any) -> None:
    """Raises a `MimError` if no pretrained generator has this name."""
    if name not in NAMES:
        raise MimError(f"no pretrained generator {name!r}", "use " + ", ".join(NAMES))
