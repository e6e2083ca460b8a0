"""`mim_tf.out_of_fold`: fits on Ray give the numbers of this process to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf import out_of_fold
from mim_tf.out_of_fold import Folds, RayFolds, in_turn
from mim_tf.samples import Sample
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training


def quiet(*_: Any) -> None: ...


def folds(out: Path, method: str) -> Folds:
    pixels = dataset.render("mpox", range(12), size=32)
    train = Sample(pixels, pixels, np.array([f"group{number % 6}" for number in range(12)]))
    left_out = [np.arange(12) % 3 == number for number in range(3)]
    folders = [out / f"fold{number}" for number in range(3)]
    return Folds((method, 32, "ssim"), {}, train, None, Training(steps=8, batch_size=4), left_out, folders)


def test_a_node_says_why_it_cannot_fit(tmp_path: Path) -> None:
    with pytest.raises(MimError, match=r"this machine has 0\.1; install"):
        out_of_fold._measure_on_node(folds(tmp_path, "autoencoder"), 0, "0.1")
    with pytest.raises(MimError, match=r"elsewhere: node .* does not see the folder; use a file system"):
        out_of_fold._measure_on_node(folds(tmp_path / "elsewhere", "autoencoder"), 0, out_of_fold.signature())


@pytest.mark.slow
def test_fits_on_ray_equal_those_of_this_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from mim_export.bulk.cluster import cluster

    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    expected = in_turn(folds(here, "autoencoder"), quiet)
    seen: set[str] = set()
    with cluster() as ray:
        found = RayFolds(ray)(folds(there, "autoencoder"), lambda name, *_: seen.add(name))
        for one, other in zip(found, expected, strict=True):
            assert len(one.similarity) == 4 and one.similarity.tobytes() == other.similarity.tobytes()
        with pytest.raises(MimError, match="no method 'magic'"):
            RayFolds(ray)(folds(there, "magic"), quiet)
    assert seen == {"fold0", "fold1", "fold2"}
