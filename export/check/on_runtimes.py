"""Runs golden vectors and photographs on the TFLite runtimes of this Python. Needs numpy and Pillow, not TensorFlow.

    python -m mim_export.check.on_runtimes BUNDLE [--data DIR]

prints JSON for `verify.py`, which runs this module with another Python for tflite-runtime.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import golden
from ..score.batch import score_paths
from ..score.errors import MimError
from ..score.manifest import masks_of, read_manifest
from ..score.runtimes import MakeInterpreter, runtimes
from ..score.scorer import Scorer


@dataclass(frozen=True)
class Row:
    """Largest absolute differences between a runtime or scorer and the golden vectors; None = not compared.

    Attributes:
        runtime: name of the runtime or scorer.
        part: `mim.tflite`, `mim_micro.tflite`, `mim_features.tflite` or `scorer`.
        status: `exact`, `within tolerance`, `differs`, or `failed: ` or `not present: ` followed by the reason.
        images: number of golden images.
        levels: difference of the inpainting in levels of 1/255; for `mim_features.tflite`, difference of the features
            in int8 levels.
        similarity: difference of the similarity.
        novelty: difference of the novelty of the measure `deep`, in standard deviations over the class.
        ssim: difference of SSIM.
        contrast: difference of the contrast that the gate checks.
        detail: difference of the detail that the gate checks.
        p_class: difference of the p-value of the class.
        p_other: difference of the p-value of other skin.
        verdicts: number of images whose verdict and reason agree.
    """

    runtime: str
    part: str
    status: str
    images: int = 0
    levels: int | None = None
    similarity: float | None = None
    novelty: float | None = None
    ssim: float | None = None
    contrast: float | None = None
    detail: float | None = None
    p_class: float | None = None
    p_other: float | None = None
    verdicts: int | None = None

    @property
    def bad(self) -> bool:
        """Whether the status is `differs` or `failed`."""
        return self.status.startswith(("differs", "failed"))


def golden_rows(bundle: Path) -> Iterator[Row]:
    """Runs the golden vectors on every runtime of this Python, including TensorFlow Lite Micro.

    Args:
        bundle: the folder of a bundle.

    Yields:
        A row for each runtime and model.
    """
    entries, stages = golden.read(bundle)
    for name, make in runtimes().items():
        yield _graph_row(bundle, name, make, entries, stages)
    manifest = read_manifest(bundle)
    masks, limits = masks_of(manifest), golden.tolerance(manifest)
    if masks is not None:
        yield from _integer_rows(bundle, "mim_micro.tflite", stages, _inpainting(masks), limits["pixels"])
    if (bundle / "mim_features.tflite").exists():
        yield from _integer_rows(bundle, "mim_features.tflite", stages, _features, limits["features"])


def _graph_row(
    bundle: Path,
    name: str,
    make: MakeInterpreter,
    entries: list[dict[str, Any]],
    stages: list[dict[str, NDArray[Any]]],
) -> Row:
    scorer = Scorer(bundle, make)
    results = [scorer.run(stage["resampled"]) for stage in stages]
    rows = [scorer.to_row(result, min(stage["input"].shape[:2])) for result, stage in zip(results, stages, strict=True)]
    inpainted = max(_levels(r["inpainted"][0], s["inpainted"]) for r, s in zip(results, stages, strict=True))
    pairs = zip(results, stages, strict=True)
    # Maxima of numpy, since those of Python may ignore NaN.
    errors = float(np.max([np.abs(r["error_map"][0, :, :, 0] - s["error_map"]).max() for r, s in pairs]))
    differences = {
        key: [abs(float(r[key][0]) - e[key]) for r, e in zip(results, entries, strict=True)]
        for key in ("similarity", "novelty", "ssim", "p_class", "p_other")
    }
    agree = [all(row[key] == e[key] for key in ("verdict", "reason")) for row, e in zip(rows, entries, strict=True)]
    limits = golden.tolerance(scorer.manifest)
    near = (
        inpainted <= limits["pixels"]
        and np.max(differences["ssim"]) <= limits["ssim"]
        and errors <= limits["error_map"]
    )
    # A verdict or reason may differ only if the similarity or novelty is within the tolerance of a limit.
    limits_of = {
        "similarity": (scorer.threshold, scorer.other_threshold),
        "novelty": (scorer.manifest["gate"]["max_novelty"],),
    }
    near_limit = [False] * len(entries)
    for key, bounds in limits_of.items():
        for i, entry in enumerate(entries):
            allowed = golden.allowed(limits, scorer.measure, entry[key])
            near = near and differences[key][i] <= allowed
            near_limit[i] |= any(bound is not None and abs(entry[key] - bound) <= allowed for bound in bounds)
    wrong = [not equal and not is_near for equal, is_near in zip(agree, near_limit, strict=True)]
    equal_numbers = all(max(differences[key]) == 0 for key in ("similarity", "p_class", "p_other"))
    exact = inpainted == 0 and equal_numbers and all(agree)
    return Row(
        name,
        "mim.tflite",
        "exact" if exact else "within tolerance" if near and not any(wrong) else "differs",
        images=len(entries),
        levels=inpainted,
        verdicts=sum(agree),
        **{key: float(np.max(values)) for key, values in differences.items()},
    )


#: Runs an integer model on a batch (n, ...).
Runner = Callable[[NDArray[np.int8]], NDArray[np.int8]]
#: Arrays of one golden image by stage.
Stage = dict[str, NDArray[Any]]


def _inpainting(masks: NDArray[np.float32]) -> Callable[[Runner, Stage], int]:
    """Returns a function that computes the difference of the inpainting under each mask, in levels."""

    def difference(run: Runner, stage: Stage) -> int:
        outputs = run(golden.filled_int8(stage["small"], masks)).astype(np.int16) + 128
        return _levels(np.concatenate(list(outputs), axis=1), stage["micro"])

    return difference


def _features(run: Runner, stage: Stage) -> int:
    """Returns the difference of the features, in int8 levels."""
    return _levels(run(golden.centred(stage["resampled"])[None]).ravel(), stage["features"])


def _integer_rows(
    bundle: Path, part: str, stages: list[Stage], difference: Callable[[Runner, Stage], int], limit: float
) -> Iterator[Row]:
    """Yields the rows of an integer model on every runtime, including TensorFlow Lite Micro."""
    content = (bundle / part).read_bytes()

    def runner(make: MakeInterpreter) -> Runner:
        return lambda inputs: golden.run_micro(make(content), inputs)

    runners = {name: runner(make) for name, make in runtimes().items()}
    if importlib.util.find_spec("tflite_micro"):
        runners["tflm"] = lambda inputs: run_tflm(content, inputs)
    for name, run in runners.items():
        try:
            worst = max(difference(run, stage) for stage in stages)
        except Exception as error:  # of a damaged model, runtimes raise ValueError, RuntimeError, struct.error, ...
            reason = str(error).strip().split("\n")[0][:120] or type(error).__name__
            yield Row(name, part, f"failed: {reason}")
            continue
        status = "exact" if worst == 0 else "within tolerance" if worst <= limit else "differs"
        yield Row(name, part, status, images=len(stages), levels=worst)


def run_tflm(content: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Runs an integer model with TensorFlow Lite Micro.

    Args:
        content: the TFLite file.
        inputs: int8 (n, ...).

    Returns:
        int8 (n, ...), as `golden.run_micro` returns it.
    """
    from tflite_micro import runtime

    # Large enough for every model of a bundle. The default of the wheel is ten times the size of the model.
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=4_000_000)
    outputs = []
    for values in inputs:
        interpreter.set_input(values[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return np.stack(outputs)


def photograph_scores(bundle: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Scores every image of a folder on every runtime of this Python.

    Args:
        bundle: the folder of a bundle.
        folder: photographs, in folders of any depth.

    Returns:
        The rows of `score_paths` by runtime, with the images in the same order.
    """
    return {name: score_paths(Scorer(bundle, make), [folder])[0] for name, make in runtimes().items()}


def _levels(a: NDArray[Any], b: NDArray[Any]) -> int:
    """Returns the largest absolute difference of two integer arrays."""
    return int(np.abs(a.astype(np.int32) - b.astype(np.int32)).max())


def main() -> int:
    """Runs the command `python -m mim_export.check.on_runtimes`.

    Returns:
        Exit status: 0, or 2 if an error occurred.
    """
    parser = argparse.ArgumentParser(prog="mim_export.check.on_runtimes", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a folder that mim-tf export wrote")
    parser.add_argument("--data", type=Path, help="score the images of this folder instead of the golden ones")
    arguments = parser.parse_args()
    try:
        if arguments.data is None:
            print(json.dumps([asdict(row) for row in golden_rows(arguments.bundle)]))
        else:
            print(json.dumps(photograph_scores(arguments.bundle, arguments.data)))
    except MimError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
