"""`mim_export.bundle.config_header`: the constants of a bundle in C are those of its manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_bundle import sign, write_small_bundle

from mim_export.bundle.config_header import CONFIG, config_header
from mim_export.bundle.write import list_files
from mim_export.check.verify import check_files
from mim_export.score.atomic_files import write_json
from mim_export.score.errors import MimError
from mim_export.score.manifest import PACKAGE, RELEASED, read_manifest

BUNDLES = pytest.mark.parametrize("bundle", [RELEASED, RELEASED.with_name("released_micro")], ids=["released", "micro"])
#: Prints all constants as JSON; %.9g is enough for a float32.
PROGRAM = """
#include <stdio.h>
#include "mim_config.h"
static void numbers(const char *name, const float *values, size_t count) {
    size_t i;
    printf("\\"%s\\": [", name);
    for (i = 0; i < count; i++) printf("%s%.9g", i ? ", " : "", (double)values[i]);
    printf("], ");
}
int main(void) {
    const mim_tables *t = &mim_config_tables;
    const mim_gate_limits *g = &mim_config_limits;
    const float limits[] = {g->min_contrast, g->min_detail, g->max_novelty};
    printf("{");
    numbers("class", t->calibration.similarities, t->calibration.count);
    numbers("class weights", t->calibration.weights, t->calibration.count);
    numbers("other", t->reference.similarities, t->reference.count);
    numbers("other weights", t->reference.weights, t->reference.count);
    numbers("limits", limits, 3);
    printf("\\"groups\\": [%u, %u], ", (unsigned)t->calibration.groups, (unsigned)t->reference.groups);
    printf("\\"levels\\": [%.17g, %.17g], \\"min_side\\": %u, ", t->alpha, t->beta, (unsigned)g->min_side);
#ifdef MIM_CONFIG_SMALL
    printf("\\"masks\\": [%u, %u, %u, %u, %u], ", MIM_CONFIG_SMALL, (unsigned)mim_config_mask_set.size,
           (unsigned)mim_config_mask_set.cell, (unsigned)mim_config_mask_set.count, (unsigned)mim_config_mask_set.step);
#endif
    printf("\\"texts\\": [\\"%s\\", \\"%s\\", \\"%s\\", \\"%s\\"], ", MIM_CONFIG_MODEL_SHA256, MIM_CONFIG_MODEL_ID,
           MIM_CONFIG_NORMAL_CLASS, MIM_CONFIG_STATEMENT);
    printf("\\"sizes\\": [%d, %d]}", MIM_CONFIG_FORMAT, MIM_CONFIG_SIZE);
    return 0;
}
"""


def _compiled(header: str, folder: Path, *compiler: str) -> Any:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    (folder / CONFIG).write_text(header, encoding="ascii")
    (folder / "main.c").write_text(PROGRAM)
    flags = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-I", PACKAGE / "c" / "include"]
    subprocess.run([*compiler, *flags, folder / "main.c", "-o", folder / "main"], check=True)
    return json.loads(subprocess.run([folder / "main"], check=True, capture_output=True).stdout)


@BUNDLES
@pytest.mark.parametrize("compiler", [("gcc", "-std=c99"), ("g++", "-x", "c++", "-std=c++11")], ids=["C", "C++"])
def test_the_constants_are_those_of_the_manifest(bundle: Path, compiler: tuple[str, ...], tmp_path: Path) -> None:
    manifest = read_manifest(bundle)
    found = _compiled((bundle / CONFIG).read_text(encoding="ascii"), tmp_path, *compiler)
    own, other, gate, masks = (manifest[key] for key in ("calibration", "reference", "gate", "mask_set"))
    numbers = {"class": own["similarities"], "class weights": own["weights"], "other": other["similarities"]}
    numbers |= {"other weights": other["weights"]}
    numbers |= {"limits": [gate["min_contrast"], gate["min_detail"], gate["max_novelty"]]}
    for name, values in numbers.items():
        assert np.array_equal(np.float32(found[name]), np.float32(values)), name
    assert found["groups"] == [own["groups"], other["groups"]]
    assert found["levels"] == [own["alpha"], other["beta"]] and found["min_side"] == gate["min_side"]
    assert found["masks"] == [masks["size"], *(masks[key] for key in ("size", "cell", "count", "step"))]
    digest = hashlib.sha256((bundle / "mim.tflite").read_bytes()).hexdigest()
    assert found["texts"] == [digest, manifest["model_id"], manifest["normal_class"], manifest["statement"]]
    assert found["sizes"] == [manifest["format"], manifest["size"]]


def test_a_bundle_without_masks_reference_and_limit(tmp_path: Path) -> None:
    manifest = read_manifest(RELEASED)
    manifest["reference"] |= {"similarities": [], "weights": [], "groups": 0, "conditions": [], "threshold": None}
    manifest["gate"]["max_novelty"] = None
    header = config_header({**manifest, "mask_set": None})
    assert "INFINITY" in header and "{NULL, NULL, 0, 0}" in header
    found = _compiled(header.replace("INFINITY", "9.0f"), tmp_path, "gcc", "-std=c99")
    assert found["other"] == [] and "masks" not in found


def test_an_edited_header_is_found(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    check_files(bundle)
    header = (bundle / CONFIG).read_text()
    for edited in (header.replace("0.05, 0.2}", "0.05, 0.9}"), header + "static int more;\n", ""):
        (bundle / CONFIG).write_text(edited)
        write_json(bundle / "manifest.json", {**manifest, "files": list_files(bundle)})
        sign(bundle)
        with pytest.raises(MimError, match=r"mim_config.h: is not what manifest.json gives"):
            check_files(bundle)
    (bundle / CONFIG).unlink()  # bundles may lack it
    sign(bundle, files=True)
    assert CONFIG in manifest["files"] and CONFIG not in check_files(bundle)["files"]
