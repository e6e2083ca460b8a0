"""The detector: a one-class model with its conformal tables and its gate, fitted, saved and loaded as one thing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mim_export.score import decide
from mim_export.score.atomic_files import check_writable, new_file, read_json, temporary_folder, write_json
from mim_export.score.conformal import Calibration, Reference, Tables, check_alpha, check_level, verdict_names
from mim_export.score.decide import Gate, Judgement
from mim_export.score.errors import MimError
from mim_export.score.manifest import RELEASED
from mim_export.score.preprocess import Inpainted
from mim_tf.calibration import FOLDS, fit_calibration, fit_gate, fit_reference, groups_needed
from mim_tf.data.arrays import check_images, resample_all
from mim_tf.data.content import fingerprint, read_record, record_rows, write_record
from mim_tf.data.folder import Warn
from mim_tf.data.splits import Photo, fold_of, split_seed_of
from mim_tf.detectors.factory import create_model
from mim_tf.out_of_fold import Folds, RunFolds, in_turn
from mim_tf.samples import FitData, Images, Sample, data_of_arrays, files_of_folder, load_files
from mim_tf.training.config import Progress, Training
from mim_tf.training.run_folder import FORMAT, SCRATCH, check_format, check_settings, open_run

if TYPE_CHECKING:
    import keras

    from mim_tf.training.strategy import Group

#: Number of training images kept in the run.
SAMPLE = 64
_TRAIN_AGAIN = "train again into a new folder"


def _silent(*_: object) -> None:
    """Receives warnings or progress that nobody asked for."""


def sample_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Chooses the images that set the int8 ranges of an export.

    Args:
        images: training images, uint8 (N, S, S, 3).

    Returns:
        uint8 (min(N, 64), S, S, 3), evenly spaced.
    """
    return images[np.unique(np.linspace(0, len(images) - 1, SAMPLE).astype(int))]


