"""Rewrites what a bundle derives from its manifest, after a change of a text that it contains. No number changes.

    python benchmarks/refresh_bundle.py export/released export/released_micro

These are the reasons in the manifest, the metadata inside the models, `model_id`, the card, `mim_config.h`, the schema
and the sums. The weights and graphs of the models stay as they are, and so do golden vectors and metrics. Afterwards
run `tests/golden/make_tflite_runtime.py` and `tests/golden/make_tflite_metadata.py`, which read the models.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from mim_export.bundle.card import model_card
from mim_export.bundle.manifest_schema import PUBLISHED
from mim_export.bundle.write import list_files, write_config
from mim_export.score.atomic_files import write_json, write_sums
from mim_export.score.decide import REASONS
from mim_export.tflite import flatbuffer
from mim_export.tflite.metadata import NAME, with_metadata


def without_metadata(content: bytes) -> bytes:
    """Removes what `with_metadata` added to a model, which is its last entry and its last buffer."""
    model = flatbuffer.read(content)
    entry = model.metadata.pop()
    assert (entry.name, entry.buffer) == (NAME.encode(), len(model.buffers) - 1)
    model.buffers.pop()
    return flatbuffer.write(model)


def refresh(bundle: Path) -> None:
    """Rewrites the derived files of one bundle."""
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest["reasons"] = list(REASONS)
    for name in manifest["models"]:
        content = (bundle / name).read_bytes()
        (bundle / name).write_bytes(with_metadata(without_metadata(content), name, manifest))
    metrics = json.loads((bundle / "metrics.json").read_text(encoding="utf-8"))
    shutil.copyfile(PUBLISHED, bundle / PUBLISHED.name)
    manifest["model_id"] = list_files(bundle)["mim.tflite"]["sha256"][:16]
    (bundle / "MODEL_CARD.md").write_text(model_card(manifest, metrics), encoding="utf-8")
    write_config(bundle, manifest)
    manifest["files"] = list_files(bundle)
    write_json(bundle / "manifest.json", manifest)
    write_sums(bundle, [*manifest["files"], "manifest.json"])


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path)
    for bundle in parser.parse_args().bundles:
        refresh(bundle)


if __name__ == "__main__":
    main()
