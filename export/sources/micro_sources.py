"""C and C++ sources of a bundle for firmware: both integer models, head, operators and constants.

    python -m mim_export.sources.micro_sources BUNDLE --out DIR

Writes `mim_models.h` and `.c`, `mim_bundle.h`, `mim_config.h` (C99 and C++11), and `mim_ops.h` (C++11, TensorFlow Lite
Micro).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle.c_source import array, entry, identifier, integer, literal, stamp
from ..bundle.config_header import CONFIG, config_header
from ..score.atomic_files import new_file
from ..score.errors import MimError
from ..score.manifest import REMEDY, read_checked, read_manifest

MODELS = {"mim_micro_model": "mim_micro.tflite", "mim_features_model": "mim_features.tflite"}
#: Bytes of the arena beyond those measured, for other compilers and other versions of the runtime.
MARGIN = 4096
_NAME = "mim_export.sources.micro_sources"

_ALIGNED = """\
#if defined(__cplusplus)
#define MIM_ALIGNED alignas(16)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define MIM_ALIGNED _Alignas(16)
#else
#define MIM_ALIGNED __attribute__((aligned(16)))
#endif
"""


def sources(bundle: Path) -> dict[str, str]:
    """The sources of a bundle.

    Args:
        bundle: a folder that `mim-tf export` wrote, of the measure `deep`.

    Returns:
        ASCII text by name: `mim_models.h`, `mim_models.c`, `mim_ops.h`, `mim_bundle.h`, and `mim_config.h`,
        which is that of the bundle if nobody has edited it.

    Raises:
        MimError: the bundle does not exist or lacks the two models, a file is damaged, the arenas were not measured, or
            an entry has another type, such as a text in place of a number.

    Example:
        For the released bundle of 64 px: 1.65 MB, with `#define MIM_CONFIG_SIZE 64` and 6 operators in `mim_ops.h`.
    """
    manifest = read_manifest(bundle)
    for name in MODELS.values():
        if name not in manifest["models"]:
            raise MimError(f"has no {name}", "export a run of the measure deep with --micro", bundle)
        if not entry(manifest, "models", name, "arena_bytes"):
            raise MimError(f"does not say the arena of {name}", "pip install tflite-micro, export again", bundle)
    contents = {name: read_checked(bundle, file, manifest) for name, file in MODELS.items()}
    head = np.frombuffer(read_checked(bundle, "head.f32", manifest), "<f4")
    comment = stamp(_NAME, bundle)
    declarations = {name: f"const uint8_t {name}[{len(content)}]" for name, content in contents.items()}
    declarations["mim_head_values"] = f"const float mim_head_values[{len(head)}]"
    values = {name: map(str, content) for name, content in contents.items()} | {"mim_head_values": map(literal, head)}
    models = [array(f"MIM_ALIGNED {declarations[name]}", values[name]) for name in declarations]
    return {
        "mim_models.h": _header(comment, "MIM_MODELS_H", [_linkage(declarations)], ["<stdint.h>"]),
        "mim_models.c": "\n".join([comment, '#include "mim_models.h"\n', _ALIGNED, *models, ""]),
        "mim_ops.h": _operators(comment, manifest),
        "mim_bundle.h": _bundle(comment, manifest, len(head)),
        CONFIG: config_header(manifest),
    }


def _header(comment: str, guard: str, body: list[str], includes: list[str]) -> str:
    lines = [f"#include {name}" for name in includes]
    return "\n".join([comment, f"#ifndef {guard}\n#define {guard}\n", *lines, "", *body, "\n#endif\n"])


def _linkage(declarations: dict[str, str]) -> str:
    """Declarations of the arrays, which are aligned to 16 bytes."""
    lines = "\n".join(f"extern {declaration};" for declaration in declarations.values())
    return f'#ifdef __cplusplus\nextern "C" {{\n#endif\n{lines}\n#ifdef __cplusplus\n}}\n#endif'


def _operators(comment: str, manifest: dict[str, Any]) -> str:
    """One resolver for both models: a second one would cost memory, and nearly all kernels are shared."""
    operators = [entry(manifest, "models", file, "ops") for file in MODELS.values()]
    if not all(isinstance(versions, dict) and versions for versions in operators):
        raise MimError("the bundle lacks the operators of a model", REMEDY)
    names = sorted({identifier(name) for versions in operators for name in versions})
    calls = [f"resolver->Add{name.replace('_', ' ').title().replace(' ', '')}()" for name in names]
    body = [
        "/* The operators of both models. */",
        f"typedef tflite::MicroMutableOpResolver<{len(calls)}> MimOps;\n",
        "inline TfLiteStatus mim_add_ops(MimOps *resolver) {",
        *(f"    if ({call} != kTfLiteOk) return kTfLiteError;" for call in calls),
        "    return kTfLiteOk;\n}",
    ]
    return _header(comment, "MIM_OPS_H", body, ['"tensorflow/lite/micro/micro_mutable_op_resolver.h"'])


def _bundle(comment: str, manifest: dict[str, Any], count: int) -> str:
    network = entry(manifest, "measure", "network")
    arenas = [entry(manifest, "models", file, "arena_bytes") for file in MODELS.values()]
    for arena in arenas:
        integer(arena, 1, 2**31)
    path = ("models", "mim_features.tflite", "signatures", "features", "outputs", "features")
    shape = [entry(manifest, *path, "shape", axis) for axis in range(4)]
    for side in shape:
        integer(side, 1, 2**15)
    scale, zero = (entry(manifest, *path, key, 0) for key in ("scale", "zero_point"))
    numbers = {
        "POSITIONS": integer(shape[1] * shape[2]),
        "CHANNELS": integer(shape[3]),
        "FEATURES_SCALE": literal(scale),
        "FEATURES_ZERO": f"({integer(zero, -128, 127)})",
        "MICRO_ARENA": integer(arenas[0]),
        "FEATURES_ARENA": integer(arenas[1]),
        "ARENA": integer(-(-max(arenas) // 16) * 16 + MARGIN),
    }
    keys = ("distance_weight", "novelty_weight", "novelty_start", "novelty_range")  # in the order of mim_head
    weights = ", ".join(literal(entry(network, key)) for key in keys)
    statistics, components = (integer(entry(network, key), 1) for key in ("statistics", "components"))
    body = [
        "/* POSITIONS, CHANNELS: shape of the features. FEATURES_SCALE, FEATURES_ZERO: real = scale (q - zero).",
        "   MICRO_ARENA, FEATURES_ARENA: bytes as measured on x86-64. ARENA: size of one arena for both models, the",
        f"   larger one plus {MARGIN}. */",
        *(f"#define MIM_BUNDLE_{name} {value}" for name, value in numbers.items()),
        "",
        f"static const mim_head mim_bundle_head = {{mim_head_values, {count}, {statistics}, {components}, {weights}}};",
    ]
    return _header(comment, "MIM_BUNDLE_H", body, [f'"{CONFIG}"', '"mim_models.h"'])


def main() -> int:
    """The command `python -m mim_export.sources.micro_sources`."""
    parser = argparse.ArgumentParser(prog=_NAME, description=__doc__)
    parser.add_argument("bundle", type=Path, help="a folder that mim-tf export wrote")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the sources into")
    arguments = parser.parse_args()
    try:
        for name, text in sources(arguments.bundle).items():
            with new_file(arguments.out / name) as temporary:
                temporary.write_text(text, encoding="ascii")
    except MimError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
