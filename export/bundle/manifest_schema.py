"""The schema of `manifest.json`. Writing and verifying a bundle needs pydantic; scoring does not.

    python -m mim_export.bundle.manifest_schema

writes the JSON Schema `manifest.schema.json`, for other languages and editors. Every bundle contains a copy. The
docstrings and field descriptions of the classes are part of it.

A reader accepts entries that it does not know, since later versions may add some (see "Versioning" in
`export/README.md`). All other entries are validated strictly: no text for a number, no truth value for a count, no NaN.
The validators below check what JSON Schema cannot express.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import GenerateJsonSchema

from ..score import conformal
from ..score.atomic_files import write_json
from ..score.conformal import check_alpha, check_level
from ..score.decide import REASONS, VERDICTS
from ..score.errors import MimError
from ..score.manifest import FORMAT, MAX_FLOAT, MAX_SIDE, MAX_SIZE, PACKAGE, name_problem

#: The published JSON Schema.
PUBLISHED = PACKAGE / "manifest.schema.json"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


class MaskSet(_Entry):
    """The fixed mask set of inference: cell (r, c) is hidden by mask (c + r step) mod count."""

    size: int = Field(gt=0, description="side of the image that is inpainted, in pixels")
    cell: int = Field(gt=0, description="side of a cell in pixels")
    count: int = Field(ge=2, description="number of masks")
    step: int = Field(ge=1, description="max(1, count // 2)")

    @model_validator(mode="after")
    def _covers(self) -> MaskSet:
        _require(self.size <= MAX_SIZE, f"size is more than {MAX_SIZE}")
        _require(self.size % self.cell == 0, "cell does not divide size")
        _require(self.count <= 255, "count is more than 255")
        _require(self.step == max(1, self.count // 2), "step is not max(1, count // 2)")
        return self


class Network(_Entry):
    """What the measure `deep` looks through."""

    name: str
    block: int = Field(ge=0, description="the last block that is used, counted from 0")
    size: int = Field(gt=0, description="side of the images that it is given, in pixels")
    band: int = Field(gt=0, description="side in pixels to which the graph limits them first; `size` = it does not")
    statistics: int = Field(gt=0, description="number of values that the head reads, D")
    components: int = Field(gt=0, description="rows of the matrix of the class distance, K")
    distance_weight: float
    novelty_weight: float
    novelty_start: float = Field(description="novelty from which on it counts")
    novelty_range: float = Field(description="up to how much more it counts")


class Measure(_Entry):
    """Constants of the measure; SSIM, which also makes the error map, is not one number without them."""

    name: Literal["ssim", "deep"]
    network: Network | None = Field(description="of the measure deep; null for others")
    window: int = Field(gt=0, description="side of the window in pixels, odd")
    sigma: float = Field(gt=0, description="of the Gaussian weights of the window, in pixels")
    c1: float = Field(description="(0.01 L)^2 of SSIM, L = 1")
    c2: float = Field(description="(0.03 L)^2 of SSIM, L = 1")
    border: int = Field(ge=0, description="pixels at each border left out of the mean")

    @model_validator(mode="after")
    def _agrees(self) -> Measure:
        _require((self.network is not None) == (self.name == "deep"), "network belongs to the measure deep alone")
        _require(self.window % 2 == 1, "window is even")
        _require(self.border == self.window // 2, "border is not half of window")
        _require(self.c1 > 0 and self.c2 > 0, "c1 or c2 is not positive")
        return self


class Calibration(_Entry):
    """The table of the class."""

    similarities: list[float] = Field(min_length=1, description="of the images of calibration, ascending")
    weights: list[float] = Field(min_length=1, description="of each of them: 1 / images of its group")
    groups: int = Field(ge=1, description="number of groups: patients, photographs or series")
    alpha: float = Field(gt=0, lt=1, description="level: the class is excluded if p_class <= alpha")
    method: Literal["split", "cross"] = Field(description="held-out groups, or all groups out of fold")
    threshold: float = Field(description="the class is excluded if similarity < threshold, which is the same")
    guarantee: str = Field(description="what holds for the share of the class that is called not-mpox-like")

    @model_validator(mode="after")
    def _follows_from_the_table(self) -> Calibration:
        values, weights = self.similarities, self.weights
        _require(len(weights) == len(values), f"{len(weights)} weights for {len(values)} similarities")
        _require(all(abs(value) <= MAX_FLOAT for value in values), "a similarity is beyond float32")
        _require(all(a <= b for a, b in pairwise(values)), "similarities are not ascending")
        _require(all(0 < weight <= 1 for weight in weights), "a weight is not in (0, 1]")
        _require(
            abs(sum(weights) - self.groups) <= 1e-6 * self.groups,
            f"the weights sum to {sum(weights):.6g}, not to groups, {self.groups}",
        )
        try:
            check_alpha(self.alpha, self.groups)
        except MimError as error:
            raise ValueError(error.problem) from None
        table = conformal.Calibration(tuple(values), tuple(weights), self.groups, self.alpha, self.method)
        _require(self.threshold == table.threshold, f"threshold is not that of the table, {table.threshold!r}")
        return self


class Condition(_Entry):
    """A condition of the reference."""

    name: str
    images: int = Field(ge=1)
    groups: int = Field(ge=1)


class Reference(_Entry):
    """The table of other skin, on which nothing was fitted; its conditions are weighted alike. It may be empty."""

    similarities: list[float] = Field(description="of the images of the reference, ascending")
    weights: list[float] = Field(description="of each of them; they sum to groups")
    groups: int = Field(ge=0, description="number of groups: patients, photographs or series")
    beta: float = Field(gt=0, lt=1, description="level: other skin is excluded if p_other <= beta")
    conditions: list[Condition] = Field(description="names and sizes of the conditions")
    threshold: float | None = Field(
        description="other skin is excluded if similarity > threshold, which is the same; null: at no similarity"
    )
    guarantee: str = Field(description="what holds for the share of other skin that is called mpox-like")

    @model_validator(mode="after")
    def _follows_from_the_table(self) -> Reference:
        values, weights = self.similarities, self.weights
        _require(len(weights) == len(values), f"{len(weights)} weights for {len(values)} similarities")
        _require(all(abs(value) <= MAX_FLOAT for value in values), "a similarity is beyond float32")
        _require(all(a <= b for a, b in pairwise(values)), "similarities are not ascending")
        _require(all(weight > 0 for weight in weights), "a weight is not positive")
        _require(
            abs(sum(weights) - self.groups) <= 1e-6 * self.groups,
            f"the weights sum to {sum(weights):.6g}, not to groups, {self.groups}",
        )
        _require(
            sum(condition.groups for condition in self.conditions) == self.groups, "groups is not that of conditions"
        )
        _require(
            sum(condition.images for condition in self.conditions) == len(values),
            "the images of the conditions are not as many as the similarities",
        )
        try:
            check_level(self.beta, "beta")
        except MimError as error:
            raise ValueError(error.problem) from None
        table = conformal.Reference.from_dict(known(self))
        _require(self.threshold == table.threshold, f"threshold is not that of the table, {table.threshold!r}")
        return self


class Gate(_Entry):
    """Limits beyond which an image cannot be judged."""

    min_contrast: float = Field(ge=0, description="least standard deviation of the luma, which is in [0, 1]")
    min_detail: float = Field(ge=0, description="least mean difference of neighbours in luma")
    min_side: int = Field(ge=1, description="least shorter side of the photograph in pixels")
    max_novelty: float | None = Field(description="null: no such limit")

    @model_validator(mode="after")
    def _can_pass(self) -> Gate:
        _require(self.min_contrast <= 0.5, "min_contrast is more than 0.5, the largest contrast")
        _require(self.min_detail <= 1, "min_detail is more than 1, the largest detail")
        _require(self.min_side <= MAX_SIDE, f"min_side is more than {MAX_SIDE}, which refuses every photograph")
        _require(abs(self.max_novelty or 0.0) <= MAX_FLOAT, "max_novelty is beyond float32")
        return self


class Tensor(_Entry):
    """A tensor's type, and its quantization: real = scale (q - zero_point)."""

    dtype: str = Field(description="such as uint8")
    shape: list[int]
    scale: list[float] | None = Field(default=None, description="one, or one for each place along axis")
    zero_point: list[int] | None = Field(default=None, description="as many")
    axis: int | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Tensor:
        _require((self.scale is None) == (self.zero_point is None), "scale without zero_point, or the reverse")
        if self.scale is not None and self.zero_point is not None:
            _require(len(self.scale) == len(self.zero_point), "scale and zero_point differ in length")
        return self


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


