"""Adds TFLite metadata to model files, for tools and apps that read only the model file of a bundle.

TFLite metadata are a flatbuffer that describes inputs and outputs, stored in the model, and a zip archive of the
associated files, appended to the model. Runtimes ignore both. The texts in this module are stored in the models.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from . import flatbuffer
from .metadata_schema import (
    FEATURE,
    IMAGE,
    MIN_PARSER_VERSION,
    NORMALIZATION,
    RGB,
    TENSOR_VALUE_LABELS,
    Table,
    encode,
)

#: Name of the metadata entry of the model that holds the flatbuffer.
NAME = "TFLITE_METADATA"
#: Entries of the manifest that are copied to `decision.json`.
DECISION = (
    *("format", "version", "statement", "normal_class", "size", "method", "mask_set", "measure"),
    *("calibration", "reference", "gate", "verdicts", "reasons"),
)
#: Replaces null in `reasons.txt`, since readers of label files skip empty lines.
NO_REASON = "none"

#: Description of each tensor by name, and its minimum and maximum if it has them.
_TENSORS: dict[str, tuple[str, tuple[float, float] | None]] = {
    "image": ("Centre square of the upright photograph, averaged to this size: RGB, 0 to 255.", (0, 255)),
    "similarity": ("How much the image is like the class; higher = more.", None),
    "p_class": ("Conformal p-value of the class: share of the class that is as unlike it or more.", (0, 1)),
    "p_other": ("P-value of other skin: share of other skin that is as like the class or more.", (0, 1)),
    "verdict": ("Place in verdicts.txt.", (0, 3)),
    "reason": ("Place in reasons.txt; not 0 where the verdict is cannot-judge.", (0, 6)),
    "inpainted": ("The reconstruction: RGB, 0 to 255.", (0, 255)),
    "error_map": ("1 - SSIM of image and reconstruction at each pixel.", (0, 2)),
    "ssim": ("Mean SSIM of image and reconstruction.", (-1, 1)),
    "novelty": ("Distance from the class in deviations of it; 0 of the measure ssim.", None),
    "filled": ("RGB with averages at hidden pixels, then the mask, 255 = kept; each minus 128.", None),
    "scaled": ("The image: RGB, 0 to 255; each minus 128.", None),
    "features": ("Features of the image by a network that was trained on ImageNet.", None),
    "output": ("The image as inpainted under this mask, of which the hidden pixels are used.", (0, 1)),
}
#: Label file of an output and its description.
_LABELS = {"verdict": ("verdicts.txt", "Names of the verdicts."), "reason": ("reasons.txt", "Names of the reasons.")}
#: Description of each signature.
_GRAPHS = {
    "verdict": "Compares an image with the class, and judges.",
    "explain": "Reconstructs an image, compares the two, and judges.",
    "inpaint": "Inpaints the hidden pixels of an image.",
    "features": "Extracts what the head in head.f32 reads.",
}
_IMAGES = ("image", "inpainted", "scaled", "output")
#: Mean and standard deviation: the input is (pixel - mean) / deviation, before quantization.
_NORMALIZATIONS = {"image": (0.0, 1.0), "filled": (127.0, 128.0), "scaled": (127.0, 128.0)}


def with_metadata(content: bytes, name: str, manifest: dict[str, Any]) -> bytes:
    """Adds metadata to a model.

    Args:
        content: a TFLite file, as `convert` returns it.
        name: file name, such as `mim.tflite`. The integer models get no zip archive: they output no verdict, and
            microcontrollers have little memory.
        manifest: must have the entries of `DECISION`, and `licence`.

    Returns:
        A TFLite file with the same outputs, whose size is a multiple of 16 bytes.

    Example:
        `zipfile.ZipFile("mim.tflite").read("reasons.txt").split()[:2]` is `[b"none", b"blank"]`.
    """
    model = flatbuffer.read(content)
    files = associated_files(manifest) if model.subgraphs[0].name == b"verdict" else {}
    entry, buffer = flatbuffer.schema.MetadataT(), flatbuffer.schema.BufferT()
    entry.name, entry.buffer = NAME, len(model.buffers)
    buffer.data = np.frombuffer(encode(_model(model.subgraphs[0], name, manifest)), np.uint8)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    written = flatbuffer.write(model)
    # Padding between model and archive, whose offsets count from the start of the file, aligns the size to 16 bytes.
    gap = -(len(written) + len(_zipped(b"", files))) % flatbuffer.ALIGNMENT
    return _zipped(written + bytes(gap), files)


def associated_files(manifest: dict[str, Any]) -> dict[str, bytes]:
    """Returns the files in the archive of `mim.tflite` by name.

    Args:
        manifest: must have the entries of `DECISION`.
    """
    decision = {key: manifest[key] for key in DECISION}
    reasons = [NO_REASON if reason is None else reason for reason in manifest["reasons"]]
    texts = {
        "verdicts.txt": "".join(f"{label}\n" for label in manifest["verdicts"]),
        "reasons.txt": "".join(f"{label}\n" for label in reasons),
        "decision.json": json.dumps(decision, indent=1, ensure_ascii=False) + "\n",
    }
    return {name: text.encode() for name, text in texts.items()}


def _zipped(before: bytes, files: dict[str, bytes]) -> bytes:
    """Appends a zip archive. It is not compressed, since readers in C++ reject that, and has a fixed date."""
    stream = io.BytesIO(before)
    stream.seek(0, io.SEEK_END)
    if files:
        with zipfile.ZipFile(stream, "a") as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def _model(graph: Any, name: str, manifest: dict[str, Any]) -> Table:
    """Describes subgraph 0, the only one that metadata tools read; its tensors have the names of the signature."""
    key, licence = graph.name.decode(), manifest["licence"]
    inputs, outputs = (
        [_tensor(graph.tensors[index].name.decode()) for index in indices] for indices in (graph.inputs, graph.outputs)
    )
    described = {
        "name": key,
        "description": _GRAPHS[key],
        "input_tensor_metadata": inputs,
        "output_tensor_metadata": outputs,
    }
    fields = {
        "name": name.removesuffix(".tflite"),
        "description": f"{manifest['statement']} The class is {manifest['normal_class']}.",
        "version": manifest["version"],
        "author": "The mim-tf developers",
        "license": f"Code {licence['code']}; weights {licence['weights']}",
        "subgraph_metadata": [Table("SubGraphMetadata", described)],
        "min_parser_version": MIN_PARSER_VERSION,
    }
    if key == "verdict":
        file = {"name": "decision.json", "description": "Constants of the decision, as in the bundle's manifest.json."}
        fields["associated_files"] = [Table("AssociatedFile", file)]
    return Table("ModelMetadata", fields)


def _tensor(name: str) -> Table:
    description, limits = _TENSORS[name]
    image = name in _IMAGES
    properties = Table("ImageProperties", {"color_space": RGB}) if image else Table("FeatureProperties", {})
    fields: dict[str, Any] = {
        "name": name,
        "description": description,
        "content": Table(
            "Content",
            {"content_properties_type": IMAGE if image else FEATURE, "content_properties": properties},
        ),
    }
    if name in _NORMALIZATIONS:
        mean, deviation = _NORMALIZATIONS[name]
        options = Table("NormalizationOptions", {"mean": [mean], "std": [deviation]})
        fields["process_units"] = [Table("ProcessUnit", {"options_type": NORMALIZATION, "options": options})]
    if limits is not None:
        fields["stats"] = Table("Stats", {"max": [limits[1]], "min": [limits[0]]})
    if name in _LABELS:
        file, content = _LABELS[name]
        labels = {"name": file, "description": content, "type": TENSOR_VALUE_LABELS}
        fields["associated_files"] = [Table("AssociatedFile", labels)]
    return Table("TensorMetadata", fields)
