"""The reference scorer: scores photographs with a bundle. Needs numpy, Pillow and a TFLite runtime, not TensorFlow.

Research software, not a diagnosis. No image leaves the device.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decide import REASONS, VERDICTS, Judgement
from .decode import Photograph
from .errors import MimError
from .manifest import RELEASED, REMEDY, masks_of, read_checked, read_manifest
from .model import load_runners
from .preprocess import Inpainted, resample
from .runtimes import MakeInterpreter, runtime


class Scorer:
    """Loads a bundle and scores photographs with it.

    A scorer may be used in several threads at once: they decode and resample in parallel, and a lock lets one of them
    at a time run the model. To run models in parallel, use processes. A scorer can be pickled for them; the path of the
    bundle and the name of the runtime are stored, and the bundle is loaded again.

    Args:
        bundle: the folder of a bundle; the released bundle by default.
        make_interpreter: a value of `runtimes()`; the first installed runtime by default.

    Attributes:
        manifest: content of `manifest.json`.
        size: side S of the image that the model takes, in pixels.
        measure: `ssim` or `deep`.
        normal_class: the class that the model was trained on.
        min_side: least shorter side of a photograph, in pixels; smaller ones get the reason `too small`.
        threshold: the class is excluded at lower similarities.
        other_threshold: other skin is excluded at higher similarities; None: at no similarity.

    Raises:
        MimError: no runtime is installed, the runtime cannot run the model, or the bundle is damaged, of another
            format, or has an invalid entry or a model with other inputs or outputs.

    Example:
        >>> Scorer().score("photo.jpg")
        {'image': 'photo.jpg', 'similarity': 0.61, 'p_class': 0.42, 'p_other': 0.08, 'verdict': 'mpox-like',
        'reason': None}
    """

    def __init__(
        self, bundle: str | os.PathLike[str] = RELEASED, make_interpreter: MakeInterpreter | None = None
    ) -> None:
        self.manifest = read_manifest(bundle)
        content = read_checked(bundle, "mim.tflite", self.manifest)
        self._lock = threading.Lock()
        self._bundle = os.path.abspath(bundle)
        self._make_interpreter = make_interpreter or runtime()
        self.size: int = self.manifest["size"]
        self.measure: str = self.manifest["measure"]["name"]
        self.normal_class: str = self.manifest["normal_class"]
        self.min_side: int = self.manifest["gate"]["min_side"]
        self.threshold: float = self.manifest["calibration"]["threshold"]
        self.other_threshold: float | None = self.manifest["reference"]["threshold"]
        self._runners = load_runners(self._make_interpreter, content, self.size, Path(bundle) / "mim.tflite")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._bundle, self._make_interpreter)

    def run(self, pixels: NDArray[np.uint8], signature: str = "explain") -> dict[str, NDArray[Any]]:
        """Runs a signature of the model.

        Args:
            pixels: uint8 (S, S, 3), a resampled image.
            signature: `explain`, or `verdict`, which takes less time and outputs no pictures and no SSIM.

        Returns:
            The outputs by name, with a batch dimension of 1; the manifest lists their shapes and dtypes.
        """
        with self._lock:  # an interpreter has one set of input and output tensors
            outputs = self._runners[signature](image=pixels[None])
            return {name: np.array(output) for name, output in outputs.items()}

    def judge(self, images: NDArray[np.uint8]) -> Judgement:
        """Scores resampled images.

        Args:
            images: uint8 (N, S, S, 3).

        Returns:
            Arrays of length N. The reason `too small` does not occur, since the original size is not known here.
        """
        rows = [self.run(image) for image in images]
        names = ("similarity", "p_class", "p_other", "verdict", "reason", "ssim")
        found = Judgement(*(np.array([row[name][0] for row in rows]) for name in names if name in rows[0]))
        # The graph compares NaN with the table as if it were a very low similarity.
        wrong = ~np.isfinite(found.similarity)
        return found._replace(
            p_class=np.where(wrong, np.float32(np.nan), found.p_class),
            p_other=np.where(wrong, np.float32(np.nan), found.p_other),
            verdict=np.where(wrong, VERDICTS.index("cannot-judge"), found.verdict).astype(np.int32),
            reason=np.where(wrong & (found.reason == 0), REASONS.index("unreadable"), found.reason).astype(np.int32),
        )

    def reconstruction_steps(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Returns images of the steps of a reconstruction, for figures.

        Args:
            pixels: uint8 (N, S, S, 3), resampled images.

        Returns:
            float32 (N, S, S, 3) in [0, 1] by title: `original`, `under one mask`, `inpainted`; without masks `original`
            and `reconstructed`.
        """
        original = pixels.astype(np.float32) / np.float32(255)
        inpainted = np.concatenate([self.run(image)["inpainted"] for image in pixels]).astype(np.float32) / 255
        masks = masks_of(self.manifest)
        if masks is None:
            return {"original": original, "reconstructed": inpainted}
        scale = self.size // masks.shape[1]
        mask = masks[0].repeat(scale, axis=0).repeat(scale, axis=1)
        return {"original": original, "under one mask": original * mask, "inpainted": inpainted}

    def inpaint(self, images: NDArray[np.uint8], masks: NDArray[np.float32] | None = None) -> Inpainted | None:
        """Inpaints resampled images with the mask set of the bundle or another one.

        Args:
            images: uint8 (N, S, S, 3).
            masks: another mask set, float32 (n, s, s, 1), 1 = kept, s the side of that of the bundle, for the signature
                `inpaint`.

        Returns:
            The images at the side of the mask set, with their inpaintings; None if the bundle has no mask set.
        """
        own = masks_of(self.manifest)
        if own is None:
            return None
        small = np.stack([resample(image, own.shape[1]) for image in images])
        if masks is None:
            step = self.size // own.shape[1]  # the model enlarges the inpainting by repeating pixels
            outputs = np.stack([self.run(image)["inpainted"][0, ::step, ::step] for image in images])
            return Inpainted(small, outputs.astype(np.float32) / np.float32(255), own)
        content = read_checked(self._bundle, "mim.tflite", self.manifest)
        run = self._make_interpreter(content).get_signature_runner("inpaint")
        outputs = np.zeros_like(small)
        for mask in masks.astype(np.uint8):
            hidden = mask[..., 0] == 0
            for image, output in zip(small, outputs, strict=True):
                output[hidden] = run(image=image[None], mask=mask[None])["inpainted"][0, hidden]
        return Inpainted(small, outputs.astype(np.float32) / np.float32(255), masks)

    def score(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Scores one photograph.

        Args:
            path: a JPEG, PNG or WebP file.

        Returns:
            `image` (the path), `similarity`, `p_class` and `p_other` in (0, 1], `verdict` (one of `VERDICTS`) and
            `reason` (one of `REASONS`; None unless the verdict is `cannot-judge`).

        Raises:
            MimError: the photograph cannot be read, or the model computes no finite similarity for it.
        """
        with Photograph(path) as photo:
            return self.score_photograph(photo)

    def score_photograph(self, photo: Photograph) -> dict[str, Any]:
        """Scores one open photograph, which is resampled while it is decoded.

        Args:
            photo: the photograph.

        Returns:
            The entries of `score`.

        Raises:
            MimError: the photograph is truncated or damaged, or the model computes no finite similarity for it.
        """
        (pixels,) = photo.resampled((self.size,))
        row = self._row(pixels, min(photo.width, photo.height), photo.path)
        return {"image": os.fspath(photo.path), **row}

    def score_pixels(self, photo: NDArray[np.uint8]) -> dict[str, Any]:
        """Scores one decoded photograph.

        Args:
            photo: uint8 (height, width, 3), upright RGB.

        Returns:
            The entries of `score` without `image`.

        Raises:
            MimError: the model computes no finite similarity.
        """
        return self._row(resample(photo, self.size), min(photo.shape[:2]), None)

    def _row(self, pixels: NDArray[np.uint8], side: int, path: str | os.PathLike[str] | None) -> dict[str, Any]:
        outputs = self.run(pixels, "verdict")
        if not np.isfinite(outputs["similarity"][0]):
            raise MimError("the model computed no finite similarity", "check the bundle with mim-tf verify", path)
        return self.to_row(outputs, side)

    def to_row(self, outputs: dict[str, NDArray[Any]], side: int) -> dict[str, Any]:
        """Converts outputs of the model to the result of `score_pixels`.

        Args:
            outputs: of `run`.
            side: shorter side of the original photograph, in pixels.

        Returns:
            The entries of `score` without `image`.

        Raises:
            MimError: the model outputs the code of no verdict or reason.
        """
        verdict_code, reason_code = int(outputs["verdict"][0]), int(outputs["reason"][0])
        if not (0 <= verdict_code < len(VERDICTS) and 0 <= reason_code < len(REASONS)):
            raise MimError(f"mim.tflite outputs the unknown codes {verdict_code} and {reason_code}", REMEDY)
        verdict, reason = VERDICTS[verdict_code], REASONS[reason_code]
        if side < self.min_side:
            verdict, reason = "cannot-judge", "too small"
        numbers = {name: float(outputs[name][0]) for name in ("similarity", "p_class", "p_other")}
        return {**numbers, "verdict": verdict, "reason": reason}
