"""Golden vectors: synthetic images and the result of every stage, computed with LiteRT's reference kernels.

`export/README.md` describes the files and their entries.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..score.atomic_files import write_json
from ..score.conformal import Calibration, Reference, Tables, p_class, p_other
from ..score.decide import VERDICTS, contrast, detail, verdict
from ..score.decode import decode
from ..score.errors import MimError
from ..score.fill import fill
from ..score.manifest import masks_of, read_strict
from ..score.preprocess import mask_set, resample
from ..score.runtimes import runtimes
from ..score.scorer import Scorer

#: Name of the runtime that computes the golden vectors.
REFERENCE = "litert-reference"
#: Tolerance of a JPEG decoder, in levels of 1/255.
JPEG_TOLERANCE = 8
#: Side, cell, number of masks and mask of `fills`, for what the mask set of a bundle may not contain: everything or
#: nothing hidden, coarsest levels of 3, 4 and 5 px with pixels of which nothing is visible, an odd side, 255 masks.
_FILLS = (
    (16, 16, 2, 0),
    (16, 16, 2, 1),
    (12, 6, 2, 0),
    (20, 10, 2, 1),
    (9, 3, 3, 2),
    (32, 8, 2, 0),
    (48, 16, 2, 1),
    (48, 24, 4, 3),
    (64, 32, 255, 127),
)


def tolerance(manifest: dict[str, Any]) -> dict[str, float]:
    """Returns the largest allowed differences between a runtime and the golden vectors.

    XNNPACK requantizes in float, while the reference kernels round fixed-point numbers, and the differences accumulate
    over the layers of the generator. Measured differences: 4 to 10 levels of the inpainting; 0.21 in one pixel of the
    error map, where the image is nearly flat; 0.0014 in the SSIM of 96 px; 0.011 in the SSIM of 32 px, whose mean has a
    fifteenth of the windows.

    The measure `deep` has a standard deviation of about 1.3 over the class. With a float32 feature network, the largest
    difference on 363 photographs that the gate accepts is 0.022. Beyond the limit of the novelty the similarity falls
    by 3 for each deviation, and so do differences: 0.25 on 137 photographs that the gate refuses. With an int8 feature
    network the difference is 0.2 near the class and 2.0 at a similarity of -30, so a tenth of the similarity is added
    to the tolerance. The novelty has the same tolerance, since it is the largest term of the similarity.

    Args:
        manifest: content of `manifest.json`.

    Returns:
        `pixels` and `jpeg` in levels of 1/255; `features` in int8 levels; `ssim`, `deep`, `deep_relative` and
        `error_map` without unit.

    Example:
        For the released bundle `ssim` is 0.004 and `deep` is 0.1; for the one for microcontrollers 0.0156 and 0.5.
    """
    integer = "mim_features.tflite" in manifest["models"]
    side = manifest["size"] if manifest["mask_set"] is None else manifest["mask_set"]["size"]
    windows = side - manifest["measure"]["window"] + 1
    return {
        "pixels": 12,
        "ssim": 4e-3 * max(1.0, 86 / windows),
        "deep": 0.5 if integer else 0.1,
        "deep_relative": 0.1 if integer else 0.01,
        "error_map": 0.3,
        "features": 24,
        "jpeg": JPEG_TOLERANCE,
    }


def allowed(limits: dict[str, float], measure: str, similarity: float) -> float:
    """Returns the largest allowed difference between a similarity and the golden similarity.

    Args:
        limits: as `tolerance` returns them.
        measure: `ssim` or `deep`.
        similarity: the golden similarity.

    Example:
        `allowed({"deep": 0.5, "deep_relative": 0.1}, "deep", -3.0)` is 0.8.
    """
    return limits[measure] + limits.get(f"{measure}_relative", 0.0) * abs(similarity)


def filled_int8(pixels: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.int8]:
    """Returns the input of `mim_micro.tflite`: the filled image and the mask (0 or 255), as q = value - 128.

    Args:
        pixels: uint8 (S, S, 3), resampled.
        masks: float32 (n, S, S, 1), 1 = kept.

    Returns:
        int8 (n, S, S, 4).
    """
    channels = np.concatenate([fill(pixels, masks), 255 * masks.astype(np.uint8)], axis=-1)
    return (channels.astype(np.int16) - 128).astype(np.int8)


def filled_crc32(pixels: NDArray[np.uint8], size: int, cell: int, count: int, mask: int) -> int:
    """Returns the CRC-32 of the input of `mim_micro.tflite` for one mask of a mask set.

    Args:
        pixels: uint8 (S, S, 3), an image of any side.
        size: side to which the image is resampled; the others are those of `mask_set`.
        cell: side of a cell in pixels, a divisor of `size`.
        count: number of masks.
        mask: number of the mask.
    """
    masks = mask_set(size, cell, count)[mask : mask + 1]
    return zlib.crc32(filled_int8(resample(pixels, size), masks).tobytes())


def centred(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Returns the input of `mim_features.tflite`: uint8 pixels -> int8 of the same shape, q = pixel - 128."""
    return (pixels.astype(np.int16) - 128).astype(np.int8)


