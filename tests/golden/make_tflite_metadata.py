"""What tflite-support 0.4.4, in an environment of its own, reads of the metadata inside a bundle's models.

    python3.11 -m venv ORACLE
    ORACLE/bin/pip install 'tflite-support==0.4.4' 'numpy==1.26.4' 'protobuf==3.20.3'    # needs libusb-1.0-0
    ORACLE/bin/python tests/golden/make_tflite_metadata.py BUNDLE

BUNDLE is a folder with `mim.tflite` and `mim_micro.tflite` of the released bundle and `mim_features.tflite` of
`released_micro`. Writes `tflite_metadata.json` beside this file: for each model the metadata as they are and as they
are displayed, the parser version that they need, and the files that are packed behind it: text files as they are, of
JSON the keys.
"""

from __future__ import annotations

import base64
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version
from tflite_support import metadata

HERE = Path(__file__).parent


def read(path: Path) -> dict[str, Any]:
    """What the displayer says of a model; its populator takes the metadata too, or raises."""
    displayer = metadata.MetadataDisplayer.with_model_file(str(path))
    content = bytes(displayer.get_metadata_buffer())
    populator = metadata.MetadataPopulator.with_model_buffer(path.read_bytes())
    populator.load_metadata_buffer(content)
    populator.populate()
    files = displayer.get_packed_associated_file_list()
    assert sorted(populator.get_recorded_associated_file_list()) == sorted(files)
    texts = {name: displayer.get_associated_file_buffer(name).decode() for name in files}
    return {
        "metadata": base64.b64encode(content).decode(),
        "displayed": json.loads(displayer.get_metadata_json()),
        "min_parser_version": _pywrap_metadata_version.GetMinimumMetadataParserVersion(content),
        "files": {n: list(json.loads(text)) if n.endswith(".json") else text for n, text in texts.items()},
    }


def main() -> None:
    """Reads the models and writes the file."""
    bundle = Path(sys.argv[1])
    entry = {
        "versions": {name: version(name) for name in ("tflite-support", "flatbuffers", "protobuf", "numpy")},
        "python": platform.python_version(),
        "models": {path.name: read(path) for path in sorted(bundle.glob("*.tflite"))},
    }
    (HERE / "tflite_metadata.json").write_text(json.dumps(entry, indent=1) + "\n")


if __name__ == "__main__":
    main()
