"""Golden vectors and photographs on the TFLite runtimes of one Python: numpy and Pillow, no TensorFlow.

    python -m mim_export.check.on_runtimes BUNDLE [--data DIR]

prints JSON for `verify.py`, which runs it in an environment of its own for tflite-runtime.
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

#: Outputs of the graph whose entry in a row has another name.
_FIELDS = {"foreignness": "novelty"}


@dataclass(frozen=True)
class Row:
    """What one runtime or scorer gives for the golden images: largest differences, None where nothing was compared.

    Attributes:
        runtime: its name.
        part: `mim.tflite`, `mim_micro.tflite`, `mim_features.tflite` or `scorer`.
        status: `exact`, `within tolerance`, `differs`, or `failed: ` or `not present: ` and why.
        images: how many images it was given.
        levels: of the inpainting, in levels of 1/255; of the features, in their int8 levels.
        similarity: without unit, as the next five.
        novelty: of the measure `deep`.
        ssim: structural similarity.
        contrast: of the gate.
        detail: of the gate.
        p_value: in (0, 1].
        verdicts: of how many images verdict and reason agree.
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
    p_value: float | None = None
    verdicts: int | None = None

    @property
    def bad(self) -> bool:
        """Whether it ran and something is wrong."""
        return self.status.startswith(("differs", "failed"))


def golden_rows(bundle: Path) -> Iterator[Row]:
    """Runs the golden vectors on every runtime that is installed here, TensorFlow Lite Micro included."""
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
    told = [scorer.to_row(result, min(stage["input"].shape[:2])) for result, stage in zip(results, stages, strict=True)]
    inpainted = max(_levels(r["inpainted"][0], s["inpainted"]) for r, s in zip(results, stages, strict=True))
    errors = max(
        float(np.abs(r["error_map"][0, :, :, 0] - s["error_map"]).max()) for r, s in zip(results, stages, strict=True)
    )
    close = {
        key: [abs(float(r[key][0]) - e[key]) for r, e in zip(results, entries, strict=True)]
        for key in ("similarity", "foreignness", "ssim", "p_value")
    }
    agree = [all(t[key] == e[key] for key in ("verdict", "reason")) for t, e in zip(told, entries, strict=True)]
    limits = golden.tolerance(scorer.manifest)
    near = inpainted <= limits["pixels"] and max(close["ssim"]) <= limits["ssim"] and errors <= limits["error_map"]
    # A verdict may flip only where the similarity lies within the tolerance of the threshold, a reason likewise.
    edges = {"similarity": scorer.threshold, "foreignness": scorer.manifest["gate"]["max_foreignness"]}
    doubtful = [False] * len(entries)
    for key, edge in edges.items():
        for i, entry in enumerate(entries):
            limit = golden.allowed(limits, scorer.measure, entry[key])
            near = near and close[key][i] <= limit
            doubtful[i] |= edge is not None and abs(entry[key] - edge) <= limit
    flips = [not equal and not doubt for equal, doubt in zip(agree, doubtful, strict=True)]
    exact = inpainted == 0 and max(close["similarity"]) == 0 and max(close["p_value"]) == 0 and all(agree)
    return Row(
        name,
        "mim.tflite",
        "exact" if exact else "within tolerance" if near and not any(flips) else "differs",
        images=len(entries),
        levels=inpainted,
        verdicts=sum(agree),
        **{_FIELDS.get(key, key): max(values) for key, values in close.items()},
    )


Runner = Callable[[NDArray[np.int8]], NDArray[np.int8]]
Stage = dict[str, NDArray[Any]]


def _inpainting(masks: NDArray[np.float32]) -> Callable[[Runner, Stage], int]:
    def difference(run: Runner, stage: Stage) -> int:
        outputs = run(golden.masked_int8(stage["small"], masks)).astype(np.int16) + 128
        return _levels(np.concatenate(list(outputs), axis=1), stage["micro"])

    return difference


def _features(run: Runner, stage: Stage) -> int:
    return _levels(run(golden.centred(stage["resampled"])[None]).ravel(), stage["features"])


def _integer_rows(
    bundle: Path, part: str, stages: list[Stage], difference: Callable[[Runner, Stage], int], limit: float
) -> Iterator[Row]:
    """Those of an integer model, TensorFlow Lite Micro included."""
    content = (bundle / part).read_bytes()

    def runner(make: MakeInterpreter) -> Runner:
        return lambda inputs: golden.run_micro(make(content), inputs)

    runners = {name: runner(make) for name, make in runtimes().items()}
    if importlib.util.find_spec("tflite_micro"):
        runners["tflm"] = lambda inputs: run_tflm(content, inputs)
    for name, run in runners.items():
        worst = max(difference(run, stage) for stage in stages)
        status = "exact" if worst == 0 else "within tolerance" if worst <= limit else "differs"
        yield Row(name, part, status, images=len(stages), levels=worst)


def run_tflm(content: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """As `golden.run_micro`, in the interpreter of TensorFlow Lite Micro."""
    from tflite_micro import runtime

    # The wheel's default arena is ten times the model; this one holds any model that a bundle may.
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=4_000_000)
    outputs = []
    for masked in inputs:
        interpreter.set_input(masked[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return np.stack(outputs)


def photograph_scores(bundle: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Scores every image of a folder on every runtime that is installed here.

    Returns:
        By runtime the rows of `score_paths`, in the same order.
    """
    return {name: score_paths(Scorer(bundle, make), [folder])[0] for name, make in runtimes().items()}


def _levels(a: NDArray[Any], b: NDArray[Any]) -> int:
    return int(np.abs(a.astype(np.int32) - b.astype(np.int32)).max())


def main() -> int:
    """The command `python -m mim_export.check.on_runtimes`."""
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