def run_micro(interpreter: Any, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Runs an integer model on a batch, one input at a time.

    Args:
        interpreter: of a model with one int8 input and one int8 output.
        inputs: int8 (n, ...), such as (n, s, s, 4) for `mim_micro.tflite`.

    Returns:
        int8 (n, ...), such as (n, s, s, 3).
    """
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = []
    for values in inputs:
        interpreter.set_tensor(source, values[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target)[0])
    return np.stack(outputs)


def write(
    bundle: Path,
    images: dict[str, NDArray[np.uint8]],
    spare: Iterable[tuple[str, NDArray[np.uint8]]],
    encoded: dict[str, bytes],
) -> float:
    """Writes the folder `golden/` of a bundle that already contains models and manifest.

    Args:
        bundle: the folder of the bundle.
        images: synthetic photographs by name, uint8 (height, width, 3).
        spare: names and photographs that are added as long as a verdict is missing, if they get it.
        encoded: content of the image files for the decoder, by file name.

    Returns:
        The value below which 99 of 100 pixels of the error maps are.
    """
    make_interpreter = runtimes()[REFERENCE]
    scorer = Scorer(bundle, make_interpreter)
    masks = masks_of(scorer.manifest)
    micro = None if masks is None else make_interpreter((bundle / "mim_micro.tflite").read_bytes())
    network = bundle / "mim_features.tflite"
    features = make_interpreter(network.read_bytes()) if network.exists() else None
    folder = bundle / "golden"
    folder.mkdir()
    entries, error_maps = [], []
    for number, (name, pixels) in enumerate(_with_all_verdicts(scorer, images, spare).items()):
        small = resample(pixels, scorer.size)
        result = scorer.run(small)
        pictures = {"input": pixels, "resampled": small, "inpainted": result["inpainted"][0]}
        scalars = {"contrast": float(contrast(small)), "detail": float(detail(small))}
        scalars |= {key: float(result[key][0]) for key in ("ssim", "novelty")}
        if masks is not None:
            pictures["small"] = resample(small, masks.shape[1])
            inputs = filled_int8(pictures["small"], masks)
            scalars["filled_crc32"] = zlib.crc32(inputs.tobytes())
            outputs = run_micro(micro, inputs).astype(np.int16) + 128
            pictures["micro"] = np.concatenate(list(outputs.astype(np.uint8)), axis=1)
        if features is not None:
            (folder / f"{number:02d}_features.i8").write_bytes(run_micro(features, centred(small)[None]).tobytes())
        for stage, picture in pictures.items():
            Image.fromarray(picture).save(folder / f"{number:02d}_{stage}.png", optimize=True)
        step = 1 if masks is None else scorer.size // masks.shape[1]
        errors = result["error_map"][0, ::step, ::step, 0]
        (folder / f"{number:02d}_error_map.f32").write_bytes(errors.astype("<f4").tobytes())
        error_maps.append(errors)
        entries.append({"name": name, **scorer.score_pixels(pixels), **scalars})
    decoded = [_decoded(folder, name, content) for name, content in encoded.items()]
    content = {
        "generator": "mim_export.bundle.golden",
        "reference": REFERENCE,
        "tolerance": tolerance(scorer.manifest),
        "images": entries,
        "decisions": _decisions(scorer.manifest),
        "decoded": decoded,
    }
    if masks is not None:
        content["fills"] = _fills(next(iter(images.values())), scorer.size)
    write_json(folder / "golden.json", content)
    return float(np.quantile(error_maps, 0.99))


def agreeing_runtimes(bundle: Path) -> list[str]:
    """Returns the installed runtimes on which the golden images of a bundle get the golden verdicts and similarities.

    Args:
        bundle: the folder of a bundle with `golden/`.

    Returns:
        Keys of `runtimes()`.
    """
    entries, stages = read(bundle)
    agreeing = []
    for name, make_interpreter in runtimes().items():
        scorer = Scorer(bundle, make_interpreter)
        limits, measure = tolerance(scorer.manifest), scorer.manifest["measure"]["name"]
        found = [scorer.score_pixels(arrays["input"]) for arrays in stages]
        if all(
            row["verdict"] == entry["verdict"]
            and abs(row["similarity"] - entry["similarity"]) <= allowed(limits, measure, entry["similarity"])
            for row, entry in zip(found, entries, strict=True)
        ):
            agreeing.append(name)
    return agreeing


def _with_all_verdicts(
    scorer: Scorer, images: dict[str, NDArray[np.uint8]], spare: Iterable[tuple[str, NDArray[np.uint8]]]
) -> dict[str, NDArray[np.uint8]]:
    """Adds spare images with the verdicts that no image gets."""
    missing = set(VERDICTS) - {scorer.score_pixels(pixels)["verdict"] for pixels in images.values()}
    added = {}
    for name, pixels in spare if missing else ():
        found = scorer.score_pixels(pixels)["verdict"]
        if found in missing:
            added[name] = pixels
            missing.remove(found)
        if not missing:
            break
    return {**images, **added}


def _fills(pixels: NDArray[np.uint8], size: int) -> list[dict[str, int]]:
    """Returns the entry `fills`: CRC-32 of the filled first image, with masks that the bundle does not have."""
    square = resample(pixels, size)
    keys = ("size", "cell", "count", "mask")
    return [
        {**dict(zip(keys, row, strict=True)), "step": max(1, row[2] // 2), "filled_crc32": filled_crc32(square, *row)}
        for row in _FILLS
    ]


def tables_of(manifest: dict[str, Any]) -> Tables:
    """Returns the conformal tables of a manifest."""
    return Tables(Calibration.from_dict(manifest["calibration"]), Reference.from_dict(manifest["reference"]))


def _decisions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns p-values and verdicts at the similarities of `decision_values`."""
    tables = tables_of(manifest)
    similarities = np.asarray(decision_values(tables), np.float32)
    own, other = p_class(similarities, tables.calibration), p_other(similarities, tables.reference)
    names = [VERDICTS[code] for code in verdict(own, other, np.zeros(len(own)), tables)]
    keys = ("similarity", "p_class", "p_other", "verdict")
    rows = zip(similarities.tolist(), own.tolist(), other.tolist(), names, strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def decision_values(tables: Tables) -> list[float]:
    """Returns values at, just below and just above the lowest, middle and highest similarity and the threshold.

    At these values an implementation with < instead of <= gives another result.

    Args:
        tables: the conformal tables.

    Returns:
        At most 24 float32 numbers, ascending; for each of the two tables at most 12.
    """
    values = []
    for table in tables:
        if table.similarities:
            middle = table.similarities[len(table.similarities) // 2]
            values += [table.similarities[0], middle, table.similarities[-1]]
        if table.threshold is not None:
            values.append(table.threshold)
    at = np.asarray(values, np.float32)
    neighbours = [np.nextafter(at, np.float32(side), dtype=np.float32) for side in (-np.inf, np.inf)]
    found: list[float] = np.unique(np.concatenate([at, *neighbours])).tolist()
    return found


def _decoded(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """Writes an image file and the pixels that it decodes to, and returns its entry in `golden.json`."""
    path = folder / name
    path.write_bytes(content)
    expected = f"{name}.png"  # appended, so that grey.jpg and grey.png differ
    Image.fromarray(decode(path)).save(folder / expected, optimize=True)
    return {"file": name, "expected": expected, "tolerance": JPEG_TOLERANCE if path.suffix == ".jpg" else 0}


def read(bundle: Path) -> tuple[list[dict[str, Any]], list[dict[str, NDArray[Any]]]]:
    """Reads the golden images of a bundle.

    Args:
        bundle: the folder of the bundle.

    Returns:
        Two lists with one item per image: the entries of `golden.json`, and arrays by stage: `input`, `resampled`,
        `inpainted`, `small` and `micro` (uint8), `error_map` (float32) and `features` (int8). Stages that the bundle
        does not have are missing.

    Raises:
        MimError: `golden.json` is missing or not JSON, or a picture cannot be read.
    """
    folder = bundle / "golden"
    entries = entries_of(folder, "images")
    stages = []
    for number in range(len(entries)):
        arrays: dict[str, NDArray[Any]] = {
            stage: _picture(folder / f"{number:02d}_{stage}.png")
            for stage in ("input", "resampled", "inpainted", "small", "micro")
            if (folder / f"{number:02d}_{stage}.png").exists()
        }
        for stage in ("input", "resampled", "inpainted"):
            if stage not in arrays:
                raise MimError("no such file", "export the bundle again", folder / f"{number:02d}_{stage}.png")
        side = arrays["resampled"].shape[0]
        flat = _error_map(folder / f"{number:02d}_error_map.f32", side)
        small = round(flat.size**0.5)
        errors = flat.reshape(small, small).repeat(side // small, axis=0).repeat(side // small, axis=1)
        features = folder / f"{number:02d}_features.i8"
        if features.exists():
            arrays["features"] = np.frombuffer(features.read_bytes(), np.int8)
        stages.append({**arrays, "error_map": errors})
    return entries, stages


def entries_of(folder: Path, key: str) -> list[dict[str, Any]]:
    """Reads a list of `golden.json`.

    Args:
        folder: the folder `golden`.
        key: name of the list, such as `fills`.

    Raises:
        MimError: the file is missing or not JSON, or has no such list of objects.
    """
    content = read_strict(folder / "golden.json", "export the bundle again")
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MimError(f"lacks {key}", "export the bundle again", folder / "golden.json")
    return entries


def _error_map(path: Path, side: int) -> NDArray[np.float32]:
    """Reads the values of an error map, whose side divides `side`."""
    try:
        flat = np.frombuffer(path.read_bytes(), "<f4")
    except (OSError, ValueError):
        raise MimError("cannot be read as float32 numbers", "export the bundle again", path) from None
    small = round(flat.size**0.5)
    if small == 0 or small * small != flat.size or side % small:
        raise MimError(f"has {flat.size} numbers, which is no map of {side} px", "export the bundle again", path)
    return flat


def _picture(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return np.asarray(image)
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error, ...
        raise MimError(f"is no PNG file ({type(error).__name__})", "export the bundle again", path) from None


def decoded(bundle: Path) -> list[dict[str, Any]]:
    """Reads the golden image files for the decoder.

    Args:
        bundle: the folder of the bundle.

    Returns:
        One entry per file: `file` and `expected` (file names), `tolerance` in levels of 1/255, and `pixels`, the
        expected uint8 (height, width, 3).
    """
    folder = bundle / "golden"
    entries = entries_of(folder, "decoded")
    return [{**entry, "pixels": _picture(folder / entry["expected"])} for entry in entries]
