"""The schema of `manifest.json`. Pydantic is needed to write and verify a bundle, not to score with it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


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
    window: int
    sigma: float
    c1: float
    c2: float
    border: int = Field(description="pixels at each border left out of the mean")


class Calibration(_Entry):
    """The conformal table."""

    similarities: list[float] = Field(min_length=1)
    weights: list[float] = Field(min_length=1)
    groups: int = Field(ge=1)
    alpha: float = Field(gt=0, lt=1)
    method: Literal["split", "cross"]
    threshold: float
    guarantee: str


class Gate(_Entry):
    """Limits beyond which an image cannot be judged."""

    min_contrast: float = Field(ge=0)
    min_detail: float = Field(ge=0)
    min_side: int = Field(ge=1)
    max_foreignness: float | None = None


class Tensor(_Entry):
    """A tensor's type, and its quantization: real = scale (q - zero_point)."""

    dtype: str
    shape: list[int]
    scale: list[float] | None = None
    zero_point: list[int] | None = None
    axis: int | None = None


class Signature(_Entry):
    """Inputs and outputs by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class Model(_Entry):
    """One TFLite file."""

    signatures: dict[str, Signature]
    tensors: dict[str, Tensor] = Field(description="those that are quantized and not constant")
    ops: dict[str, int] = Field(description="version of each operator")
    min_runtime_version: str
    arena_bytes: int | None = Field(
        default=None, description="TensorFlow Lite Micro, x86-64, as measured; null where it was not measured"
    )


class File(_Entry):
    """Integrity of a file."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int


class Manifest(_Entry):
    """Everything that an app must know of a bundle."""

    format: Literal[2]
    version: str
    statement: str
    licence: dict[str, str]
    normal_class: str
    size: int = Field(gt=0)
    method: str = Field(default="mim", description="how the image is reconstructed: mim inpaints it")
    mask_set: MaskSet | None = Field(description="null where nothing is masked")
    measure: Measure
    calibration: Calibration
    gate: Gate
    verdicts: list[str]
    reasons: list[str | None]
    models: dict[str, Model]
    training: dict[str, Any]
    data: str
    files: dict[str, File]
