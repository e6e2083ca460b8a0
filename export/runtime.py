"""Scores photographs with a bundle: numpy, Pillow and a TFLite runtime, no TensorFlow.

    python -m mim_export.runtime photo.jpg

Research software, not a diagnosis. No image leaves the device.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decide import REASONS, VERDICTS, Judgement
from .errors import MimError, explain, quiet_stderr
from .files import read_json
from .preprocess import SUFFIXES, decode, resample

#: The bundle that is installed with the package, the format of bundles, and the folder of sources in one.
#: The released bundle goes without that folder: its sources are the package's own.
RELEASED, FORMAT, SCORER = Path(__file__).with_name("released"), 2, "scorer"
_REMEDY = "export the bundle again or reinstall mim-tf"
# Makes an interpreter from the content of a model file.
MakeInterpreter = Callable[[bytes], Any]


def runtimes() -> dict[str, MakeInterpreter]:
    """The TFLite runtimes that are installed here, by name; the first one is the default.

    `litert` and `tflite-runtime` use XNNPACK; the names ending in `-reference` use the reference kernels, to
    which golden vectors are exact.
    """
    found: dict[str, MakeInterpreter] = {}
    for name, module in (("litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime")):
        try:
            interpreter = importlib.import_module(f"{module}.interpreter")
        except ImportError:
            continue
        resolvers = interpreter.OpResolverType
        for label, resolver in ((name, resolvers.AUTO), (f"{name}-reference", resolvers.BUILTIN_REF)):
            found[label] = _maker(interpreter.Interpreter, resolver)
    return found


def _maker(interpreter: Any, resolver: Any) -> MakeInterpreter:
    return lambda content: interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)


def read_manifest(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads `manifest.json`.

    Raises:
        MimError: there is none, it is damaged, or of another format.
    """
    path = Path(bundle) / "manifest.json"
    manifest = read_json(path, "name a folder that mim-tf export wrote")
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise MimError(f"bundle format {found}, this version reads {FORMAT}", "export the bundle again", path)
    return dict(manifest)


def read_checked(bundle: str | os.PathLike[str], name: str, manifest: dict[str, Any]) -> bytes:
    """The content of one of the bundle's files, after its sha256 was checked.

    Raises:
        MimError: the file is missing or differs from the manifest.
    """
    path = Path(bundle) / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MimError((error.strerror or "cannot be read").lower(), _REMEDY, path) from None
    try:
        expected = manifest["files"][name]["sha256"]
    except (KeyError, TypeError):
        raise MimError(f"does not list {name}", _REMEDY, Path(bundle) / "manifest.json") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise MimError("differs from its sha256 in manifest.json", _REMEDY, path)
    return content


