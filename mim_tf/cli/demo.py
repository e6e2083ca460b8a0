"""The command `demo`: data, train, evaluate, export, verify, score and report, on synthetic images in minutes."""

from __future__ import annotations

import base64
import html
import json
import time
from pathlib import Path
from typing import Any

from mim_export.bundle.export import export_run
from mim_export.check.on_runtimes import Row
from mim_export.check.verify import verify
from mim_export.score.atomic_files import check_writable, new_file
from mim_export.score.batch import score_paths
from mim_export.score.errors import MimError, check_whole
from mim_export.score.scorer import Scorer
from mim_export.score.text import printable
from mim_tf.data.folder import Warn, scan_folder
from mim_tf.data.splits import select
from mim_tf.detector import Detector
from mim_tf.evaluation.evaluate import evaluate
from mim_tf.evaluation.metrics import interval_text
from mim_tf.evaluation.report import write_report
from mim_tf.synthetic import dataset
from mim_tf.training.config import Progress, Training

#: Side of the images in pixels. The GAN inpaints at half of it, and the baselines use the same half.
SIZE = 128
BASELINES = ("blur", "colour")
#: Fewer images than in the sample set: the views of each training image take seconds.
COUNTS = {**dataset.COUNTS, "train": {"mpox": 64}, "test": dict.fromkeys(dataset.CLASSES, 24)}
#: Images of other skin that nothing is fitted on, for the verdict.
REFERENCE = {"val": dict.fromkeys(("macules", "scales", "wheals", "plain"), 12)}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:right}"
    "td:first-child,th:first-child{text-align:left}td,th{white-space:pre-wrap}img{max-width:100%}"
    ".note{background:#fff4e5;border-left:4px solid #d55e00;padding:.5rem 1rem}"
)
_WHY = (
    "SSIM, the published measure, measures how well pixels are predicted from their surroundings, and smooth images "
    "are predicted well regardless of their content. SSIM therefore ranks classes mainly by smoothness: classes that "
    "are smoother than mpox (plain skin, blank walls) are <em>more</em> similar than mpox itself, with an AUROC below "
    "0.5, and a blur without trained parameters performs about as well as the GAN.</p><p>The measure <code>deep</code> "
    "computes features of the image with a network pretrained on ImageNet, weighted by the error of the inpainting; a "
    "small head maps them to the similarity. The head is not trained on other classes either: its pseudo-negatives are "
    "the training images with lesions removed, painted over, deformed or shuffled."
)


