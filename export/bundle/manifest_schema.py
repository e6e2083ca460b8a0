"""The schema of `manifest.json`. Writing and verifying a bundle needs pydantic; scoring does not.

    python -m mim_export.bundle.manifest_schema

writes the JSON Schema `manifest.schema.json`, for other languages and editors. Every bundle contains a copy. The
docstrings and field descriptions of the classes are part of it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema

from ..score.atomic_files import write_json
from ..score.manifest import FORMAT, PACKAGE

#: The published JSON Schema.
PUBLISHED = PACKAGE / "manifest.schema.json"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MaskSet(_Entry):
    """The fixed mask set of inference: cell (r, c) is hidden by mask (c + r step) mod count."""

    size: int = Field(gt=0, description="side of the image that is inpainted, in pixels")
    cell: int = Field(gt=0, description="side of a cell in pixels")
    count: int = Field(ge=2, description="number of masks")
    step: int = Field(ge=1, description="max(1, count // 2)")


class Network(_Entry):
    """What the measure `deep` looks through."""

    name: str
    block: int = Field(ge=0, description="the last block that is used, counted from 0")
    size: int = Field(gt=0, description="side of the images that it is given, in pixels")
    statistics: int = Field(gt=0, description="number of values that the head reads, D")
    components: int = Field(gt=0, description="rows of the matrix of the distance `far`, K")
    distance_weight: float
    foreign_weight: float
    foreign: float = Field(description="foreignness from which on it counts")
    foreign_most: float = Field(description="up to how much more it counts")


class Measure(_Entry):
    """Constants of the measure; SSIM, which also makes the error map, is not one number without them."""

    name: Literal["ssim", "deep"]
    network: Network | None = Field(default=None, description="of the measure deep")
    window: int = Field(gt=0, description="side of the window in pixels, odd")
    sigma: float = Field(gt=0, description="of the Gaussian weights of the window, in pixels")
    c1: float = Field(description="(0.01 L)^2 of SSIM, L = 1")
    c2: float = Field(description="(0.03 L)^2 of SSIM, L = 1")
    border: int = Field(ge=0, description="pixels at each border left out of the mean")


class Calibration(_Entry):
    """The conformal table."""

    similarities: list[float] = Field(min_length=1, description="of the images of calibration, ascending")
    weights: list[float] = Field(min_length=1, description="of each of them: 1 / images of its group")
    groups: int = Field(ge=1, description="number of groups: patients, photographs or series")
    alpha: float = Field(gt=0, lt=1, description="level: not-mpox-like if p-value <= alpha")
    method: Literal["split", "cross"] = Field(description="held-out groups, or all groups out of fold")
    threshold: float = Field(description="not-mpox-like if similarity < threshold, which is the same")
    guarantee: str = Field(description="what holds for the share of the class that is called not-mpox-like")


class Gate(_Entry):
    """Limits beyond which an image cannot be judged."""

    min_contrast: float = Field(ge=0, description="least standard deviation of the luma, which is in [0, 1]")
    min_detail: float = Field(ge=0, description="least mean difference of neighbours in luma")
    min_side: int = Field(ge=1, description="least shorter side of the photograph in pixels")
    max_foreignness: float | None = Field(default=None, description="null: no such limit")


class Tensor(_Entry):
    """A tensor's type, and its quantization: real = scale (q - zero_point)."""

    dtype: str = Field(description="such as uint8")
    shape: list[int]
    scale: list[float] | None = Field(default=None, description="one, or one for each place along axis")
    zero_point: list[int] | None = Field(default=None, description="as many")
    axis: int | None = None


class Signature(_Entry):
    """Inputs and outputs by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class Model(_Entry):
    """One TFLite file."""

    signatures: dict[str, Signature] = Field(description="by name")
    tensors: dict[str, Tensor] = Field(description="those that are quantized and not constant")
    ops: dict[str, int] = Field(description="version of each operator")
    min_runtime_version: str = Field(description="of TensorFlow Lite, as far as the operators ask; such as 2.3.0")
    arena_bytes: int | None = Field(
        default=None, description="TensorFlow Lite Micro, x86-64, as measured; null where it was not measured"
    )


class File(_Entry):
    """Integrity of a file."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(_Entry):
    """Everything that an app must know of a bundle; the README of mim_export says how it is computed with."""

    format: Literal[2] = Field(description="refuse a bundle of another format")
    version: str = Field(description="of mim-tf, which wrote the bundle")
    statement: str = Field(description="to be shown to users")
    licence: dict[str, str] = Field(description="terms of code and weights")
    normal_class: str = Field(description="the class that it was fitted on")
    size: int = Field(gt=0, description="side of the image that mim.tflite takes, in pixels")
    method: str = Field(default="mim", description="how the image is reconstructed: mim inpaints it")
    mask_set: MaskSet | None = Field(description="null where nothing is masked")
    measure: Measure
    calibration: Calibration
    gate: Gate
    verdicts: list[str] = Field(description="names of the codes of the output verdict")
    reasons: list[str | None] = Field(description="names of the codes of the output reason; null: none")
    models: dict[str, Model] = Field(description="by file name")
    training: dict[str, Any] = Field(description="how it was trained, with the commands; of no fixed form")
    data: str = Field(description="statement about the photographs and their terms")
    files: dict[str, File] = Field(description="by path; all but manifest.json, SHA256SUMS and scorer/")


class _WithoutTitles(GenerateJsonSchema):
    """Omits titles, which would only repeat the field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Returns False for every field."""
        return False


def json_schema() -> dict[str, Any]:
    """Returns the schema of this version of mim-tf as JSON Schema 2020-12.

    Example:
        `jsonschema.validate(manifest, json_schema())` raises `ValidationError` if an entry of the manifest is missing,
        unknown, or of the wrong type or range.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:mim-tf:manifest:{FORMAT}",
        **Manifest.model_json_schema(schema_generator=_WithoutTitles),
        "title": f"manifest.json of a mim-tf bundle, format {FORMAT}",
    }


if __name__ == "__main__":
    write_json(PUBLISHED, json_schema())