class Scorer:
    """A bundle, ready to judge.

    Args:
        bundle: the folder; the released one by default.
        make_interpreter: one of `runtimes()`; the first that is installed by default.

    Raises:
        MimError: no runtime is installed, or the bundle is damaged or of another version.

    Example:
        >>> Scorer().score("photo.jpg")
        {'image': 'photo.jpg', 'similarity': 0.61, 'p_value': 0.42, 'verdict': 'mpox-like', 'reason': None}
    """

    def __init__(
        self, bundle: str | os.PathLike[str] = RELEASED, make_interpreter: MakeInterpreter | None = None
    ) -> None:
        self.manifest = read_manifest(bundle)
        content = read_checked(bundle, "mim.tflite", self.manifest)
        if make_interpreter is None:
            available = runtimes()
            if not available:
                raise MimError("no TFLite runtime", "pip install ai-edge-litert (or tflite-runtime)")
            make_interpreter = next(iter(available.values()))
        try:
            self.size: int = self.manifest["size"]
            self.measure: str = self.manifest["measure"]["name"]
            self.normal_class: str = self.manifest["normal_class"]
            self.min_side: int = self.manifest["gate"]["min_side"]
            self.threshold: float = self.manifest["calibration"]["threshold"]
        except (KeyError, TypeError) as error:
            raise MimError(f"lacks {error}", _REMEDY, Path(bundle) / "manifest.json") from None
        try:
            with quiet_stderr():
                self._score = make_interpreter(content).get_signature_runner("score")
                # The delegate is applied, or refuses, at the first inference.
                self._score(image=np.zeros((1, self.size, self.size, 3), np.uint8))
        except (ValueError, RuntimeError) as error:
            reason = str(error).split("\n")[0][:120]
            raise MimError(
                f"this runtime cannot run it ({reason})",
                "install a newer ai-edge-litert",
                Path(bundle) / "mim.tflite",
            ) from None

    def run(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """The graph's outputs for one resampled image, uint8 (S, S, 3)."""
        outputs: dict[str, NDArray[Any]] = self._score(image=pixels[None])
        return outputs

    def judge(self, pixels: NDArray[np.uint8]) -> Judgement:
        """Judges resampled images, uint8 (N, S, S, 3)."""
        rows = [self.run(image) for image in pixels]
        names = ("similarity", "p_value", "verdict", "reason", "ssim")
        return Judgement(*(np.array([row[name][0] for row in rows]) for name in names if name in rows[0]))

    def inpaint(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Inpaints one resampled image, uint8 (S, S, 3) -> uint8 (S, S, 3)."""
        inpainted: NDArray[np.uint8] = self.run(pixels)["inpainted"][0]
        return inpainted

    def score(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Judges one photograph.

        Args:
            path: a JPEG, PNG or WebP file.

        Returns:
            `image`, `similarity`, `p_value`, `verdict` and `reason` (None unless `cannot-judge`).

        Raises:
            MimError: the photograph cannot be read.
        """
        return {"image": os.fspath(path), **self.score_pixels(decode(path))}

    def score_pixels(self, photo: NDArray[np.uint8]) -> dict[str, Any]:
        """Judges one decoded photograph, uint8 (height, width, 3); as `score`, less `image`."""
        return self.told(self.run(resample(photo, self.size)), min(photo.shape[:2]))

    def told(self, outputs: dict[str, NDArray[Any]], side: int) -> dict[str, Any]:
        """As `score_pixels`, from the graph's outputs for a photograph whose shorter side is `side` px."""
        verdict, reason = VERDICTS[int(outputs["verdict"][0])], REASONS[int(outputs["reason"][0])]
        if side < self.min_side:
            verdict, reason = "cannot-judge", "too small"
        similarity, p_value = float(outputs["similarity"][0]), float(outputs["p_value"][0])
        return {"similarity": similarity, "p_value": p_value, "verdict": verdict, "reason": reason}

    def score_paths(self, paths: Iterable[str | os.PathLike[str]]) -> tuple[list[dict[str, Any]], list[MimError]]:
        """Judges photographs and folders of them.

        Returns:
            A row for each image, and the errors of those that could not be read; their rows say
            `cannot-judge`, `unreadable`.
        """
        rows, failed = [], []
        for path in _images(paths):
            try:
                rows.append(self.score(path))
            except MimError as error:
                failed.append(error)
                unreadable = {"verdict": "cannot-judge", "reason": "unreadable"}
                rows.append({"image": os.fspath(path), "similarity": None, "p_value": None, **unreadable})
        return rows, failed


def _images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    found = []
    for path in map(Path, paths):
        if not os.path.isdir(path):
            found.append(path)
            continue
        try:
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        except OSError as error:
            raise explain(error, path) or error from None
        if not inside:
            raise MimError("no images in it", "name photographs or a folder of them", path)
        found += inside
    return found


def print_rows(rows: list[dict[str, Any]], failed: list[MimError], as_json: bool) -> None:
    """Prints the rows on stdout, as JSON or a line an image, and the errors on stderr."""
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        for row in rows:
            if row["similarity"] is None:
                print(f"{row['image']}: {row['verdict']} ({row['reason']})")
                continue
            reason = f" ({row['reason']})" if row["reason"] else ""
            numbers = f"similarity {row['similarity']:.4f}  p-value {row['p_value']:.3f}"
            print(f"{row['image']}: {row['verdict']}{reason}  {numbers}")
    for error in failed:
        print(error, file=sys.stderr)


def main() -> int:
    """The command `python -m mim_export.runtime`."""
    parser = argparse.ArgumentParser(prog="mim_export.runtime", description=__doc__)
    parser.add_argument("paths", nargs="+", help="photographs, or folders of them")
    parser.add_argument("--bundle", default=RELEASED, help="a bundle; the released one by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        rows, failed = Scorer(arguments.bundle).score_paths(arguments.paths)
    except MimError as error:
        print(error, file=sys.stderr)
        return 2
    print_rows(rows, failed, arguments.json)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
