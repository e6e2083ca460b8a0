"""Golden vectors as a C header, for tests on a device without a file system.

    python -m mim_export.sources.golden_header BUNDLE --out golden.h

The header has the manifest's constants, the scalars of every golden image, and the pixels of three images: the smallest
of each shorter side, so that resampling enlarges, copies and shrinks. With --all it has the pixels of every image.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.c_source import array, constants, entry, integer, literal, or_infinity, stamp, text
from ..bundle.golden import read
from ..score.atomic_files import new_file
from ..score.errors import MimError
from ..score.manifest import REMEDY, masks_of, read_manifest

#: Number of images whose pixels are written. A larger header takes long to compile.
WHOLE = 3
#: Rows, and columns, of the error map that are written: both borders, where it is reflected, and three between.
PLACES = 5

_TYPES = """\
typedef struct golden_scalars {
    const char *name;
    size_t side; /* the shorter one */
    float contrast, detail, novelty, ssim, similarity, p_class, p_other;
    mim_verdict_code verdict;
    mim_reason_code reason;
} golden_scalars;

typedef struct golden_image {
    size_t number; /* index into golden_all */
    size_t width, height;
    const uint8_t *input;
    const int8_t *micro; /* outputs for mask 0, mask 1, ... */
    uint32_t resampled_crc32, small_crc32, filled_crc32, inpainted_crc32;
    float errors[GOLDEN_PLACES * GOLDEN_PLACES];
} golden_image;
"""


def header(bundle: Path, every: bool = False) -> str:
    """The header of a bundle.

    Args:
        bundle: a folder that `mim-tf export` wrote, of the method `mim`.
        every: whether the pixels of every image are written.

    Returns:
        ASCII text, valid C99 and C++11. `inpainted_crc32` is zlib's CRC-32 of q + 128, uint8 (s, s, 3); `errors` are
        the error map's values at the rows and columns of `golden_places`.

    Raises:
        MimError: the bundle does not exist, has no mask set, or has a text in place of a number.

    Example:
        For the released bundle: 2.3 MB, with `#define GOLDEN_SIZE 192`.
    """
    manifest = read_manifest(bundle)
    masks = masks_of(manifest)
    if masks is None:
        raise MimError("has no mask set", "name a bundle of the method mim", bundle)
    entries, stages = read(bundle)
    small = masks.shape[1]
    places = np.linspace(0, small - 1, PLACES).astype(int)
    lines = [
        stamp("mim_export.sources.golden_header", bundle),
        '#ifndef MIM_GOLDEN_H\n#define MIM_GOLDEN_H\n\n#include <math.h>\n\n#include "mim.h"\n',
        f"#define GOLDEN_SIZE {integer(manifest['size'])}\n#define GOLDEN_SMALL {small}",
        f"#define GOLDEN_MASKS {len(masks)}\n#define GOLDEN_PLACES {PLACES}",
        *constants(manifest, "golden"),
        f"static const float golden_class_threshold = {literal(manifest['calibration']['threshold'])};",
        "/* Infinite if other skin is excluded at no similarity. */",
        f"static const float golden_other_threshold = {or_infinity(manifest['reference']['threshold'])};",
        *(_names(manifest, key) for key in ("verdicts", "reasons")),
        array("static const size_t golden_places[]", map(str, places)),
        _TYPES,
        "static const golden_scalars golden_all[] = {",
        *(_scalars(manifest, image, stage) for image, stage in zip(entries, stages, strict=True)),
        "};",
    ]
    chosen = range(len(stages)) if every else _chosen([stage["input"].shape[:2] for stage in stages])
    rows = []
    for place, number in enumerate(chosen):
        stage = stages[number]
        micro = np.stack(np.split(stage["micro"], len(masks), axis=1)).astype(np.int16) - 128
        lines += [array(f"static const uint8_t golden_input_{place}[]", map(str, stage["input"].ravel()))]
        lines += [array(f"static const int8_t golden_micro_{place}[]", map(str, micro.ravel()))]
        rows.append(_image(place, number, entries[number], stage, places))
    lines += ["static const golden_image golden_images[] = {", *rows, "};\n\n#endif\n"]
    return "\n".join(lines)


def _names(manifest: dict[str, Any], key: str) -> str:
    return array(f"static const char *const golden_{key}[]", (text(name or "") for name in manifest[key]))


def _scalars(manifest: dict[str, Any], image: dict[str, Any], stage: dict[str, NDArray[Any]]) -> str:
    keys = ("contrast", "detail", "novelty", "ssim", "similarity", "p_class", "p_other")
    floats = [literal(entry(image, key)) for key in keys]
    codes = (
        f"(mim_verdict_code){_code(manifest, 'verdicts', entry(image, 'verdict'))}",
        f"(mim_reason_code){_code(manifest, 'reasons', entry(image, 'reason'))}",
    )
    side = min(stage["input"].shape[:2])
    return f"    {{{text(entry(image, 'name'))}, {side}, {', '.join(floats)}, {', '.join(codes)}}},"


def _code(manifest: dict[str, Any], key: str, name: Any) -> int:
    """The place of a verdict or reason of `golden.json` in the list of the manifest."""
    names: list[Any] = manifest[key]
    if name not in names:
        raise MimError(f"golden.json has {ascii(name)[:40]}, which is not one of the {key}", REMEDY)
    return names.index(name)


def _chosen(shapes: list[tuple[int, ...]]) -> list[int]:
    """The smallest image of each shorter side; of these, the `WHOLE` smallest."""
    by_pixels = sorted(range(len(shapes)), key=lambda number: (shapes[number][0] * shapes[number][1], number))
    first: dict[int, int] = {}
    for number in by_pixels:
        first.setdefault(min(shapes[number]), number)
    return list(first.values())[:WHOLE]


def _image(
    place: int, number: int, image: dict[str, Any], stage: dict[str, NDArray[Any]], places: NDArray[np.int64]
) -> str:
    height, width = stage["input"].shape[:2]
    step = stage["resampled"].shape[0] // stage["small"].shape[0]  # both maps repeat pixels if s is not S
    inpainted, errors = (np.ascontiguousarray(stage[key][::step, ::step]) for key in ("inpainted", "error_map"))
    sums = [zlib.crc32(picture.tobytes()) for picture in (stage["resampled"], stage["small"])]
    sums += [entry(image, "filled_crc32"), zlib.crc32(inpainted.tobytes())]
    values = ", ".join(literal(value) for value in errors[np.ix_(places, places)].ravel())
    start = f"{number}, {width}, {height}, golden_input_{place}, golden_micro_{place}"
    return f"    {{{start},\n     {', '.join(f'{integer(crc)}u' for crc in sums)},\n     {{{values}}}}},"


def main() -> int:
    """The command `python -m mim_export.sources.golden_header`."""
    parser = argparse.ArgumentParser(prog="mim_export.sources.golden_header", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a folder that mim-tf export wrote")
    parser.add_argument("--out", type=Path, required=True, help="the header to write")
    parser.add_argument("--all", action="store_true", help="write the pixels of every image, not only of three")
    arguments = parser.parse_args()
    try:
        text = header(arguments.bundle, arguments.all)
        with new_file(arguments.out) as temporary:
            temporary.write_text(text, encoding="ascii")
    except MimError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