class Licence(_Entry):
    """Terms of use."""

    code: str = Field(description="of the scorers and of mim-tf")
    weights: str = Field(description="of the models")
    commercial: bool = Field(description="whether the models may be used commercially")


class Precision(_Entry):
    """Arithmetic of the networks in mim.tflite; the rest of its graph is float32."""

    reconstruction: Literal["int8", "float32"] = Field(description="of the network that reconstructs the image")
    features: Literal["int8", "float32"] | None = Field(description="of the feature network; null: there is none")
    feature_weights: Literal["int8", "float16"] | None = Field(description="how its weights are stored")


class Overlay(_Entry):
    """How an output is drawn over the image: opaque from `high` on, transparent up to `low`, linear between."""

    output: Literal["error_map"]
    low: float = Field(ge=0)
    high: float = Field(gt=0, le=2, description="99 of 100 pixels of the golden images are below it")


class Manifest(_Entry):
    """Everything that an app must know of a bundle; the README of mim_export says how it is computed with."""

    format: Literal[4] = Field(description="refuse a bundle of another format")
    version: str = Field(description="of mim-tf, which wrote the bundle")
    statement: str = Field(description="to be shown to users")
    model_id: str = Field(pattern="^[0-9a-f]{16}$", description="the first 16 digits of the sha256 of mim.tflite")
    licence: Licence
    precision: Precision
    delegates: list[str] = Field(
        description="delegates with which the golden vectors held; try others by mim-tf verify"
    )
    runtime_tested: dict[str, str] = Field(
        description="version of each runtime on which the golden vectors held when the bundle was written"
    )
    overlay: Overlay
    normal_class: str = Field(description="the class that it was fitted on")
    size: int = Field(gt=0, description="side of the image that mim.tflite takes, in pixels")
    method: str = Field(default="mim", description="how the image is reconstructed: mim inpaints it")
    mask_set: MaskSet | None = Field(description="null where nothing is masked")
    measure: Measure
    calibration: Calibration
    reference: Reference
    gate: Gate
    verdicts: list[str] = Field(description="names of the codes of the output verdict")
    reasons: list[str | None] = Field(description="names of the codes of the output reason; null: none")
    models: dict[str, Model] = Field(description="by file name")
    training: dict[str, Any] = Field(description="how it was trained, with the commands; of no fixed form")
    data: str = Field(description="statement about the photographs and their terms")
    files: dict[str, File] = Field(description="by path; all but manifest.json, SHA256SUMS and scorer/")

    @model_validator(mode="after")
    def _agrees(self) -> Manifest:
        _require(self.size <= MAX_SIZE, f"size is more than {MAX_SIZE}")
        table = conformal.Calibration.from_dict(known(self.calibration))
        guarantee = table.guarantee(self.normal_class)
        _require(
            self.calibration.guarantee == guarantee,
            "calibration.guarantee is not that of alpha, method and normal_class",
        )
        guarantee = conformal.Reference.from_dict(known(self.reference)).guarantee(self.normal_class)
        _require(self.reference.guarantee == guarantee, "reference.guarantee is not that of the table and normal_class")
        _require(self.verdicts == list(VERDICTS), f"verdicts are not {', '.join(VERDICTS)}")
        _require(self.reasons == list(REASONS), "reasons are not those of this format")
        network, masks = self.measure.network, self.mask_set
        inner = self.size if network is None else self.size // 2
        _require(masks is None or masks.size == inner, f"mask_set.size is not {inner}, as measure and size require")
        _require(network is None or network.size == self.size, "measure.network.size is not size")
        _require("mim.tflite" in self.models, "models does not list mim.tflite")
        # An app ships `mim.tflite` alone.
        _require(
            "mim_micro.tflite" not in self.models or masks is not None, "mim_micro.tflite is there without mask_set"
        )
        _require(
            ("mim_features.tflite" in self.models) == ("head.f32" in self.files),
            "mim_features.tflite is there without head.f32, or the reverse",
        )
        model = self.files.get("mim.tflite")
        _require(model is None or model.sha256.startswith(self.model_id), "model_id is not that of mim.tflite")
        for name in self.models:
            _require(name in self.files, f"files does not list the model {name}")
        for name in self.files:
            problem = name_problem(name)
            _require(problem is None, f"files lists {name[:80]!r}, which {problem}")
            _require(name not in _UNLISTED, f"files lists {name}, which cannot contain its own sha256")
        return self

    def unknown(self) -> list[str]:
        """Returns the paths of the entries that this version does not know, such as `gate.comment`."""
        return list(_unknown(self, ""))


