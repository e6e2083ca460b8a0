"""Writes the model card of a bundle from its manifest and its metrics."""

from __future__ import annotations

from typing import Any

from mim_tf.evaluation.inpainting_quality import sets_table, table
from mim_tf.evaluation.metrics import interval_text

from ..score.conformal import verdict_names

#: Shown to users by every scorer and stored in the manifest.
STATEMENT = "Research software, not a diagnosis. No image leaves the device."


def model_card(manifest: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Returns the model card as Markdown. All figures in it are from the arguments.

    Args:
        manifest: content of `manifest.json`.
        metrics: metrics of `mim_tf.evaluation.evaluate` by name of the evaluated form (`Keras`, `TFLite`); empty if
            nothing was evaluated.
    """
    calibration, reference, training = manifest["calibration"], manifest["reference"], manifest["training"]
    masks, integer, micro = manifest["mask_set"], "", "mim_features.tflite" in manifest["models"]
    for name, model in manifest["models"].items():
        if name != "mim.tflite":
            arena = "not measured" if model["arena_bytes"] is None else f"{model['arena_bytes']} bytes (x86-64)"
            alone = "" if micro else "the generator alone, which gives no verdict; "
            integer += f"`{name}` ({alone}integer only; TensorFlow Lite Micro arena {arena}), "
    integer += "`head.f32`, " if micro else ""
    if masks is not None:
        what, done = "An inpainting GAN", f"masked {masks['count']} times, inpainted, and measured by its inpainting"
        done += "" if masks["size"] == manifest["size"] else f" (of {masks['size']} x {masks['size']} px)"
    else:
        what, done = (
            f"The method `{manifest['method']}`, in float32,",
            "reconstructed and compared with the reconstruction",
        )
    parts = [
        f"# Model card: {manifest['normal_class']} by {'mask, inpaint, measure' if masks else manifest['method']}",
        f"**{manifest['statement']}** It has not been validated clinically; do not use it for decisions about health.",
        "## What it is",
        f"{what} trained on photographs of the class `{manifest['normal_class']}` alone. A photograph is {done} by "
        f"`{manifest['measure']['name']}`. Two conformal p-values of that similarity tell whether the class is "
        "excluded, and whether other skin is. If other skin alone is, the verdict is `mpox-like`; if the class alone "
        "is, `not-mpox-like`; if both or neither, `undecided`. What cannot be judged is `cannot-judge`. "
        f"{_words(manifest['normal_class'])}Input {manifest['size']} x {manifest['size']} px RGB.",
        *_network(manifest),
        f"Model `{manifest['model_id']}`. Licence: code {manifest['licence']['code']}; weights "
        f"{manifest['licence']['weights']}, {'' if manifest['licence']['commercial'] else 'not '}for commercial use.",
        "## Data",
        manifest["data"],
        f"Trained on {training['train_images']} images of {training['train_groups']} groups (patient, photograph or "
        f"series); calibrated on {calibration['groups']} groups, method `{calibration['method']}`. Reference of other "
        f"skin, on which nothing was trained: {len(reference['similarities'])} images of {reference['groups']} groups, "
        f"{len(reference['conditions'])} conditions.",
        *(
            [
                f"**Not of one class:** {training['known_negatives']} photographs of other classes were used in "
                "training. Figures on the sources of these photographs are too high, unless "
                f"`{manifest['normal_class']}` has the same sources."
            ]
            if training.get("known_negatives")
            else []
        ),
        "Made by:",
        "```\n" + "\n".join(training["commands"]) + "\n```",
        "## What was measured",
        _tables(metrics, manifest["normal_class"]),
        "## Calibration",
        f"* `{manifest['normal_class']}` is excluded below the similarity {calibration['threshold']:.4f}, alpha "
        f"{calibration['alpha']:.3g}. Guarantee: {calibration['guarantee']}.\n"
        f"* Other skin is excluded {_above(reference['threshold'])}, beta {reference['beta']:.3g}. Guarantee: "
        f"{reference['guarantee']}.",
        "## Limits",
        f"* {_LIMITS[manifest['measure']['name']]}\n"
        "* Labels come from web sources without clinical confirmation; skin tones, cameras and stages of the "
        "disease are not balanced.\n"
        "* The guarantees hold for photographs like those of the calibration and of the reference only.\n"
        f"* When the bundle was written, the golden vectors held on x86-64 with {_tested(manifest)}. No phone was "
        "among them, and no GPU, NNAPI or Core ML delegate: run `mim-tf verify`, or the test of your target, there.",
        "## Files",
        f"`mim.tflite` (operators of TensorFlow Lite {manifest['models']['mim.tflite']['min_runtime_version']}), "
        f"{integer}`manifest.json` and its schema, {'`metrics.json`, ' if metrics else ''}`golden/`, `LICENSE`, "
        "`SHA256SUMS`; "
        "`scorer/`, the sources for each target (for the released bundles: the folder `export/` of mim-tf).",
    ]
    return "\n\n".join(parts) + "\n"


def _tested(manifest: dict[str, Any]) -> str:
    versions = [f"{name} {number}" for name, number in manifest["runtime_tested"].items()]
    return ", ".join(versions) or "no other runtime"


def _network(manifest: dict[str, Any]) -> list[str]:
    """Describes the feature network of the measure `deep`. Empty for the measure `ssim`."""
    network = manifest["measure"].get("network")
    if network is None:
        return []
    numbers = "int8" if "mim_features.tflite" in manifest["models"] else "float32"
    known = manifest["training"].get("known_negatives")
    limited = ""
    if network["band"] < network["size"]:
        limited = f" The features resolve {network['band']} px a side, so that sharpness changes the similarity less."
    against = f"{known} photographs of other classes and " if known else ""
    return [
        f"`deep` reads the features of {network['name']} up to block {network['block']} where the inpainting errs "
        f"(weights of ImageNet, Apache-2.0, see `LICENSE.EfficientNet-Lite0`; {numbers}). A linear head was "
        f"fitted against {against}photographs of `{manifest['normal_class']}` whose spots were healed, painted over, "
        f"bent or shuffled (pseudo-negatives).{limited} `ssim`, the published measure of the same inpainting, is an "
        "additional output."
    ]


#: Known limits of each measure.
_LIMITS = {
    "ssim": "An AUROC near 0.5 is chance. Similarity of this kind mostly measures how smooth a picture is: blank "
    "walls, healthy and blurred skin can be reconstructed better than mpox, and may then be called `mpox-like`.",
    "deep": "An AUROC near 0.5 is chance. AUROC hides where the thresholds lie: see the verdicts on each class. "
    "Diseases that the pseudo-negatives do not resemble are detected by their distance from the class alone. "
    "`not skin` means only: unlike the training photographs.",
}


def _above(threshold: float | None) -> str:
    """The similarities at which other skin is excluded."""
    return "at no similarity" if threshold is None else f"above the similarity {threshold:.4f}"


def _words(normal_class: str) -> str:
    """Explains the verdicts of a model of another class, since the format fixes their names."""
    return "" if normal_class == "mpox" else f"In these names, `mpox` stands for the class `{normal_class}`. "


def _tables(metrics: dict[str, Any], normal_class: str) -> str:
    if not metrics:
        return "No evaluation was run when this bundle was written; run `mim-tf evaluate` on it."
    parts = []
    alike, unlike, *_ = names = verdict_names(normal_class)
    for name, result in metrics.items():
        own, by_ssim, verdicts = result["sensitivity"], result["ssim"], result["verdicts"]["classes"]
        header = ["class", "images", "groups", "AUROC", "each group once", "AUROC by SSIM", *names]
        rows = [
            f"{name}: AUROC of {own['images']} `{normal_class}` images ({own['groups']} groups) of the split "
            f"`{result['split']}` against each class, in brackets the 95 % interval by group "
            f"({result['intervals']['method']}), and share of the images of each class that get each verdict:",
            "",
            "| " + " | ".join(header) + " |",
            "|---" * len(header) + "|",
        ]
        for label, entry in verdicts.items():
            other, areas = "", ["", ""]
            if label != normal_class:
                against = result["classes"][label]
                areas = [_auroc(one) for one in (against, against["by_group"])]
                other = f"{by_ssim['classes'][label]['auroc']:.3f}" if by_ssim else ""
            shares = [f"{entry['shares'][verdict]['value']:.2f}" for verdict in names]
            cells = [label, str(entry["images"]), str(entry["groups"]), *areas, other, *shares]
            rows.append("| " + " | ".join(cells) + " |")
        if result["mean_auroc"] is not None:
            low, high = result["mean_auroc_ci"] or (None, None)
            mean = {"auroc": result["mean_auroc"], "ci_low": low, "ci_high": high}
            areas = [_auroc(one, "**") for one in (mean, result["mean_auroc_by_group"])]
            other = f"{by_ssim['mean_auroc']:.3f}" if by_ssim else ""
            rows.append("| " + " | ".join(["**mean over skin classes**", "", "", *areas, other, *[""] * 4]) + " |")
        whole = own["groups_without_miss"]
        rows += [
            "",
            f"`{normal_class}` called `{alike}` (sensitivity): {_share(own)}; {whole['count']} of {own['groups']} "
            f"groups without a miss {interval_text(whole, '.3f')}. Called `{unlike}`: {_share(result['excluded'])}.",
        ]
        if result.get("inpainting"):
            rows += ["", *_inpainting(name, result["inpainting"], result["split"], normal_class)]
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _auroc(entry: dict[str, Any], mark: str = "") -> str:
    """An AUROC with its interval; the mark is that of Markdown for bold text."""
    return f"{mark}{entry['auroc']:.3f}{mark} {interval_text(entry, '.3f')}"


def _share(entry: dict[str, Any]) -> str:
    """A share of the class, by photograph and by group."""
    by_photograph, by_group = (f"{one['value']:.3f} {interval_text(one, '.3f')}" for one in (entry, entry["by_group"]))
    return f"{by_photograph} by photograph, {by_group} with each group counted once"


def _inpainting(name: str, result: dict[str, Any], split: str, normal_class: str) -> list[str]:
    """Lines of the table of the quality of the inpaintings."""
    fills, sets = table(result["classes"][normal_class]["rows"]), sets_table(result["mask_sets"])
    return [
        f"{name}: inpainting of `{normal_class}`, split `{split}`, {result['size']} px, {result['masks']} masks, "
        "beside fills that have learnt nothing; each pixel was hidden once. A sharpness of 1 is that of the "
        "photographs.",
        "",
        *_markdown(fills),
        "",
        f"{name}: the same photographs with three mask sets, whatever that of the model, beside the biharmonic fill. "
        "Differences and ratios are of the same photographs.",
        "",
        *_markdown(sets),
    ]


def _markdown(rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table; the first row is its header."""
    header, *others = ("| " + " | ".join(row) + " |" for row in rows)
    return [header, "|---" * len(rows[0]) + "|", *others]