def run_demo(out: Path, *, steps: int, seed: int, warn: Warn, progress: Progress) -> dict[str, Any]:
    """Runs the demo, or resumes a demo with the same settings.

    Args:
        out: output folder for `data/`, `reference/`, `run/`, `baselines/`, `bundle/`, `bundle_evaluation/` and
            `report.html`.
        steps: gradient steps of the GAN.
        seed: seed of the images and the trainings.
        warn: called with warning messages.
        progress: called with the training metrics.

    Returns:
        `mean_auroc` by method and measure, `seconds` by stage, and the path of the `report`.

    Raises:
        MimError: the steps or the seed are not possible, `out` is not a demo, or golden vectors differ.
    """
    training = Training(steps=check_whole("number of steps", steps, 1), seed=seed)
    marker = out / "data" / "MANIFEST.csv"
    if out.exists() and not marker.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MimError("exists and is not a demo", "name another --out", out)
    check_writable(out)
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def lap(stage: str) -> None:
        nonlocal began
        seconds[stage], began = round(time.monotonic() - began, 1), time.monotonic()

    if not marker.exists():
        dataset.write_sample(out / "data", seed=seed, counts=COUNTS)
    # Another seed draws other patients than those of the sample set, which stays as it is.
    if not (out / "reference" / "MANIFEST.csv").exists():
        dataset.write_sample(out / "reference", seed=seed + 1, counts=REFERENCE)
    photos = scan_folder(out / "data", warn=warn)
    reference = scan_folder(out / "reference", warn=warn)
    lap("sample set")
    detectors = {name: Detector(name, size=SIZE // 2) for name in BASELINES}
    # From random weights, 300 steps gave a lower SSIM at hidden pixels than the biharmonic fill (docs/inpainting.md).
    detectors["mim"] = Detector("mim", size=SIZE, views=1, start="released")
    for name, detector in detectors.items():
        run = out / "run" if name == "mim" else out / "baselines" / name
        detector.fit_folder(photos, run, training=training, warn=warn, progress=progress, reference=reference)
    lap("train")
    results = {}
    for name, detector in detectors.items():
        # The figures and probes are made of the bundle alone: they take a minute.
        results[name] = evaluate(detector, photos, "test", warn=warn).metrics
    lap("evaluate")
    bundle = out / "bundle"
    if not bundle.exists():
        export_run(out / "run", bundle, None, _TERMS, warn)
    lap("export")
    verified = verify(bundle)
    if any(row.bad for row in verified):
        raise MimError("golden vectors differ between runtimes", "run mim-tf verify on it", bundle)
    lap("verify")
    scorer = Scorer(bundle)
    folder = out / "bundle_evaluation"
    results["mim, TFLite bundle"] = write_report(scorer, photos, "test", folder, seed, warn).metrics
    rows, _ = score_paths(scorer, [select(photos, "test", name)[0].path for name in dataset.CLASSES])
    lap("score")
    page = _page(out, results, verified, rows, seconds)
    with new_file(out / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    means = {name: row["mean_auroc"] for name, row in _rows(results).items()}
    return {"mean_auroc": means, "seconds": seconds, "report": str(out / "report.html")}


_TERMS = (
    "Synthetic images generated by `mim_tf/synthetic/dataset.py`, not photographs of patients. The GAN started from "
    "the weights of the released bundle. The bundle demonstrates the steps; it does not work on real photographs."
)


def _page(
    out: Path,
    results: dict[str, Any],
    verified: list[Row],
    rows: list[dict[str, Any]],
    seconds: dict[str, float],
) -> str:
    classes = list(results["mim"]["classes"])
    auroc = [
        [name, *(f"{row['classes'][label]['auroc']:.2f}" for label in classes), _mean_cell(row)]
        for name, row in _rows(results).items()
    ]
    scored = [
        [
            Path(row["image"]).name,
            f"{row['similarity']:.3f}",
            f"{row['p_class']:.2f}",
            f"{row['p_other']:.2f}",
            row["verdict"],
            row["reason"] or "",
        ]
        for row in rows
    ]
    checks = [
        [f"{row.runtime}: {row.part}", row.levels, row.verdicts or "", row.status]
        for row in verified
        if row.levels is not None
    ]
    previews = sorted((out / "run" / "final" / "previews").glob("*.png"))
    body = [
        "<h1>Mask, Inpaint, Measure: demo on synthetic images</h1>",
        '<p class="note"><b>Research software, not a diagnosis.</b> All images on this page are synthetic; the '
        "results do not show how well mpox is detected in photographs.</p>",
        "<h2>Mask and inpaint</h2>",
        "<p>The GAN starts from the weights of the released bundle, which was trained on photographs of mpox, and is "
        "trained further on synthetic <code>mpox</code> images only. Each pixel is predicted while masked.</p>",
        _image(
            out / "bundle_evaluation" / "examples.png", "an image of each class: original, masked, inpainted, error"
        ),
        "<p>How well hidden pixels are predicted, beside fills that have learnt nothing:</p>",
        _image(out / "bundle_evaluation" / "inpainting.png", "quality of the inpaintings"),
        "<h2>Measure</h2>",
        f"<p>{_WHY}</p>",
        "<p>AUROC of mpox against each class (0.5 = chance), on the split <code>test</code>; the mean is over the "
        "classes that show skin, with its 95 % interval by group.</p>",
        _table(["method", *classes, "mean, skin"], auroc),
        _image(out / "bundle_evaluation" / "similarities.png", "similarity of every image by class"),
        _image(out / "bundle_evaluation" / "roc.png", "ROC curves"),
        "<h2>Shortcut probes</h2>",
        "<p>Left: rank correlation of the score with image properties that do not indicate a disease. Right: AUROC "
        "over pairs that match in a property, against controls, and against altered images.</p>",
        _image(out / "bundle_evaluation" / "probes.png", "shortcut probes"),
        "<p>Change of the AUROC if the images of one side are slightly blurred, sharpened or otherwise altered:</p>",
        _image(out / "bundle_evaluation" / "alterations.png", "AUROC of altered images"),
        "<h2>Verdict</h2>",
        "<p>What 100 images of each class get:</p>",
        _image(out / "bundle_evaluation" / "verdicts.png", "share of each verdict by class"),
        "<p>Output of the TFLite bundle for one image of each class.</p>",
        _table(["image", "similarity", "p-value of mpox", "of other skin", "verdict", "reason"], scored),
        "<h2>Golden vectors on each runtime of this machine</h2>",
        _table(["runtime", "largest difference, levels", "verdicts", "status"], checks),
        "<h2>Training</h2>",
        _image(previews[-1], "original, masked, inpainted, error on training images") if previews else "",
        "<p>Seconds: " + html.escape(json.dumps(seconds)) + "</p>",
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>mim-tf demo</title><style>{_STYLE}</style>'
    return head + "\n".join(body) + "</html>\n"


def _rows(results: dict[str, Any]) -> dict[str, Any]:
    """Results by method and measure; `deep` is followed by SSIM, the published measure."""
    rows = {}
    for name, result in results.items():
        rows[f"{name}, {result['measure']}"] = result
        if result["measure"] != "ssim" and result["ssim"]:
            rows[f"{name}, ssim"] = result["ssim"]
    return rows


def _mean_cell(result: dict[str, Any]) -> str:
    """Mean AUROC with its interval."""
    low, high = result["mean_auroc_ci"] or (None, None)
    return f"{result['mean_auroc']:.2f} {interval_text({'ci_low': low, 'ci_high': high})}"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    """An HTML table."""

    def line(cells: list[Any], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(printable(str(cell)))}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _image(path: Path, alt: str) -> str:
    """An HTML image with the PNG file embedded."""
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p><img alt="{html.escape(alt)}" src="data:image/png;base64,{content}"></p>'