#: Files that `files` does not list. `SHA256SUMS` lists the first.
_UNLISTED = ("manifest.json", "SHA256SUMS")


def _unknown(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{place}{name}" for name in value.model_extra or {})
        value = {name: getattr(value, name) for name in type(value).model_fields}
    elif not isinstance(value, dict):
        return
    for name, part in value.items():
        yield from _unknown(part, f"{place}{name}.")


def known(value: Any) -> Any:
    """Returns a validated entry without the entries that this version does not know, in types that JSON supports.

    Args:
        value: a `Manifest` or a part of one.
    """
    if isinstance(value, BaseModel):
        return {name: known(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: known(part) for name, part in value.items()}
    if isinstance(value, list):
        return [known(part) for part in value]
    return value


class _WithoutTitles(GenerateJsonSchema):
    """Omits titles, which would only repeat the field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Returns False for every field."""
        return False


def json_schema() -> dict[str, Any]:
    """Returns the schema of this version of mim-tf as JSON Schema 2020-12.

    Example:
        `jsonschema.validate(manifest, json_schema())` raises `ValidationError` if an entry of the manifest is missing,
        or of the wrong type or range. Unknown entries are valid.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:mim-tf:manifest:{FORMAT}",
        **Manifest.model_json_schema(schema_generator=_WithoutTitles),
        "title": f"manifest.json of a mim-tf bundle, format {FORMAT}",
    }


if __name__ == "__main__":
    write_json(PUBLISHED, json_schema())
