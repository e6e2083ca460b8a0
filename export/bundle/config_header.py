"""`mim_config.h`, the constants of a bundle for apps and firmware in C and C++."""

from __future__ import annotations

from typing import Any

from .c_source import constants, entry, integer, text

#: Name of the file in a bundle.
CONFIG = "mim_config.h"


def config_header(manifest: dict[str, Any]) -> str:
    """The header of a bundle.

    It names the model that it belongs to by its sha256, and not by that of the manifest, which lists the header.

    Args:
        manifest: the manifest of a bundle, whose entry `files` has `mim.tflite`.

    Returns:
        ASCII text, valid C99 and C++11, that needs `mim.h` of the C library.

    Raises:
        MimError: an entry is missing, or has another type, such as a text in place of a number.

    Example:
        For the released bundle: 10 KB, with `#define MIM_CONFIG_SIZE 192` and `mim_config_limits`.
    """
    mask_set = manifest["mask_set"]
    texts = {
        "MODEL_SHA256": entry(manifest, "files", "mim.tflite", "sha256"),
        "MODEL_ID": entry(manifest, "model_id"),
        "NORMAL_CLASS": entry(manifest, "normal_class"),
        "STATEMENT": entry(manifest, "statement"),
    }
    numbers = {"FORMAT": integer(manifest["format"]), "SIZE": integer(manifest["size"], 1)}
    if mask_set is not None:
        numbers["SMALL"] = integer(entry(mask_set, "size"), 1)
    lines = [
        "/* Constants of a bundle for C and C++, with the types of mim.h. Written by mim-tf from its manifest.json.",
        "",
        "   MODEL_SHA256, MODEL_ID: of mim.tflite. NORMAL_CLASS: the class. STATEMENT: show it with each verdict.",
        "   FORMAT: of the bundle. SIZE: side S of the image that mim.tflite takes, in pixels. SMALL: side s of the",
        "   inpainted image; absent without a mask set. */",
        "#ifndef MIM_CONFIG_H\n#define MIM_CONFIG_H\n\n#include <math.h>\n",
        '#include "mim.h"\n',
        *(f"#define MIM_CONFIG_{name} {text(value)}" for name, value in texts.items()),
        *(f"#define MIM_CONFIG_{name} {value}" for name, value in numbers.items()),
        "\n#if MIM_CONFIG_FORMAT != MIM_FORMAT\n#error mim.h computes another format than that of the bundle\n#endif\n",
        *constants(manifest, "mim_config"),
        "\n#endif\n",
    ]
    return "\n".join(lines)