class Detector:
    """Judges photographs after having been fitted on photographs of one class.

    Args:
        name: name of the method, such as "mim"; `mim_tf.detectors.factory.model_names()` lists them.
        size: side S of the images in pixels; None = 192 for the measure `deep`, else 96.
        measure: name of the measure; None = `deep` for "mim", else the measure that the method was published with.
        normal_class: the class that it is fitted on.
        options: further arguments of the one-class model.

    Raises:
        MimError: there is no such method, measure or option, or the size is not possible.

    Example:
        >>> detector = Detector("colour", size=32)
        >>> detector.fit(images, groups=patients, reference=others)  # uint8 (40, 64, 64, 3) of 20 patients or more
        >>> detector.score_samples(images[:2])                       # float32 (2,), higher = more like the class
        >>> detector.predict(photographs)                            # ["mpox-like", "undecided", "not-mpox-like"]
    """

    def __init__(
        self,
        name: str = "mim",
        *,
        size: int | None = None,
        measure: str | None = None,
        normal_class: str = "mpox",
        **options: Any,
    ) -> None:
        measure = measure or ("deep" if name == "mim" else None)
        self.name = name
        self.normal_class = normal_class
        side = (192 if measure == "deep" else 96) if size is None else size
        self.model = create_model(name, side, measure, **options)
        self._tables: Tables | None = None
        self._gate: Gate | None = None
        #: Some of the training images, uint8 (M, S, S, 3): they set the int8 ranges when it is exported. None (M = 0)
        #: if the run keeps no photographs.
        self.sample = np.empty((0, self.size, self.size, 3), np.uint8)
        #: How it was trained, as JSON can hold it.
        self.about: dict[str, Any] = {}
        #: Split, class, group and SHA-256 of the file of each photograph that it was fitted or calibrated on.
        self.photographs: tuple[tuple[str, ...], ...] = ()

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.model.size

    @property
    def measure(self) -> str:
        """Name of the measure behind the similarity."""
        return self.model.measure

    @property
    def is_fitted(self) -> bool:
        """Whether it can judge."""
        return self._tables is not None

    @property
    def tables(self) -> Tables:
        """The conformal tables: of the class, and of other skin."""
        self._check_fitted()
        assert self._tables is not None
        return self._tables

    @property
    def gate(self) -> Gate:
        """Limits beyond which a photograph cannot be judged."""
        self._check_fitted()
        assert self._gate is not None
        return self._gate

    @property
    def threshold(self) -> float:
        """The lowest similarity at which the class is not excluded."""
        return self.tables.calibration.threshold

    @property
    def other_threshold(self) -> float | None:
        """The highest similarity at which other skin is not excluded; None if it is excluded at no similarity."""
        return self.tables.reference.threshold

    @property
    def min_side(self) -> int:
        """The smallest shorter side of a photograph that is judged, in pixels."""
        return self.gate.min_side

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise MimError("expected a fitted detector, received one that is not fitted", "call fit, or load_detector")

    # ---- fitting ----------------------------------------------------------------------------------

    def fit(
        self,
        images: Images,
        *,
        groups: ArrayLike | None = None,
        reference: Images | None = None,
        reference_groups: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
        negatives: Images | None = None,
        alpha: float = 0.05,
        beta: float = 0.2,
        training: Training | None = None,
        folder: str | os.PathLike[str] | None = None,
        progress: Progress = _silent,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        keep_sample: bool = True,
    ) -> Detector:
        """Fits the model on images of one class and calibrates it out of fold.

        Args:
            images: uint8 (N, height, width, 3), or a list of photographs of any size, RGB, all of the class.
            groups: (N,), equal for images of one patient, photograph or series; None = each image is a group.
            reference: images of other skin, on which nothing is fitted; None = none, and then no image is
                `mpox-like`.
            reference_groups: group of each of them, like `groups`.
            conditions: condition of each of them, such as "chickenpox"; conditions are weighted alike. None = one
                condition.
            negatives: images of other classes, for a model that uses them.
            alpha: share of the class that may be called `not-mpox-like`; G groups allow 1 / (G + 1) at best.
            beta: share of other skin that may be called `mpox-like`; R groups allow 1 / (R + 1) at best.
            training: how long, how and on which devices; None = `Training(steps=self.model.default_steps)`.
            folder: the run folder: checkpoints, logs and the fitted detector; a stopped fit in it is continued. None =
                a temporary folder that is removed; `save` writes the detector. Of several processes, only the first
                one uses it.
            progress: receives the training metrics.
            callbacks: Keras callbacks of the final fit, see `mim_tf.training.loop.train`. If they stop it, the fits of
                the out-of-fold calibration, which they do not see, get their number of steps from where it ended.
            keep_sample: whether the detector keeps 64 of the images, which set the int8 ranges when it is exported.

        Returns:
            The detector. Only the first of several processes can read a fit that has ended before.

        Raises:
            MimError: wrong images, groups or conditions, too few groups for alpha, negatives that the model cannot use
                or lacks, callbacks or devices of a method that trains no network, devices or processes that are not
                there, or a folder that holds something else or is in use by another training.
        """
        check_level(alpha)
        check_level(beta, "beta")
        if folder is not None:
            check_writable(folder)
        if negatives is not None and not (self.model.takes_negatives or self.model.supervised):
            raise self._no_use_for_negatives()
        if negatives is None and self.model.supervised:
            raise MimError(f"the method {self.name} is supervised", "pass images of other classes as negatives")
        data, fingerprints = data_of_arrays(
            self.model, images, groups, negatives, reference, reference_groups, conditions
        )
        check_alpha(alpha, len(set(data.train.groups)))
        _check_folds(data.train.groups)
        training = training or Training(steps=self.model.default_steps)
        self._check_training(training, callbacks)
        settings = {**self._settings(alpha, beta, training, keep_sample), **fingerprints}
        group = self._connect(training)
        with _run_folder(folder, group) as out:
            if _is_finished(out, settings, group):
                self._read_run(out, group)
                return self
            with open_run(out, settings, "training"):
                self.photographs = ()
                about = {"split_seed": None, "further_reference": 0}
                self._fit(data, out, (alpha, beta), training, progress, callbacks, keep_sample, about, group, in_turn)
        return self

    def fit_folder(
        self,
        photos: Sequence[Photo],
        out: str | os.PathLike[str],
        *,
        alpha: float = 0.05,
        beta: float = 0.2,
        training: Training | None = None,
        warn: Warn = _silent,
        progress: Progress = _silent,
        known: Sequence[Photo] = (),
        reference: Sequence[Photo] = (),
        callbacks: Sequence[keras.callbacks.Callback] = (),
        keep_sample: bool = True,
        run_folds: RunFolds = in_turn,
    ) -> Detector:
        """Fits the model on `train` of a data folder, calibrates it, and saves both; a stopped fit is continued.

        The table of the class is made from `val` where it has groups enough for alpha. Otherwise it is made out of
        fold: the model is fitted again without each third of the training groups, which it then scores, and the groups
        of `val`, which no fit has seen, are added. The table of other skin is made from the other classes of `val` that
        show skin, and from `reference`. Every photograph is decoded once.

        Args:
            photos: a scanned data folder.
            out: the run folder. Of several processes, only the first one uses it.
            alpha: share of the class that may be called `not-mpox-like`.
            beta: share of other skin that may be called `mpox-like`.
            training: how long, how and on which devices; the seconds are shared by the fits. None =
                `Training(steps=self.model.default_steps)`.
            warn: receives a line for each file that is skipped, for each group in two splits, for near-duplicates
                (within a split they are joined to one group), and for `known`.
            progress: receives the training metrics.
            known: photographs of other classes, for a model that can use them; it is then no longer of one class.
            reference: photographs of further conditions, on which nothing is fitted.
            callbacks: Keras callbacks of the final fit, see `mim_tf.training.loop.train`. If they stop it, the fits of
                the out-of-fold calibration, which they do not see, get their number of steps from where it ended.
                Metrics named `val_...` are of photographs that the calibration uses: do not stop by them.
            keep_sample: whether the run keeps photographs: 64 for the int8 ranges of an export, in `sample.npy`, and
                the previews of the training. A run without them needs the data folder when it is exported.
            run_folds: runs the fits of the out-of-fold calibration; see `mim_tf.out_of_fold`.

        Returns:
            The detector. Only the first of several processes can read a fit that has ended before.

        Raises:
            MimError: no photographs of the class, too few groups, a group in two splits, no use for `known`, for
                `callbacks` or for several devices, devices or processes that are not there, or `out` is another run's
                or in use by another training.
        """
        check_level(alpha)
        check_level(beta, "beta")
        training = training or Training(steps=self.model.default_steps)
        self._check_training(training, callbacks)
        if known and not self.model.takes_negatives:
            raise self._no_use_for_negatives()
        files = files_of_folder(self.model, photos, self.normal_class, known, reference)
        split_seed = split_seed_of(photos)
        settings = {
            **self._settings(alpha, beta, training, keep_sample),
            "data": fingerprint(photos),
            "negatives": fingerprint(known),
            "reference": fingerprint(reference),
            "split_seed": split_seed,
        }
        if training.strategy == "multiworker":
            warn("waiting for all processes of the cluster")
        group = self._connect(training)
        with _run_folder(out, group) as folder:
            if _is_finished(folder, settings, group):
                self._read_run(folder, group)
                return self
            data, used = load_files(files, photos, self.model, self.normal_class, warn)
            groups = set() if data.val is None else set(data.val.groups)
            if len(groups) < groups_needed(alpha):
                check_alpha(alpha, len(groups | set(data.train.groups)))
                _check_folds(data.train.groups)
            # A group of two conditions is a group of each.
            others = len(set(zip(data.reference.conditions, data.reference.groups, strict=True)))
            if others < groups_needed(beta):
                warn(
                    f"{others} groups of other skin are too few for beta {beta:g}, so that nothing is "
                    f"{verdict_names(self.normal_class)[0]}; add other classes to val, or a reference"
                )
            if known:
                warn(
                    f"{len(known)} known negatives: the detector is no longer one-class, and figures on their sources "
                    f"are too high, unless {self.normal_class} has the same sources"
                )
            self.photographs = record_rows(used)
            about = {"split_seed": split_seed, "further_reference": len(set(reference).intersection(used))}
            with open_run(folder, settings, "training"):
                self._fit(
                    data, folder, (alpha, beta), training, progress, callbacks, keep_sample, about, group, run_folds
                )
        return self

    def _check_training(self, training: Training, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        if training.strategy != "one" and not self.model.trains_network:
            problem = f"the method {self.name} trains no network, so the strategy {training.strategy} has no effect"
            raise MimError(problem, "leave it out")
        if training.steps == 0 and "start" not in self.model.options:
            problem = f"0 steps are not possible for the method {self.name} from random weights"
            raise MimError(problem, "train for 1 step or more, or start mim from released")
        if callbacks and not self.model.trains_network:
            problem = f"the method {self.name} trains no network, so callbacks have no effect"
            raise MimError(problem, "leave them out")
        if callbacks and training.strategy != "one":
            # Each device has a copy of the model, and a callback would change one of them.
            problem = f"callbacks are not possible with the strategy {training.strategy}"
            raise MimError(problem, "leave them out, or train on one device")

    def _connect(self, training: Training) -> Group | None:
        """Finds the devices that train together; None for a method that trains no network."""
        if not self.model.trains_network:
            return None
        # Imports TensorFlow, as a method that trains a network has done.
        from mim_tf.training.strategy import connect

        group = connect(training.strategy)
        group.check_batch(training.batch_size)
        return group

    def _no_use_for_negatives(self) -> MimError:
        what = f"the method {self.name} with the measure {self.measure}"
        return MimError(f"{what} cannot use negatives", "leave them out or use mim with deep")

    def _fit(
        self,
        data: FitData,
        out: Path,
        levels: tuple[float, float],
        training: Training,
        progress: Progress,
        callbacks: Sequence[keras.callbacks.Callback],
        keep_sample: bool,
        about: dict[str, Any],
        group: Group | None,
        run_folds: RunFolds,
    ) -> None:
        self._tables = self._gate = None  # a fit that fails must not leave the tables of an earlier one
        train, val, other = data.train, data.val, data.reference
        alpha, beta = levels
        split = val is not None and len(set(val.groups)) >= groups_needed(alpha)
        left_out = self.model.left_out_share
        fits = 1 if split else 1 + FOLDS * left_out
        share = replace(training, seconds=training.seconds and training.seconds / fits)
        if val is not None:
            self.model.watch(val.small)
        self.model.fit(train.large, out / "final", share, progress, data.negatives, callbacks, train.groups)
        scored = [] if val is None else [(self.model.measures(val.small), val.groups)]
        # Before the fits of the folds: nothing is fitted on these images, so the final model scores them.
        measured = self.model.measures(other.pixels) if len(other.pixels) else None
        if not split:
            # The table must belong to models that score like the final one, also if a callback stopped it.
            steps = self.model.steps if callbacks else share.steps
            shorter = replace(
                share,
                steps=steps and max(1, round(left_out * steps)),
                seconds=share.seconds and left_out * share.seconds,
            )
            folds = self._folds(train, data.negatives, out, shorter)
            groups = (train.groups[left_out] for left_out in folds.left_out)
            scored += zip(run_folds(folds, progress), groups, strict=True)
        names = np.concatenate([groups for _, groups in scored])
        how = "split" if split else "cross"
        self._tables = Tables(
            fit_calibration(
                np.concatenate([measures.similarity for measures, _ in scored]), names, alpha=alpha, method=how
            ),
            fit_reference(
                np.empty(0, np.float32) if measured is None else measured.similarity,
                other.groups,
                other.conditions,
                beta=beta,
            ),
        )
        novelty = [measures.novelty for measures, _ in scored if measures.novelty is not None]
        of_other = [] if measured is None or measured.novelty is None else [measured.novelty]
        self._gate = fit_gate(train.small, *([np.concatenate(novelty)] if novelty else []), *of_other)
        self.sample = sample_of(train.small) if keep_sample else self.sample[:0]
        self.about = {
            "training": training.settings(),
            "train_images": len(train.small),
            "train_groups": len(set(train.groups)),
            "val_images": 0 if val is None else len(val.small),
            "val_groups": 0 if val is None else len(set(val.groups)),
            "known_negatives": 0 if data.negatives is None else len(data.negatives),
            "reference_images": len(other.pixels),
            **about,
        }
        if group is not None:
            group.leave()  # a process of a cluster that is lost later is no loss
        # Before `detector.json` is written, after which the run is not continued.
        shutil.rmtree(out / SCRATCH, ignore_errors=True)
        if not keep_sample:
            for previews in out.glob("*/previews"):
                shutil.rmtree(previews)
        self.save(out)

    def _folds(self, train: Sample, negatives: NDArray[np.uint8] | None, out: Path, training: Training) -> Folds:
        numbers = fold_of(train.groups, FOLDS, training.seed)
        model, options = (self.name, self.size, self.measure), self.model.options
        left_out = [numbers == number for number in range(FOLDS)]
        folders = [out / f"fold{number}" for number in range(FOLDS)]
        return Folds(model, options, train, negatives, training, left_out, folders)

    def _settings(self, alpha: float, beta: float, training: Training, keep_sample: bool) -> dict[str, Any]:
        """What a continued run must share with the stopped one."""
        return {
            "format": FORMAT,
            "method": self.name,
            "measure": self.measure,
            "size": self.size,
            "normal_class": self.normal_class,
            "options": self.model.options,
            "alpha": alpha,
            "beta": beta,
            "training": training.settings(),
            **({} if keep_sample else {"keep_sample": False}),
        }

    # ---- judging ----------------------------------------------------------------------------------

    def score_samples(self, images: Images) -> NDArray[np.float32]:
        """Similarity to the class.

        Args:
            images: uint8 (N, height, width, 3), or a list of photographs of any size, RGB; their centre squares are
                resampled to the detector's size.

        Returns:
            float32 (N,), higher = more like the class.

        Raises:
            MimError: wrong images, or a detector that is not fitted.
        """
        photographs = check_images(images)
        self._check_fitted()
        return self.model.score_samples(resample_all(photographs, self.size))

    def p_values(self, images: Images) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Conformal p-values of the two hypotheses on each image: it is of the class, and it is of other skin.

        Args:
            images: as `score_samples` takes them.

        Returns:
            `p_class`, float32 (N,) in [1 / (G + 1), 1] for a table of G groups, and `p_other`, float32 (N,) in
            [1 / (R + 1), 1] for a reference of R groups; NaN where the similarity is NaN.
        """
        judged = self.judge(images)
        return judged.p_class, judged.p_other

    def predict(self, images: Images) -> list[str]:
        """Verdict on each image.

        Args:
            images: as `score_samples` takes them.

        Returns:
            For each, for the normal class mpox, `mpox-like`, `not-mpox-like`, `undecided` or `cannot-judge`.
        """
        names = verdict_names(self.normal_class)
        return [names[code] for code in self.judge(images).verdict]

    def judge(self, images: Images) -> Judgement:
        """Similarity, p-values, verdict and reason of each image; arguments as of `score_samples`."""
        photographs = check_images(images)
        self._check_fitted()
        pixels = resample_all(photographs, self.size)
        similarity, ssim, novelty = self.model.measures(pixels)
        judgement = decide.judge(similarity, pixels, self.tables, self.gate, ssim, novelty)
        sides = np.array([min(image.shape[:2]) for image in photographs])
        return decide.refuse_small(judgement, sides, self.min_side)

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Pictures from each image to its reconstruction; see `OneClassModel.reconstruction_steps`.

        Args:
            pixels: as the images of `score_samples`.
        """
        photographs = check_images(pixels)
        self._check_fitted()
        return self.model.reconstruction_steps(resample_all(photographs, self.size))

    def inpaint(self, images: Images, masks: NDArray[np.float32] | None = None) -> Inpainted | None:
        """Inpaintings of images with the fixed mask set; see `OneClassModel.inpaint`.

        Args:
            images: as those of `score_samples`.
            masks: another mask set, float32 (n, s, s, 1), 1 = kept, s the side at which they are inpainted; default:
                that of the model.

        Returns:
            The images at the side at which they are inpainted, with their inpaintings; None if the model has no fixed
            mask set.

        Raises:
            MimError: as of `score_samples`.
        """
        photographs = check_images(images)
        self._check_fitted()
        return self.model.inpaint(resample_all(photographs, self.size), masks)

    # ---- files ------------------------------------------------------------------------------------

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the model's files, `detector.json`, `sample.npy` and, after `fit_folder`, `photographs.csv`."""
        self._check_fitted()
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.model.save(Path(folder))
        entry = {
            "format": FORMAT,
            "version": version("mim-tf"),
            "method": self.name,
            "measure": self.measure,
            "size": self.size,
            "normal_class": self.normal_class,
            "options": self.model.options,
            "calibration": self.tables.calibration.to_dict(self.normal_class),
            "reference": self.tables.reference.to_dict(self.normal_class),
            "gate": self.gate.to_dict(),
            "about": self.about,
            "sample_images": len(self.sample),
        }
        if len(self.sample):
            with new_file(Path(folder) / "sample.npy") as beside:
                np.save(beside, self.sample)
        write_record(Path(folder), self.photographs)
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
            begun = read_json(settings, "name a run folder") if settings.exists() else None
            unfinished = isinstance(begun, dict) and "comparison" not in begun
            problem = "training has not ended" if unfinished else "not a run folder"
            remedy = "repeat the same training to continue it" if unfinished else "name the folder of a training"
            raise MimError(problem, remedy, folder)
        entry = read_json(path, _TRAIN_AGAIN)
        check_format(entry, path)
        try:
            if not isinstance(entry["size"], int):
                raise TypeError("size")
            made = {"size": entry["size"], "measure": entry["measure"], "normal_class": entry["normal_class"]}
            detector = cls(entry["method"], **made, **entry["options"])
        except MimError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MimError(f"lacks or misnames {error}", _TRAIN_AGAIN, path) from error
        detector._read(Path(folder))
        return detector

    def _read_run(self, folder: Path, group: Group | None) -> None:
        """Reads the detector of a run that has ended, in the process that uses its folder."""
        if group is not None:
            group.leave()
        if group is None or group.chief:
            self._read(folder)

    def _read(self, folder: Path) -> None:
        """Reads the state of a fitted detector of the same settings."""
        path, kept = folder / "detector.json", folder / "sample.npy"
        entry = read_json(path, _TRAIN_AGAIN)
        check_format(entry, path)
        try:
            calibration, gate = Calibration.from_dict(entry["calibration"]), Gate.from_dict(entry["gate"])
            reference = Reference.from_dict(entry["reference"])
            about, images = dict(entry["about"]), int(entry["sample_images"])
            # Computed here, so that damaged numbers are found.
            _ = calibration.threshold, reference.threshold
        except MimError as error:
            raise MimError(error.problem, _TRAIN_AGAIN, path) from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise MimError(f"lacks or misnames {error}", _TRAIN_AGAIN, path) from error
        self.model.load(folder)
        try:
            # A released detector comes without training images.
            sample = np.load(kept, allow_pickle=False) if images else self.sample[:0]
        except (OSError, ValueError, EOFError) as error:
            raise MimError("missing or damaged", _TRAIN_AGAIN, kept) from error
        if sample.dtype != np.uint8 or sample.shape != (images, self.size, self.size, 3):
            raise MimError("missing or damaged", _TRAIN_AGAIN, kept)
        self.sample = sample
        self.photographs = read_record(folder)
        self._tables, self._gate, self.about = Tables(calibration, reference), gate, about


def _check_folds(groups: NDArray[np.str_]) -> None:
    """Checks that each fold of an out-of-fold calibration has a group.

    Raises:
        MimError: there are fewer groups than folds.
    """
    count = len(set(groups))
    if count < FOLDS:
        problem = f"an out-of-fold calibration needs {FOLDS} groups to train on, received {count}"
        raise MimError(problem, "add photographs of other patients")


def _is_finished(out: Path, settings: dict[str, Any], group: Group | None) -> bool:
    """Whether the run has ended. All processes get the same answer, and must have been started alike."""
    if group is not None:
        versions = {name: version(name) for name in ("mim-tf", "tensorflow", "keras")}
        group.check_same(json.dumps([settings, versions], sort_keys=True))
    finished = check_settings(out, settings) and (out / "detector.json").exists()
    return finished if group is None else bool(*group.of_chief(finished))


@contextmanager
def _run_folder(folder: str | os.PathLike[str] | None, group: Group | None) -> Iterator[Path]:
    """The given run folder, or a temporary one, as each process but the first has it."""
    if folder is not None and (group is None or group.chief):
        yield Path(folder)
        return
    with temporary_folder() as temporary:
        yield temporary / "run"


def load_detector(source: str | os.PathLike[str] = "released") -> Detector:
    """Loads a fitted detector.

    Args:
        source: a run folder, or "released" for the detector of the released bundle.

    Returns:
        The detector.

    Raises:
        MimError: there is no such run, an unfinished one, or one of another version.

    Example:
        >>> load_detector("released").predict(photographs)  # uint8 (height, width, 3), 192 px or more
        ['mpox-like', 'cannot-judge']
    """
    return Detector.load(RELEASED / "detector" if source == "released" else source)
