"""The whole path on synthetic images, in minutes: data, train, evaluate, export, verify, score, report."""

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
from mim_export.score.batch import score_paths
from mim_export.score.errors import MimError
from mim_export.score.files import new_file
from mim_export.score.scorer import Scorer
from mim_tf.data.folder import Warn, scan_folder
from mim_tf.data.splits import select
from mim_tf.detector import Detector
from mim_tf.evaluation.report import write_report
from mim_tf.synthetic import dataset
from mim_tf.training.config import Progress, Training

#: Side of the photographs in pixels; half of it is inpainted, and that is what the baselines look at.
SIZE = 128
BASELINES = ("blur", "colour")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:right}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}"
    ".note{background:#fff4e5;border-left:4px solid #d55e00;padding:.5rem 1rem}"
)
_WHY = (
    "SSIM, the published measure, says how well an image could be predicted from its surroundings, and smooth pictures "
    "are predicted well whatever they show. So it ranks a class by its smoothness first: classes that are smoother "
    "than mpox (plain skin, blank walls) come out <em>more</em> similar than mpox itself, with an AUROC below 0.5, and "
    "a blur that has learnt nothing does about as well as the GAN.</p><p>The measure <code>deep</code> looks at what "
    "could not be predicted, through a network that has learnt from everyday pictures, and asks a small head what it "
    "is. The head has seen no other class either: its counterexamples are the training images "
    "themselves with their spots healed, painted over, bent or shuffled."
)


def run_demo(out: Path, *, steps: int, seed: int, warn: Warn, progress: Progress) -> dict[str, Any]:
    """Runs it; a folder that holds a finished or stopped demo of the same settings is continued.

    Args:
        out: receives `data/`, `run/`, `evaluation/`, `bundle/`, `bundle_evaluation/` and `report.html`.
        steps: gradient steps of the GAN.
        seed: of everything.
        warn: receives warnings.
        progress: told the training metrics.

    Returns:
        Mean AUROC by judge, seconds by stage, and the path of the report.
    """
    marker = out / "data" / "MANIFEST.csv"
    if out.exists() and not marker.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MimError("exists and is not a demo", "name another --out", out)
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def lap(stage: str) -> None:
        nonlocal began
        seconds[stage], began = round(time.monotonic() - began, 1), time.monotonic()

    if not marker.exists():
        dataset.write_sample(out / "data", seed=seed)
    photos = scan_folder(out / "data")
    lap("sample set")
    detectors = {name: Detector(name, size=SIZE // 2) for name in BASELINES}
    detectors["mim"] = Detector("mim", size=SIZE, views=1)
    for name, detector in detectors.items():
        training = Training(steps=steps, seed=seed)
        run = out / "run" if name == "mim" else out / "baselines" / name
        detector.fit_folder(photos, run, training=training, warn=warn, progress=progress)
    lap("train")
    results = {}
    for name, detector in detectors.items():
        folder = out / "evaluation" / name
        results[name] = write_report(detector, photos, "test", folder, seed, warn).metrics
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
    with new_file(out / "report.html") as beside:
        beside.write_text(page, encoding="utf-8")
    means = {name: row["mean_auroc"] for name, row in _rows(results).items()}
    return {"mean_auroc": means, "seconds": seconds, "report": str(out / "report.html")}


_TERMS = (
    "Synthetic images drawn by `mim_tf/synthetic/dataset.py`: no photograph, no patient. The bundle shows how the "
    "parts work together; it detects nothing in real photographs."
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
            f"{row['p_value']:.2f}",
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
        '<p class="note"><b>Research software, not a diagnosis.</b> Every image on this page was drawn by a program; '
        "nothing here says how well mpox is detected in photographs.</p>",
        "<h2>Mask and inpaint</h2>",
        "<p>The GAN has seen the synthetic class <code>mpox</code> only. Each pixel is predicted while hidden.</p>",
        _image(out / "bundle_evaluation" / "examples.png", "one image of each class, masked, inpainted, error"),
        "<h2>Measure</h2>",
        f"<p>{_WHY}</p>",
        "<p>AUROC of mpox against each class (0.5 = chance), on the split <code>test</code>; the mean is over the "
        "classes that show skin, with its 95 % interval by group.</p>",
        _table(["method", *classes, "mean, skin"], auroc),
        _image(out / "bundle_evaluation" / "similarities.png", "similarity of every image by class"),
        _image(out / "bundle_evaluation" / "roc.png", "ROC curves"),
        "<h2>What the score rests on</h2>",
        "<p>Left, how far the score goes along with what is no sign of disease (1 = it is nothing else). Right, AUROC "
        "when classes are compared only where they are alike in it, and against images that show no skin or were "
        "altered.</p>",
        _image(out / "bundle_evaluation" / "probes.png", "shortcut probes"),
        "<h2>Verdict</h2>",
        "<p>By the TFLite bundle, for one image of each class.</p>",
        _table(["image", "similarity", "p-value", "verdict", "reason"], scored),
        "<h2>The bundle gives the same on every runtime here</h2>",
        _table(["runtime", "largest difference, levels", "verdicts", "status"], checks),
        "<h2>Training</h2>",
        _image(previews[-1], "original, masked, inpainted, error on training images") if previews else "",
        "<p>Seconds: " + html.escape(json.dumps(seconds)) + "</p>",
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>mim-tf demo</title><style>{_STYLE}</style>'
    return head + "\n".join(body) + "</html>\n"


def _rows(results: dict[str, Any]) -> dict[str, Any]:
    """AUROCs by method and measure; beside a measure of ours stands SSIM, the published one."""
    rows = {}
    for name, result in results.items():
        rows[f"{name}, {result['measure']}"] = result
        if result["measure"] != "ssim" and result["ssim"]:
            rows[f"{name}, ssim"] = result["ssim"]
    return rows


def _mean_cell(result: dict[str, Any]) -> str:
    low, high = result["mean_auroc_ci"]
    return f"{result['mean_auroc']:.2f} [{low:.2f}, {high:.2f}]"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    def line(cells: list[Any], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _image(path: Path, alt: str) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p><img alt="{html.escape(alt)}" src="data:image/png;base64,{content}"></p>'
