"""`mim_tf.detector` and `mim_tf.detectors.base`, on a small synthetic folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf.data.folder import scan_folder
from mim_tf.detector import Detector
from mim_tf.detectors.base import OneClassModel
from mim_tf.synthetic import dataset

COUNTS = {
    "train": {"mpox": 12},
    "val": {"mpox": 40, "plain": 2},
    "test": {"mpox": 8, "plain": 6, "macules": 6, "no_skin": 6},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("detector") / "data", counts=COUNTS)


def fitted(folder: Path, out: Path, name: str, alpha: float = 0.05) -> Detector:
    detector = Detector(name, size=48)
    detector.fit_folder(scan_folder(folder), out, alpha=alpha)
    return detector


def test_too_few_groups_in_val_are_made_up_out_of_fold(tmp_path: Path) -> None:
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.calibration.method == "cross" and detector.calibration.groups == 6 + 2
    with pytest.raises(MimError, match=r"8 calibration groups cannot support alpha 0\.05; use alpha 0\.1111"):
        fitted(folder, tmp_path / "other", "colour", alpha=0.05)
    assert not (tmp_path / "other").exists()


def test_an_out_of_fold_table_holds_no_image_that_its_fit_has_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Memory(OneClassModel):
        """Says 1 of what it was fitted on, 0 of the rest."""

        measure = "memory"

        parameters = 0

        def fit(self, pixels, folder, training, progress, negatives=None, callbacks=()) -> None:  # type: ignore[no-untyped-def]
            self.seen = {image.tobytes() for image in pixels}

        def score_samples(self, pixels):  # type: ignore[no-untyped-def]
            return np.array([image.tobytes() in self.seen for image in pixels], np.float32)

        def save(self, folder: Path) -> None: ...

        def load(self, folder: Path) -> None: ...

    monkeypatch.setattr("mim_tf.detector.create_model", lambda name, size, measure, **options: Memory(size))
    counts = {"train": {"mpox": 12}, "val": {"mpox": 4}, "test": {"mpox": 2}}
    folder = dataset.write_sample(tmp_path / "data", counts=counts)
    detector = fitted(folder, tmp_path / "run", "colour", alpha=0.2)
    assert detector.calibration.similarities == (0.0,) * 16
