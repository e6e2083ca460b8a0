"""Detector = method + calibration: fit, similarity, p_value, verdict, save, load."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mim_export import decide
from mim_export.decide import Calibration, Gate, Judgement, check_alpha
from mim_export.errors import MimError
from mim_export.files import new_file, read_json, write_json
from mim_tf import __version__, calibrate, data, method
from mim_tf.data import Photo, Photos, Warn
from mim_tf.method import SCRATCH, Measures, Progress, Training
from mim_tf.run_folder import FORMAT, check_format, claim

#: Number of training images kept in the run.
SAMPLE = 64


class Detector:
    """Judges photographs after having seen one class only.

    Args:
        name: name of the method, such as "mim".
        size: side S of the images in pixels.
        measure: name of the measure; None = the one that the method was published with.
        normal_class: the class that it is fitted on.
        options: further arguments of the method.

    Example:
        >>> detector = Detector("mim", size=96)
        >>> detector.fit(scan("skin"), Path("run"), alpha=0.05, training=Training(), warn=print, progress=...)
        >>> detector.verdict(pixels)          # uint8 (N, 96, 96, 3) -> ["mpox-like", "cannot-judge", ...]
    """

    def __init__(
        self, name: str, *, size: int = 96, measure: str | None = None, normal_class: str = "mpox", **options: Any
    ) -> None:
        self.name = name
        self.normal_class = normal_class
        self.method = method.make(name, size, measure, **options)
        self.calibration: Calibration
        self.gate: Gate
        #: Some of the training images, uint8 (M, S, S, 3): they set the int8 ranges when it is exported.
        self.sample: NDArray[np.uint8]
        self.about: dict[str, Any] = {}

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.method.size

    @property
    def measure(self) -> str:
        """Name of the measure behind the similarity."""
        return self.method.measure

    # ---- fitting ----------------------------------------------------------------------------------

    def fit(
        self,
        photos: Sequence[Photo],
        out: Path,
        *,
        alpha: float,
        training: Training,
        warn: Warn,
        progress: Progress,
        known: Sequence[Photo] = (),
    ) -> None:
        """Fits the method on `train`, calibrates it, and saves both in `out`; a stopped fit is continued.

        The conformal table comes from `val` where it has groups enough for alpha. Otherwise it is made
        out of fold: the method is fitted again without each third of the training groups, which it then
        scores, and the groups of `val`, which no fit has seen, are added.

        Args:
            photos: a scanned data folder.
            out: the run folder.
            alpha: 1 - target sensitivity.
            training: how long; the seconds are shared by the fits.
            warn: receives a line for each file that is skipped.
            progress: told the training metrics.
            known: photographs of other classes, for a method that can use them; it is then no longer of one class.

        Raises:
            MimError: no photographs of the class, too few groups, no use for `known`, or `out` is another run's.
        """
        train = data.select(photos, "train", self.normal_class)
        val = data.select(photos, "val", self.normal_class)
        if not train:
            problem = f"no photographs in train/{self.normal_class}"
            raise MimError(problem, "add them or name the class by --normal-class")
        if known and not self.method.takes_negatives:
            what = f"the method {self.name} with the measure {self.measure}"
            raise MimError(f"{what} has no use for negatives", "leave them out or use mim with deep")
        groups = {photo.group for photo in val}
        split = len(groups) >= calibrate.groups_needed(alpha)
        if not split:
            check_alpha(alpha, len(groups | {photo.group for photo in train}))
        claim(out, {**self._settings(photos, alpha, training), "negatives": data.fingerprint(known)})
        if (out / "detector.json").exists():  # it has ended
            vars(self).update(vars(Detector.load(out)))
            return
        large = data.load(train, self.method.source_size, warn=warn, what=f"train/{self.normal_class}")
        # The same files are read twice, at two sizes; each unreadable one is named once.
        small = data.load(train, self.size, warn=lambda line: None, what=f"train/{self.normal_class}")
        held = data.load(val, self.size, warn=warn, what=f"val/{self.normal_class}") if val else None
        others = data.select_others(photos, "val", self.normal_class) if self.method.supervised else known
        negatives = None
        if others:
            negatives = data.load(others, self.method.source_size, warn=warn, what="the other classes").pixels
        fits = 1 if split else 1 + calibrate.FOLDS
        share = Training(**{**asdict(training), "seconds": training.seconds and training.seconds / fits})
        self.method.fit(large.pixels, out / "final", share, progress, negatives)
        scored = [] if held is None else [(self.method.measures(held.pixels), held.groups)]
        if not split:
            scored += self._out_of_fold(large, small, negatives, out, share, progress)
        scores = np.concatenate([measures.similarity for measures, _ in scored])
        names = np.concatenate([groups for _, groups in scored])
        foreign = [measures.foreignness for measures, _ in scored if measures.foreignness is not None]
        how = "split" if split else "cross"
        self.calibration = calibrate.fit_calibration(scores, names, alpha=alpha, method=how)
        self.gate = calibrate.fit_gate(small.pixels, np.concatenate(foreign) if foreign else None)
        self.sample = small.pixels[np.unique(np.linspace(0, len(small) - 1, SAMPLE).astype(int))]
        self.about = {
            "training": asdict(training),
            "train_images": len(small),
            "train_groups": len(set(small.groups)),
            "val_images": 0 if held is None else len(held),
            "val_groups": len(groups),
            "known_negatives": 0 if negatives is None else len(negatives),
        }
        self.save(out)
        shutil.rmtree(out / SCRATCH, ignore_errors=True)

    def _out_of_fold(
        self,
        large: Photos,
        small: Photos,
        negatives: NDArray[np.uint8] | None,
        out: Path,
        training: Training,
        progress: Progress,
    ) -> list[tuple[Measures, NDArray[np.str_]]]:
        folds = calibrate.fold_of(small.groups, calibrate.FOLDS, training.seed)
        scored = []
        for fold in range(calibrate.FOLDS):
            fresh = method.make(self.name, self.size, self.measure, **self.method.options)
            fresh.fit(large.pixels[folds != fold], out / f"fold{fold}", training, progress, negatives)
            scored.append((fresh.measures(small.pixels[folds == fold]), small.groups[folds == fold]))
        return scored

    def _settings(self, photos: Sequence[Photo], alpha: float, training: Training) -> dict[str, Any]:
        """What a continued run must share with the stopped one."""
        return {
            "format": FORMAT,
            "method": self.name,
            "measure": self.measure,
            "size": self.size,
            "normal_class": self.normal_class,
            "options": self.method.options,
            "alpha": alpha,
            "training": asdict(training),
            "data": data.fingerprint(photos),
        }

    # ---- judging ----------------------------------------------------------------------------------

    def similarity(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Similarity of uint8 (N, S, S, 3) to the class, float32 (N,), higher = more alike."""
        return self.method.similarity(pixels)

    def p_value(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Conformal p-value of uint8 (N, S, S, 3), float32 (N,), in [1 / (G + 1), 1]."""
        return decide.p_value(self.similarity(pixels), self.calibration)

    def verdict(self, pixels: NDArray[np.uint8]) -> list[str]:
        """Verdict of each of uint8 (N, S, S, 3): mpox-like, not-mpox-like or cannot-judge."""
        return [decide.VERDICTS[code] for code in self.judge(pixels).verdict]

    def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
        """All of it at once for uint8 (N, S, S, 3)."""
        similarity, ssim, foreignness = self.method.measures(pixels)
        return decide.judge(similarity, pixels, self.calibration, self.gate, ssim, foreignness)

    # ---- files ------------------------------------------------------------------------------------

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the method's files and `detector.json`."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.method.save(Path(folder))
        entry = {
            "format": FORMAT,
            "version": __version__,
            "method": self.name,
            "measure": self.measure,
            "size": self.size,
            "normal_class": self.normal_class,
            "options": self.method.options,
            "calibration": self.calibration.to_dict(),
            "gate": asdict(self.gate),
            "about": self.about,
        }
        with new_file(Path(folder) / "sample.npy") as beside:
            np.save(beside, self.sample)
        write_json(Path(folder) / "detector.json", entry)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Detector:
        """Reads what `save` wrote.

        Raises:
            MimError: no run, an unfinished one, or one of another version.
        """
        path = Path(folder) / "detector.json"
        if not path.exists():
            settings = Path(folder) / "settings.json"
            unfinished = settings.exists() and "comparison" not in read_json(settings, "name a run folder")
            problem = "training has not ended" if unfinished else "not a run folder"
            remedy = (
                "run the same mim-tf train again to continue it" if unfinished else "name one that mim-tf train wrote"
            )
            raise MimError(problem, remedy, folder)
        entry = read_json(path, "train again into a new folder")
        check_format(entry, path)
        try:
            made = {"size": entry["size"], "measure": entry["measure"], "normal_class": entry["normal_class"]}
            detector = cls(entry["method"], **made, **entry["options"])
            detector.calibration = Calibration.from_dict(entry["calibration"])
            detector.gate = Gate(**entry["gate"])
            detector.about = entry["about"]
        except (KeyError, TypeError) as error:
            raise MimError(f"lacks or misnames {error}", "train again into a new folder", path) from None
        detector.method.load(Path(folder))
        kept = Path(folder) / "sample.npy"
        try:
            detector.sample = np.load(kept)
        except (OSError, ValueError):
            raise MimError("missing or damaged", "train again into a new folder", kept) from None
        return detector
